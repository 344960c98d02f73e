import type { AccessClaims } from "@portcullis/contract";
import { isUuid } from "./uuid.ts";

/** The claims every access token has, and those a face added. */
export type VerifiedClaims = AccessClaims & Readonly<Record<string, unknown>>;

export interface ExpectedClaims {
  readonly issuer: string;
  readonly audience: string;
  /** The longest `exp − iat` the issuer is allowed to sign. */
  readonly maxLifetimeSeconds: number;
  /** How far the issuer's clock may be ahead of ours. */
  readonly leewaySeconds: number;
}

/**
 * Whether every claim of an access token is there and of its exact type, for us, and plausible at
 * `now` (RFC 8725 §3.8, §3.9, RFC 9068 §4). Says nothing about expiry or revocation, which change
 * while the token does not.
 */
export function areClaims(
  payload: Readonly<Record<string, unknown>>,
  expected: ExpectedClaims,
  now: number,
): payload is VerifiedClaims {
  const { iss, aud, sub, sid, jti, iat, exp, hep, aep, gen, auth_time, amr, acr } = payload;
  return (
    iss === expected.issuer &&
    aud === expected.audience &&
    isUuid(sub) &&
    isUuid(sid) &&
    isTokenId(jti) &&
    isCount(iat) &&
    isCount(exp) &&
    isCount(hep) &&
    isCount(aep) &&
    isCount(gen) &&
    isCount(auth_time) &&
    Array.isArray(amr) &&
    amr.every((method) => typeof method === "string") &&
    typeof acr === "string" &&
    exp >= iat &&
    exp - iat <= expected.maxLifetimeSeconds &&
    iat <= now + expected.leewaySeconds
  );
}

/** A UUID, with hyphens or, as the Django faces write it, without. */
function isTokenId(value: unknown): boolean {
  return isUuid(value) || (typeof value === "string" && /^[0-9a-f]{32}$/.test(value));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
