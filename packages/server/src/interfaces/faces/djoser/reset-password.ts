import { originOf } from "../../../records/audit/origin.ts";
import { resetPasswordConfirm } from "../account/reset-password-confirm.ts";
import { bareErrors, busy, noContent, throttled, type Answer } from "../drf/answers.ts";
import { action, allowAny, view, type Authenticator, type Call, type View } from "../drf/view.ts";
import { findByUid } from "./account.ts";
import { userViewSet, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import { emailField, plainField, when } from "./fields.ts";
import { form, type Form } from "./form.ts";
import { tellOfNewPassword } from "./letters.ts";
import { askForLink } from "./links.ts";
import { badPassword, invalidToken, notRepeated, unknownUid } from "./words.ts";

export function resetPasswordViews(
  deps: DjoserDeps,
  authenticator: Authenticator<Caller>,
): readonly View[] {
  const { prefix, retype } = deps.djoser;
  const common = userViewSet(deps, authenticator);
  return [
    view<Caller>({
      ...common,
      name: "djoser.reset_password",
      path: `${prefix}/users/reset_password/`,
      methods: {
        POST: action({
          act: "public",
          permission: allowAny<Caller>,
          body: form({ email: emailField() }),
          handle: async (call) => askForReset(deps, "djoser_password_reset", call),
        }),
      },
    }),
    view<Caller>({
      ...common,
      name: "djoser.reset_password_confirm",
      path: `${prefix}/users/reset_password_confirm/`,
      methods: {
        POST: action({
          act: "public",
          permission: allowAny<Caller>,
          throttle: async ({ client }) => deps.allow("credential", client),
          body: form({
            uid: plainField(),
            token: plainField(),
            new_password: plainField(),
            ...when(retype.resetPassword, { re_new_password: plainField() }),
          }),
          handle: async (call) => confirmReset(deps, call),
        }),
      },
    }),
  ];
}

/**
 * Mails the link. The answer does not tell whether a user has the address, except if
 * `PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND` asks for that.
 */
export async function askForReset(
  deps: DjoserDeps,
  template: "djoser_password_reset" | "djoser_username_reset",
  { input: { values }, ...visit }: Call<unknown, Form>,
): Promise<Answer> {
  const asked = await askForLink(deps, template, values["email"] ?? "", visit);
  if (asked.kind === "throttled") return throttled(asked.retryAfterSeconds);
  const isTold = asked.kind === "nobody" && deps.djoser.showEmailNotFound;
  return isTold ? bareErrors("User with given email does not exist.") : noContent();
}

async function confirmReset(
  deps: DjoserDeps,
  { input: { values, link }, ...visit }: Call<unknown, Form>,
): Promise<Answer> {
  const userId = (await findByUid(deps, link.uid))?.id;
  const asked = {
    userId,
    token: link.token,
    newPassword: values["new_password"] ?? "",
    repeated: values["re_new_password"],
  };
  const outcome = await resetPasswordConfirm(deps, asked, originOf(visit), tellOfNewPassword(deps));
  switch (outcome.kind) {
    case "reset":
      return noContent();
    case "unknown":
      return unknownUid();
    case "invalid_token":
      return invalidToken();
    case "not_repeated":
      return notRepeated("password");
    case "unacceptable_password":
      return badPassword("new_password", outcome.complaints);
    case "busy":
      return busy();
  }
}
