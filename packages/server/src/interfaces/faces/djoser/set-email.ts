import { originOf } from "../../../records/audit/origin.ts";
import type { Also } from "../account/create-account.ts";
import { resetEmailConfirm, setOwnEmail } from "../account/set-email.ts";
import { noContent, type Answer } from "../drf/answers.ts";
import type { Authenticator, Call, View } from "../drf/view.ts";
import { findByUid } from "./account.ts";
import { originOfCaller, signedIn, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import { addressOf } from "./fields.ts";
import type { Form } from "./form.ts";
import { linkLetter } from "./letters.ts";
import { loginFieldViews, newsOfNewName } from "./login-field.ts";
import {
  factorNeeded,
  invalidToken,
  nameTaken,
  notRepeated,
  sessionEnded,
  unknownUid,
  unmatched,
} from "./words.ts";

/** `set_email`, `reset_email` and `reset_email_confirm`, if users log in by e-mail address. */
export function emailViews(
  deps: DjoserDeps,
  authenticator: Authenticator<Caller>,
): readonly View[] {
  return loginFieldViews(deps, authenticator, {
    act: "changeEmail",
    set: async (call) => setEmail(deps, call),
    resetConfirm: async (call) => confirmReset(deps, call),
  });
}

async function setEmail(
  deps: DjoserDeps,
  { input: { values }, ...call }: Call<Caller, Form>,
): Promise<Answer> {
  const input = { ...newEmail(deps, values), currentPassword: values["current_password"] ?? "" };
  const outcome = await setOwnEmail(
    deps,
    signedIn(call.user),
    input,
    originOfCaller(call.user, call),
  );
  switch (outcome.kind) {
    case "changed":
      return noContent();
    case "session_ended":
      return sessionEnded();
    case "mismatched":
    case "throttled":
    case "busy":
      return unmatched(outcome);
    default:
      return badEmail(outcome.kind);
  }
}

async function confirmReset(
  deps: DjoserDeps,
  { input: { values, link }, ...visit }: Call<unknown, Form>,
): Promise<Answer> {
  const userId = (await findByUid(deps, link.uid))?.id;
  const input = { ...newEmail(deps, values), token: link.token };
  const outcome = await resetEmailConfirm(deps, userId, input, originOf(visit));
  switch (outcome.kind) {
    case "changed":
      return noContent();
    case "unknown":
      return unknownUid();
    case "invalid_token":
      return invalidToken();
    case "factor_needed":
      return factorNeeded();
    default:
      return badEmail(outcome.kind);
  }
}

function newEmail(deps: DjoserDeps, values: Form["values"]) {
  const { new_email: email = "", re_new_email: repeated = email } = values;
  const next = { address: addressOf(email), mayShare: false, pauses: deps.djoser.sendActivation };
  return { next, isRepeated: repeated === email, also: movedLetters(deps) };
}

/**
 * The letters go to the new address. If activation is required, the account is paused until the
 * link of the first one is used.
 */
const movedLetters =
  (deps: DjoserDeps): Also =>
  async (tx, user) => {
    if (deps.djoser.sendActivation) await linkLetter(deps, "djoser_activation")(tx, user);
    await newsOfNewName(deps)(tx, user);
  };

function badEmail(kind: "email_taken" | "email_needed" | "not_repeated"): Answer {
  return kind === "not_repeated" ? notRepeated("email") : nameTaken("new_email", "email");
}
