import { KeyObject, verify } from "node:crypto";
import type { VerificationKey } from "./keys.ts";

/** The parts of a token that a signature check needs. */
export interface Signed {
  readonly alg: string;
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * The digest that each algorithm applies before signing (RFC 7518 §3.3 and §3.4). EdDSA hashes by
 * itself (RFC 8037 §3.1).
 */
const digests = { ES256: "sha256", EdDSA: null, RS256: "sha256" } as const;

/**
 * Checks a signature.
 *
 * The key determines the algorithm: a token that names another one is refused before any arithmetic
 * (RFC 8725 §3.1). An ECDSA signature is r and s side by side, never DER (RFC 7518 §3.4).
 *
 * @returns `true` if this key made the signature over these bytes
 */
export function verifySignature(
  key: VerificationKey,
  { alg, signingInput, signature }: Signed,
): boolean {
  if (alg !== key.alg || signature.length !== key.signatureBytes) return false;
  if (!(key.object instanceof KeyObject)) return false;
  // If Node is asked to read the JOSE form itself, it prepares the key anew for each token, which
  // costs half as much as the check.
  return verify(
    digests[key.alg],
    signingInput,
    key.object,
    alg === "ES256" ? derSignature(signature) : signature,
  );
}

/**
 * Converts r and s, 32 bytes each, into the DER sequence of two integers that OpenSSL reads
 * (RFC 3279 §2.2.3).
 */
function derSignature(jose: Uint8Array): Buffer {
  const r = derInteger(jose.subarray(0, 32));
  const s = derInteger(jose.subarray(32));
  return Buffer.concat([Buffer.from([0x30, r.length + s.length]), r, s]);
}

function derInteger(digits: Uint8Array): Buffer {
  let first = 0;
  while (first < digits.length - 1 && digits[first] === 0) first += 1;
  const shortest = digits.subarray(first);
  // The first bit of a DER integer is its sign, so a leading 1 needs a zero byte before it.
  const sign = (shortest[0] ?? 0) >= 0x80 ? [0] : [];
  return Buffer.from([0x02, shortest.length + sign.length, ...sign, ...shortest]);
}
