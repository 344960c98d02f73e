import { originOf } from "../../../records/audit/origin.ts";
import type { EdgeDeps } from "../../../platform/http/edge.ts";
import { notify } from "../../../records/mail/notices.ts";
import { updateEmail, setOwnEmail, type SetEmailDeps } from "../account/set-email.ts";
import { setOwnUsername, type SetUsernameDeps } from "../account/set-username.ts";
import { createAccount, type CreateAccountDeps } from "../account/create-account.ts";
import type { RegistrationMode } from "../../../accounts/users/register.ts";
import { deleteSelf } from "../../../accounts/users/delete-user.ts";
import { type EndUserDeps } from "../../../accounts/users/last-superuser.ts";
import { setOwnPassword, type SetOwnPasswordDeps } from "../account/set-password.ts";
import type { User } from "../../../accounts/users/users.store.ts";
import {
  bareErrors,
  busy,
  created,
  fieldErrors,
  noContent,
  ok,
  permissionDenied,
  type Answer,
} from "../drf/answers.ts";
import { serializer, text } from "../drf/fields.ts";
import { passwordWords } from "../drf/passwords.ts";
import {
  action,
  allowAny,
  view,
  type Action,
  type Call,
  type Place,
  type View,
} from "../drf/view.ts";
import {
  hasSession,
  isOtpFresh,
  isOtpVerified,
  jwtAuthenticator,
  type AuthenticatorDeps,
  type Presenter,
} from "./authenticator.ts";
import { refusePassword } from "./own-password.ts";
import { refuseRequest, type Holder } from "./tokens.ts";
import { addressOf } from "./user-model.ts";

export interface AccountsDeps
  extends
    AuthenticatorDeps,
    CreateAccountDeps,
    EndUserDeps,
    SetOwnPasswordDeps,
    SetEmailDeps,
    SetUsernameDeps {
  readonly allow: EdgeDeps["allow"];
  readonly faceRegistration: RegistrationMode;
}

export function createView(deps: AccountsDeps, place: Place): View {
  return view<Presenter>({
    ...place,
    ...about(deps),
    permission: allowAny,
    methods: { POST: creating(deps) },
  });
}

/** Shows each user a list that contains only their own account. */
export function usersView(deps: AccountsDeps, place: Place): View {
  const GET = action({
    act: "readOwnAccount",
    permission: isOtpVerified(deps),
    handle: ({ user: { user } }) => ok([shown(deps, user)]),
  });
  return view<Presenter>({
    ...place,
    ...about(deps),
    permission: hasSession,
    methods: { GET, POST: creating(deps) },
  });
}

export function accountView(deps: AccountsDeps, place: Place): View {
  const permission = isOtpVerified(deps);
  const GET = action({
    act: "readOwnAccount",
    permission,
    handle: ({ user: { user } }) => ok(shown(deps, user)),
  });
  const change = action({
    // An update changes the address if the user model is Django's stock one.
    act: deps.model.loginField === "username" ? "changeEmail" : "changeOwnProfile",
    permission,
    body: deps.model.update,
    handle: async (call) => update(deps, call),
  });
  return view<Presenter>({
    ...place,
    ...about(deps),
    permission,
    methods: { GET, PUT: change, PATCH: change },
  });
}

export function deleteView(deps: AccountsDeps, place: Place): View {
  const permission = isOtpVerified(deps);
  const POST = action({
    act: "deleteAccount",
    permission,
    body: serializer({ current_password: text() }),
    handle: async (call) => {
      const { who, origin } = asked(call);
      const outcome = await deleteSelf(deps, who, call.input.current_password, origin);
      switch (outcome.kind) {
        case "done":
        case "unknown":
          return noContent();
        case "last_superuser":
          return permissionDenied("The last active superuser cannot be deleted.");
        default:
          return refusePassword(outcome);
      }
    },
  });
  return view<Presenter>({ ...place, ...about(deps), permission, methods: { POST } });
}

