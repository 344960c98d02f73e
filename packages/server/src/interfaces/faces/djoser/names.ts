import { originOf } from "../../../records/audit/origin.ts";
import { changeAddressByMailedToken, changeOwnAddress } from "../account/set-email.ts";
import { rename, renameByMailedToken } from "../account/set-username.ts";
import type { Also } from "../account/create-account.ts";
import { noContent, type Answer } from "../drf/answers.ts";
import {
  action,
  allowAny,
  isAuthenticated,
  view,
  type Authenticator,
  type Call,
  type View,
} from "../drf/view.ts";
import { findByUid } from "./account.ts";
import { originOfCaller, signedIn, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import { addressOf, emailField, nameField, plainField, when } from "./fields.ts";
import { form, type Form } from "./form.ts";
import { linkLetter, newsLetter, nothingElse } from "./letters.ts";
import { askForReset } from "./passwords.ts";
import {
  invalidToken,
  nameTaken,
  notRepeated,
  sessionEnded,
  unknownUid,
  unmatched,
  unusableName,
} from "./words.ts";

/**
 * The calls about what users log in by: `set_username`, `reset_username`… or `set_email`,
 * `reset_email`…
 */
export function nameViews(deps: DjoserDeps, authenticator: Authenticator<Caller>): readonly View[] {
  const { djoser, loginField } = deps;
  const { prefix, retype } = djoser;
  const common = {
    title: "User",
    authenticator,
    permission: isAuthenticated<Caller>,
    mount: `${prefix}/`,
  } as const;
  return [
    view<Caller>({
      ...common,
      name: "djoser.set_name",
      path: `${prefix}/users/set_${loginField}/`,
      methods: {
        POST: action({
          act: loginField === "email" ? "changeEmail" : "changeUsername",
          permission: isAuthenticated<Caller>,
          body: form({
            current_password: plainField(),
            [`new_${loginField}`]: nameField(loginField),
            ...when(retype.setName, { [`re_new_${loginField}`]: plainField() }),
          }),
          handle: async (call) =>
            loginField === "email" ? setEmail(deps, call) : setUsername(deps, call),
        }),
      },
    }),
    view<Caller>({
      ...common,
      name: "djoser.reset_name",
      path: `${prefix}/users/reset_${loginField}/`,
      methods: {
        POST: action({
          act: "public",
          permission: allowAny<Caller>,
          body: form({ email: emailField() }),
          handle: async (call) => askForReset(deps, "djoser_username_reset", call),
        }),
      },
    }),
    view<Caller>({
      ...common,
      name: "djoser.reset_name_confirm",
      path: `${prefix}/users/reset_${loginField}_confirm/`,
      methods: {
        POST: action({
          act: "public",
          permission: allowAny<Caller>,
          throttle: async ({ client }) => deps.allow("credential", client),
          body: form({
            [`new_${loginField}`]: nameField(loginField),
            ...when(retype.resetName, { [`re_new_${loginField}`]: plainField() }),
          }),
          handle: async (call) =>
            loginField === "email" ? resetEmail(deps, call) : resetUsername(deps, call),
        }),
      },
    }),
  ];
}

async function setUsername(
  deps: DjoserDeps,
  { input: { values }, ...call }: Call<Caller, Form>,
): Promise<Answer> {
  const input = { ...newUsername(values), currentPassword: values["current_password"] ?? "" };
  const outcome = await rename(
    deps,
    signedIn(call.user, call),
    input,
    originOfCaller(call.user, call),
    news(deps),
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

async function resetUsername(
  deps: DjoserDeps,
  { input: { values, link }, ...visit }: Call<unknown, Form>,
): Promise<Answer> {
  const userId = (await findByUid(deps, link.uid))?.id;
  const outcome = await renameByMailedToken(
    deps,
    userId,
    { ...newUsername(values), token: link.token },
    originOf(visit),
    news(deps),
  );
  switch (outcome.kind) {
    case "renamed":
      return noContent();
    case "unknown":
      return unknownUid();
    case "invalid_token":
      return invalidToken();
    default:
      return badUsername(outcome.kind);
  }
}

async function setEmail(
  deps: DjoserDeps,
  { input: { values }, ...call }: Call<Caller, Form>,
): Promise<Answer> {
  const input = { ...newEmail(deps, values), currentPassword: values["current_password"] ?? "" };
  const outcome = await changeOwnAddress(
    deps,
    signedIn(call.user, call),
    input,
    originOfCaller(call.user, call),
    movedLetters(deps),
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

async function resetEmail(
  deps: DjoserDeps,
  { input: { values, link }, ...visit }: Call<unknown, Form>,
): Promise<Answer> {
  const userId = (await findByUid(deps, link.uid))?.id;
  const input = { ...newEmail(deps, values), token: link.token };
  const outcome = await changeAddressByMailedToken(
    deps,
    userId,
    input,
    originOf(visit),
    movedLetters(deps),
  );
  switch (outcome.kind) {
    case "changed":
      return noContent();
    case "unknown":
      return unknownUid();
    case "invalid_token":
      return invalidToken();
    default:
      return badEmail(outcome.kind);
  }
}

function newUsername(values: Form["values"]) {
  return { username: values["new_username"] ?? "", repeated: values["re_new_username"] };
}

function newEmail(deps: DjoserDeps, values: Form["values"]) {
  const { new_email: email = "", re_new_email: repeated = email } = values;
  const next = { address: addressOf(email), mayShare: false, pauses: deps.djoser.sendActivation };
  return { next, isRepeated: repeated === email };
}

/** To the new address, which the account waits for, where it is paused. */
const movedLetters =
  (deps: DjoserDeps): Also =>
  async (tx, user) => {
    if (deps.djoser.sendActivation) await linkLetter(deps, "djoser_activation")(tx, user);
    await news(deps)(tx, user);
  };

function news(deps: DjoserDeps): Also {
  return deps.djoser.confirmNameChange ? newsLetter(deps, "djoser_username_changed") : nothingElse;
}

function badUsername(
  kind: "invalid_username" | "address_as_username" | "username_taken" | "not_repeated",
): Answer {
  if (kind === "not_repeated") return notRepeated("username");
  return kind === "username_taken"
    ? nameTaken("new_username", "username")
    : unusableName("new_username", kind);
}

function badEmail(kind: "email_taken" | "email_needed" | "not_repeated"): Answer {
  return kind === "not_repeated" ? notRepeated("email") : nameTaken("new_email", "email");
}
