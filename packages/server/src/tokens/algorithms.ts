import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import type { AccessHeader } from "@portcullis/contract";

export type SigningAlgorithm = AccessHeader["alg"];

interface Algorithm {
  generate(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  sign(data: Buffer, key: KeyObject): Buffer;
}

/** One entry per algorithm of RFC 7518 §3.1 and RFC 8037 §3.1 that a server can be set to. */
export const algorithms: Readonly<Record<SigningAlgorithm, Algorithm>> = {
  ES256: {
    generate: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    sign: (data, key) => sign("sha256", data, { key, dsaEncoding: "ieee-p1363" }),
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
