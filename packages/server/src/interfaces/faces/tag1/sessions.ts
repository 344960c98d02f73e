import { originOf } from "../../../records/audit/origin.ts";
import { renew, type RefreshDeps } from "../../../accounts/sessions/refresh.ts";
import { endAllSessions, type RevokeDeps } from "../../../accounts/sessions/revoke.ts";
import { openChallenge } from "../../../accounts/sign-in/challenge.ts";
import type { SignInPolicy } from "../../../accounts/sign-in/sign-in-policy.ts";
import { signIn, type SecondStep, type SignInDeps } from "../../../accounts/sign-in/sign-in.ts";
import { busy, noContent, nonFieldErrors, ok, throttled, type Answer } from "../drf/answers.ts";
import { serializer, text } from "../drf/fields.ts";
import { action, allowAny, view, type Call, type Place, type View } from "../drf/view.ts";
import { credentials } from "../jwt/views.ts";
import {
  hasSession,
  jwtAuthenticator,
  noAuthenticator,
  type AuthenticatorDeps,
  type Presenter,
} from "./authenticator.ts";
import { pendingTokenOf } from "./pending.ts";
import { present, refusalOf, refuseToken, tokenOf, type Holder } from "./tokens.ts";

export interface SessionsDeps extends AuthenticatorDeps, SignInDeps, RefreshDeps, RevokeDeps {
  /**
   * `finished` are the paths at the end of the tutorial. `djoser` are Djoser's paths, which its
   * text uses in the middle, where there is no second step.
   */
  readonly paths: "finished" | "djoser";
  readonly facePolicy: SignInPolicy;
  /** `JWT_EXPIRATION_DELTA` */
  readonly tokenSeconds: number;
  /** `JWT_REFRESH_EXPIRATION_DELTA`, counted from the login. */
  readonly refreshSeconds: number;
}

const takesToken = serializer({ token: text() });
const noLogin = nonFieldErrors("Unable to log in with provided credentials.");

export function loginView(deps: SessionsDeps, place: Place): View {
  const by = deps.model.loginField === "email" ? "spelling" : "username";
  return view<Presenter>({
    ...place,
    title: "Obtain Json Web Token",
    description:
      "API View that receives a POST with a user's username and password.\n\nReturns a JSON Web Token that can be used for authenticated requests.",
    authenticator: noAuthenticator(deps),
    permission: allowAny,
    methods: {
      POST: action({
        act: "public",
        permission: allowAny<Presenter>,
        body: credentials(deps.model),
        handle: async ({ input, ...visit }) => {
          const outcome = await signIn(
            deps,
            { policy: deps.facePolicy, credentials: { ...input, by } },
            originOf(visit),
          );
          switch (outcome.kind) {
            case "opened":
              return ok({ token: tokenOf(deps, outcome.opened.grant, outcome.user, null) });
            case "challenge":
              return deps.paths === "finished" ? pend(deps, outcome) : noLogin;
            case "refused":
              return noLogin;
            case "throttled":
              return throttled(outcome.retryAfterSeconds);
            case "busy":
              return busy();
          }
        },
      }),
    },
  });
}

async function pend(deps: SessionsDeps, step: SecondStep): Promise<Answer> {
  const challenge = await openChallenge(deps, step);
  return challenge === undefined
    ? noLogin
    : ok({ token: pendingTokenOf(deps, challenge, step.user, deps.tokenSeconds) });
}

export function refreshView(deps: SessionsDeps, place: Place): View {
  return tokenView(deps, place, {
    title: "Refresh Json Web Token",
    description:
      "API View that returns a refreshed token (with new expiration) based on existing token",
    handle: async (holder, visit) => refreshed(deps, holder, visit),
  });
}

export function verifyView(deps: SessionsDeps, place: Place): View {
  return tokenView(deps, place, {
    title: "Verify Json Web Token",
    description:
      "API View that checks the veracity of a token, returning the token if it is valid.",
    handle: async (_, { input: { token } }) => ok({ token }),
  });
}

export function logoutAllView(deps: SessionsDeps, place: Place): View {
  return view<Presenter>({
    ...place,
    title: "User Logout All",
    description: "Use this endpoint to log out all sessions for a given user.",
    authenticator: jwtAuthenticator(deps),
    permission: hasSession,
    methods: {
      POST: action({
        act: "endOwnSession",
        permission: hasSession,
        handle: async ({ user: { user, bearer }, ...visit }) => {
          await endAllSessions(
            deps,
            user.id,
            "logout_everywhere",
            originOf({ ...visit, caller: bearer }),
          );
          return noContent();
        },
      }),
    },
  });
}

type TokenCall = Call<unknown, { readonly token: string }>;

interface About {
  readonly title: string;
  readonly description: string;
  readonly handle: (holder: Holder, call: TokenCall) => Promise<Answer>;
}

/** Makes a view that takes a token in the body. */
function tokenView(deps: SessionsDeps, place: Place, { title, description, handle }: About): View {
  return view<Presenter>({
    ...place,
    title,
    description,
    authenticator: noAuthenticator(deps),
    permission: allowAny,
    methods: {
      POST: action({
        act: "public",
        permission: allowAny<Presenter>,
        body: takesToken,
        handle: async (call) => {
          const presented = await present(deps, call.input.token);
          if (presented.kind === "held") return handle(presented.holder, call);
          return refuseToken(presented.kind === "paused" ? "disabled" : presented.kind);
        },
      }),
    },
  });
}

/**
 * Signs a new token for the session. Nothing is rotated: earlier tokens stay valid until they
 * expire.
 */
async function refreshed(
  deps: SessionsDeps,
  { user, bearer, deviceId }: Holder,
  visit: TokenCall,
): Promise<Answer> {
  const { sid, gen, auth_time } = bearer.claims;
  if (deps.clock.now() > auth_time + deps.refreshSeconds)
    return nonFieldErrors("Refresh has expired.");
  const renewed = await renew(deps, {
    policy: deps.facePolicy.sessions,
    claims: { sid, gen },
    attemptHash: null,
    rotation: "never",
    origin: originOf({ ...visit, caller: bearer }),
  });
  switch (renewed.kind) {
    case "granted":
      return ok({ token: tokenOf(deps, renewed.grant, user, deviceId) });
    case "paused":
      return refuseToken("disabled");
    case "ended":
      return refuseToken(refusalOf(renewed.cause));
    // A session is deleted with its user's row, and no other generation of this one was ever
    // issued.
    case "invalid":
    case "spent":
      return refuseToken("no_user");
  }
}
