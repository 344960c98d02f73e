import type { AccessClaims } from "@portcullis/contract";
import { isUuid } from "./uuid.ts";

/**
 * The claims of an access token that has been verified: those that every token has, and those that
 * a Django face has added to them.
 */
export type VerifiedClaims = AccessClaims & Readonly<Record<string, unknown>>;

/** The values that the claims of a token are compared with. */
export interface ExpectedClaims {
  /** The value that `iss` must have, compared character by character. */
  readonly issuer: string;
  /** The value that `aud` must have. It is one string and never a list (RFC 8725 §3.9). */
  readonly audience: string;
  /** The longest lifetime (`exp − iat`, in seconds) that a token may have. */
  readonly maxLifetimeSeconds: number;
  /** How many seconds the issuer's clock may be ahead of ours. */
  readonly leewaySeconds: number;
}

/**
 * Checks that a payload has every claim of an access token, that each has its exact type, that the
 * token was issued for us, and that its times are plausible (RFC 8725 §3.8 and §3.9, RFC 9068 §4).
 *
 * The check does not look at expiry or revocation, because those change while the token does not.
 * Call it only after the signature has been verified. {@link createVerifier} does all of this; use
 * `areClaims` on its own only for tokens that are signed in another way.
 *
 * @example
 * ```ts
 * import { areClaims } from "@portcullis/verifier";
 *
 * const payload = {
 *   iss: "https://id.example",
 *   aud: "https://api.example",
 *   sub: "0190a0a0-0000-7000-8000-000000000001",
 *   sid: "9b2d3c64-5f2e-4c1a-9d3b-7a6f5e4d3c2b",
 *   jti: "1c9e6679-7425-40de-944b-e07fc1f90ae7",
 *   iat: 1_800_000_000,
 *   exp: 1_800_000_600,
 *   hep: 0,
 *   aep: 0,
 *   gen: 1,
 *   auth_time: 1_800_000_000,
 *   amr: ["pwd"],
 *   acr: "aal1",
 * };
 * const expected = {
 *   issuer: "https://id.example",
 *   audience: "https://api.example",
 *   maxLifetimeSeconds: 600,
 *   leewaySeconds: 5,
 * };
 *
 * console.log(areClaims(payload, expected, 1_800_000_010)); // true
 *
 * const foreign = { ...payload, aud: "https://other.example" };
 * console.log(areClaims(foreign, expected, 1_800_000_010)); // false
 * ```
 *
 * @param payload the payload of the token, parsed
 * @param expected the values to compare with
 * @param now the current time in Unix seconds
 * @returns `true` if every claim is acceptable; `payload` then has the type {@link VerifiedClaims}
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

/** Accepts a UUID with hyphens and, because the Django faces write it so, without them. */
function isTokenId(value: unknown): boolean {
  return isUuid(value) || (typeof value === "string" && /^[0-9a-f]{32}$/.test(value));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
