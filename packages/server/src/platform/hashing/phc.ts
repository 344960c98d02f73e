import type { Random } from "../kernel/random.ts";

export interface Argon2Parameters {
  /** In kibibytes. */
  readonly memoryCost: number;
  /** The number of passes over the memory. */
  readonly timeCost: number;
  readonly parallelism: number;
}

/** 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet; PW-08). */
export const standardParameters: Argon2Parameters = {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
};

export const OUTPUT_BYTES = 32;
const OUR_VARIANT = "argon2id$v=19";
const SALT_BYTES = 16;
const ARGON2 =
  /^\$(argon2(?:id?|d)\$v=1[69])\$m=([1-9]\d{0,7}),t=([1-9]\d{0,7}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,172})$/;
const MAXIMUM_MEMORY = 2 ** 20;
const MAXIMUM_BLOCKS = 2 ** 22;

export interface Argon2Hash extends Argon2Parameters {
  /** Algorithm and version as they are written: `argon2id$v=19`. */
  readonly variant: string;
  readonly saltBytes: number;
  readonly outputBytes: number;
}

/** Reads a PHC string. Returns `undefined` if it is not Argon2id version 1.3. */
export function readArgon2id(phc: string): Argon2Hash | undefined {
  const stored = readArgon2(phc);
  return stored?.variant === OUR_VARIANT ? stored : undefined;
}

/**
 * Reads any algorithm and version of Argon2 that can be computed (RFC 9106 §3.1) at a bearable
 * price.
 */
export function readArgon2(phc: string): Argon2Hash | undefined {
  const [, variant, memoryCost, timeCost, parallelism, salt, output] = ARGON2.exec(phc) ?? [];
  if (variant === undefined || !isEncoded(salt) || !isEncoded(output)) return undefined;
  const stored = {
    variant,
    memoryCost: Number(memoryCost),
    timeCost: Number(timeCost),
    parallelism: Number(parallelism),
    saltBytes: bytesIn(salt),
    outputBytes: bytesIn(output),
  };
  return isComputable(stored) ? stored : undefined;
}

/** Allows up to 1 GiB and, in all passes together, 4 GiB, which takes about three seconds. */
function isComputable({ memoryCost, timeCost, parallelism }: Argon2Parameters): boolean {
  return (
    memoryCost >= 8 * parallelism &&
    memoryCost <= MAXIMUM_MEMORY &&
    memoryCost * timeCost <= MAXIMUM_BLOCKS
  );
}

/**
 * Tells whether a stored hash should be replaced at the next sign-in, because it has another format
 * or is weaker than `current` in any respect (PW-09).
 */
export function isOutdated(phc: string, current: Argon2Parameters): boolean {
  const stored = readArgon2id(phc);
  if (stored === undefined) return true;
  const weaker = stored.memoryCost < current.memoryCost || stored.timeCost < current.timeCost;
  return (
    weaker ||
    stored.parallelism !== current.parallelism ||
    stored.saltBytes < SALT_BYTES ||
    stored.outputBytes < OUTPUT_BYTES
  );
}

/**
 * Makes up a PHC string that no password matches and that costs as much to verify as a real one.
 */
export function decoyHash(
  random: Random,
  { memoryCost, timeCost, parallelism }: Argon2Parameters,
): string {
  const salt = encode(random.bytes(SALT_BYTES));
  const output = encode(random.bytes(OUTPUT_BYTES));
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${salt}$${output}`;
}

/** Returns the same text for two hashes that take the same work. */
export function effortOf(
  { memoryCost, timeCost, parallelism }: Argon2Parameters,
  variant = OUR_VARIANT,
): string {
  return `${variant} ${memoryCost} ${timeCost} ${parallelism}`;
}

function encode(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}

/** Argon2 refuses a last character whose unused bits are set. */
function isEncoded(base64: string | undefined): base64 is string {
  return base64 !== undefined && encode(Buffer.from(base64, "base64")) === base64;
}

function bytesIn(base64: string): number {
  return Math.floor((base64.length * 3) / 4);
}
