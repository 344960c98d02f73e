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

/** What is wrong with the configuration, in a sentence that says what to write instead. */
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
export const settings = {
  mode: setting({
    env: "MODE",
    parse: oneOf(["development", "production"]),
    fallback: "development",
    about:
      "`development` prints links, serves the docs and a mailbox page, and fills in what it can; `production` demands PUBLIC_URL and MAIL.",
  }),
  host: setting({
    env: "HOST",
    parse: text,
    fallback: "127.0.0.1",
    about: "Address to listen on.",
  }),
  port: setting({
    env: "PORT",
    parse: whole(0, 65_535),
    fallback: "8420",
    about: "Port to listen on; 0 picks a free one.",
  }),
  publicUrl: setting({
    env: "PUBLIC_URL",
    parse: httpUrl,
    fallback: undefined,
    about:
      "Where users reach the server: the issuer of tokens and the only base of links in mail. In development the listening address.",
  }),
  dataDir: setting({
    env: "DATA_DIR",
    parse: text,
    fallback: "portcullis-data",
    about: "Directory of the embedded database and of the generated secret.",
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
    about: "postgres://user:password@host/database; absent: embedded SQLite in the data directory.",
    secret: true,
  }),
  databasePool: setting({
    env: "DATABASE_POOL",
    parse: whole(2, 200),
    fallback: "10",
    about: "PostgreSQL connections of this server.",
  }),
  secret: setting({
    env: "SECRET",
    parse: text.transform((value) => new Secret(value)),
    fallback: undefined,
    about:
      "Master secret of at least 32 random bytes (`openssl rand -base64 48`). Absent with SQLite: made at first start in the data directory.",
    secret: true,
  }),
  previousSecrets: setting({
    env: "PREVIOUS_SECRETS",
    parse: list.transform((values) => values.map((value) => new Secret(value))),
    fallback: "",
    about:
      "Master secrets used before, newest first, comma separated: what they sealed still opens.",
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
      "smtp://user:password@host:port, smtps://… (`?tls=required`, `optional` or `unverified`; see docs/mail.md), dir:PATH (one file per mail) or mailbox: (a page in development, its default).",
    secret: true,
  }),
  mailFrom: setting({
    env: "MAIL_FROM",
    parse: text.refine(
      isSender,
      "must be one address, such as no-reply@example.com or Accounts <no-reply@example.com>",
    ),
    fallback: "no-reply@localhost",
    about: "Sender of mail: an address or `Name <address>`.",
  }),
  mailRatePerSecond: setting({
    env: "MAIL_RATE",
    parse: whole(1, 1000),
    fallback: "10",
    about: "Mails sent a second, at most, by the whole deployment.",
  }),
  mailConnections: setting({
    env: "MAIL_CONNECTIONS",
    parse: whole(1, 20),
    fallback: "1",
    about:
      "Mails under way at once. A crash can send those a second time: with 1 it is one mail at most.",
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
      "Language of mail to users who have chosen none, or one there are no templates in. Built in: en, de.",
  }),
  mailTemplates: setting({
    env: "MAIL_TEMPLATES",
    parse: text,
    fallback: undefined,
    about: "Directory of templates in place of the built-in ones; see docs/mail.md.",
  }),
  mailWebhookSecret: setting({
    env: "MAIL_WEBHOOK_SECRET",
    parse: z
      .string()
      .min(32, "must have at least 32 characters")
      .transform((value) => new Secret(value)),
    fallback: undefined,
    about:
      "Shared secret that reports of bounces and complaints are signed with; absent: none are accepted.",
    secret: true,
  }),
  auditRetentionSeconds: setting({
    env: "AUDIT_RETENTION",
    parse: duration({ atLeast: "1d", atMost: "36500d" }),
    fallback: undefined,
    about: "Age at which audit events are removed; absent: they are kept for good.",
  }),
  serviceName: setting({
    env: "SERVICE_NAME",
    parse: text.max(60),
    fallback: "Portcullis",
    about: "What mail calls your service; a word no password may be made of.",
  }),
  registration: setting({
    env: "REGISTRATION",
    parse: oneOf(["confirm", "immediate", "closed"]),
    fallback: "confirm",
    about:
      "`confirm`: by a mailed code, accounts are not revealed; `immediate`: at once, unconfirmed; `closed`: nobody.",
  }),
  mfaPolicy: setting({
    env: "MFA_POLICY",
    parse: oneOf(["off", "optional", "superusers", "required"]),
    fallback: "superusers",
    about:
      "Second factors: `off`: nobody sets one up; `optional`: who wants to; `superusers`: those must; `required`: everybody must. Who must and has none sets one up at the next sign-in; who has one is asked for it under every policy. See `portcullis users mfa-report` first.",
  }),
  mfaGraceUntil: setting({
    env: "MFA_GRACE_UNTIL",
    parse: moment,
    fallback: undefined,
    about:
      "Until then (2027-01-31 or 2027-01-31T12:00:00Z) who must have a second factor and has none still signs in without.",
  }),
  rememberDeviceSeconds: setting({
    env: "REMEMBER_DEVICE",
    parse: offOr(
      duration({ atLeast: "1h", atMost: "30d" }),
      "must be off or a duration from 1h to 30d, such as 14d",
    ),
    fallback: "off",
    about: "How long a device whose user asks for it signs in by password alone, or `off`.",
  }),
  emailCodes: setting({
    env: "EMAIL_CODES",
    parse: onOff,
    fallback: "on",
    about:
      "Whether mailed codes can be a second factor: the weakest, for whoever reads the mailbox can reset the password, too. Switched off, they no longer count.",
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
      "Domain that passkeys are registered for (WebAuthn's RP ID): that of your front ends or one above it. Absent: the host of PUBLIC_URL. Changed, it voids every passkey.",
  }),
  passkeyOrigins: setting({
    env: "PASSKEY_ORIGINS",
    parse: list.refine(
      (origins) => origins.every((origin) => isOrigin(origin) || ANDROID_APP.test(origin)),
      "must be origins such as https://app.example.com, without a path",
    ),
    fallback: "",
    about:
      "Origins of the pages that may use passkeys, exact, comma separated, beside PUBLIC_URL, such as https://app.example.com; of an Android app `android:apk-key-hash:…`.",
  }),
  profileSchema: setting({
    env: "PROFILE_SCHEMA",
    parse: text,
    fallback: undefined,
    about: "File with the JSON Schema (2020-12) of the users' profile.",
  }),
  passwordProfile: setting({
    env: "PASSWORD_PROFILE",
    parse: oneOf(["standard", "nist"]),
    fallback: "standard",
    about:
      "Shortest password: `standard` 8 code points (OWASP ASVS level 1), `nist` 15 (SP 800-63B-4).",
  }),
  passwordBlockList: setting({
    env: "PASSWORD_BLOCK_LIST",
    parse: text,
    fallback: undefined,
    about:
      "File of further passwords to refuse, one per line; `!word` takes a word off the built-in list.",
  }),
  accessTtlSeconds: setting({
    env: "ACCESS_TTL",
    parse: duration({ atLeast: "30s", atMost: "1h" }),
    fallback: "10m",
    about:
      "Lifetime of an access token: the longest a revoked session can outlive a verifier that hears no revocations.",
  }),
  refreshGraceSeconds: setting({
    env: "REFRESH_GRACE",
    parse: duration({ atLeast: "0s", atMost: "60s" }),
    fallback: "10s",
    about: "How long a refresh still answers to the token it replaced; 0 is the strict profile.",
  }),
  idleTtlSeconds: setting({
    env: "IDLE_TTL",
    parse: duration({ atLeast: "5m", atMost: "365d" }),
    fallback: "14d",
    about: "A session that is not refreshed for so long ends.",
  }),
  sessionTtlSeconds: setting({
    env: "SESSION_TTL",
    parse: duration({ atLeast: "5m", atMost: "3650d" }),
    fallback: "90d",
    about: "A session ends after so long, whatever happens.",
  }),
  maxSessionsPerUser: setting({
    env: "MAX_SESSIONS",
    parse: whole(1, 1000),
    fallback: "100",
    about: "Live sessions of one user; one more ends the one used longest ago.",
  }),
  signingAlgorithm: setting({
    env: "SIGNING_ALGORITHM",
    parse: oneOf(["ES256", "EdDSA", "RS256"]),
    fallback: "ES256",
    about: "Algorithm of signing keys made from now on.",
  }),
  keyLifetimeSeconds: setting({
    env: "KEY_LIFETIME",
    parse: duration({ atLeast: "1d", atMost: "3650d" }),
    fallback: "90d",
    about: "Age at which a signing key gets its successor.",
  }),
  audience: setting({
    env: "AUDIENCE",
    parse: text,
    fallback: undefined,
    about: "`aud` of access tokens; absent: PUBLIC_URL.",
  }),
  trustedProxies: setting({
    env: "TRUSTED_PROXIES",
    parse: list,
    fallback: "",
    about: "Addresses and CIDR ranges whose X-Forwarded-For is believed.",
  }),
  allowedOrigins: setting({
    env: "ALLOWED_ORIGINS",
    parse: list.refine(
      (origins) => origins.every(isOrigin),
      "must be origins such as https://app.example.com, without a path",
    ),
    fallback: "",
    about: "Origins whose scripts may call the API (CORS), exact, comma separated.",
  }),
  metricsToken: setting({
    env: "METRICS_TOKEN",
    parse: z
      .string()
      .min(16, "must have at least 16 characters")
      .transform((value) => new Secret(value)),
    fallback: undefined,
    about: "Bearer token that reads /metrics; absent: there is no /metrics.",
    secret: true,
  }),
  docs: setting({
    env: "DOCS",
    parse: oneOf(["on", "off"]),
    fallback: undefined,
    about: "Whether /docs and /openapi.json are served; on in development, off in production.",
  }),
  hashConcurrency: setting({
    env: "HASH_CONCURRENCY",
    parse: whole(1, 64),
    fallback: String(availableParallelism()),
    about: "Passwords hashed at the same time; by default one per core.",
  }),
  drainSeconds: setting({
    env: "DRAIN",
    parse: duration({ atLeast: "0s", atMost: "5m" }),
    fallback: "10s",
    about: "How long requests under way may take after SIGTERM.",
  }),
  logLevel: setting({
    env: "LOG",
    parse: oneOf(["debug", "info", "warn", "error", "silent"]),
    fallback: "info",
    about: "Least level that is logged, as JSON lines on standard error.",
  }),
  ...faceSettings,
} as const;