export function setPasswordView(deps: AccountsDeps, place: Place): View {
  const permission = isOtpFresh(deps);
  const POST = action({
    act: "changePassword",
    permission,
    body: serializer({ new_password: text(), current_password: text() }),
    handle: async (call) => {
      const { who, origin } = asked(call);
      const { current_password: currentPassword, new_password: newPassword } = call.input;
      const outcome = await setOwnPassword(
        deps,
        who,
        {
          currentPassword,
          newPassword,
          also: async (tx, user) =>
            notify(tx, deps, user, {
              template: "password_changed",
              data: { at: deps.clock.now() },
            }),
        },
        origin,
      );
      switch (outcome.kind) {
        case "set":
          return noContent();
        case "unacceptable_password":
          return fieldErrors({ new_password: passwordWords(outcome.complaints) });
        case "session_ended":
          return refuseRequest("undecodable");
        case "not_repeated":
          throw new Error("the password was asked for once");
        default:
          return refusePassword(outcome);
      }
    },
  });
  return view<Presenter>({ ...place, ...about(deps), permission, methods: { POST } });
}

/** Changes the login of the user. Tokens that carry the previous login are refused from then on. */
export function setLoginView(deps: AccountsDeps, place: Place): View {
  const permission = isOtpVerified(deps);
  const field = `new_${deps.model.loginField}`;
  const POST = action({
    act: deps.model.loginField === "email" ? "changeEmail" : "changeUsername",
    permission,
    body: deps.model.newLogin,
    handle: async (call) => {
      const outcome = await setLogin(deps, call);
      switch (outcome.kind) {
        case "changed":
        case "renamed":
          return noContent();
        case "email_taken":
        case "username_taken":
          return fieldErrors({ [field]: [deps.model.taken] });
        case "invalid_username":
        case "address_as_username":
          return fieldErrors({ [field]: ["Enter a valid username."] });
        case "session_ended":
          return refuseRequest("undecodable");
        case "not_repeated":
        case "email_needed":
          throw new Error("the login was given, and asked for once");
        default:
          return refusePassword(outcome);
      }
    },
  });
  return view<Presenter>({ ...place, ...about(deps), permission, methods: { POST } });
}

async function setLogin(
  deps: AccountsDeps,
  call: HolderCall<{ readonly login: string; readonly currentPassword: string }>,
) {
  const { who, origin } = asked(call);
  const { login, currentPassword } = call.input;
  if (deps.model.loginField === "username")
    return setOwnUsername(deps, who, { username: login, currentPassword }, origin);
  const next = { address: addressOf(login), mayShare: false, pauses: false };
  return setOwnEmail(deps, who, { next, isRepeated: true, currentPassword }, origin);
}

function creating(deps: AccountsDeps): Action<Presenter> {
  return action({
    act: "public",
    permission: allowAny<Presenter>,
    throttle: async ({ client }) => deps.allow("registration", client),
    body: deps.model.registration,
    handle: async ({ input, ...visit }) => {
      const outcome = await createAccount(
        deps,
        { ...input, registration: deps.faceRegistration, paused: false },
        originOf(visit),
      );
      switch (outcome.kind) {
        case "created":
          return created(shown(deps, outcome.user));
        case "closed":
          return permissionDenied("Registration is closed.");
        case "email_taken":
        case "username_taken":
          return bareErrors("Unable to create account.");
        case "invalid_username":
        case "address_as_username":
          return fieldErrors({ username: ["Enter a valid username."] });
        case "unacceptable_password":
          return fieldErrors({ password: passwordWords(outcome.complaints) });
        case "not_repeated":
          throw new Error("the password was asked for once");
        case "busy":
          return busy();
      }
    },
  });
}

async function update(
  deps: AccountsDeps,
  call: HolderCall<ReturnType<typeof addressOf> | undefined>,
): Promise<Answer> {
  const { user } = call.user;
  if (call.input === undefined) return ok(shown(deps, user));
  const next = { address: call.input, mayShare: true, pauses: false };
  const outcome = await updateEmail(deps, user.id, { next }, asked(call).origin);
  if (outcome.kind !== "changed") return refuseRequest("no_user");
  return ok(shown(deps, outcome.user));
}

type HolderCall<Input> = Call<Holder, Input>;

function asked({
  user: { bearer },
  client,
  requestId,
}: Pick<HolderCall<unknown>, "user" | "client" | "requestId">) {
  const { userId, sessionId } = bearer;
  return {
    who: { userId, sessionId },
    origin: originOf({ client, requestId, caller: bearer }),
  };
}

function shown({ model, tokens }: AccountsDeps, user: User) {
  return model.shown(user, tokens.idOf(user));
}

function about(deps: AccountsDeps) {
  return { title: "User", authenticator: jwtAuthenticator(deps) } as const;
}
