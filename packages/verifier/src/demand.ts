import type { VerifiedClaims } from "./claims.ts";

/**
 * Proof of identity that a call asks for beyond a good token (RFC 9470). Every member that is
 * present must be met.
 */
export interface Demand {
  /**
   * The lowest acceptable assurance: `aal1` is one factor, `aal2` is two (NIST SP 800-63B-4 §2).
   */
  readonly acr?: "aal1" | "aal2";
  /**
   * Authentication methods (RFC 8176), such as `hwk` for a passkey that never leaves its device.
   * The user must have used all of them.
   */
  readonly amr?: readonly string[];
  /**
   * The greatest acceptable age of the proof, in seconds since `auth_time`. The verifier's leeway
   * is added to it, as it is to `exp`.
   */
  readonly maxAgeSeconds?: number;
}

/**
 * A token is good, but its user has not proven what was demanded. The outcome repeats the whole
 * demand, because the next proof has to meet all of it.
 */
export interface Insufficient extends Demand {
  readonly kind: "refused";
  readonly code: "insufficient_user_authentication";
}

const levels: ReadonlyMap<string, number> = new Map([
  ["aal1", 1],
  ["aal2", 2],
  ["aal3", 3],
]);

/**
 * Decides whether a token meets a demand. A level that is unknown, in the token or in the demand,
 * is not met; a `maxAgeSeconds` that is not a number is not met either.
 */
export function isMet(
  claims: VerifiedClaims,
  { acr, amr, maxAgeSeconds }: Demand,
  now: number,
  leewaySeconds: number,
): boolean {
  if (acr !== undefined && !((levels.get(claims.acr) ?? 0) >= (levels.get(acr) ?? Infinity)))
    return false;
  if (maxAgeSeconds !== undefined && !(now - claims.auth_time <= maxAgeSeconds + leewaySeconds))
    return false;
  const used: readonly string[] = claims.amr;
  if (amr !== undefined) for (const method of amr) if (!used.includes(method)) return false;
  return true;
}

/**
 * Writes the value of `WWW-Authenticate` for a 401 answer that asks the client to step up
 * (RFC 9470 §3).
 *
 * The RFC has no parameter for authentication methods. If you demand some with `amr`, name them in
 * the body of the answer.
 *
 * @example
 * ```ts
 * import { stepUpChallenge } from "@portcullis/verifier";
 *
 * const challenge = stepUpChallenge({ acr: "aal2", maxAgeSeconds: 300 });
 * console.log(challenge.split(", ").slice(-2)); // [ 'acr_values="aal2"', 'max_age="300"' ]
 * ```
 *
 * @param demand the demand that was not met, or the {@link Insufficient} outcome, which repeats it
 * @returns the header's value, which starts with the scheme `Bearer`
 */
export function stepUpChallenge({ acr, maxAgeSeconds }: Demand): string {
  return [
    'Bearer error="insufficient_user_authentication"',
    'error_description="Verify your identity again, then repeat the request"',
    ...(acr === undefined ? [] : [`acr_values="${acr}"`]),
    ...(maxAgeSeconds === undefined ? [] : [`max_age="${maxAgeSeconds}"`]),
  ].join(", ");
}
