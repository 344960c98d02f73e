export type UsernameProblem =
  | "wrong_length"
  | "forbidden_character"
  | "edge_punctuation"
  | "mixed_scripts";

export type UsernameOutcome =
  | {
      readonly kind: "username";
      readonly username: string;
      /** The form in which usernames are compared: full case folding of the NFKC form. */
      readonly canonical: string;
    }
  | { readonly kind: "refused"; readonly reason: UsernameProblem };

/** The greatest length, in code points. */
const LONGEST = 64;
/**
 * No form of `@` is allowed, so that a username can neither be nor look like an address (RG-14).
 */
const CHARACTERS = /^[\p{L}\p{M}\p{Nd}._-]+$/u;
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/u;
/** So many marks on one letter would hide it. None of the scripts below needs as many. */
const PILED_MARKS = /\p{M}{5}/u;
const EDGES = /^[\p{L}\p{Nd}](?:.*[\p{L}\p{M}\p{Nd}])?$/u;

/**
 * Scripts in everyday use (UAX #31, Table 5). A rare script is refused, because it could be
 * mistaken for a familiar one.
 */
const SCRIPTS = [
  ..."Arabic Armenian Bengali Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Hebrew Kannada Khmer Lao Latin".split(
    " ",
  ),
  ..."Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan".split(" "),
];
/** Japanese, Korean and Chinese are written in several scripts at once (UTS #39 §5.1). */
const WRITINGS = [
  ...SCRIPTS.map((script) => [script]),
  ["Han", "Hiragana", "Katakana"],
  ["Han", "Hangul"],
  ["Han", "Bopomofo"],
];
const ONE_WRITING = WRITINGS.map(
  (scripts) =>
    new RegExp(
      `^[0-9._\\-\\p{Script=Inherited}${scripts.map((script) => `\\p{Script_Extensions=${script}}`).join("")}]+$`,
      "u",
    ),
);

/**
 * Reads a username of 1 to 64 letters, digits and `.` `_` `-`, which begins and ends with a letter
 * or digit and is in one script (IN-14). Canonically equivalent spellings are one username (NFC).
 * Text that NFKC would still change, such as full-width letters, is refused.
 */
export function readUsername(raw: string): UsernameOutcome {
  // A code point has at most two units, and NFC at most triples a text, so a longer text need not
  // be normalised.
  if (raw.length > 6 * LONGEST) return refuse("wrong_length");
  const username = raw.normalize("NFC");
  const length = [...username].length;
  if (length < 1 || length > LONGEST) return refuse("wrong_length");
  if (!CHARACTERS.test(username) || IGNORABLE.test(username) || PILED_MARKS.test(username))
    return refuse("forbidden_character");
  if (username.normalize("NFKC") !== username) return refuse("forbidden_character");
  if (!EDGES.test(username)) return refuse("edge_punctuation");
  if (!ONE_WRITING.some((writing) => writing.test(username))) return refuse("mixed_scripts");
  return { kind: "username", username, canonical: foldUsername(username) };
}

function refuse(reason: UsernameProblem): UsernameOutcome {
  return { kind: "refused", reason };
}

/**
 * Folds a username through upper case, so that ß equals SS, both forms of sigma are equal, and the
 * dotless i equals the dotted one.
 */
export function foldUsername(username: string): string {
  return username.toUpperCase().toLowerCase().normalize("NFKC");
}

/**
 * Reads usernames. A deployment has one way for all users, because the form for comparisons is
 * stored.
 */
export type ReadUsername = (raw: string) => UsernameOutcome;

/** The greatest length as Django counts it, in code points. */
const LONGEST_IN_DJANGO = 150;
const CHARACTERS_IN_DJANGO = /^[\p{L}\p{M}\p{Nd}\p{Nl}\p{No}_.@+-]+$/u;

/**
 * Reads a username as Django's stock user does (UnicodeUsernameValidator, NFKC): 1 to 150 letters
 * and digits of any script and `@ . + - _`. Upper and lower case make different names.
 */
function readDjangoUsername(raw: string): UsernameOutcome {
  if (raw.length > 6 * LONGEST_IN_DJANGO || !raw.isWellFormed()) return refuse("wrong_length");
  const username = raw.normalize("NFKC");
  const length = [...username].length;
  if (length < 1 || length > LONGEST_IN_DJANGO) return refuse("wrong_length");
  return CHARACTERS_IN_DJANGO.test(username)
    ? { kind: "username", username, canonical: username }
    : refuse("forbidden_character");
}

export const usernameRules = {
  plain: readUsername,
  django: readDjangoUsername,
} as const satisfies Record<string, ReadUsername>;
