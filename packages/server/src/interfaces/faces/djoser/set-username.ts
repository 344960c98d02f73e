import { originOf } from "../../../records/audit/origin.ts";
import { resetUsernameConfirm, setOwnUsername } from "../account/set-username.ts";
import { noContent, type Answer } from "../drf/answers.ts";
import type { Authenticator, Call, View } from "../drf/view.ts";
import { findByUid } from "./account.ts";
import { originOfCaller, signedIn, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import type { Form } from "./form.ts";
import { loginFieldViews, newsOfNewName } from "./login-field.ts";
import {
  factorNeeded,
  invalidToken,
  nameTaken,
  notRepeated,
  sessionEnded,
  unknownUid,
  unmatched,
  unusableName,
} from "./words.ts";

/** `set_username`, `reset_username` and `reset_username_confirm`, if users log in by username. */
export function usernameViews(
  deps: DjoserDeps,
  authenticator: Authenticator<Caller>,
): readonly View[] {
  return loginFieldViews(deps, authenticator, {
    act: "changeUsername",
    set: async (call) => setUsername(deps, call),
    resetConfirm: async (call) => confirmReset(deps, call),
  });
}

async function setUsername(
  deps: DjoserDeps,
  { input: { values }, ...call }: Call<Caller, Form>,
): Promise<Answer> {
  const input = { ...newUsername(values), currentPassword: values["current_password"] ?? "" };
  const outcome = await setOwnUsername(
    deps,
    signedIn(call.user),
    { ...input, also: newsOfNewName(deps) },
    originOfCaller(call.user, call),
  );
  switch (outcome.kind) {
    case "renamed":
      return noContent();
    case "session_ended":
      return sessionEnded();
    case "mismatched":
    case "throttled":
    case "busy":
      return unmatched(outcome);
    default:
      return badUsername(outcome.kind);
  }
}

async function confirmReset(
  deps: DjoserDeps,
  { input: { values, link }, ...visit }: Call<unknown, Form>,
): Promise<Answer> {
  const userId = (await findByUid(deps, link.uid))?.id;
  const outcome = await resetUsernameConfirm(
    deps,
    userId,
    { ...newUsername(values), token: link.token, also: newsOfNewName(deps) },
    originOf(visit),
  );
  switch (outcome.kind) {
    case "renamed":
      return noContent();
    case "unknown":
      return unknownUid();
    case "invalid_token":
      return invalidToken();
    case "factor_needed":
      return factorNeeded();
    default:
      return badUsername(outcome.kind);
  }
}

function newUsername(values: Form["values"]) {
  return { username: values["new_username"] ?? "", repeated: values["re_new_username"] };
}

function badUsername(
  kind: "invalid_username" | "address_as_username" | "username_taken" | "not_repeated",
): Answer {
  if (kind === "not_repeated") return notRepeated("username");
  return kind === "username_taken"
    ? nameTaken("new_username", "username")
    : unusableName("new_username", kind);
}
