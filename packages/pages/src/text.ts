import { PortcullisError } from "./api.ts";
import type { Key, Messages } from "./messages/en.ts";
import { settings } from "./settings.ts";

let messages: Messages;

/** Loads the words of the reader's language, without which no page can be shown. */
export async function loadMessages(): Promise<void> {
  messages =
    settings.language === "de"
      ? (await import("./messages/de.ts")).de
      : (await import("./messages/en.ts")).en;
}

/** The reader's own form of the language, so that dates look familiar. */
const locale =
  navigator.languages.find((one) => one.startsWith(settings.language)) ?? settings.language;

/** Returns the words for a key, with values in place of `{name}`. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return messages[key].replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

function has(key: string): key is Key {
  return Object.hasOwn(messages, key);
}

/** Returns the words for the first of the keys that has any. */
export function tOr(keys: readonly string[], fallback: Key): string {
  return t(keys.find(has) ?? fallback);
}

const dateAndTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const dateOnly = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

/** The time in the reader's zone. */
export const moment = (unixSeconds: number): string => dateAndTime.format(unixSeconds * 1000);
export const day = (unixSeconds: number): string => dateOnly.format(unixSeconds * 1000);

const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
] as const;

/** A recent time in words such as “5 minutes ago”, an older one as a date. */
export function ago(unixSeconds: number): string {
  let amount = unixSeconds - Math.floor(new Date().getTime() / 1000);
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return relative.format(amount, unit);
    amount = Math.trunc(amount / size);
  }
  return moment(unixSeconds);
}

const inSeconds = (seconds: number): string =>
  seconds < 90
    ? relative.format(seconds, "second")
    : relative.format(Math.ceil(seconds / 60), "minute");

/** Names an event of the account's history. */
export const eventOf = ({ event }: { readonly event: string }): string =>
  tOr([`event_${event.replace(".", "_")}`], "event_unknown");

/** Says in a sentence why a call was refused. */
export function refusal(error: unknown): string {
  if (!(error instanceof PortcullisError)) return t("error_unknown");
  const { code, problem } = error;
  if (code === "rate_limited")
    return t("error_rate_limited", { when: inSeconds(problem.retryAfterSeconds ?? 60) });
  const said = tOr([`reason_${problem.reason ?? ""}`, `error_${code}`], "error_unknown");
  const id = problem.instance?.replace("urn:request:", "");
  return problem.status !== undefined && problem.status >= 500 && id !== undefined
    ? `${said} ${t("error_request", { id })}`
    : said;
}
