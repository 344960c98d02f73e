import { openApiDocument } from "@portcullis/contract";
import { createVerifier } from "@portcullis/verifier";
import { readFileSync } from "node:fs";
import { adminRoutes } from "./admin/admin.http.ts";
import { ConfigError, type Config } from "./config.ts";
import type { OpenDatabase } from "./db/open.ts";
import { isUnavailable } from "./db/storage-errors.ts";
import type { Hasher } from "./hashing/pool.ts";
import { addressKeys } from "./http/address.ts";
import { createApp, type App } from "./http/app.ts";
import { docsPages } from "./http/docs.ts";
import { createMetrics, metricsPage } from "./http/metrics.ts";
import type { Page } from "./http/page.ts";
import type { Clock } from "./kernel/clock.ts";
import { uuidv4 } from "./kernel/ids.ts";
import type { Keyring } from "./kernel/keyring.ts";
import type { Log } from "./kernel/log.ts";
import type { Random } from "./kernel/random.ts";
import { mailboxPage } from "./mail/mailbox-page.ts";
import { createSender, type Sender } from "./mail/sender.ts";
import type { Transport } from "./mail/transports.ts";
import { recoveryRoutes } from "./recovery/recovery.http.ts";
import { createFeed, type Feed } from "./revocations/feed.ts";
import { createSettle } from "./revocations/settle.ts";
import { feedSource } from "./revocations/source.ts";
import { bearerGuard, serverRoutes, type Readiness } from "./server.http.ts";
import { createAuthenticate } from "./sessions/authenticate.ts";
import { createSessionEnding } from "./sessions/session-ending.ts";
import { sessionRoutes } from "./sessions/sessions.http.ts";
import { createCheckOwnPassword } from "./sign-in/own-password.ts";
import type { Factor } from "./sign-in/factor.ts";
import { signInRoutes } from "./sign-in/sign-in.http.ts";
import { defaultAttemptLimits, forgetFailures } from "./sign-in/throttle.ts";
import { take } from "./throttle/attempts.store.ts";
import { createBudgets } from "./throttle/budgets.ts";
import { openKeys, type KeyDeps } from "./tokens/keys.ts";
import { openBlockList } from "./users/block-list.ts";
import { minimumLengths } from "./users/password-policy.ts";
import { createProfileRules, type ProfileRules } from "./users/profile.ts";
import { setupPage } from "./users/setup-page.ts";
import { userRoutes } from "./users/users.http.ts";
import { isActiveSuperuser } from "./users/users.store.ts";

/** The two-sided world: what a process is given, and a test replaces. */
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
}

/** How often a node looks at the revocation log: cheap and local on SQLite, a round trip on PostgreSQL. */
const POLL_MILLISECONDS = { sqlite: 100, postgres: 1000 } as const;
/** S of design §4.2. */
const BOUND_SECONDS = 10;
const LEEWAY_SECONDS = 5;
/** The longest access token a configuration can ask for: what retired keys and verifiers must outlast. */
const MAX_ACCESS_SECONDS = 3600;
const ANNOUNCE_SECONDS = 600;
const FORGERY_LIMIT = { limit: 100, windowSeconds: 900 };

export const VERSION = "0.1.0";

export type Rules = Awaited<ReturnType<typeof composeRules>>;

