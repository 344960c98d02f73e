import type { UnixSeconds } from "../../../platform/kernel/clock.ts";
import { isTemplate, templateNames, templates } from "./built-in.ts";
import type { TemplateName } from "./data.ts";
import { builtInLanguages, choicesOf, isBuiltIn, type Choice } from "./language.ts";
import { letterOf, type Letter } from "./letter.ts";
import type { Overrides } from "./overrides.ts";
import type { Context } from "./template.ts";
import { oneLine } from "./text.ts";

export interface LettersOptions {
  readonly serviceName: string;
  readonly publicUrl: string;
  /** Of mail to users who have chosen no language, or one there are no letters in. */
  readonly fallbackLocale: string;
  readonly overrides?: Overrides | undefined;
}

export interface LetterAsked {
  readonly data: unknown;
  /** BCP 47; null: the fallback. */
  readonly locale: string | null;
  readonly now: UnixSeconds;
}

export interface Letters {
  /**
   * @throws for a template or data that this version does not know: a newer one may have queued it
   */
  write(name: string, asked: LetterAsked): Letter;
  readonly names: readonly TemplateName[];
  readonly locales: readonly string[];
}

/** @throws {RangeError} when there is no letter in the fallback's language */
export function createLetters({
  publicUrl,
  fallbackLocale,
  overrides = new Map(),
  ...given
}: LettersOptions): Letters {
  const serviceName = oneLine(given.serviceName);
  const locales = [...new Set([...builtInLanguages, ...overrides.keys()])].toSorted();
  if (!choicesOf([fallbackLocale]).some(({ language }) => locales.includes(language)))
    throw new RangeError(
      `there are no templates in ${fallbackLocale}: choose one of ${locales.join(", ")}, or add some`,
    );

  const writeIn = (
    { language, wanted }: Choice,
    name: TemplateName,
    asked: LetterAsked,
  ): Letter | undefined => {
    const context: Context = { serviceName, publicUrl, now: asked.now, language: wanted };
    const own = overrides.get(language)?.get(name);
    if (own !== undefined) return own.write(templates[name].facts(asked.data, context));
    if (!isBuiltIn(language)) return undefined;
    return letterOf(templates[name].draft(language, asked.data, context), {
      language,
      serviceName,
    });
  };

  const write = (name: string, asked: LetterAsked): Letter => {
    if (!isTemplate(name)) throw new RangeError("no such mail template");
    for (const choice of choicesOf([asked.locale, fallbackLocale, "en"])) {
      const letter = writeIn(choice, name, asked);
      if (letter !== undefined) return letter;
    }
    throw new RangeError("no such mail template");
  };

  return { write, names: templateNames, locales };
}
