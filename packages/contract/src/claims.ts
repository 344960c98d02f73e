/**
 * The header of an access token (RFC 9068 §2.1). It has exactly these members, and a verifier
 * refuses a token with any other.
 *
 * @example
 * ```ts
 * import type { AccessHeader } from "@portcullis/contract";
 *
 * const header: AccessHeader = { alg: "ES256", typ: "at+jwt", kid: "2026-11-a" };
 * console.log(header.typ); // at+jwt
 * ```
 */
export interface AccessHeader {
  /** The signature algorithm of the key that `kid` names (RFC 7518 §3.1, RFC 8037 §3.1). */
  readonly alg: "ES256" | "EdDSA" | "RS256";
  /** Marks the JWT as an access token, so that no other kind of JWT is taken for one. */
  readonly typ: "at+jwt";
  /** The id of the signing key, which `GET /.well-known/jwks.json` lists. */
  readonly kid: string;
}

/**
 * The authentication methods that a session can have used. The first six are registered in
 * RFC 8176 §2; `email` and `rec` are private values of Portcullis.
 *
 * - `pwd`: the user typed the password.
 * - `otp`: the user typed a code of an authenticator app.
 * - `hwk`: the user presented a passkey that cannot leave its device.
 * - `swk`: the user presented a passkey that its provider may copy to other devices.
 * - `user`: the authenticator checked that a person was present.
 * - `mfa`: the user proved two different factors.
 * - `email`: the user typed a code from a mail.
 * - `rec`: the user typed a recovery code.
 *
 * @example
 * ```ts
 * import { amrValues } from "@portcullis/contract";
 *
 * const isKnown = (method: string) => amrValues.some((value) => value === method);
 * console.log(isKnown("hwk")); // true
 * console.log(isKnown("face")); // false
 * ```
 */
export const amrValues = ["pwd", "otp", "hwk", "swk", "user", "mfa", "email", "rec"] as const;

/** One of the authentication methods in {@link amrValues}. */
export type Amr = (typeof amrValues)[number];

/**
 * The claims of an access token (RFC 9068 §2.2). They hold ids, times and how much the user has
 * proven. They never hold a name or an address, so read those from `GET /v1/me`.
 *
 * An access token lives for minutes. Verify it with `@portcullis/verifier`, which also checks that
 * it has not been revoked; a signature and an `exp` alone do not say that.
 *
 * @example
 * ```ts
 * import type { AccessClaims } from "@portcullis/contract";
 *
 * // Tells whether the user proved their identity within the last five minutes.
 * const isFresh = ({ auth_time }: Pick<AccessClaims, "auth_time">, nowSeconds: number) =>
 *   nowSeconds - auth_time <= 300;
 * console.log(isFresh({ auth_time: 1_796_083_200 }, 1_796_083_260)); // true
 * ```
 */
export interface AccessClaims {
  /** The issuer: the public URL of the Portcullis server (RFC 7519 §4.1.1). */
  readonly iss: string;
  /** The audience that the operator has configured (RFC 7519 §4.1.3). */
  readonly aud: string;
  /** The id of the user. It stays the same for the whole life of the account. */
  readonly sub: string;
  /** The id of the session. A step-up gives the session a new id. */
  readonly sid: string;
  /** The id of this token alone (RFC 7519 §4.1.7). */
  readonly jti: string;
  /** When the token was issued, in Unix seconds. */
  readonly iat: number;
  /** When the token expires, in Unix seconds. Refresh shortly before. */
  readonly exp: number;
  /**
   * The user's hard epoch. The server raises it when it ends all sessions of the user; every older
   * token is then refused with `session_ended`.
   */
  readonly hep: number;
  /**
   * The user's authorization epoch. If the server raises it, older access tokens are refused with
   * `token_stale`. The session goes on: the client refreshes its tokens and repeats the call.
   */
  readonly aep: number;
  /** Which refresh token of the session came with this token, counted from 1. */
  readonly gen: number;
  /** When the user last proved who they are, in Unix seconds (OpenID Connect Core §2). */
  readonly auth_time: number;
  /** The authentication methods that the session has used (RFC 8176). */
  readonly amr: readonly Amr[];
  /** `aal1` if the user proved one factor, `aal2` if two (NIST SP 800-63B-4 §2). */
  readonly acr: string;
}
