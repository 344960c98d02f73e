import { originOf } from "../../../records/audit/origin.ts";
import { activate } from "../account/activate.ts";
import {
  bareErrors,
  empty,
  noContent,
  permissionDenied,
  throttled,
  type Answer,
} from "../drf/answers.ts";
import { action, allowAny, view, type Authenticator, type Call, type View } from "../drf/view.ts";
import { findByUid } from "./account.ts";
import { userViewSet, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import { emailField, plainField } from "./fields.ts";
import { form, type Form } from "./form.ts";
import { newsLetter, nothingElse } from "./letters.ts";
import { askForLink } from "./links.ts";
import { invalidToken, unknownUid } from "./words.ts";

export function activationViews(
  deps: DjoserDeps,
  authenticator: Authenticator<Caller>,
): readonly View[] {
  const { prefix } = deps.djoser;
  const common = userViewSet(deps, authenticator);
  return [
    view<Caller>({
      ...common,
      name: "djoser.activation",
      path: `${prefix}/users/activation/`,
      methods: {
        POST: action({
          act: "public",
          permission: allowAny<Caller>,
          throttle: async ({ client }) => deps.allow("credential", client),
          body: form({ uid: plainField(), token: plainField() }),
          handle: async (call) => follow(deps, call),
        }),
      },
    }),
    view<Caller>({
      ...common,
      name: "djoser.resend_activation",
      path: `${prefix}/users/resend_activation/`,
      methods: {
        POST: action({
          act: "public",
          permission: allowAny<Caller>,
          body: form({ email: emailField() }),
          handle: async (call) => resend(deps, call),
        }),
      },
    }),
  ];
}

async function follow(
  deps: DjoserDeps,
  { input: { link }, ...visit }: Call<unknown, Form>,
): Promise<Answer> {
  const user = await findByUid(deps, link.uid);
  if (user === undefined) return unknownUid();
  const letter = deps.djoser.sendConfirmation
    ? newsLetter(deps, "djoser_confirmation")
    : nothingElse;
  const outcome = await activate(
    deps,
    { userId: user.id, token: link.token },
    originOf(visit),
    letter,
  );
  switch (outcome.kind) {
    case "activated":
      return noContent();
    case "unknown":
      return unknownUid();
    case "invalid_token":
      return invalidToken();
    case "stale":
      return permissionDenied("Stale token for given user.");
  }
}

/**
 * Mails the link again to an account that waits for its activation. A disabled account is treated
 * like an unknown one.
 */
async function resend(
  deps: DjoserDeps,
  { input: { values }, ...visit }: Call<unknown, Form>,
): Promise<Answer> {
  const asked = await askForLink(deps, "djoser_activation", values["email"] ?? "", visit);
  if (asked.kind === "throttled") return throttled(asked.retryAfterSeconds);
  if (asked.kind === "sent") return noContent();
  return deps.djoser.showEmailNotFound
    ? bareErrors("User with given email does not exist.")
    : empty(400);
}
