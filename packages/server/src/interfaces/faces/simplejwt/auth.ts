import type { Origin } from "../../../records/audit/events.ts";
import { originOf } from "../../../records/audit/origin.ts";
import type { EdgeDeps } from "../../../platform/http/edge.ts";
import { readAddress } from "../../../accounts/users/address.ts";
import { createAccount, type CreateAccountDeps } from "../account/create-account.ts";
import type { RegistrationMode } from "../../../accounts/users/register.ts";
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
import { email, serializer, text, username } from "../drf/fields.ts";
import { passwordWords } from "../drf/passwords.ts";
import {
  action,
  allowAny,
  isAuthenticated,
  view,
  type Authenticator,
  type View,
} from "../drf/view.ts";
import { noAuthenticator, type Requester } from "../jwt/authenticator.ts";
import { blacklist, obtainPair, type JwtDeps } from "../jwt/jwt.ts";
import { credentials, refreshView } from "../jwt/views.ts";

export interface AuthDeps extends JwtDeps, CreateAccountDeps {
  readonly allow: EdgeDeps["allow"];
  readonly faceRegistration: RegistrationMode;
}

/**
 * The recipe "Register, Login and Logout in DRF using JWT": the paths and bodies that copies of it
 * have in common.
 */
export function authViews(deps: AuthDeps, requester: Authenticator<Requester>): readonly View[] {
  return [
    registerView(deps),
    loginView(deps),
    logoutView(deps, requester),
    refreshView(deps, { name: "auth.refresh", path: "/api/auth/token/refresh/" }),
  ];
}

function registerView(deps: AuthDeps): View {
  return view<Requester>({
    name: "auth.register",
    path: "/api/auth/register/",
    title: "Register",
    authenticator: noAuthenticator(deps),
    permission: allowAny,
    methods: {
      POST: action({
        act: "public",
        permission: allowAny<Requester>,
        throttle: async ({ client }) => deps.allow("registration", client),
        body: serializer({ email: email(), username: username(), password: text() }),
        handle: async ({ input, ...visit }) => register(deps, input, originOf(visit)),
      }),
    },
  });
}

interface Registration {
  readonly email: string;
  readonly username: string;
  readonly password: string;
}

async function register(deps: AuthDeps, asked: Registration, origin: Origin): Promise<Answer> {
  const address = readAddress(asked.email);
  if (address.kind === "refused") return fieldErrors({ email: ["Enter a valid email address."] });
  const { username: wanted, password } = asked;
  const account = {
    registration: deps.faceRegistration,
    address,
    username: wanted,
    password,
    mayShareAddress: deps.loginField === "username",
    paused: false,
  };
  const outcome = await createAccount(deps, account, origin);
  switch (outcome.kind) {
    case "created":
      return created({ email: outcome.user.email, username: outcome.user.username });
    case "closed":
      return permissionDenied("Registration is closed.");
    case "email_taken":
      return fieldErrors({ email: ["A user with that email already exists."] });
    case "username_taken":
      return fieldErrors({ username: ["A user with that username already exists."] });
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
}

function loginView(deps: AuthDeps): View {
  return view<Requester>({
    name: "auth.login",
    path: "/api/auth/login/",
    title: "Login API",
    authenticator: noAuthenticator(deps),
    permission: allowAny,
    methods: {
      POST: action({
        act: "public",
        permission: allowAny<Requester>,
        body: credentials(deps),
        handle: async (call) => {
          const outcome = await obtainPair(
            deps,
            call.input,
            call,
            "Invalid credentials, try again",
          );
          if (outcome.kind === "refused") return outcome.answer;
          const { user, pair } = outcome.value;
          return ok({ email: user.email, username: user.username, tokens: { ...pair } });
        },
      }),
    },
  });
}

function logoutView(deps: AuthDeps, authenticator: Authenticator<Requester>): View {
  return view<Requester>({
    name: "auth.logout",
    path: "/api/auth/logout/",
    title: "Logout API",
    authenticator,
    permission: isAuthenticated,
    methods: {
      POST: action({
        act: "endOwnSession",
        permission: isAuthenticated<Requester>,
        body: serializer({ refresh: text() }),
        handle: async ({ user: { account }, input, ...visit }) => {
          const outcome = await blacklist(deps, input.refresh, visit, account);
          if (outcome.kind === "done") return noContent();
          // A fault of the token in the body says nothing about the caller, so the recipe answers
          // 400 in place of 401.
          return outcome.answer.status === 401
            ? bareErrors("Token is expired or invalid")
            : outcome.answer;
        },
      }),
    },
  });
}
