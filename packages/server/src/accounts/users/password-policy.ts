import type { BlockList } from "./block-list.ts";

/**
 * The reason why a password is refused. The values are frozen once they are released, because
 * clients branch on them.
 */
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

/** The public facts about an account, of which a password must not be made (PW-06). */
export interface PasswordContext {
  readonly serviceName: string;
  readonly email?: string | null;
  readonly username?: string | null;
  readonly displayName?: string | null;
}

const MAXIMUM_CODE_POINTS = 256;
const MAXIMUM_BYTES = 1024;

/**
 * Applies NFKC, the only transformation of a password, both when it is set and when it is verified
 * (PW-04). Nothing is trimmed, folded or cut off. The limits hold before and after, because NFKC
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
 * Returns the reason why a user cannot set a normalised password, if there is one. A sign-in does
 * not check it.
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
  // A UTF-16 unit is at least one byte of UTF-8, so the characters of a huge text need not be
  // counted.
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
 * Tells whether a password is an entry of the list, a repeated entry ("passwordpassword") or a few
 * repeated characters ("abcabcabc"). Copying must not be a way to reach a long minimum.
 */
function isCommon(list: BlockList, password: string): boolean {
  const [shortest = password, ...others] = repeatedUnits(password);
  return (
    codePoints(shortest) <= SHORT_UNIT || [shortest, ...others].some((unit) => list.includes(unit))
  );
}

/**
 * Returns every text that gives `password` if it is repeated, in some case of its letters: the
 * shortest first, and the password itself last.
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
 * Tells whether little is left of a password without the context words. It may contain some ("anna
 * likes to sail in autumn"), but eight letters, digits or symbols must be left, where a run of the
 * same one counts once.
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

/**
 * Returns the words of a value as skeletons: "Anna.Bell85" gives annabell85, annabell, anna and
 * bell.
 */
function derivations(value: string): readonly string[] {
  const short = value.slice(0, LONGEST_VALUE);
  const parts = short.split(/[^\p{L}\p{M}]+/u);
  return [short, parts.join(""), ...parts].map(skeleton);
}

/**
 * Returns the text in lower case and without accents, spaces and punctuation. Digits and signs that
 * usually stand for letters are replaced by these letters.
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