type Settings = typeof settings;
export type SettingName = keyof Settings;

/** Settings without a default are `undefined` where nobody gave them. */
export type Config = Readonly<{
  [Name in SettingName]: Settings[Name] extends Setting<infer Value, infer Fallback>
    ? Fallback extends string
      ? Value
      : Value | undefined
    : never;
}>;

const PREFIX = "PORTCULLIS_";

/**
 * Reads environment and file once; the environment wins. Unknown names are refused, so that a
 * typing error is not a default.
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

/** The last label of a domain is no number, and browsers register passkeys for no top level. */
function isDomain(given: string): boolean {
  return given === "localhost" || /\.[a-z0-9-]*[a-z][a-z0-9-]*$/.test(given);
}

const ANDROID_APP = /^android:apk-key-hash:[\w-]+$/;

function isOrigin(given: string): boolean {
  return URL.canParse(given) && new URL(given).origin === given && /^https?:[^*]*$/.test(given);
}

/** A page that could not use the passkeys that it is meant to. */
function strayOrigin({ publicUrl, passkeyDomain, passkeyOrigins }: Config): string | undefined {
  const domain =
    passkeyDomain ?? (publicUrl === undefined ? undefined : new URL(publicUrl).hostname);
  if (domain === undefined) return undefined;
  const pages =
    passkeyOrigins.length === 0 && publicUrl !== undefined
      ? [publicUrl]
      : passkeyOrigins.filter(isOrigin);
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

/** What is in effect, secrets masked, for `portcullis config`. */
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
