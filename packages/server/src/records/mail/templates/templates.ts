import type { UnixSeconds } from "../../../platform/kernel/clock.ts";
import { sampleMoment } from "./contents.ts";
import { builtInLanguages, choicesOf, isBuiltIn, type Choice } from "./language.ts";
import { letterOf, type Letter } from "./letter.ts";
import type { Overrides } from "./overrides.ts";
import type { Context, Template, Templates } from "./template.ts";
import { oneLine } from "./text.ts";

export interface LettersOptions {
  readonly serviceName: string;
  readonly publicUrl: string;
  /** The language of mail to users who have chosen none, or one without letters. */
  readonly fallbackLocale: string;
  /** All templates there are: the built-in ones and those of the faces. */
  readonly templates: Templates;
  readonly overrides?: Overrides | undefined;
}

export interface LetterAsked {
  readonly data: unknown;
  /** BCP 47. Null means the fallback. */
  readonly locale: string | null;
  readonly now: UnixSeconds;
}

export interface Letters {
  /**
   * @throws if this version does not know the template or the data. A newer version may have queued
   *   them.
   */
  write(name: string, asked: LetterAsked): Letter;
  /** Writes a letter with sample data. */
  writeSample(name: string, locale: string): Letter;
  readonly names: readonly string[];
  readonly locales: readonly string[];
}

/**
 * Puts templates from several places together.
 *
 * @throws {RangeError} if two of them have the same name
 */
export function joinTemplates(...some: readonly Templates[]): Templates {
  const entries = some.flatMap((templates) => Object.entries(templates));
  const joined = Object.fromEntries(entries);
  if (Object.keys(joined).length < entries.length)
    throw new RangeError("two mail templates have the same name");
  return joined;
}

/** @throws {RangeError} if there is no letter in the language of the fallback */
export function createLetters({
  publicUrl,
  fallbackLocale,
  templates,
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
    name: string,
    template: Template,
    asked: LetterAsked,
  ): Letter | undefined => {
    const context: Context = { serviceName, publicUrl, now: asked.now, language: wanted };
    const own = overrides.get(language)?.get(name);
    if (own !== undefined) return own.write(template.facts(asked.data, context));
    if (!isBuiltIn(language)) return undefined;
    return letterOf(template.draft(language, asked.data, context), {
      language,
      serviceName,
    });
  };

  const templateOf = (name: string): Template => {
    const template = Object.hasOwn(templates, name) ? templates[name] : undefined;
    if (template === undefined) throw new RangeError("no such mail template");
    return template;
  };

  const write = (name: string, asked: LetterAsked): Letter => {
    const template = templateOf(name);
    for (const choice of choicesOf([asked.locale, fallbackLocale, "en"])) {
      const letter = writeIn(choice, name, template, asked);
      if (letter !== undefined) return letter;
    }
    throw new RangeError("no such mail template");
  };

  return {
    write,
    writeSample: (name, locale) =>
      write(name, { data: templateOf(name).sample, locale, now: sampleMoment }),
    names: Object.keys(templates),
    locales,
  };
}
