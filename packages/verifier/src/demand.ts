import type { VerifiedClaims } from "./claims.ts";

/** What a call asks of its caller beyond a good token (RFC 9470). */
export interface Demand {
  /** At least: `aal1` one factor, `aal2` two (NIST SP 800-63B-4 §2). */
  readonly acr?: "aal1" | "aal2";
  /** Methods that must all be among those used (RFC 8176), such as `hwk`. */
  readonly amr?: readonly string[];
  /**
   * How long ago, at most, the user has proven who they are. The verifier's leeway is added, as it
   * is at `exp`.
   */
  readonly maxAgeSeconds?: number;
}

/** Carries the demand as a whole, for the next proof has to meet all of it. */
export interface Insufficient extends Demand {
  readonly kind: "refused";
  readonly code: "insufficient_user_authentication";
}

const levels: ReadonlyMap<string, number> = new Map([
  ["aal1", 1],
  ["aal2", 2],
  ["aal3", 3],
]);

/** What cannot be understood, in the token or in the demand, is not met. */
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
 * The value of `WWW-Authenticate` for a 401 that asks for more (RFC 9470 §3). The RFC has no
 * parameter for methods: where some are demanded, say so in the body.
 */
export function stepUpChallenge({ acr, maxAgeSeconds }: Demand): string {
  return [
    'Bearer error="insufficient_user_authentication"',
    'error_description="Prove once more who you are, then try again"',
    ...(acr === undefined ? [] : [`acr_values="${acr}"`]),
    ...(maxAgeSeconds === undefined ? [] : [`max_age="${maxAgeSeconds}"`]),
  ].join(", ");
}
