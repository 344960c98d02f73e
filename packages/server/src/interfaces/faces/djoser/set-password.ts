import { setOwnPassword } from "../account/set-password.ts";
import { noContent, type Answer } from "../drf/answers.ts";
import {
  action,
  isAuthenticated,
  view,
  type Authenticator,
  type Call,
  type View,
} from "../drf/view.ts";
import { originOfCaller, signedIn, userViewSet, type Caller } from "./caller.ts";
import type { DjoserDeps } from "./deps.ts";
import { plainField, when } from "./fields.ts";
import { form, type Form } from "./form.ts";
import { tellOfNewPassword } from "./letters.ts";
import { badPassword, notRepeated, sessionEnded, unmatched } from "./words.ts";

export function setPasswordView(deps: DjoserDeps, authenticator: Authenticator<Caller>): View {
  const { prefix, retype } = deps.djoser;
  return view<Caller>({
    ...userViewSet(deps, authenticator),
    name: "djoser.set_password",
    path: `${prefix}/users/set_password/`,
    methods: {
      POST: action({
        act: "changePassword",
        permission: isAuthenticated<Caller>,
        body: form({
          new_password: plainField(),
          ...when(retype.setPassword, { re_new_password: plainField() }),
          current_password: plainField(),
        }),
        handle: async (call) => setPassword(deps, call),
      }),
    },
  });
}

async function setPassword(
  deps: DjoserDeps,
  { input: { values }, ...call }: Call<Caller, Form>,
): Promise<Answer> {
  const input = {
    currentPassword: values["current_password"] ?? "",
    newPassword: values["new_password"] ?? "",
    repeated: values["re_new_password"],
  };
  const outcome = await setOwnPassword(
    deps,
    signedIn(call.user),
    { ...input, also: tellOfNewPassword(deps) },
    originOfCaller(call.user, call),
  );
  switch (outcome.kind) {
    case "set":
      return noContent();
    case "not_repeated":
      return notRepeated("password");
    case "session_ended":
      return sessionEnded();
    case "unacceptable_password":
      return badPassword("new_password", outcome.complaints);
    default:
      return unmatched(outcome);
  }
}
