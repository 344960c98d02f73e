import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { AccessHeader } from "@portcullis/contract";

export type SigningAlgorithm = AccessHeader["alg"];

interface Algorithm {
  generate(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  sign(data: Buffer, key: KeyObject): Buffer;
}

/** The algorithms of RFC 7518 §3.1 and RFC 8037 §3.1 that a setting can choose. */
export const algorithms: Readonly<Record<SigningAlgorithm, Algorithm>> = {
  ES256: {
    generate: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    // The DER form is converted here, because Node prepares the key anew for each signature in JOSE
    // form, which costs as much as a second signature.
    sign: (data, key) => joseSignature(sign("sha256", data, key)),
  },
  EdDSA: {
    generate: () => generateKeyPairSync("ed25519"),
    sign: (data, key) => sign(null, data, key),
  },
  RS256: {
    generate: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    sign: (data, key) => sign("sha256", data, key),
  },
};

/**
 * Converts ECDSA's DER sequence of two integers (RFC 3279 §2.2.3) to 32 bytes each (RFC 7518 §3.4).
 */
function joseSignature(der: Buffer): Buffer {
  const jose = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der.readUInt8(at + 1);
    const integer = der.subarray(at + 2, at + 2 + length);
    // A leading zero only marks the number as positive.
    const digits = integer.length > 32 ? integer.subarray(integer.length - 32) : integer;
    digits.copy(jose, end - digits.length);
    at += 2 + length;
  }
  return jose;
}
