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
 * The key says what algorithm it is; a token that says another is refused before any arithmetic
 * (RFC 8725 §3.1). An ECDSA signature is r and s side by side, never DER (RFC 7518 §3.4).
 */
export function verifySignature(
  key: VerificationKey,
  { alg, signingInput, signature }: Signed,
): boolean {
  if (alg !== key.alg || signature.length !== key.signatureBytes) return false;
  // Asked to read the JOSE form itself, Node prepares the key anew for each token, at half the
  // price of the check.
  return verify(
    digests[key.alg],
    signingInput,
    key.object,
    alg === "ES256" ? derSignature(signature) : signature,
  );
}

/**
 * r and s of 32 bytes each as the DER sequence of two integers that OpenSSL reads (RFC 3279
 * §2.2.3).
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
  // The first bit is the sign.
  const sign = (shortest[0] ?? 0) >= 0x80 ? [0] : [];
  return Buffer.from([0x02, shortest.length + sign.length, ...sign, ...shortest]);
}
