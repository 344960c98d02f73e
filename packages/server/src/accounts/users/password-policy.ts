import type { BlockList } from "./block-list.ts";

/** Why a password is refused. Frozen once released: clients branch on it. */
export type PasswordProblem =
  | "too_short"
  | "too_long"
  | "forbidden_character"
  | "common"
  | "contains_context";

export type NormalizeOutcome =
  | { readonly kind: "normalized"; readonly password: string }
  | { readonly kind: "refused"; readonly reason: "too_long" | "forbidden_character" };

/**
 * `standard` is ASVS level 1; `nist` is SP 800-63B-4 §3.1.1.2 for a password that opens a session
 * alone (PW-01).
 */
export const minimumLengths = { standard: 8, nist: 15 } as const;

export interface PasswordPolicy {
  /** Code points, after normalisation. */
  readonly minimumLength: number;
  readonly blockList: BlockList;
}

/** What everybody knows about the account, and a password must therefore not be made of (PW-06). */
export interface PasswordContext {
  readonly serviceName: string;
  readonly email?: string | null;
  readonly username?: string | null;
  readonly displayName?: string | null;
}

const MAXIMUM_CODE_POINTS = 256;
const MAXIMUM_BYTES = 1024;

/**
 * The one transformation a password undergoes, when it is set and when it is verified: NFKC
 * (PW-04). No trimming, no case folding, no cutting off. The limits hold before and after, for NFKC
 * can make eighteen characters of one (IN-05).
 */
export function normalizePassword(raw: string): NormalizeOutcome {
  if (isTooLong(raw)) return { kind: "refused", reason: "too_long" };
  if (/\p{Cc}/u.test(raw) || !raw.isWellFormed())
    return { kind: "refused", reason: "forbidden_character" };
  const password = raw.normalize("NFKC");
  return isTooLong(password)
    ? { kind: "refused", reason: "too_long" }
    : { kind: "normalized", password };
}

/**
 * What is wrong with a normalised password somebody wants to set; signing in asks nothing of the
 * kind.
 */
export function checkPassword(
  policy: PasswordPolicy,
  password: string,
  context: PasswordContext,
): PasswordProblem | undefined {
  if (codePoints(password) < policy.minimumLength) return "too_short";
  if (isCommon(policy.blockList, password)) return "common";
  if (isMadeOf(contextWords(context), password)) return "contains_context";
  return undefined;
}

function isTooLong(password: string): boolean {
  // A UTF-16 unit is at least one byte of UTF-8: what is enormous is not walked through.
  if (password.length > MAXIMUM_BYTES) return true;
  return codePoints(password) > MAXIMUM_CODE_POINTS || Buffer.byteLength(password) > MAXIMUM_BYTES;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

// ── common passwords (PW-05)

const SHORT_UNIT = 4;

/**
 * A list entry, one repeated ("passwordpassword"), or a few characters repeated ("abcabcabc"): a
 * long minimum is not met by copying.
 */
function isCommon(list: BlockList, password: string): boolean {
  const [shortest = password, ...others] = repeatedUnits(password);
  return (
    codePoints(shortest) <= SHORT_UNIT || [shortest, ...others].some((unit) => list.includes(unit))
  );
}

/**
 * Every text that `password` is a whole number of repetitions of in some case, shortest first,
 * itself last.
 */
function repeatedUnits(password: string): readonly string[] {
  const text = password.toLowerCase();
  const period = (text + text).indexOf(text, 1);
  const multiples = Array.from(
    { length: text.length / period },
    (_, index) => period * (index + 1),
  );
  return [
    ...multiples
      .filter((length) => length < text.length && text.length % length === 0)
      .map((length) => text.slice(0, length)),
    password,
  ];
}

// ── context words (PW-06)

const SHORTEST_WORD = 4;
const SIGNIFICANT_REST = 8;
const LONGEST_VALUE = 256;

/**
 * A password may contain a context word ("anna likes to sail in autumn"), but something has to be
 * left of it without them: eight letters, digits or symbols, a run of the same one counting once.
 */
function isMadeOf(words: readonly string[], password: string): boolean {
  const text = skeleton(password);
  const found = words.filter((word) => text.includes(word));
  return found.length > 0 && significant(text, found) < SIGNIFICANT_REST;
}

function contextWords({
  serviceName,
  email,
  username,
  displayName,
}: PasswordContext): readonly string[] {
  const [local = "", domain = ""] = (email ?? "").slice(0, LONGEST_VALUE).split("@");
  const values = [serviceName, local, username ?? "", displayName ?? "", ...domain.split(".")];
  return [...new Set(values.flatMap(derivations))].filter(
    (word) => codePoints(word) >= SHORTEST_WORD,
  );
}

/** "Anna.Bell85" gives annabell85, annabell, anna and bell, each as its skeleton. */
function derivations(value: string): readonly string[] {
  const short = value.slice(0, LONGEST_VALUE);
  const parts = short.split(/[^\p{L}\p{M}]+/u);
  return [short, parts.join(""), ...parts].map(skeleton);
}

/**
 * Lower case without accents, the usual digits and signs for letters undone, spaces and punctuation
 * left out.
 */
function skeleton(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[013457@$il]/gu, (sign) => LEET[sign] ?? sign)
    .replace(/[\p{P}\p{Z}\p{M}\p{C}]/gu, "")
    .normalize("NFC");
}

/** `1` stands for i and for l, so the three become one. */
const LEET: Readonly<Record<string, string>> = {
  0: "o",
  1: "i",
  3: "e",
  4: "a",
  5: "s",
  7: "t",
  "@": "a",
  $: "s",
  l: "i",
};

function significant(text: string, words: readonly string[]): number {
  const covered = new Uint8Array(text.length);
  for (const word of words) {
    for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1))
      covered.fill(1, at, at + word.length);
  }
  let count = 0;
  let at = 0;
  let previous = "";
  for (const character of text) {
    if (covered[at] !== 1 && character !== previous) count += 1;
    previous = covered[at] === 1 ? "" : character;
    at += character.length;
  }
  return count;
}
