import { onCommit, separateHandle, transact } from "../platform/db/transact.ts";
import { openApiDocument } from "@portcullis/contract";
import { createVerifier } from "@portcullis/verifier";
import { readFileSync } from "node:fs";
import { adminRoutes } from "../interfaces/admin/admin.http.ts";
import { composeFaces } from "./compose-faces.ts";
import { ConfigError, type Config } from "./config.ts";
import { lettersOf } from "./letters.ts";
import type { OpenDatabase } from "../platform/db/open.ts";
import { isUnavailable } from "../platform/db/storage-errors.ts";
import { factorAdminRoutes } from "../accounts/factors/admin.http.ts";
import { createEmailCodes } from "../accounts/factors/email-codes.ts";
import { factorRoutes } from "../accounts/factors/factors.http.ts";
import { createPasskeys } from "../accounts/factors/passkeys/passkeys.ts";
import { passkeyRoutes } from "../accounts/factors/passkeys/passkeys.http.ts";
import { createRecoveryCodes, createReserve } from "../accounts/factors/recovery-codes.ts";
import { createTotp } from "../accounts/factors/totp.ts";
import type { Hasher } from "../platform/hashing/pool.ts";
import { addressKeys } from "../platform/http/address.ts";
import { createApp, type App } from "../platform/http/app.ts";
import { homePage, type HomeLink } from "../interfaces/pages/home.ts";
import { brandOf } from "./brand.ts";
import { accountPages, missingPages } from "../interfaces/pages/account-pages.ts";
import type { BuiltPages } from "../interfaces/pages/built-pages.ts";
import { docsPages } from "../interfaces/pages/docs.ts";
import type { EdgeDeps } from "../platform/http/edge.ts";
import { createMetrics, metricsPage } from "../platform/http/metrics.ts";
import type { Page } from "../platform/http/page.ts";
import { refuse } from "../platform/http/serve.ts";
import type { Signature } from "../platform/http/steps/verify-signature.ts";
import type { Clock } from "../platform/kernel/clock.ts";
import { uuidv4 } from "../platform/kernel/ids.ts";
import type { Keyring } from "../platform/kernel/keyring.ts";
import type { Log } from "../platform/kernel/log.ts";
import type { Random } from "../platform/kernel/random.ts";
import { mailboxPages } from "../interfaces/pages/mailbox.ts";
import { mailRoutes } from "../records/mail/mail.http.ts";
import { readSignature, TOLERANCE_SECONDS } from "../records/mail/report-signature.ts";
import { previewPages } from "../interfaces/pages/mail-preview.ts";
import { mailChannel } from "../records/mail/mail.ts";
import { createMailChannel } from "../records/mail/mail-channel.ts";
import { createSender, type Sender } from "../records/outbox/sender.ts";
import type { Transport } from "../records/mail/transport.ts";
import { recoveryPages } from "../interfaces/pages/recovery.ts";
import { accountRoutes } from "../accounts/account/account.http.ts";
import { createFeed, type Feed } from "../records/revocations/feed.ts";
import { barrier, createSettle } from "../records/revocations/barrier.ts";
import { feedSource } from "../records/revocations/source.ts";
import type { Rules } from "./rules.ts";
import { bearerGuard, serverRoutes, type Readiness } from "./server.http.ts";
import { cookieKinds, createCookieMode } from "../accounts/sessions/cookie-mode.ts";
import { createAuthenticate } from "../accounts/sessions/authenticate.ts";
import type { SessionPolicy } from "../accounts/sessions/session-policy.ts";
import { createSessionEnding } from "../accounts/sessions/session-ending.ts";
import { sessionRoutes } from "../accounts/sessions/sessions.http.ts";
import { createAuthorize } from "../accounts/policies/authorize.ts";
import { createCheckOwnPassword } from "../accounts/sign-in/own-password.ts";
import type { Factor } from "../accounts/sign-in/factor.ts";
import { signInRoutes } from "../accounts/sign-in/sign-in.http.ts";
import { defaultAttemptLimits, forgetFailures } from "../accounts/sign-in/lock-out.ts";
import { take } from "../records/attempts/attempts.store.ts";
import { createBudgets } from "../records/attempts/budgets.ts";
import { openKeys, type KeyDeps } from "../accounts/tokens/keys.ts";
import { LEEWAY_SECONDS, LONGEST_ACCESS_SECONDS } from "../accounts/tokens/lifetimes.ts";
import { VERSION } from "./version.ts";
import { openBlockList } from "../accounts/users/block-list.ts";
import { minimumLengths } from "../accounts/users/password-policy.ts";
import { createProfileRules, type ProfileRules } from "../accounts/users/profile.ts";
import { confirmPage } from "../interfaces/pages/confirm-registration.ts";
import { setupPage } from "../interfaces/pages/setup.ts";
import { usernameRules } from "../accounts/users/username.ts";
import { userRoutes } from "../accounts/users/users.http.ts";

