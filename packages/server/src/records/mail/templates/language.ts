/** The languages of the built-in letters. */
export const builtInLanguages = ["en", "de"] as const;
export type BuiltInLanguage = (typeof builtInLanguages)[number];

export function isBuiltIn(language: string): language is BuiltInLanguage {
  return builtInLanguages.some((one) => one === language);
}

/**
 * In its canonical form (RFC 5646 §4.5); undefined for what is no language tag. The longer first
 * parts that the RFC leaves room for are no language's: a word such as `english` would be one that
 * nobody ever asks for.
 */
export function canonicalLanguage(tag: string): string | undefined {
  if (!/^[a-z]{2,3}(?:-|$)/i.test(tag)) return undefined;
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}

export interface Choice {
  /** One there may be a letter in. */
  readonly language: string;
  /** What it is short for: the one that moments and numbers are written by. */
  readonly wanted: string;
}

/**
 * Where to look for a letter, best first: each language given, shortened part by part (RFC 4647
 * §3.4), in their order.
 */
export function choicesOf(tags: readonly (string | null)[]): readonly Choice[] {
  return tags.flatMap((tag) => {
    const wanted = tag === null ? undefined : canonicalLanguage(tag);
    if (wanted === undefined) return [];
    const parts = wanted.split("-");
    return parts.map((_, index) => ({
      language: parts.slice(0, parts.length - index).join("-"),
      wanted,
    }));
  });
}
