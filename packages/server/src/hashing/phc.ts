import type { Random } from "../kernel/random.ts";

export interface Argon2Parameters {
  /** Kibibytes. */
  readonly memoryCost: number;
  /** Passes over the memory. */
  readonly timeCost: number;
  readonly parallelism: number;
}

/** 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet; PW-08). */
export const standardParameters: Argon2Parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export const OUTPUT_BYTES = 32;
const SALT_BYTES = 16;
const ARGON2ID = /^\$argon2id\$v=19\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,172})$/;

interface Argon2Hash extends Argon2Parameters {
  readonly saltBytes: number;
  readonly outputBytes: number;
}

/** What a PHC string says about itself, or undefined where it is not Argon2id version 1.3. */
export function readArgon2id(phc: string): Argon2Hash | undefined {
  const [, memoryCost, timeCost, parallelism, salt, output] = ARGON2ID.exec(phc) ?? [];
  if (salt === undefined || output === undefined) return undefined;
  return {
    memoryCost: Number(memoryCost),
    timeCost: Number(timeCost),
    parallelism: Number(parallelism),
    saltBytes: bytesIn(salt),
    outputBytes: bytesIn(output),
  };
}

/** Whether a stored hash should be replaced at the next sign-in: another format, or weaker than `current` in any respect (PW-09). */
export function isOutdated(phc: string, current: Argon2Parameters): boolean {
  const stored = readArgon2id(phc);
  if (stored === undefined) return true;
  const weaker = stored.memoryCost < current.memoryCost || stored.timeCost < current.timeCost;
  return weaker || stored.parallelism !== current.parallelism || stored.saltBytes < SALT_BYTES || stored.outputBytes < OUTPUT_BYTES;
}

/** A PHC string that no password matches and that costs as much to verify as a real one: made up, not computed. */
export function decoyHash(random: Random, { memoryCost, timeCost, parallelism }: Argon2Parameters): string {
  const salt = encode(random.bytes(SALT_BYTES));
  const output = encode(random.bytes(OUTPUT_BYTES));
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${salt}$${output}`;
}

/** Blocks of memory written in all passes: what the time of one evaluation is proportional to. */
export function work({ memoryCost, timeCost }: Argon2Parameters): number {
  return memoryCost * timeCost;
}

function encode(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}

function bytesIn(base64: string): number {
  return Math.floor((base64.length * 3) / 4);
}
