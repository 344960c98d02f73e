import type { z } from "zod";
import type { FailureCode } from "./failures.ts";

/**
 * `public`: no token is read. `user`: a valid access token. `superuser`: one whose user is a
 * superuser. `signed`: no token, the body is signed with a secret that the operator shares with the
 * caller.
 */
export type Access = "public" | "user" | "superuser" | "signed";

/** Which limit per client address a call draws on; the numbers are the server's configuration. */
export type Budget = "credential" | "registration" | "mail";

/**
 * What the caller must have proven in this very session, beside having signed in. `always`: with a
 * second factor by who has one, else with the password. `enrolled`: asked of those alone who have a
 * second factor.
 */
export interface StepUp {
  readonly when: "always" | "enrolled";
  /** How long ago, at most. */
  readonly maxAgeSeconds: number;
}

/** Of a superuser who has a second factor: shown within the last quarter of an hour. */
export const adminAct: StepUp = { when: "enrolled", maxAgeSeconds: 900 };
/** Of whoever has a second factor, beside the password that is asked for anyway. */
export const recentFactor: StepUp = { when: "enrolled", maxAgeSeconds: 300 };

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Status → body; `null` where the answer has none. */
export type Answers = { readonly [status: number]: z.ZodType | null };

/**
 * One call of the HTTP interface, as data: the server serves it, the client asks it, OpenAPI prints
 * it.
 */
export interface Endpoint {
  readonly name: string;
  readonly method: Method;
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly budget?: Budget;
  readonly stepUp?: StepUp;
  /** A signed-in user may call it while the account is paused, which else is refused. */
  readonly whilePaused?: true;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly input?: z.ZodType;
  readonly answers: Answers;
  /** What its rules can refuse with; see `failuresOf` for those every call of its kind shares. */
  readonly failures: readonly FailureCode[];
}

export function endpoint<const E extends Endpoint>(definition: E): E {
  return definition;
}

const ofAnyCall = [
  "malformed_request",
  "headers_too_large",
  "request_timeout",
  "internal",
  "unavailable",
] as const;
const ofABody = ["malformed_json", "body_too_large", "unsupported_media_type"] as const;
const ofAToken = [
  "unauthenticated",
  "invalid_token",
  "token_expired",
  "token_stale",
  "session_ended",
  "revocation_view_stale",
] as const;

/**
 * Everything a call can be refused with, its own failures and those it shares with every call of
 * its kind.
 */
export function failuresOf(e: Endpoint): readonly FailureCode[] {
  return [
    ...new Set<FailureCode>([
      ...ofAnyCall,
      ...(e.input === undefined ? [] : ofABody),
      ...(e.input === undefined && e.params === undefined && e.query === undefined
        ? []
        : (["invalid_input"] as const)),
      ...(e.access === "public" || e.access === "signed" ? [] : ofAToken),
      ...((e.access === "user" || e.access === "superuser") && e.whilePaused !== true
        ? (["account_paused"] as const)
        : []),
      ...(e.access === "signed" ? (["invalid_signature", "rate_limited"] as const) : []),
      ...(e.access === "superuser"
        ? (["forbidden", "factor_required", "insufficient_user_authentication"] as const)
        : []),
      ...(e.stepUp === undefined ? [] : (["insufficient_user_authentication"] as const)),
      ...(e.budget === undefined ? [] : (["rate_limited"] as const)),
      ...e.failures,
    ]),
  ];
}