/** Everything that comes from outside: a process gets the real parts, a test replaces them. */
export interface Parts {
  readonly config: Config;
  readonly publicUrl: string;
  readonly database: OpenDatabase;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly hasher: Hasher;
  readonly transport: Transport;
  /**
   * The account pages, or `null` if they are on and have not been built. Without the member they
   * are off, and the links in mail open plain pages.
   */
  readonly accountPages?: BuiltPages | null;
}

/**
 * The interval at which a node reads the revocation log. Reading is cheap and local on SQLite, and
 * a round trip on PostgreSQL.
 */
const POLL_MILLISECONDS = { sqlite: 100, postgres: 1000 } as const;
/** S of docs/design/revocation.md. */
const BOUND_SECONDS = 10;
const ANNOUNCE_SECONDS = 600;
const FORGERY_LIMIT = { limit: 100, windowSeconds: 900 };

/** Composes the dependencies of every rule. Nothing listens, polls or sends yet. */
export async function composeRules(parts: Parts): Promise<Rules> {
  const { config, publicUrl, database, keyring, clock, random, log, hasher } = parts;
  const db = separateHandle(database.db);
  const nodeId = uuidv4(random);
  // There is only one process with SQLite, so after a crash the new one need not wait for the old
  // lease.
  const holder = database.dialect === "sqlite" ? "the only process" : nodeId;
  const feed: Feed = createFeed({
    db,
    clock,
    log,
    source: feedSource(database, clock),
    nodeId,
    bootId: uuidv4(random),
    pollMilliseconds: POLL_MILLISECONDS[database.dialect],
    boundSeconds: BOUND_SECONDS,
    keyRemoved: async () => keys.reload(),
  });
  const keyDeps: KeyDeps = {
    db,
    clock,
    keyring,
    algorithm: config.signingAlgorithm,
    announceSeconds: ANNOUNCE_SECONDS,
    retainSeconds: LONGEST_ACCESS_SECONDS + 2 * LEEWAY_SECONDS,
    rotateAfterSeconds: config.keyLifetimeSeconds,
  };
  const keys = await openKeys(keyDeps);
  const letters = lettersOf(config, publicUrl);
  const outbox = { db, clock, random, keyring, log };
  const mails = createMailChannel({
    ...outbox,
    transport: parts.transport,
    letters,
    from: config.mailFrom,
    publicUrl,
    rate: config.mailRatePerSecond,
    connections: config.mailConnections,
  });
  const sender: Sender = createSender({ ...outbox, holder }, mails);
  onCommit(db, mailChannel.wake, () => sender.wake());
  const settle = createSettle({
    db,
    clock,
    nodeId,
    boundSeconds: BOUND_SECONDS,
    view: feed.view,
    keyRemoved: async () => keys.reload(),
  });
  onCommit(db, barrier, settle);
  const sessionPolicy: SessionPolicy = {
    accessTtlSeconds: config.accessTtlSeconds,
    idleTtlSeconds: config.idleTtlSeconds,
    sessionTtlSeconds: config.sessionTtlSeconds,
    maxSessionsPerUser: config.maxSessionsPerUser,
    refreshGraceSeconds: config.refreshGraceSeconds,
  };
  const base = {
    ...keyDeps,
    keys,
    random,
    log,
    hasher,
    issuer: publicUrl,
    audience: config.audience ?? publicUrl,
    registration: config.registration,
    passwordPolicy: {
      minimumLength: minimumLengths[config.passwordProfile],
      blockList: await openBlockList(config.passwordBlockList),
    },
    profileRules: readProfileRules(config),
    serviceName: config.serviceName,
    mfaPolicy: config.mfaPolicy,
    mfaGraceUntil: config.mfaGraceUntil,
    rememberDeviceSeconds: config.rememberDeviceSeconds,
    emailCodes: config.emailCodes,
    passkeyDomain: config.passkeyDomain ?? new URL(publicUrl).hostname,
    passkeyOrigins: [new URL(publicUrl).origin, ...config.passkeyOrigins],
    readUsername: usernameRules[config.usernames],
    loginField: config.loginField,
    attemptLimits: defaultAttemptLimits,
    forgetFailures,
    metrics: createMetrics(),
    cookieKinds: cookieKinds({ publicUrl, mode: config.mode }),
    nodeId,
    auditRetentionSeconds: config.auditRetentionSeconds,
  };
  const factors: readonly Factor[] = [
    createTotp(base),
    createEmailCodes(base),
    createPasskeys(base),
    // Recovery codes are offered last, because users think of them last.
    createRecoveryCodes(base),
  ];
  return {
    ...base,
    sessionPolicy,
    signInPolicy: {
      sessions: sessionPolicy,
      requireVerifiedEmail: config.registration === "confirm",
      noticeNewDevices: true,
      makesRecoveryCodes: true,
    },
    factors,
    makeReserve: createReserve(base),
    feed,
    letters,
    sender,
    sessions: createSessionEnding(base, sessionPolicy),
    checkOwnPassword: createCheckOwnPassword(base),
    countForgery: async (address: string) =>
      transact({ db }, async (tx) =>
        take(
          tx,
          { bucket: `forged-refresh:${addressKeys(address).address}`, ...FORGERY_LIMIT },
          clock.now(),
        ),
      ),
  };
}

