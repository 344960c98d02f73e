import type { z } from "zod";
import type { FailureCode } from "./failures.ts";

/**
 * The credentials that a call needs.
 *
 * - `public`: none. The server does not read a token even if there is one.
 * - `user`: a valid access token, sent as `Authorization: Bearer …` (RFC 6750 §2.1).
 * - `superuser`: a valid access token of a superuser.
 * - `signed`: no token. The body is signed with a secret that the operator shares with the caller,
 *   and the signature is sent as `Portcullis-Signature`.
 */
export type Access = "public" | "user" | "superuser" | "signed";

/**
 * The limit per client address that a call counts against. A call over the limit is refused with
 * `rate_limited`. The operator configures the numbers.
 */
export type Budget = "credential" | "registration" | "mail";

/**
 * The recent proof of identity that a call needs on top of a valid access token (RFC 9470). If it
 * is missing, the call is refused with `insufficient_user_authentication`: let the user step up
 * with `POST /v1/step-up`, then repeat the call with the new access token.
 */
export interface StepUp {
  /**
   * `always`: users with a second factor must have used it, all others their password.
   * `enrolled`: only users with a second factor must have used it.
   */
  readonly when: "always" | "enrolled";
  /** The greatest age of the proof, in seconds. */
  readonly maxAgeSeconds: number;
}

/** The greatest age of a proof, in seconds, if users change their own account. */
const FRESH_SECONDS = 300;
/** The greatest age of a proof, in seconds, if superusers change other accounts. */
const ADMIN_SECONDS = 900;

/**
 * The recent proofs that calls ask for.
 *
 * - `freshProof`: for calls that change the user's factors.
 * - `recentFactor`: for other calls that change the user's account. They also ask for the password
 *   in their body.
 * - `adminAct`: for calls by which a superuser changes something.
 *
 * @example
 * ```ts
 * import { endpoints, stepUps } from "@portcullis/contract";
 *
 * console.log(endpoints.addPasskey.stepUp === stepUps.freshProof); // true
 * console.log(stepUps.adminAct.maxAgeSeconds); // 900
 * ```
 */
export const stepUps = {
  freshProof: { when: "always", maxAgeSeconds: FRESH_SECONDS },
  recentFactor: { when: "enrolled", maxAgeSeconds: FRESH_SECONDS },
  adminAct: { when: "enrolled", maxAgeSeconds: ADMIN_SECONDS },
} as const satisfies Readonly<Record<string, StepUp>>;

/** The HTTP methods that Portcullis uses (RFC 9110 §9.3, RFC 5789). */
export type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** The schema of the body for each status of success, or `null` if the response has no body. */
export type Answers = { readonly [status: number]: z.ZodType | null };

/**
 * One call of the HTTP interface, as data. The server parses requests and checks its responses with
 * the same schemas that the OpenAPI document prints, so the two cannot differ.
 *
 * @example
 * ```ts
 * import { endpoints, type Endpoint } from "@portcullis/contract";
 *
 * const all: readonly Endpoint[] = Object.values(endpoints);
 * const open = all.filter(({ access }) => access === "public").map(({ name }) => name);
 * console.log(open.includes("signIn")); // true
 * console.log(open.includes("getMe")); // false
 * ```
 */
export interface Endpoint {
  /** The name of the call: its key in `endpoints` and its `operationId` in OpenAPI. */
  readonly name: string;
  /** The HTTP method. A path can have several calls that differ in their method. */
  readonly method: Method;
  /** The path after the public URL. A `{name}` in it is a member of `params`. */
  readonly path: `/${string}`;
  /** The group that the documentation lists the call under. */
  readonly tag: string;
  /** One line of Markdown for lists of calls. */
  readonly summary: string;
  /** Markdown that tells what the summary leaves out. */
  readonly description?: string;
  /** The credentials that the call needs. */
  readonly access: Access;
  /** The limit per client address. If it is not set, the call counts against no such limit. */
  readonly budget?: Budget;
  /** The recent proof of identity that the call needs. */
  readonly stepUp?: StepUp;
  /** If it is set, the call is for pages of trusted origins in cookie mode only. */
  readonly forCookieMode?: true;
  /** If it is set, the refresh token is in the body or, in cookie mode, in a cookie. */
  readonly takesRefreshToken?: true;
  /**
   * If it is set, a signed-in user may make the call while the account is paused. Every other call
   * with an access token is then refused with `account_paused`.
   */
  readonly whilePaused?: true;
  /** The schema of the path's parameters. */
  readonly params?: z.ZodObject;
  /** The schema of the query string. A parameter that is not listed is refused. */
  readonly query?: z.ZodObject;
  /** The schema of the JSON body. If it is not set, a request with a body is refused. */
  readonly input?: z.ZodType;
  /** The responses of a call that succeeds. */
  readonly answers: Answers;
  /** The codes that the rules of this call refuse with. See {@link failuresOf} for the rest. */
  readonly failures: readonly FailureCode[];
}

/**
 * Declares an endpoint and keeps its exact type, so that the types of its body, parameters and
 * responses can be derived from it.
 *
 * @example
 * ```ts
 * import { endpoint } from "@portcullis/contract";
 * import { z } from "zod";
 *
 * const getStatus = endpoint({
 *   name: "getStatus",
 *   method: "GET",
 *   path: "/v1/status",
 *   tag: "Server",
 *   summary: "Get the status of the server",
 *   access: "public",
 *   answers: { 200: z.strictObject({ status: z.literal("ok") }) },
 *   failures: [],
 * });
 * console.log(getStatus.answers[200].parse({ status: "ok" }).status); // ok
 * ```
 */
export function endpoint<const E extends Endpoint>(definition: E): E {
  return definition;
}

/** Any call can be refused with these, because they are found before its rules run. */
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
 * Returns every code that a call can be refused with: its own and those that it shares with all
 * calls of its kind. A client that handles these codes handles every refusal of the call.
 *
 * A path with a `{parameter}` can also be answered with `not_found`: the server decodes no percent
 * escapes in paths, so a path that contains one matches no call.
 *
 * @example
 * ```ts
 * import { endpoints, failures, failuresOf } from "@portcullis/contract";
 *
 * const codes = failuresOf(endpoints.signIn);
 * console.log(codes.includes("invalid_credentials")); // true
 * console.log(codes.filter((code) => failures[code].status === 429).join()); // rate_limited
 * ```
 */
export function failuresOf(e: Endpoint): readonly FailureCode[] {
  return [
    ...new Set<FailureCode>([
      ...ofAnyCall,
      ...(e.input === undefined ? [] : ofABody),
      ...(e.input === undefined && e.params === undefined && e.query === undefined
        ? []
        : (["invalid_input"] as const)),
      ...(e.params === undefined ? [] : (["not_found"] as const)),
      ...((e.method === "GET" && e.forCookieMode !== true) || e.access === "signed"
        ? []
        : (["csrf_refused"] as const)),
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
