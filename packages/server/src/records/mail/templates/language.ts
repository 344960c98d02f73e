/** The languages of the built-in letters. */
export const builtInLanguages = ["en", "de"] as const;
export type BuiltInLanguage = (typeof builtInLanguages)[number];

export function isBuiltIn(language: string): language is BuiltInLanguage {
  return builtInLanguages.some((one) => one === language);
}

/**
 * Returns the canonical form of a language tag (RFC 5646 §4.5), or `undefined` if the text is not
 * one. The RFC also allows longer first parts, but no language has one. They are refused, because
 * no user would ever ask for a language called `english`.
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
  /** A language in which there may be a letter. */
  readonly language: string;
  /** The full language that was asked for. Moments and numbers are written by it. */
  readonly wanted: string;
}

/**
 * Returns where to look for a letter, best first: each given language in turn, shortened part by
 * part (RFC 4647 §3.4).
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
