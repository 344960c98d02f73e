import { hash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export interface BlockList {
  /** Tells whether a normalised password is on the list, in any case of its letters. */
  includes(password: string): boolean;
  /** The number of passwords that the operator's file adds; 0 without a file. */
  readonly added: number;
}

export const COMMON_PASSWORDS = "@zxcvbn-ts/language-common/src/passwords.json";
const SHA1_LINE = /^([0-9a-f]{40})(?::\d+)?$/iu;

/**
 * Opens the common passwords of zxcvbn-ts and, if the operator has one, a local set of breached
 * passwords (PW-05). Each line of the file is a password, or its SHA-1 in hexadecimal, with or
 * without a count, as Have I Been Pwned publishes it. A line `!word`, wherever it stands, takes a
 * word off the list again. The file takes eight bytes of memory for each entry.
 *
 * @throws {RangeError} if the operator's file cannot be read
 */
export async function openBlockList(path?: string): Promise<BlockList> {
  const prints = fingerprints();
  const allowed = new Set<string>();
  const isCommon = await openCommonPasswords();
  if (path !== undefined) await addLines({ prints, allowed }, path);
  const sorted = prints.sorted();
  return {
    includes: (password) => {
      const folded = fold(password);
      if (allowed.has(folded)) return false;
      if (isCommon(folded)) return true;
      return (
        sorted.length > 0 &&
        (holds(sorted, fingerprint(folded)) || holds(sorted, fingerprint(password)))
      );
    },
    added: sorted.length,
  };
}

/**
 * Searches the bytes of the file, which takes half a millisecond at most. Reading its fifty
 * thousand strings would take a hundred milliseconds at every start, although the list is only
 * needed when a password is set. The file is a JSON list of lower-case ASCII words without spaces
 * between them, and no word needs an escape (a test checks this), so a word is on the list if it
 * occurs in quotation marks. The comma between two words is the only other text that does.
 */
async function openCommonPasswords(): Promise<(folded: string) => boolean> {
  const list = await readFile(fileURLToPath(import.meta.resolve(COMMON_PASSWORDS)));
  return (folded) => folded !== "," && list.includes(JSON.stringify(folded));
}

async function addLines(
  { prints, allowed }: { readonly prints: Fingerprints; readonly allowed: Set<string> },
  path: string,
): Promise<void> {
  try {
    await using file = await open(path);
    for await (const line of file.readLines()) {
      const digest = SHA1_LINE.exec(line)?.[1];
      if (digest !== undefined) prints.add(head(digest));
      else if (/^!./u.test(line)) allowed.add(fold(line.slice(1).normalize("NFKC")));
      else if (line !== "") prints.add(fingerprint(fold(line.normalize("NFKC"))));
    }
  } catch (cause) {
    throw new RangeError(
      `The list of refused passwords ${path} cannot be read: name a readable text file, one password a line.`,
      {
        cause,
      },
    );
  }
}

function fold(password: string): string {
  return password.toLowerCase();
}

function fingerprint(password: string): number {
  return head(hash("sha1", password, "hex"));
}

/**
 * Returns the first 52 bits of a digest. With a billion entries, two in ten million other passwords
 * are taken for one of them.
 */
function head(digest: string): number {
  return Number.parseInt(digest.slice(0, 13), 16);
}

interface Fingerprints {
  add(print: number): void;
  sorted(): Float64Array;
}

function fingerprints(): Fingerprints {
  let slots = new Float64Array(65_536);
  let used = 0;
  return {
    add: (print) => {
      if (used === slots.length) {
        const wider = new Float64Array(slots.length * 2);
        wider.set(slots);
        slots = wider;
      }
      slots[used++] = print;
    },
    sorted: () => slots.subarray(0, used).toSorted(),
  };
}

function holds(sorted: Float64Array, print: number): boolean {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = sorted[middle] ?? Number.NaN;
    if (found === print) return true;
    if (found < print) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}
