import { isAllowable, isWebOrigin } from "../platform/http/origins.ts";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { faceSettings } from "./face-settings.ts";
import { Secret } from "../platform/kernel/secret.ts";
import { isSender } from "../records/mail/message.ts";
import {
  duration,
  httpUrl,
  list,
  moment,
  offOr,
  oneOf,
  onOff,
  setting,
  text,
  whole,
  type Setting,
} from "../platform/settings/setting.ts";
import { LONGEST_ACCESS } from "../accounts/tokens/lifetimes.ts";

/** A fault in the configuration, told in a sentence that says what to write instead. */
export class ConfigError extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = "ConfigError";
  }
}

/**
 * Every setting, its bounds, its default and the sentence that documents it (`portcullis config
 * --reference`).
 */
const hexColor = z
  .string()
  .regex(/^#[0-9a-fA-F]{6}$/, "must be a colour of six hexadecimal digits, such as #1c5d99");

/** An address that pages may lead to: https, or http on this machine, and no user or query. */
function isReturnUrl(given: string): boolean {
  if (!URL.canParse(given)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(given);
  const isSafe = protocol === "https:" || (protocol === "http:" && hostname === "localhost");
  return isSafe && [username, password, search, hash].every((part) => part === "");
}

interface Link {
  readonly name: string;
  readonly url: string;
}

function readLink(given: string): Link {
  const at = given.indexOf("=");
  return { name: given.slice(0, Math.max(0, at)).trim(), url: given.slice(at + 1).trim() };
}

function isLink(given: string): boolean {
  const { name, url } = readLink(given);
  return (
    name !== "" && name.length <= 60 && /^(?:https:\/\/|mailto:)/.test(url) && URL.canParse(url)
  );
}

export const settings = {
  mode: setting({
    env: "MODE",
    parse: oneOf(["development", "production"]),
    fallback: "development",
    about:
      "`development` prints links, serves the documentation and a mailbox page, and has a default for everything. `production` requires PUBLIC_URL and MAIL.",
  }),
  host: setting({
    env: "HOST",
    parse: text,
    fallback: "127.0.0.1",
    about: "Address that the server listens on.",
  }),
  port: setting({
    env: "PORT",
    parse: whole(0, 65_535),
    fallback: "8420",
    about: "Port that the server listens on. 0 picks a free port.",
  }),
  publicUrl: setting({
    env: "PUBLIC_URL",
    parse: httpUrl,
    fallback: undefined,
    about:
      "Address at which users reach the server. It is the issuer of tokens and the base of every link in mail. In development the default is the listening address.",
  }),
  dataDir: setting({
    env: "DATA_DIR",
    parse: text,
    fallback: "portcullis-data",
    about: "Directory that holds the embedded database and the generated secret.",
  }),
  databaseUrl: setting({
    env: "DATABASE_URL",
    parse: z
      .string()
      .regex(
        /^postgres(?:ql)?:\/\//,
        "must begin with postgres:// (without it the embedded SQLite database is used)",
      )
      .transform((value) => new Secret(value)),
    fallback: undefined,
    about:
      "PostgreSQL database, as postgres://user:password@host/database. If it is not set, the embedded SQLite database in the data directory is used.",
    secret: true,
  }),
  databasePool: setting({
    env: "DATABASE_POOL",
    parse: whole(2, 200),
    fallback: "10",
    about: "Number of PostgreSQL connections that this server opens.",
  }),
  secret: setting({
    env: "SECRET",
    parse: text.transform((value) => new Secret(value)),
    fallback: undefined,
    about:
      "Master secret of at least 32 random bytes (`openssl rand -base64 48`). If it is not set and SQLite is used, the server makes one in the data directory at its first start.",
    secret: true,
  }),
  previousSecrets: setting({
    env: "PREVIOUS_SECRETS",
    parse: list.transform((values) => values.map((value) => new Secret(value))),
    fallback: "",
    about:
      "Master secrets that were used before, newest first, separated by commas. Data that they sealed can still be opened.",
    secret: true,
  }),
  mail: setting({
    env: "MAIL",
    parse: z
      .string()
      .regex(
        /^(?:smtps?:\/\/.+|dir:.+|mailbox:)$/,
        "must be smtp://…, smtps://…, dir:PATH or mailbox:",
      )
      .transform((value) => new Secret(value)),
    fallback: undefined,
    about:
      "How mail leaves: smtp://user:password@host:port or smtps://… (with `?tls=required`, `optional` or `unverified`; see docs/mail.md), dir:PATH (one file for each mail), or mailbox: (a web page, the default in development).",
    secret: true,
  }),
  mailFrom: setting({
    env: "MAIL_FROM",
    parse: text.refine(
      isSender,
      "must be one address, such as no-reply@example.com or Accounts <no-reply@example.com>",
    ),
    fallback: "no-reply@localhost",
    about: "Sender of every mail: an address, or `Name <address>`.",
  }),
  mailRatePerSecond: setting({
    env: "MAIL_RATE",
    parse: whole(1, 1000),
    fallback: "10",
    about: "Highest number of mails that the whole deployment sends in a second.",
  }),
  mailConnections: setting({
    env: "MAIL_CONNECTIONS",
    parse: whole(1, 20),
    fallback: "1",
    about:
      "Number of mails that are sent at the same time. After a crash these may be sent a second time, so with 1 it is one mail at most.",
  }),
  mailLocale: setting({
    env: "MAIL_LOCALE",
    parse: z
      .string()
      .regex(
        /^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$/,
        "must be a language such as en, de or pt-BR",
      ),
    fallback: "en",
    about:
      "Language of mail to users who have chosen no language, or one without templates. Built in are en and de.",
  }),
  mailTemplates: setting({
    env: "MAIL_TEMPLATES",
    parse: text,
    fallback: undefined,
    about: "Directory with templates that replace the built-in ones; see docs/mail.md.",
  }),
  mailWebhookSecret: setting({
    env: "MAIL_WEBHOOK_SECRET",
    parse: z
      .string()
      .min(32, "must have at least 32 characters")
      .transform((value) => new Secret(value)),
    fallback: undefined,
    about:
      "Shared secret with which reports of bounces and complaints are signed. If it is not set, no report is accepted.",
    secret: true,
  }),
  auditRetentionSeconds: setting({
    env: "AUDIT_RETENTION",
    parse: duration({ atLeast: "1d", atMost: "36500d" }),
    fallback: undefined,
    about: "Age at which audit events are removed. If it is not set, they are kept for ever.",
  }),
  serviceName: setting({
    env: "SERVICE_NAME",
    parse: text.max(60),
    fallback: "Portcullis",
    about: "Name of your service in mail. Passwords may not be made of this word.",
  }),
  registration: setting({
    env: "REGISTRATION",
    parse: oneOf(["confirm", "immediate", "closed"]),
    fallback: "confirm",
    about:
      "How users register. `confirm`: with a mailed code, without revealing which addresses have accounts. `immediate`: at once, with an unconfirmed address. `closed`: users cannot register.",
  }),
  mfaPolicy: setting({
    env: "MFA_POLICY",
    parse: oneOf(["off", "optional", "superusers", "required"]),
    fallback: "superusers",
    about:
      "Which users need a second factor. `off`: users cannot set one up. `optional`: users may. `superusers`: superusers must, others may. `required`: all users must. A user who must have one and has none sets it up at the next sign-in. A user with a second factor is asked for it under every policy. See `portcullis users mfa-report` first.",
  }),
  mfaGraceUntil: setting({
    env: "MFA_GRACE_UNTIL",
    parse: moment,
    fallback: undefined,
    about:
      "Date (2027-01-31 or 2027-01-31T12:00:00Z) until which users who must have a second factor and have none can still sign in without one.",
  }),
  rememberDeviceSeconds: setting({
    env: "REMEMBER_DEVICE",
    parse: offOr(
      duration({ atLeast: "1h", atMost: "30d" }),
      "must be off or a duration from 1h to 30d, such as 14d",
    ),
    fallback: "off",
    about:
      "How long a device that its user has asked to remember can sign in with the password alone, or `off`.",
  }),
  emailCodes: setting({
    env: "EMAIL_CODES",
    parse: onOff,
    fallback: "on",
    about:
      "Whether mailed codes can be a second factor. They are the weakest one, because the same mailbox can also reset the password. If this is off, existing ones no longer count.",
  }),
  passkeyDomain: setting({
    env: "PASSKEY_DOMAIN",
    parse: z
      .string()
      .regex(
        /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
        "must be a domain such as example.com",
      )
      .refine(
        isDomain,
        "must be a domain such as example.com or localhost, no IP address and no top level",
      ),
    fallback: undefined,
    about:
      "Domain for which passkeys are registered (WebAuthn's RP ID): the domain of your front ends, or one above it. The default is the host of PUBLIC_URL. Changing it makes every passkey useless.",
  }),
  passkeyOrigins: setting({
    env: "PASSKEY_ORIGINS",
    parse: list.refine(
      (origins) => origins.every((origin) => isWebOrigin(origin) || ANDROID_APP.test(origin)),
      "must be origins such as https://app.example.com, without a path",
    ),
    fallback: "",
    about:
      "Exact origins of further pages that may use passkeys, separated by commas, such as https://app.example.com, or `android:apk-key-hash:…` for an Android app. The origin of PUBLIC_URL always may.",
  }),
  profileSchema: setting({
    env: "PROFILE_SCHEMA",
    parse: text,
    fallback: undefined,
    about: "File with a JSON Schema (2020-12) that every user's profile must match.",
  }),
  passwordProfile: setting({
    env: "PASSWORD_PROFILE",
    parse: oneOf(["standard", "nist"]),
    fallback: "standard",
    about:
      "Shortest password that is accepted: `standard` is 8 code points (OWASP ASVS level 1), `nist` is 15 (SP 800-63B-4).",
  }),
  passwordBlockList: setting({
    env: "PASSWORD_BLOCK_LIST",
    parse: text,
    fallback: undefined,
    about:
      "File with further passwords that are refused, one on each line. A line `!word` allows a word of the built-in list.",
  }),
  accessTtlSeconds: setting({
    env: "ACCESS_TTL",
    parse: duration({ atLeast: "30s", atMost: LONGEST_ACCESS }),
    fallback: "10m",
    about:
      "Lifetime of an access token. An API that hears of no revocations accepts the token of an ended session for at most this long.",
  }),
  refreshGraceSeconds: setting({
    env: "REFRESH_GRACE",
    parse: duration({ atLeast: "0s", atMost: "60s" }),
    fallback: "10s",
    about:
      "How long a refresh token still works after it was replaced, so that a retry or a second tab gets the same successor. 0 is the strict profile.",
  }),
  idleTtlSeconds: setting({
    env: "IDLE_TTL",
    parse: duration({ atLeast: "5m", atMost: "365d" }),
    fallback: "14d",
    about: "A session ends if it is not refreshed for this long.",
  }),
  sessionTtlSeconds: setting({
    env: "SESSION_TTL",
    parse: duration({ atLeast: "5m", atMost: "3650d" }),
    fallback: "90d",
    about: "A session ends at this age, however often it is refreshed.",
  }),
  maxSessionsPerUser: setting({
    env: "MAX_SESSIONS",
    parse: whole(1, 1000),
    fallback: "100",
    about:
      "Highest number of live sessions of one user. One more ends the session that was used longest ago.",
  }),
  signingAlgorithm: setting({
    env: "SIGNING_ALGORITHM",
    parse: oneOf(["ES256", "EdDSA", "RS256"]),
    fallback: "ES256",
    about: "Algorithm of the signing keys that are made from now on.",
  }),
  keyLifetimeSeconds: setting({
    env: "KEY_LIFETIME",
    parse: duration({ atLeast: "1d", atMost: "3650d" }),
    fallback: "90d",
    about: "Age at which a signing key is replaced by its successor.",
  }),
  audience: setting({
    env: "AUDIENCE",
    parse: text,
    fallback: undefined,
    about: "The `aud` claim of access tokens. The default is PUBLIC_URL.",
  }),
  trustedProxies: setting({
    env: "TRUSTED_PROXIES",
    parse: list,
    fallback: "",
    about: "Addresses and CIDR ranges of proxies whose X-Forwarded-For header is believed.",
  }),
  allowedOrigins: setting({
    env: "ALLOWED_ORIGINS",
    parse: list.refine(
      (origins) => origins.every(isAllowable),
      "must be origins such as https://app.example.com or https://*.preview.example.com",
    ),
    fallback: "",
    about:
      "Origins whose scripts may call the API (CORS), separated by commas. Scripts of an exact origin may use cookies, too. `https://*.preview.example.com` stands for one label in place of the star, without cookies. In development every port of http://localhost is allowed.",
  }),
  allowedHeaders: setting({
    env: "ALLOWED_HEADERS",
    parse: list.refine(
      (names) => names.every((name) => /^[A-Za-z0-9-]{1,64}$/.test(name)),
      "must be names of headers such as X-Trace-Id, separated by commas",
    ),
    fallback: "",
    about:
      "Request headers that scripts of those origins may send in addition to the ones that Django's CORS package allows, separated by commas.",
  }),
  metricsToken: setting({
    env: "METRICS_TOKEN",
    parse: z
      .string()
      .min(16, "must have at least 16 characters")
      .transform((value) => new Secret(value)),
    fallback: undefined,
    about:
      "Bearer token that is needed to read /metrics. If it is not set, /metrics is not served.",
    secret: true,
  }),
  docs: setting({
    env: "DOCS",
    parse: oneOf(["on", "off"]),
    fallback: undefined,
    about:
      "Whether /docs and /openapi.json are served. The default is on in development and off in production.",
  }),
  accountPages: setting({
    env: "ACCOUNT_PAGES",
    parse: onOff,
    fallback: "on",
    about:
      "Whether the account pages are served at /account. If this is off, links in mail open plain pages without them.",
  }),
  returnUrls: setting({
    env: "RETURN_URLS",
    parse: list.refine(
      (urls) => urls.every(isReturnUrl),
      "must be addresses such as https://app.example.com/signed-in, without a query",
    ),
    fallback: "",
    about:
      "Addresses to which the account pages may send users back after the sign-in (`?return_to=`), separated by commas. Scheme, host and path must be equal. No other address is followed.",
  }),
  logo: setting({
    env: "LOGO",
    parse: text,
    fallback: undefined,
    about:
      "File with the logo of the account pages: SVG, PNG or WebP with at most 32 KiB. It is shown 28 pixels high.",
  }),
  color: setting({
    env: "COLOR",
    parse: hexColor,
    fallback: undefined,
    about: "Colour of buttons and links on the account pages, such as #1c5d99.",
  }),
  darkColor: setting({
    env: "DARK_COLOR",
    parse: hexColor,
    fallback: undefined,
    about: "The same colour for dark mode. The default is a lighter shade of COLOR.",
  }),
  radius: setting({
    env: "RADIUS",
    parse: whole(0, 32),
    fallback: undefined,
    about: "Radius of the corners on the account pages, in pixels.",
  }),
  links: setting({
    env: "LINKS",
    parse: list
      .refine(
        (links) => links.every((link) => isLink(link)),
        "must be pairs such as Terms=https://example.com/terms, separated by commas",
      )
      .transform((links) => links.map(readLink)),
    fallback: "",
    about:
      "Links at the foot of the account pages, such as `Terms=https://example.com/terms,Privacy=https://example.com/privacy`.",
  }),
  hashConcurrency: setting({
    env: "HASH_CONCURRENCY",
    parse: whole(1, 64),
    fallback: String(availableParallelism()),
    about:
      "Number of passwords that are hashed at the same time. The default is one for each core.",
  }),
  drainSeconds: setting({
    env: "DRAIN",
    parse: duration({ atLeast: "0s", atMost: "5m" }),
    fallback: "10s",
    about: "How long requests that are under way may still take after SIGTERM.",
  }),
  logLevel: setting({
    env: "LOG",
    parse: oneOf(["debug", "info", "warn", "error", "silent"]),
    fallback: "info",
    about: "Lowest level that is logged. The log is written as JSON lines on standard error.",
  }),
  ...faceSettings,
} as const;

type Settings = typeof settings;
export type SettingName = keyof Settings;

/** The settings that are in effect. One without a default is `undefined` if it was not set. */
export type Config = Readonly<{
  [Name in SettingName]: Settings[Name] extends Setting<infer Value, infer Fallback>
    ? Fallback extends string
      ? Value
      : Value | undefined
    : never;
}>;

const PREFIX = "PORTCULLIS_";

/**
 * Reads the environment and the file once; the environment wins. Unknown names are refused, so that
 * a misspelt setting does not silently keep its default.
 *
 * @throws {ConfigError} naming the setting and what it must be
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  file?: string,
): Config {
  const given = { ...(file === undefined ? {} : readFile(file)), ...fromEnvironment(environment) };
  const values = Object.entries(settings).map(([name, definition]) => [
    name,
    readSetting(definition, given[name] ?? definition.fallback),
  ]);
  const config: Config = Object.freeze(Object.fromEntries(values));
  if (config.mode === "production") {
    if (config.publicUrl === undefined)
      throw new ConfigError(
        `${PREFIX}PUBLIC_URL must be set in production, such as https://accounts.example.com.`,
      );
    if (config.mail?.reveal() === "mailbox:")
      throw new ConfigError(
        `${PREFIX}MAIL=mailbox: keeps mail in memory, for development: set a real transport.`,
      );
    if (
      config.mail?.reveal().startsWith("smtp") === true &&
      config.mailFrom === settings.mailFrom.fallback
    ) {
      throw new ConfigError(
        `${PREFIX}MAIL_FROM must be set when mail leaves by SMTP, such as no-reply@example.com.`,
      );
    }
    if (config.mail === undefined)
      throw new ConfigError(
        `${PREFIX}MAIL must be set in production, such as smtp://user:password@mail.example.com.`,
      );
  }
  const stray = strayOrigin(config);
  if (stray !== undefined)
    throw new ConfigError(
      `${PREFIX}PASSKEY_ORIGINS must be at ${PREFIX}PASSKEY_DOMAIN or below it, for browsers use a passkey nowhere else: ${stray} is not.`,
    );
  if (config.idleTtlSeconds > config.sessionTtlSeconds)
    throw new ConfigError(`${PREFIX}IDLE_TTL must not be longer than ${PREFIX}SESSION_TTL.`);
  if (config.accessTtlSeconds > config.idleTtlSeconds)
    throw new ConfigError(`${PREFIX}ACCESS_TTL must not be longer than ${PREFIX}IDLE_TTL.`);
  return config;
}

/**
 * The last label must not be a number, and browsers register no passkeys for a top-level domain.
 */
function isDomain(given: string): boolean {
  return given === "localhost" || /\.[a-z0-9-]*[a-z][a-z0-9-]*$/.test(given);
}

const ANDROID_APP = /^android:apk-key-hash:[\w-]+$/;

/** Returns an origin whose pages could not use the passkeys of the configured domain. */
function strayOrigin({ publicUrl, passkeyDomain, passkeyOrigins }: Config): string | undefined {
  const domain =
    passkeyDomain ?? (publicUrl === undefined ? undefined : new URL(publicUrl).hostname);
  if (domain === undefined) return undefined;
  const pages =
    passkeyOrigins.length === 0 && publicUrl !== undefined
      ? [publicUrl]
      : passkeyOrigins.filter(isWebOrigin);
  return pages.find((page) => !`.${new URL(page).hostname}`.endsWith(`.${domain}`));
}

function readSetting(definition: Setting<unknown>, value: string | undefined): unknown {
  if (value === undefined) return undefined;
  const parsed = definition.parse.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    `${PREFIX}${definition.env} ${parsed.error.issues[0]?.message ?? "is not acceptable"}.`,
  );
}

function fromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const names = new Map(
    Object.entries(settings).map(([name, definition]) => [`${PREFIX}${definition.env}`, name]),
  );
  const given: Record<string, string> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || value === undefined || value === "") continue;
    const name = names.get(variable);
    if (name === undefined)
      throw new ConfigError(`${variable} is not a setting: see \`portcullis config --reference\`.`);
    given[name] = value;
  }
  return given;
}

