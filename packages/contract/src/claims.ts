import { z } from "zod";

/** Header of an access token (RFC 9068 §2.1): exactly these members. */
export interface AccessHeader {
  readonly alg: "ES256" | "EdDSA" | "RS256";
  readonly typ: "at+jwt";
  readonly kid: string;
}

/**
 * Authentication methods used (RFC 8176): `pwd` password, `otp` code of an authenticator app, `hwk`
 * passkey of one device, `swk` passkey that is synchronised, `user` a touch of it, `mfa` several
 * factors. Not in the register: `email` mailed code, `rec` recovery code.
 */
export const amrValues = ["pwd", "otp", "hwk", "swk", "user", "mfa", "email", "rec"] as const;
export type Amr = (typeof amrValues)[number];

/**
 * Claims of a native access token (RFC 9068 §2.2). Ids, epochs, times and assurance; no name, no
 * address.
 */
export interface AccessClaims {
  readonly iss: string;
  readonly aud: string;
  /** User id. */
  readonly sub: string;
  /** Session id. */
  readonly sid: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
  /** Hard epoch of the user: raised, it ends every older token. */
  readonly hep: number;
  /**
   * Authorization epoch of the user: raised, older tokens answer `token_stale` and are cured by a
   * refresh.
   */
  readonly aep: number;
  /** Generation of the session's refresh token when this token was minted. */
  readonly gen: number;
  readonly auth_time: number;
  readonly amr: readonly Amr[];
  /** `aal1`: one factor; `aal2`: two (NIST SP 800-63B-4 §2). */
  readonly acr: string;
}

export const unixSeconds = z
  .int()
  .min(0)
  .meta({ description: "Whole seconds since 1970-01-01T00:00:00Z" });
