import type { MayDeps } from "../../../accounts/policies/may.ts";
import type { Visit } from "../../../platform/http/page.ts";
import type { Json } from "../../../platform/http/serve.ts";
import { findUser, type User } from "../../../accounts/users/users.store.ts";
import { busy, detail, type Answer } from "../drf/answers.ts";
import { nobody, type Authentication, type Authenticator } from "../drf/view.ts";
import type { AccessOutcome, Bearer, FaceTokens } from "./tokens.ts";

export interface AuthenticatorDeps extends MayDeps {
  readonly tokens: FaceTokens;
  /**
   * The words that may precede the token (`AUTH_HEADER_TYPES`). The challenge uses the first one.
   */
  readonly headerTypes: readonly string[];
  /** The kinds of tokens that are accepted (`AUTH_TOKEN_CLASSES`). */
  readonly tokenTypes: readonly TokenType[];
}

type TokenType = "access" | "sliding";

/** The user of a request, with their access token. */
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

/** Ignores credentials (`authentication_classes = ()`), like SimpleJWT's own views. */
export function noAuthenticator(
  deps: Pick<AuthenticatorDeps, "headerTypes">,
): Authenticator<Requester> {
  return nobody(challengeOf(deps));
}

/**
 * Authenticates like `JWTAuthentication`. A refused token costs no query; for a valid one, the
 * user's row is read.
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