function readFile(path: string): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(readObject(path))) {
    if (!(name in settings))
      throw new ConfigError(
        `"${name}" in ${path} is not a setting: see \`portcullis config --reference\`.`,
      );
    if (Array.isArray(value)) given[name] = value.join(",");
    else if (typeof value === "string" || typeof value === "number") given[name] = String(value);
    else throw new ConfigError(`"${name}" in ${path} must be a text, a number or a list of texts.`);
  }
  return given;
}

function readObject(path: string): object {
  if (!existsSync(path)) throw new ConfigError(`The configuration file ${path} does not exist.`);
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch (cause) {
    throw new ConfigError(`The configuration file ${path} is not JSON.`, { cause });
  }
  throw new ConfigError(`The configuration file ${path} must hold one JSON object.`);
}

/** Lists the settings that are in effect, with secrets masked, for `portcullis config`. */
export function describeConfig(
  config: Config,
): readonly { readonly name: string; readonly value: string }[] {
  return Object.entries(settings).map(([key, definition]) => {
    const value: unknown = Object.entries(config).find(([name]) => name === key)?.[1];
    return {
      name: `${PREFIX}${definition.env}`,
      value: describe(value, definition.secret === true),
    };
  });
}

function describe(value: unknown, secret: boolean): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "(not set)";
  if (secret) return "[secret]";
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function databaseFile(config: Config): string {
  return join(resolve(config.dataDir), "portcullis.sqlite3");
}

export function secretFile(config: Config): string {
  return join(resolve(config.dataDir), "secret");
}

export function lockPath(config: Config): string {
  return join(dirname(databaseFile(config)), "portcullis.lock");
}