export function composeApp(parts: Parts, rules: Rules, readiness: () => Readiness): App {
  const { config, clock, random, log, publicUrl } = parts;
  const verifier = createVerifier({
    issuer: rules.issuer,
    audience: rules.audience,
    keys: rules.keys.verifying,
    view: rules.feed.view,
    clock,
    leewaySeconds: LEEWAY_SECONDS,
    maxLifetimeSeconds: LONGEST_ACCESS_SECONDS,
  });
  const budgets = createBudgets(rules);
  const authenticate = createAuthenticate(verifier, rules.feed);
  const allow: EdgeDeps["allow"] = async (budget, client) => {
    const outcome = await budgets(budget, client);
    return outcome.kind === "taken"
      ? { ok: true }
      : { ok: false, retryAfterSeconds: outcome.retryAfterSeconds };
  };
  const elsewhere = composeFaces({ config, rules, publicUrl, authenticate, allow });
  return createApp({
    routes: [
      ...userRoutes(rules),
      ...sessionRoutes(rules),
      ...signInRoutes(rules),
      ...factorRoutes(rules),
      ...passkeyRoutes(rules),
      ...accountRoutes(rules),
      ...adminRoutes(rules),
      ...factorAdminRoutes(rules),
      ...mailRoutes(rules),
      ...serverRoutes({ keys: rules.keys, readiness }),
    ],
    pages: pagesOf(parts, rules),
    ...(elsewhere !== undefined && { elsewhere }),
    authenticate,
    cookies: createCookieMode({
      keyring: rules.keyring,
      publicUrl,
      mode: config.mode,
      allowedOrigins: config.allowedOrigins,
      allowsLocalhost: config.mode === "development",
      idleTtlSeconds: config.idleTtlSeconds,
    }),
    authorize: createAuthorize(rules),
    verifySignature: reportSignatures(parts, rules),
    allow,
    isUnavailable,
    checkAnswers: config.mode === "development",
    trustedProxies: config.trustedProxies,
    allowedOrigins: config.allowedOrigins,
    allowsLocalhost: config.mode === "development",
    allowedHeaders: config.allowedHeaders,
    publicUrl,
    log,
    clock,
    random,
    metrics: rules.metrics,
  });
}

/**
 * Accepts a signed report once. Wrong signatures are counted against the address that they come
 * from.
 */
