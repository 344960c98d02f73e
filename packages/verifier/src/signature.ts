import { verify } from "node:crypto";
import type { VerificationKey } from "./keys.ts";

export interface Signed {
  readonly alg: string;
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

/** RFC 7518 §3.3 and §3.4; EdDSA hashes by itself (RFC 8037 §3.1). */
const digests = { ES256: "sha256", EdDSA: null, RS256: "sha256" } as const;

/**
 * The key says what algorithm it is; a token that says another is refused before any arithmetic (RFC 8725 §3.1). An ECDSA
 * signature is r and s side by side, never DER (RFC 7518 §3.4); the other two do not look at `dsaEncoding`.
 */
export function verifySignature(key: VerificationKey, { alg, signingInput, signature }: Signed): boolean {
  if (alg !== key.alg || signature.length !== key.signatureBytes) return false;
  return verify(digests[key.alg], signingInput, { key: key.object, dsaEncoding: "ieee-p1363" }, signature);
}
