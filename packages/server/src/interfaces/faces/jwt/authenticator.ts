import type { MayDeps } from "../../../accounts/policies/may.ts";
import type { Visit } from "../../../platform/http/page.ts";
import type { Json } from "../../../platform/http/serve.ts";
import { findUser, type User } from "../../../accounts/users/users.store.ts";
import { busy, detail, type Answer } from "../drf/answers.ts";
import { nobody, type Authentication, type Authenticator } from "../drf/view.ts";
import type { AccessOutcome, Bearer, FaceTokens } from "./tokens.ts";

export interface AuthenticatorDeps extends MayDeps {
  readonly tokens: FaceTokens;
  /** Words that may stand before the token, the first in the challenge. */
  readonly headerTypes: readonly string[];
  /** `AUTH_TOKEN_CLASSES`. */
  readonly tokenTypes: readonly TokenType[];
}

type TokenType = "access" | "sliding";

/** Who sends a request with an access token. */
export interface Requester {
  readonly account: User;
  readonly bearer: Bearer;
}

const tokenClasses: Readonly<Record<TokenType, string>> = {
  access: "AccessToken",
  sliding: "SlidingToken",
};

function challengeOf({ headerTypes }: Pick<AuthenticatorDeps, "headerTypes">): string {
  return `${headerTypes[0] ?? "Bearer"} realm="api"`;
}

/** `authentication_classes = ()`, as SimpleJWT's own views have it. */
export function noAuthenticator(
  deps: Pick<AuthenticatorDeps, "headerTypes">,
): Authenticator<Requester> {
  return nobody(challengeOf(deps));
}

/**
 * `JWTAuthentication`. A token that does not pass costs no query; for one that does, the user's row
 * is read.
 */
export function jwtAuthenticator(deps: AuthenticatorDeps): Authenticator<Requester> {
  const actorOf = ({ account, bearer: { claims } }: Requester) => ({ account, claims });
  return { challenge: challengeOf(deps), authenticate, policy: { deps, actorOf } };

  async function authenticate({ header }: Visit): Promise<Authentication<Requester>> {
    const parts = (header("authorization") ?? "")
      .split(/[ \t\n\v\f\r]+/)
      .filter((part) => part !== "");
    const [type, token] = parts;
    if (type === undefined || !deps.headerTypes.includes(type)) return { kind: "anonymous" };
    if (token === undefined || parts.length !== 2)
      return refused(
        detail(401, "Authorization header must contain two space-delimited values", {
          code: "bad_authorization_header",
        }),
      );
    const outcome = await deps.tokens.readAccess(token, deps.tokenTypes);
    return outcome.kind === "good" ? admit(outcome.bearer) : refused(answerTo(outcome, token));
  }

  async function admit(bearer: Bearer): Promise<Authentication<Requester>> {
    const account = await findUser(deps.db, bearer.userId);
    if (account === undefined) return refused(userNotFound());
    if (account.disabledAt !== null) return refused(userInactive());
    const user = { account, bearer };
    return account.pausedAt === null
      ? { kind: "user", user }
      : { kind: "paused", user, answer: userInactive() };
  }

  function answerTo(outcome: Exclude<AccessOutcome, { kind: "good" }>, token: string): Answer {
    switch (outcome.kind) {
      case "unknown":
        return busy();
      case "wrong_type":
        return notValid("Token has wrong type");
      case "ended":
        if (outcome.cause === "user_disabled") return userInactive();
        if (outcome.cause === "user_deleted") return userNotFound();
        return notValid("Token is invalid or expired");
      case "expired":
        return notValid("Token is invalid or expired");
      case "invalid": {
        const { kind } = deps.tokens.readRefresh(token);
        return notValid(
          kind === "ours" || kind === "foreign"
            ? "Token has wrong type"
            : "Token is invalid or expired",
        );
      }
    }
  }

  function notValid(message: string): Answer {
    const messages = deps.tokenTypes.map((type): Json => ({
      token_class: tokenClasses[type],
      token_type: type,
      message,
    }));
    return detail(401, "Given token not valid for any token type", {
      code: "token_not_valid",
      messages,
    });
  }
}

const userInactive = (): Answer => detail(401, "User is inactive", { code: "user_inactive" });
const userNotFound = (): Answer => detail(401, "User not found", { code: "user_not_found" });

function refused(answer: Answer): { readonly kind: "refused"; readonly answer: Answer } {
  return { kind: "refused", answer };
}