/** Every rule's dependencies in one object; each function takes the part it names. Nothing listens, polls or sends yet. */
export async function composeRules(parts: Parts) {
  const { config, publicUrl, database, keyring, clock, random, log, hasher } = parts;
  const { db } = database;
  const nodeId = uuidv4(random);
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
    retainSeconds: MAX_ACCESS_SECONDS + 2 * LEEWAY_SECONDS,
    rotateAfterSeconds: config.keyLifetimeSeconds,
  };
  const keys = await openKeys(keyDeps);
  const sender: Sender = createSender({
    db,
    clock,
    random,
    keyring,
    log,
    transport: parts.transport,
    from: config.mailFrom,
    publicUrl,
    serviceName: config.serviceName,
  });
  const settle = createSettle({ db, clock, nodeId, boundSeconds: BOUND_SECONDS, view: feed.view, keyRemoved: async () => keys.reload() });
  const factors: readonly Factor[] = [];
  const base = {
    ...keyDeps,
    keys,
    random,
    log,
    hasher,
    settle,
    issuer: publicUrl,
    audience: config.audience ?? publicUrl,
    accessTtlSeconds: config.accessTtlSeconds,
    idleTtlSeconds: config.idleTtlSeconds,
    sessionTtlSeconds: config.sessionTtlSeconds,
    maxSessionsPerUser: config.maxSessionsPerUser,
    refreshGraceSeconds: config.refreshGraceSeconds,
    registration: config.registration,
    requireVerifiedEmail: config.registration === "confirm",
    passwordPolicy: { minimumLength: minimumLengths[config.passwordProfile], blockList: await openBlockList(config.passwordBlockList) },
    profileRules: readProfileRules(config),
    serviceName: config.serviceName,
    factors,
    attemptLimits: defaultAttemptLimits,
    wakeMail: () => sender.wake(),
    forgetFailures,
    metrics: createMetrics(),
  };
  return {
    ...base,
    feed,
    sender,
    sessions: createSessionEnding(base),
    checkOwnPassword: createCheckOwnPassword(base),
    countForgery: async (address: string) =>
      db
        .transaction()
        .execute(async (tx) => take(tx, { bucket: `forged-refresh:${addressKeys(address).address}`, ...FORGERY_LIMIT }, clock.now())),
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
    maxLifetimeSeconds: MAX_ACCESS_SECONDS,
  });
  const budgets = createBudgets(rules);
  return createApp({
    routes: [
      ...userRoutes(rules),
      ...sessionRoutes(rules),
      ...signInRoutes(rules),
      ...recoveryRoutes(rules),
      ...adminRoutes(rules),
      ...serverRoutes({ keys: rules.keys, readiness }),
    ],
    pages: pagesOf(parts, rules),
    authenticate: createAuthenticate(verifier, rules.feed),
    isSuperuser: async (userId) => isActiveSuperuser(rules.db, userId),
    allow: async (budget, client) => {
      const outcome = await budgets(budget, client);
      return outcome.kind === "taken" ? { ok: true } : { ok: false, retryAfterSeconds: outcome.retryAfterSeconds };
    },
    isUnavailable,
    checkAnswers: config.mode === "development",
    trustedProxies: config.trustedProxies,
    allowedOrigins: config.allowedOrigins,
    publicUrl,
    log,
    clock,
    random,
    metrics: rules.metrics,
  });
}

function pagesOf(parts: Parts, rules: Rules): readonly Page[] {
  const { config, random, transport, publicUrl } = parts;
  const { messages } = transport;
  const docs = (config.docs ?? (config.mode === "development" ? "on" : "off")) === "on";
  return [
    setupPage(random),
    metricsPage(rules.metrics, bearerGuard(config.metricsToken)),
    ...(docs ? docsPages(openApiDocument({ publicUrl, version: VERSION })) : []),
    ...(config.mode === "development" && messages !== undefined ? [mailboxOf(random, messages)] : []),
  ];
}

function mailboxOf(random: Random, messages: NonNullable<Transport["messages"]>): Page {
  return {
    name: "mailbox",
    method: "GET",
    path: "/dev/mailbox",
    visit: () => {
      const nonce = random.bytes(16).toString("base64");
      const policy = `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
      return {
        kind: "page",
        status: 200,
        body: mailboxPage(messages(), nonce),
        headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
      };
    },
  };
}

function readProfileRules(config: Config): ProfileRules {
  if (config.profileSchema === undefined) return createProfileRules();
  try {
    return createProfileRules(JSON.parse(readFileSync(config.profileSchema, "utf8")));
  } catch (cause) {
    throw new ConfigError(`PORTCULLIS_PROFILE_SCHEMA: ${cause instanceof Error ? cause.message : "cannot be read"}.`, { cause });
  }
}
