import { djoserTemplates } from "../interfaces/faces/djoser/letters/templates.ts";
import { builtInTemplates } from "../records/mail/templates/built-in.ts";
import { readOverrides } from "../records/mail/templates/overrides.ts";
import { createLetters, joinTemplates, type Letters } from "../records/mail/templates/templates.ts";
import { ConfigError, type Config } from "./config.ts";

/** Every letter that can be mailed. A face that brings letters adds them here. */
export const allTemplates = joinTemplates(builtInTemplates, djoserTemplates);

/** @throws {ConfigError} if an operator's template cannot be used */
export function lettersOf(config: Config, publicUrl: string): Letters {
  const { serviceName, mailLocale: fallbackLocale, mailTemplates: directory } = config;
  const overrides =
    directory === undefined
      ? undefined
      : orConfigError("MAIL_TEMPLATES", () => readOverrides(directory, allTemplates));
  return orConfigError("MAIL_LOCALE", () =>
    createLetters({ serviceName, publicUrl, fallbackLocale, templates: allTemplates, overrides }),
  );
}

/** Reports an error in what a setting names as a `ConfigError`. */
function orConfigError<Result>(setting: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConfigError(`PORTCULLIS_${setting}: ${cause.message}.`, { cause });
  }
}
