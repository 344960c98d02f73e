import { decodeCredentialPublicKey } from "@simplewebauthn/server/helpers";
import { createPublicKey, type JsonWebKey } from "node:crypto";

/** The length of an RSA modulus in bytes. A shorter one is weak, and a longer one is only slow. */
const MODULUS = { least: 256, most: 512 };
/** 65537 is the only exponent used in practice. A large one would cost time. */
const EXPONENT = Buffer.of(1, 0, 1);

/**
 * Labels of a COSE key (RFC 9052 §7, RFC 9053 §7, RFC 8230 §4); the negative ones mean something
 * else for each type.
 */
const label = {
  type: 1,
  algorithm: 3,
  curve: -1,
  x: -2,
  y: -3,
  modulus: -1,
  exponent: -2,
} as const;

/**
 * Checks that every signature can be checked with this key: its type and curve fit its algorithm,
 * and its point is on that curve (PK-07).
 */
export function isSoundKey(publicKey: Uint8Array): boolean {
  const jwk = jwkOf(decodeCredentialPublicKey(new Uint8Array(publicKey)));
  if (jwk === undefined) return false;
  createPublicKey({ key: jwk, format: "jwk" });
  return true;
}

function jwkOf(key: unknown): JsonWebKey | undefined {
  if (!(key instanceof Map)) return undefined;
  const bytes = (name: number, least: number, most = least): string | undefined => {
    const value: unknown = key.get(name);
    return value instanceof Uint8Array && value.length >= least && value.length <= most
      ? Buffer.from(value).toString("base64url")
      : undefined;
  };
  const is = (type: number, curve?: number): boolean =>
    key.get(label.type) === type && (curve === undefined || key.get(label.curve) === curve);
  switch (key.get(label.algorithm)) {
    case -7: {
      const [x, y] = [bytes(label.x, 32), bytes(label.y, 32)];
      return is(2, 1) && x !== undefined && y !== undefined
        ? { kty: "EC", crv: "P-256", x, y }
        : undefined;
    }
    case -8: {
      const x = bytes(label.x, 32);
      return is(1, 6) && x !== undefined ? { kty: "OKP", crv: "Ed25519", x } : undefined;
    }
    case -257: {
      const [n, e] = [
        bytes(label.modulus, MODULUS.least, MODULUS.most),
        bytes(label.exponent, EXPONENT.length),
      ];
      return is(3) && n !== undefined && e === EXPONENT.toString("base64url")
        ? { kty: "RSA", n, e }
        : undefined;
    }
    default:
      return undefined;
  }
}
