import type { z } from "zod";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";
import type { BuiltInLanguage } from "./language.ts";
import type { Draft } from "./letter.ts";
import { quoted } from "./text.ts";

export interface Context {
  /** A single line. */
  readonly serviceName: string;
  /** The base of all links to this server (RG-13). */
  readonly publicUrl: string;
  readonly now: UnixSeconds;
  /** BCP 47. Decides how moments and spans of time are written. */
  readonly language: string;
}

/**
 * The facts that a letter can state, one line each. Built-in letters are written from them, and an
 * operator's own templates have them as variables.
 */
export type Facts = Readonly<Record<string, string>>;

interface CommonFacts {
  readonly serviceName: string;
  readonly publicUrl: string;
}

export interface Template<Data = unknown> {
  /** Example data, for the preview and to try an operator's own templates at the start. */
  readonly sample: Data;
  /** @throws if `data` is not what this template is filled with */
  facts(data: unknown, context: Context): Facts;
  /** @throws as `facts` does */
  draft(language: BuiltInLanguage, data: unknown, context: Context): Draft;
}

/**
 * Templates by the names that are queued. A name that has been queued once is never given another
 * meaning.
 */
export type Templates = Readonly<Record<string, Template<object>>>;

export interface Contents<Schema extends z.ZodType> {
  readonly data: Schema;
  readonly sample: z.input<Schema>;
}

export function template<Schema extends z.ZodType, Own extends Facts>(
  { data, sample }: Contents<Schema>,
  ownFacts: (data: z.output<Schema>, context: Context) => Own,
  drafts: Readonly<Record<BuiltInLanguage, (facts: Own & CommonFacts) => Draft>>,
): Template<z.input<Schema>> {
  const facts = (given: unknown, context: Context): Own & CommonFacts => ({
    ...ownFacts(data.parse(given), context),
    serviceName: context.serviceName,
    publicUrl: context.publicUrl,
  });
  return {
    sample,
    facts,
    draft: (language, given, context) => drafts[language](facts(given, context)),
  };
}

export const nothingElse = () => ({});

interface MailedLink {
  readonly token: string;
  readonly linkExpiresAt: UnixSeconds;
}

interface Code {
  readonly code: string;
  readonly expiresAt: UnixSeconds;
}

/** @param path path of the page that the link opens. The page reads the token from the fragment. */
export const linkTo =
  (path: `/${string}`) =>
  ({ token, linkExpiresAt }: MailedLink, { publicUrl, now, language }: Context) => ({
    link: `${publicUrl}${path}#${token}`,
    linkValidity: span(linkExpiresAt - now, language),
  });

const codeOf = ({ code, expiresAt }: Code, { now, language }: Context) => ({
  code,
  codeValidity: span(expiresAt - now, language),
});

export const codeAndLinkTo =
  (path: `/${string}`) => (data: Code & MailedLink, context: Context) => ({
    ...codeOf(data, context),
    ...linkTo(path)(data, context),
  });

export const whenOf = ({ at }: { readonly at: UnixSeconds }, { language }: Context) => ({
  when: moment(at, language),
});

export const factorOf = (
  data: { readonly at: UnixSeconds; readonly factor: string },
  context: Context,
) => ({
  ...whenOf(data, context),
  factor: quoted(data.factor),
});

interface Client {
  readonly at: UnixSeconds;
  readonly address: string;
  readonly userAgent: string;
}

export const clientOf = (data: Client, context: Context) => ({
  ...whenOf(data, context),
  address: quoted(data.address),
  userAgent: quoted(data.userAgent),
});

export const codeAskedForBy = (data: Code & Client, context: Context) => ({
  ...codeOf(data, context),
  ...clientOf(data, context),
});

/**
 * Writes a span of time in whole units, in any language: "10 minutes", "24 hours" or "3 days". Half
 * a minute that the mail takes on its way does not count.
 */
export function span(seconds: number, language: string): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  const [unit, length] =
    minutes < 120 ? ["minute", 1] : minutes < 2880 ? ["hour", 60] : ["day", 1440];
  return words(
    new Intl.NumberFormat([language, "en"], { style: "unit", unit, unitDisplay: "long" }).format(
      Math.floor(minutes / length),
    ),
  );
}

/** Writes a moment in UTC, and says so, because we do not know where the reader is. */
function moment(at: UnixSeconds, language: string): string {
  const form = new Intl.DateTimeFormat([language, "en"], {
    year: "numeric",
    month: "long",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZone: "UTC",
    timeZoneName: "short",
  });
  return words(form.format(at * 1000));
}

/** Replaces the narrow spaces of Intl, which some mail programs show as a box. */
function words(formatted: string): string {
  return formatted.replaceAll(/[\u00a0\u202f]/g, " ");
}
