import {
  checkPassword,
  normalizePassword,
  type PasswordPolicy,
} from "../../../accounts/users/password-policy.ts";

/**
 * A reason to refuse a password: one of Django's four validators, or a rule of our own policy
 * beyond them.
 */
export type PasswordComplaint =
  | { readonly kind: "similar"; readonly to: "username" | "email" | "service" }
  | { readonly kind: "too_short"; readonly minimumLength: number }
  | { readonly kind: "common" | "numeric" | "too_long" | "forbidden_character" };

export interface ComplaintsDeps {
  readonly passwordPolicy: PasswordPolicy;
  readonly serviceName: string;
}

interface Person {
  readonly username: string | null;
  readonly email: string | null;
}

/** `max_similarity` of Django's `UserAttributeSimilarityValidator`. */
const SIMILAR = 0.7;
/** The digits according to Python's `str.isdigit`, which include superscripts and subscripts. */
const NUMERIC = /^[\p{Nd}\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u2080-\u2089]+$/u;

/**
 * Returns all complaints about a new password, in the order of Django's validators.
 *
 * @param person null if it is not known yet which user will have the password
 */
export function complaintsAbout(
  deps: ComplaintsDeps,
  raw: string,
  person: Person | null,
): readonly PasswordComplaint[] {
  const { passwordPolicy, serviceName } = deps;
  const normalized = normalizePassword(raw);
  if (normalized.kind === "refused") return [{ kind: normalized.reason }];
  const { password } = normalized;
  const { minimumLength } = passwordPolicy;
  const reason = (who: Person | null) =>
    checkPassword(passwordPolicy, password, { serviceName, ...who });

  const own = reason(person);
  const similar =
    similarTo(password, person) ??
    (own === "contains_context" ? containedIn(person, reason) : undefined);
  return [
    ...(similar === undefined ? [] : [{ kind: "similar", to: similar } as const]),
    ...(own === "too_short" ? [{ kind: "too_short", minimumLength } as const] : []),
    ...(own === "common" || isListed(passwordPolicy, password)
      ? [{ kind: "common" } as const]
      : []),
    ...(NUMERIC.test(password) ? [{ kind: "numeric" } as const] : []),
  ];
}

/** Django's list of common passwords contains single characters, too. */
function isListed({ blockList }: PasswordPolicy, password: string): boolean {
  return [...password].length === 1 || blockList.includes(password);
}

/**
 * Returns the first attribute that is too similar to the password, as a whole or in one of its
 * words (`UserAttributeSimilarityValidator`).
 */
function similarTo(password: string, person: Person | null): "username" | "email" | undefined {
  return (["username", "email"] as const).find((name) => {
    const value = (person?.[name] ?? "").toLowerCase();
    return [...value.split(/[^\p{L}\p{N}_]+/u), value].some(
      (part) => part !== "" && likeness(password.toLowerCase(), part) >= SIMILAR,
    );
  });
}

/**
 * Computes the share of characters that two texts have in common in any order
 * (`difflib.SequenceMatcher(a=one, b=other).quick_ratio()`).
 */
function likeness(one: string, other: string): number {
  const left = new Map<string, number>();
  const characters = [...other];
  for (const character of characters) left.set(character, (left.get(character) ?? 0) + 1);
  let length = 0;
  let matches = 0;
  for (const character of one) {
    length += 1;
    const count = left.get(character) ?? 0;
    if (count > 0) matches += 1;
    left.set(character, count - 1);
  }
  return (2 * matches) / (length + characters.length);
}

/** Finds the context word that makes our own policy refuse the password (PW-06). */
function containedIn(
  person: Person | null,
  reason: (who: Person | null) => unknown,
): "username" | "email" | "service" {
  if (reason(null) === "contains_context" || person === null) return "service";
  return reason({ username: person.username, email: null }) === "contains_context"
    ? "username"
    : "email";
}
