import type { z } from "zod";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";
import type { BuiltInLanguage } from "./language.ts";
import type { Draft } from "./letter.ts";
import { oneLine, quoted } from "./text.ts";

export interface Context {
  /** One line. */
  readonly serviceName: string;
  /** The only base that links in mail have (RG-13). */
  readonly publicUrl: string;
  readonly now: UnixSeconds;
  /** BCP 47; what moments and spans of time are written by. */
  readonly language: string;
}

/**
 * What a letter can speak of, each one line: the built-in ones are written from them, an operator's
 * have them as variables.
 */
export type Facts = Readonly<Record<string, string>>;

interface CommonFacts {
  readonly serviceName: string;
  readonly publicUrl: string;
}

export interface Template {
  /** @throws when `data` is not what this template is filled with */
  facts(data: unknown, context: Context): Facts;
  /** @throws as `facts` does */
  draft(language: BuiltInLanguage, data: unknown, context: Context): Draft;
}

export function template<Data extends z.ZodType, Own extends Facts>(
  data: Data,
  ownFacts: (data: z.output<Data>, context: Context) => Own,
  drafts: Readonly<Record<BuiltInLanguage, (facts: Own & CommonFacts) => Draft>>,
): Template {
  const facts = (given: unknown, context: Context): Own & CommonFacts => ({
    ...ownFacts(data.parse(given), context),
    serviceName: context.serviceName,
    publicUrl: context.publicUrl,
  });
  return { facts, draft: (language, given, context) => drafts[language](facts(given, context)) };
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

/** @param path of the page that the link opens, and that reads the token from the fragment */
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

interface Account {
  readonly username: string;
  readonly isConfirmed: boolean;
}

/**
 * To a reader who may be a stranger, whoever chose the name must not be able to say anything with
 * it.
 */
export const accountName = ({ username, isConfirmed }: Account) => ({
  username: isConfirmed ? oneLine(username) : quoted(username),
});

export const accountLink = (
  data: Account & { readonly link: string; readonly linkExpiresAt: UnixSeconds },
  { now, language }: Context,
) => ({
  ...accountName(data),
  link: data.link,
  linkValidity: span(data.linkExpiresAt - now, language),
});

/**
 * "10 minutes", "24 hours" or "3 days", whole ones, in any language. Half a minute on the way does
 * not count.
 */
function span(seconds: number, language: string): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  const [unit, length] =
    minutes < 120 ? ["minute", 1] : minutes < 2880 ? ["hour", 60] : ["day", 1440];
  return words(
    new Intl.NumberFormat([language, "en"], { style: "unit", unit, unitDisplay: "long" }).format(
      Math.floor(minutes / length),
    ),
  );
}

/** In UTC, and it says so: nobody told us where the reader is. */
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

/** The narrow space that Intl puts in is a box in some mail programs. */
function words(formatted: string): string {
  return formatted.replaceAll(/[\u00a0\u202f]/g, " ");
}
