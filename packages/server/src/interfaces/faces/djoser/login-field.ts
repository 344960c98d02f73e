import type { Act } from "../../../accounts/policies/acts.ts";
import type { Also } from "../account/create-account.ts";
import type { Answer } from "../drf/answers.ts";
import {
  action,
  allowAny,
  isAuthenticated,
  view,
  type Authenticator,
  type Call,
  type View,
} from "../drf/view.ts";
import { userViewSet, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import { emailField, nameField, plainField, when } from "./fields.ts";
import { form, type Form } from "./form.ts";
import { newsLetter, nothingElse } from "./letters.ts";
import { askForReset } from "./reset-password.ts";

interface Handlers {
  readonly act: Act;
  /** Takes the current password. */
  readonly set: (call: Call<Caller, Form>) => Promise<Answer>;
  /** Takes the token of a mailed link. */
  readonly resetConfirm: (call: Call<unknown, Form>) => Promise<Answer>;
}

/**
 * The calls that change what users log in by (`LOGIN_FIELD`). Their paths end in the name of the
 * field: `set_username` or `set_email`.
 */
export function loginFieldViews(
  deps: DjoserDeps,
  authenticator: Authenticator<Caller>,
  { act, set, resetConfirm }: Handlers,
): readonly View[] {
  const { djoser, loginField } = deps;
  const { prefix, retype } = djoser;
  const common = userViewSet(deps, authenticator);
  return [
    view<Caller>({
      ...common,
      name: "djoser.set_name",
      path: `${prefix}/users/set_${loginField}/`,
      methods: {
        POST: action({
          act,
          permission: isAuthenticated<Caller>,
          body: form({
            current_password: plainField(),
            [`new_${loginField}`]: nameField(loginField),
            ...when(retype.setName, { [`re_new_${loginField}`]: plainField() }),
          }),
          handle: set,
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
          handle: resetConfirm,
        }),
      },
    }),
  ];
}

/** Mails that the username or the address was changed, if `USERNAME_CHANGED_EMAIL_CONFIRMATION`. */
export function newsOfNewName(deps: DjoserDeps): Also {
  return deps.djoser.confirmNameChange ? newsLetter(deps, "djoser_username_changed") : nothingElse;
}
