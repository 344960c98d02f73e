import { createPublicKey, type KeyObject } from "node:crypto";

/**
 * The signature algorithms of access tokens: ECDSA with P-256 and SHA-256, Ed25519, and RSA PKCS #1
 * v1.5 with SHA-256 (RFC 7518 §3.1, RFC 8037 §3.1).
 */
export type Algorithm = "ES256" | "EdDSA" | "RS256";

/**
 * A public key as a JSON Web Key (RFC 7517 §4). The members of private and symmetric keys are
 * listed only because a key that has one of them is refused.
 */
export interface Jwk {
  /** The key type: `EC`, `OKP` or `RSA`. */
  readonly kty?: string;
  /** The curve of an `EC` or `OKP` key. */
  readonly crv?: string;
  /** The first coordinate, or the whole public key on Ed25519, in base64url. */
  readonly x?: string;
  /** The second coordinate, in base64url. */
  readonly y?: string;
  /** The RSA modulus, in base64url. */
  readonly n?: string;
  /** The RSA exponent, in base64url. */
  readonly e?: string;
  readonly d?: string;
  readonly p?: string;
  readonly q?: string;
  readonly dp?: string;
  readonly dq?: string;
  readonly qi?: string;
  readonly k?: string;
  /**
   * `alg`, `kid`, `use` and `key_ops` are checked if they are present. Other members are ignored.
   */
  readonly [member: string]: unknown;
}

/** A key as the issuer publishes it in `/.well-known/jwks.json`. */
export interface PublicKey {
  /** The name by which tokens refer to the key. It is not empty and unique within a key set. */
  readonly kid: string;
  /** The one algorithm that the key is used for. */
  readonly alg: Algorithm;
  /** The key itself. */
  readonly jwk: Jwk;
}

/** A key that has been checked and is used for one algorithm only (RFC 8725 §3.1). */
export interface VerificationKey {
  readonly kid: string;
  readonly alg: Algorithm;
  /** The `KeyObject` of `node:crypto`; its type is general so that ours needs no `@types/node`. */
  readonly object: object;
  /** The length in bytes of every signature that this key can have made. */
  readonly signatureBytes: number;
}

/** The keys whose signatures are accepted, held in memory. */
export interface KeySet {
  /**
   * Looks a key up in memory. An unknown `kid` causes no request to the issuer, so an attacker
   * cannot cause requests by inventing key names (RFC 8725 §3.10).
   *
   * @returns the key, or `undefined` if no key of the set has this name
   */
  find(kid: string): VerificationKey | undefined;
  /**
   * Makes these keys the only ones that count. If one of them is unfit, the set stays as it was.
   *
   * @param keys all keys of the issuer, active and retiring
   * @throws {TypeError} if two keys have the same `kid`, or if a key has another type, curve,
   *   algorithm or use than `alg` demands, holds private members, or is an RSA key with fewer than
   *   2048 or more than 8192 bits or an exponent below 65,537
   * @throws {Error} if `node:crypto` cannot read the key
   */
  replace(keys: readonly PublicKey[]): void;
  /**
   * A number that rises whenever a key is dropped or changed. A verifier compares it to learn that
   * the signatures it remembers have to be checked again.
   */
  readonly withdrawals: number;
}

/**
 * Makes an empty key set. Fill it from the issuer's `/.well-known/jwks.json`, and call `replace`
 * again whenever that document changes.
 *
 * @example
 * ```ts
 * import { createKeySet, type Jwk } from "@portcullis/verifier";
 *
 * // In production, fetch this document from the issuer.
 * const jwks: { keys: (Jwk & { kid: string })[] } = {
 *   keys: [
 *     {
 *       kid: "k1",
 *       kty: "EC",
 *       crv: "P-256",
 *       alg: "ES256",
 *       use: "sig",
 *       x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
 *       y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
 *     },
 *   ],
 * };
 *
 * const keys = createKeySet();
 * keys.replace(jwks.keys.map((jwk) => ({ kid: jwk.kid, alg: "ES256", jwk })));
 *
 * console.log(keys.find("k1")?.signatureBytes); // 64
 * console.log(keys.find("k2")); // undefined
 * ```
 */
export function createKeySet(): KeySet {
  let known: ReadonlyMap<string, HeldKey> = new Map();
  let withdrawals = 0;
  return {
    find: (kid) => known.get(kid),
    replace: (keys) => {
      const next = new Map<string, HeldKey>();
      for (const key of keys) {
        if (next.has(key.kid)) throw new TypeError("Two keys have the same kid.");
        next.set(key.kid, heldKey(key));
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

interface HeldKey extends VerificationKey {
  readonly object: KeyObject;
}

/** The key type and curve that each algorithm demands (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). */
const material = {
  ES256: { kty: "EC", crv: "P-256" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  RS256: { kty: "RSA", crv: undefined },
} as const satisfies Record<Algorithm, { kty: string; crv: string | undefined }>;

const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] as const;

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
const MIN_RSA_EXPONENT = 65_537n;

function heldKey({ kid, alg, jwk }: PublicKey): HeldKey {
  const unfit = (reason: string): TypeError => new TypeError(`The key for ${alg} ${reason}.`);
  const expected = Object.hasOwn(material, alg) ? material[alg] : undefined;
  if (expected === undefined)
    throw new TypeError("The key is for an algorithm other than ES256, EdDSA and RS256.");
  if (kid === "") throw unfit("has an empty kid");
  if (jwk.kty !== expected.kty || jwk.crv !== expected.crv)
    throw unfit("has another type or curve");
  if (jwk["alg"] !== undefined && jwk["alg"] !== alg) throw unfit("names another algorithm");
  if (jwk["kid"] !== undefined && jwk["kid"] !== kid) throw unfit("names another kid");
  if (jwk["use"] !== undefined && jwk["use"] !== "sig") throw unfit("is not meant for signatures");
  if (jwk["key_ops"] !== undefined && !isVerifyOnly(jwk["key_ops"]))
    throw unfit("is meant for more than verifying");
  if (privateMembers.some((member) => jwk[member] !== undefined))
    throw unfit("holds private members");

  const object = createPublicKey({ key: jwk, format: "jwk" });
  if (alg !== "RS256") return { kid, alg, object, signatureBytes: 64 };
  const { modulusLength = 0, publicExponent = 0n } = object.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS || modulusLength > MAX_RSA_BITS)
    throw unfit(`has ${modulusLength} bits`);
  if (publicExponent < MIN_RSA_EXPONENT || publicExponent % 2n === 0n)
    throw unfit("has an exponent that is too small or even");
  return { kid, alg, object, signatureBytes: Math.ceil(modulusLength / 8) };
}

function isVerifyOnly(operations: unknown): boolean {
  return Array.isArray(operations) && operations.length === 1 && operations[0] === "verify";
}
