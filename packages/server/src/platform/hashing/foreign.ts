import { effortOf, readArgon2, readArgon2id } from "./phc.ts";

/**
 * A password hash that another system has written: in one of the forms of Django's `password`
 * column, or in the common forms of bcrypt and Argon2. All of them are over the UTF-8 of the
 * password as it was typed.
 */
export type ForeignHash =
  | Pbkdf2Hash
  | ScryptHash
  | PlainDigest
  | BcryptHash
  | ForeignArgon2Hash
  | UnusableHash;

interface Costly {
  /** Equal for two hashes that take the same work. */
  readonly effort: string;
}

export interface Pbkdf2Hash extends Costly {
  readonly scheme: "pbkdf2";
  readonly digest: "sha256" | "sha1";
  readonly iterations: number;
  readonly salt: string;
  readonly output: Buffer;
}

export interface ScryptHash extends Costly {
  readonly scheme: "scrypt";
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelism: number;
  readonly salt: string;
  readonly output: Buffer;
}

/** A digest of salt and password. Very old ones have no salt. */
export interface PlainDigest extends Costly {
  readonly scheme: "digest";
  readonly digest: "sha1" | "md5";
  readonly salt: string;
  readonly output: Buffer;
}

export interface BcryptHash extends Costly {
  readonly scheme: "bcrypt";
  /** The hash in the form of crypt(3). */
  readonly crypt: string;
  /**
   * True if the hash is over the SHA-256 of the password in hexadecimal, so that the limit of 72
   * bytes in bcrypt cuts nothing off.
   */
  readonly prehashed: boolean;
}

export interface ForeignArgon2Hash extends Costly {
  readonly scheme: "argon2";
  readonly phc: string;
}

/** Django's mark for an account without a password. */
export interface UnusableHash extends Costly {
  readonly scheme: "unusable";
}

// Each takes about three seconds, which is well below the time after which the pool takes a process
// for stuck.
const MAXIMUM_PBKDF2_ITERATIONS = 10_000_000;
const MAXIMUM_SCRYPT_BYTES = 2 ** 29;
const MAXIMUM_BCRYPT_COST = 14;

const PBKDF2 = /^pbkdf2_(sha256|sha1)\$([1-9]\d{0,7})\$([^$]{1,128})\$([A-Za-z0-9+/]{27,43}=)$/;
const SCRYPT =
  /^scrypt\$([1-9]\d{0,9})\$([^$]{1,128})\$([1-9]\d{0,9})\$([1-9]\d{0,9})\$([A-Za-z0-9+/]{86}==)$/;
const DIGEST = /^(?:(sha1|md5)\$([^$]{0,128})\$)?([0-9a-f]{32}|[0-9a-f]{40})$/;
const BCRYPT = /^(bcrypt\$|bcrypt_sha256\$)?(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})$/;

const digestBytes = { sha256: 32, sha1: 20, md5: 16 } as const;
const readers = [readUnusable, readPbkdf2, readScrypt, readBcrypt, readForeignArgon2, readDigest];

/**
 * Returns `undefined` for a hash that cannot be verified: an unknown form, an incomplete hash, or
 * one that asks for more than a sign-in may cost. It also does for an Argon2id hash without
 * Django's prefix `argon2`: that is one of ours, over a normalised password.
 */
export function readForeignHash(text: string): ForeignHash | undefined {
  for (const read of readers) {
    const hash = read(text);
    if (hash !== undefined) return hash;
  }
  return undefined;
}

/**
 * Tells whether passwords can be verified against `text`, which includes a mark that no password
 * matches. An importer lists the rows for which this is false.
 */
export function isKnownHash(text: string): boolean {
  return readArgon2id(text) !== undefined || readForeignHash(text) !== undefined;
}

function readUnusable(text: string): UnusableHash | undefined {
  return text.startsWith("!") ? { scheme: "unusable", effort: "none" } : undefined;
}

function readPbkdf2(text: string): Pbkdf2Hash | undefined {
  const [, digestName, iterationsText, salt, base64] = PBKDF2.exec(text) ?? [];
  if (digestName === undefined || salt === undefined || base64 === undefined) return undefined;
  const digest = digestName === "sha256" ? "sha256" : "sha1";
  const [iterations, output] = [Number(iterationsText), Buffer.from(base64, "base64")];
  if (iterations > MAXIMUM_PBKDF2_ITERATIONS || output.length !== digestBytes[digest])
    return undefined;
  return {
    scheme: "pbkdf2",
    digest,
    iterations,
    salt,
    output,
    effort: `pbkdf2 ${digest} ${iterations}`,
  };
}

function readScrypt(text: string): ScryptHash | undefined {
  const [, costText, salt, blockSizeText, parallelismText, base64] = SCRYPT.exec(text) ?? [];
  if (salt === undefined || base64 === undefined) return undefined;
  const [cost, blockSize, parallelism] = [
    Number(costText),
    Number(blockSizeText),
    Number(parallelismText),
  ];
  // RFC 7914 §2: the cost is a power of two above 1 and below 2^(128 * blockSize / 8).
  const defined = Number.isInteger(Math.log2(cost)) && cost > 1 && Math.log2(cost) < 16 * blockSize;
  if (!defined || 128 * cost * blockSize * parallelism > MAXIMUM_SCRYPT_BYTES) return undefined;
  const effort = `scrypt ${cost} ${blockSize} ${parallelism}`;
  return {
    scheme: "scrypt",
    cost,
    blockSize,
    parallelism,
    salt,
    output: Buffer.from(base64, "base64"),
    effort,
  };
}

/**
 * Reads a salted digest (`md5$$…`, `sha1$$…`), or 32 hexadecimal digits alone, which the first
 * versions of Django wrote.
 */
function readDigest(text: string): PlainDigest | undefined {
  const [, name = "md5", salt = "", hex] = DIGEST.exec(text) ?? [];
  if (hex === undefined) return undefined;
  const digest = name === "md5" ? "md5" : "sha1";
  const output = Buffer.from(hex, "hex");
  return output.length === digestBytes[digest]
    ? { scheme: "digest", digest, salt, output, effort: "none" }
    : undefined;
}

function readBcrypt(text: string): BcryptHash | undefined {
  const [, prefix, crypt, cost] = BCRYPT.exec(text) ?? [];
  if (crypt === undefined || Number(cost) < 4 || Number(cost) > MAXIMUM_BCRYPT_COST)
    return undefined;
  return {
    scheme: "bcrypt",
    crypt,
    prehashed: prefix === "bcrypt_sha256$",
    effort: `bcrypt ${cost}`,
  };
}

function readForeignArgon2(text: string): ForeignArgon2Hash | undefined {
  const phc = text.startsWith("argon2$") ? text.slice("argon2".length) : text;
  const stored = readArgon2(phc);
  if (stored === undefined || readArgon2id(text) !== undefined) return undefined;
  return { scheme: "argon2", phc, effort: effortOf(stored, stored.variant) };
}
