import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";

export type Algorithm = "ES256" | "EdDSA" | "RS256";

export interface PublicKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly jwk: JsonWebKey;
}

/** A key good for one algorithm (RFC 8725 §3.1), its material checked against it. */
export interface VerificationKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly object: KeyObject;
  /** Length of every signature this key can have made. */
  readonly signatureBytes: number;
}

export interface KeySet {
  /** Asks nobody: an unknown `kid` costs one look-up in memory (RFC 8725 §3.10). */
  find(kid: string): VerificationKey | undefined;
  /**
   * From now on these keys and no others count.
   *
   * @throws {TypeError} if one of them is unfit; the set then stays as it was
   */
  replace(keys: readonly PublicKey[]): void;
  /** Rises when a key is dropped or changed: what was verified before has to be verified again. */
  readonly withdrawals: number;
}

export function createKeySet(): KeySet {
  let known: ReadonlyMap<string, VerificationKey> = new Map();
  let withdrawals = 0;
  return {
    find: (kid) => known.get(kid),
    replace: (keys) => {
      const next = new Map<string, VerificationKey>();
      for (const key of keys) {
        if (next.has(key.kid)) throw new TypeError("two keys have the same kid");
        next.set(key.kid, verificationKey(key));
      }
      for (const [kid, key] of known) {
        const successor = next.get(kid);
        if (
          successor === undefined ||
          successor.alg !== key.alg ||
          !successor.object.equals(key.object)
        )
          withdrawals += 1;
      }
      known = next;
    },
    get withdrawals() {
      return withdrawals;
    },
  };
}

/** RFC 7517 §4, RFC 7518 §6, RFC 8037 §2. */
const material = {
  ES256: { kty: "EC", crv: "P-256" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  RS256: { kty: "RSA", crv: undefined },
} as const satisfies Record<Algorithm, { kty: string; crv: string | undefined }>;

const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] as const;

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
const MIN_RSA_EXPONENT = 65_537n;

function verificationKey({ kid, alg, jwk }: PublicKey): VerificationKey {
  const unfit = (reason: string): TypeError => new TypeError(`a key for ${alg} ${reason}`);
  const expected = Object.hasOwn(material, alg) ? material[alg] : undefined;
  if (expected === undefined)
    throw new TypeError("a key for an algorithm that is not ES256, EdDSA or RS256");
  if (kid === "") throw unfit("has no kid");
  if (jwk.kty !== expected.kty || jwk.crv !== expected.crv)
    throw unfit("is of another type or curve");
  if (jwk["alg"] !== undefined && jwk["alg"] !== alg) throw unfit("names another algorithm");
  if (jwk["kid"] !== undefined && jwk["kid"] !== kid) throw unfit("names another kid");
  if (jwk["use"] !== undefined && jwk["use"] !== "sig") throw unfit("is not for signatures");
  if (jwk["key_ops"] !== undefined && !isVerifyOnly(jwk["key_ops"]))
    throw unfit("is not for verifying only");
  if (privateMembers.some((member) => jwk[member] !== undefined))
    throw unfit("holds private members");

  const object = createPublicKey({ key: jwk, format: "jwk" });
  if (alg !== "RS256") return { kid, alg, object, signatureBytes: 64 };
  const { modulusLength = 0, publicExponent = 0n } = object.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS || modulusLength > MAX_RSA_BITS)
    throw unfit(`has ${modulusLength} bits`);
  if (publicExponent < MIN_RSA_EXPONENT || publicExponent % 2n === 0n)
    throw unfit("has an unfit exponent");
  return { kid, alg, object, signatureBytes: Math.ceil(modulusLength / 8) };
}

function isVerifyOnly(operations: unknown): boolean {
  return Array.isArray(operations) && operations.length === 1 && operations[0] === "verify";
}