function reportSignatures({ config, clock }: Parts, { db }: Rules): EdgeDeps["verifySignature"] {
  const secret = config.mailWebhookSecret?.reveal();
  // A report is accepted from TOLERANCE_SECONDS before its timestamp until TOLERANCE_SECONDS after,
  // inclusive.
  const once = { limit: 1, windowSeconds: 2 * TOLERANCE_SECONDS + 1 };
  return async (header, body, client) => {
    const now = clock.now();
    const report =
      secret === undefined || header === undefined
        ? undefined
        : readSignature(secret, header, body, now);
    return transact({ db }, async (tx): Promise<Signature> => {
      if (
        report !== undefined &&
        (await take(tx, { bucket: `mail-report:${report}`, ...once }, now)).kind === "taken"
      )
        return { kind: "verified" };
      const forgeries = {
        bucket: `forged-report:${addressKeys(client.address).address}`,
        ...FORGERY_LIMIT,
      };
      const counted = await take(tx, forgeries, now);
      if (counted.kind === "taken") return refuse("invalid_signature");
      return refuse("rate_limited", { retryAfterSeconds: counted.retryAfterSeconds });
    });
  };
}

function pagesOf(parts: Parts, rules: Rules): readonly Page[] {
  const { config, random, transport, publicUrl } = parts;
  const { messages } = transport;
  const docs = (config.docs ?? (config.mode === "development" ? "on" : "off")) === "on";
  return [
    ...userPages(parts, rules),
    metricsPage(rules.metrics, bearerGuard(config.metricsToken)),
    ...(docs ? docsPages(() => openApiDocument({ publicUrl, version: VERSION })) : []),
    ...(config.mode === "development"
      ? [
          homePage(random, { serviceName: config.serviceName, links: homeLinks(parts, docs) }),
          ...previewPages({ letters: rules.letters, random }),
        ]
      : []),
    ...(config.mode === "development" && messages !== undefined
      ? mailboxPages({ messages, random, publicUrl })
      : []),
  ];
}

function homeLinks({ accountPages: built, transport }: Parts, docs: boolean): readonly HomeLink[] {
  return [
    ...(built === undefined || built === null
      ? []
      : [
          {
            path: "account",
            title: "Account pages",
            description: "register, sign in, and manage the own account",
          },
        ]),
    ...(docs
      ? [
          { path: "docs", title: "Documentation", description: "every call of the API" },
          { path: "openapi.json", title: "OpenAPI", description: "the same, for generators" },
        ]
      : []),
    ...(transport.messages === undefined
      ? []
      : [{ path: "dev/mailbox", title: "Mailbox", description: "the mail that was sent" }]),
    { path: "dev/mails", title: "Letters", description: "what every mail looks like" },
  ];
}

/** Returns the pages of users, among them those that links in mail open. */
function userPages(parts: Parts, rules: Rules): readonly Page[] {
  const { config, random, publicUrl, accountPages: built } = parts;
  if (built === undefined || built === null)
    return [
      setupPage(random),
      confirmPage(random),
      ...recoveryPages(random),
      ...(built === null ? [missingPages()] : []),
    ];
  const { properties = null, required = [] } = readProfileSchema(config) ?? {};
  return accountPages({
    random,
    publicUrl,
    built,
    returnUrls: config.returnUrls,
    facts: {
      serviceName: config.serviceName,
      registration: config.registration,
      minimumPasswordLength: rules.passwordPolicy.minimumLength,
      usernames: config.loginField === "username",
      factors: config.mfaPolicy !== "off",
      emailCodes: config.emailCodes,
      rememberDays:
        config.rememberDeviceSeconds === undefined
          ? null
          : Math.ceil(config.rememberDeviceSeconds / DAY_SECONDS),
      profileFields: properties,
      requiredFields: required,
      brand: brandOf(config),
    },
  });
}

const DAY_SECONDS = 86_400;

interface ProfileSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

function readProfileSchema({ profileSchema }: Config): ProfileSchema | undefined {
  return profileSchema === undefined ? undefined : JSON.parse(readFileSync(profileSchema, "utf8"));
}

export function readProfileRules(config: Config): ProfileRules {
  if (config.profileSchema === undefined) return createProfileRules();
  try {
    return createProfileRules(JSON.parse(readFileSync(config.profileSchema, "utf8")));
  } catch (cause) {
    throw new ConfigError(
      `PORTCULLIS_PROFILE_SCHEMA: ${cause instanceof Error ? cause.message : "cannot be read"}.`,
      { cause },
    );
  }
}
