import { originOf } from "../../../records/audit/origin.ts";
import type { RemoteOrigin } from "../../../records/audit/events.ts";
import type { Visit } from "../../../platform/http/page.ts";
import type { SignedIn } from "../../../accounts/users/ports.ts";
import type { User } from "../../../accounts/users/users.store.ts";
import type { Actor } from "../../../accounts/policies/may.ts";
import { detail } from "../drf/answers.ts";
import { isAuthenticated, type Authentication, type Authenticator } from "../drf/view.ts";
import { jwtAuthenticator } from "../jwt/authenticator.ts";
import type { DjoserDeps } from "./deps.ts";
import { findTokenBearer } from "./token-bearer.ts";

/** The user of a request, logged in with a JWT or with a token of token login. */
export interface Caller extends Actor {
  readonly account: User;
  readonly sessionId: string;
}

/**
 * Tries `JWTAuthentication` and then, if token login is configured, `TokenAuthentication`. The
 * challenge is that of the first, as in DRF.
 */
export function callerAuthenticator(deps: DjoserDeps): Authenticator<Caller> {
  const jwt = jwtAuthenticator(deps);
  return {
    challenge: jwt.challenge,
    policy: { deps, actorOf: (caller) => caller },
    authenticate: async (visit) => {
      const authentication = await jwt.authenticate(visit);
      if (authentication.kind === "user" || authentication.kind === "paused") {
        const { account, bearer } = authentication.user;
        const { sessionId, claims } = bearer;
        return { ...authentication, user: { account, sessionId, claims } };
      }
      return authentication.kind === "anonymous" && deps.djoser.tokenLogin
        ? authenticateByToken(deps, visit)
        : authentication;
    },
  };
}

/** Returns what all views under `users/` share, like those of Djoser's `UserViewSet`. */
export function userViewSet({ djoser }: DjoserDeps, authenticator: Authenticator<Caller>) {
  return {
    title: "User",
    authenticator,
    permission: isAuthenticated<Caller>,
    mount: `${djoser.prefix}/`,
  } as const;
}

async function authenticateByToken(
  deps: DjoserDeps,
  { header }: Visit,
): Promise<Authentication<Caller>> {
  const parts = (header("authorization") ?? "")
    .split(/[ \t\n\v\f\r]+/)
    .filter((part) => part !== "");
  const [keyword = "", token] = parts;
  if (keyword.toLowerCase() !== "token") return { kind: "anonymous" };
  if (token === undefined) return refused("Invalid token header. No credentials provided.");
  if (parts.length > 2)
    return refused("Invalid token header. Token string should not contain spaces.");
  const bearer = await findTokenBearer(deps, token);
  if (bearer === undefined) return refused("Invalid token.");
  const { disabledAt, pausedAt } = bearer.account;
  const inactive = refused("User inactive or deleted.");
  if (disabledAt !== null) return inactive;
  if (pausedAt !== null)
    return bearer.isLive ? { ...inactive, kind: "paused", user: bearer } : inactive;
  return bearer.isLive ? { kind: "user", user: bearer } : refused("Invalid token.");
}

function refused(words: string) {
  return { kind: "refused", answer: detail(401, words) } as const;
}

export function signedIn(caller: Caller): SignedIn {
  return { userId: caller.account.id, sessionId: caller.sessionId };
}

/** @param as `superuser` if they act on the account of another user */
export function originOfCaller(
  { account }: Caller,
  { client, requestId }: Visit,
  as: "user" | "superuser" = "user",
): RemoteOrigin {
  return { ...originOf({ client, requestId }), actor: { kind: as, id: account.id } };
}
