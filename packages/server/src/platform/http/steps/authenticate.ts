import type { AccessClaims, EndCause } from "@portcullis/contract";
import { MAX_TOKEN_BYTES } from "@portcullis/verifier";
import type { Exchange } from "../exchange.ts";
import { refuse, type AnyReply } from "../serve.ts";
import type { StepKind } from "./step.ts";

export type Authentication =
  | { readonly kind: "verified"; readonly claims: AccessClaims }
  | {
      readonly kind: "refused";
      readonly code:
        | "invalid_token"
        | "token_expired"
        | "token_stale"
        | "session_ended"
        | "revocation_view_stale";
      readonly cause?: EndCause | undefined;
    };

export interface AuthenticateDeps {
  /** May return synchronously, which saves a turn of the event loop. */
  readonly authenticate: (token: string) => Authentication | Promise<Authentication>;
}

/**
 * Sets `exchange.caller` to the bearer of an access token that is valid now. The token is in the
 * `Authorization` header or in a cookie.
 */
export const authenticate: StepKind<AuthenticateDeps> = {
  name: "authenticate",
  build: (deps, { endpoint }) => {
    if (endpoint === undefined || endpoint.access === "public" || endpoint.access === "signed")
      return undefined;
    return (exchange) => {
      const ofCookie = exchange.cookies?.accessToken;
      const token =
        ofCookie === undefined
          ? bearer(exchange.header("authorization"))
          : ({ kind: "token", text: ofCookie } as const);
      if (token.kind === "refused") return refuse(token.code);
      const authentication = deps.authenticate(token.text);
      return authentication instanceof Promise
        ? authentication.then((outcome) => enter(exchange, outcome))
        : enter(exchange, authentication);
    };
  },
};

function enter(exchange: Exchange, authentication: Authentication): AnyReply | undefined {
  if (authentication.kind === "refused") {
    const { code, cause } = authentication;
    return refuse(code, cause === undefined ? {} : { cause });
  }
  const { claims } = authentication;
  exchange.caller = { userId: claims.sub, sessionId: claims.sid, claims };
  return undefined;
}

type Bearer =
  | { readonly kind: "token"; readonly text: string }
  | { readonly kind: "refused"; readonly code: "unauthenticated" | "invalid_token" };

/**
 * Reads the text that follows `Bearer` (RFC 6750 §2.1). The verifier judges its characters: if
 * there were two headers, it sees both joined by a comma, which no token contains.
 */
function bearer(authorization: string | undefined): Bearer {
  if (authorization === undefined || !/^bearer(?: |$)/i.test(authorization))
    return { kind: "refused", code: "unauthenticated" };
  const text = authorization.slice("Bearer ".length);
  return text === "" || text.length > MAX_TOKEN_BYTES
    ? { kind: "refused", code: "invalid_token" }
    : { kind: "token", text };
}
