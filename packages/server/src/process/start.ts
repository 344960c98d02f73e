import { databaseFile, lockPath, type Config } from "./config.ts";
import { composeApp, composeRules, type Parts } from "./compose.ts";
import type { Rules } from "./rules.ts";
import { StartError } from "../platform/db/gates.ts";
import { lockFile, type ServeLock } from "../platform/db/sqlite/lock.ts";
import { migrate } from "../platform/db/migrate.ts";
import { openDatabase } from "../platform/db/open.ts";
import { standardParameters, type Argon2Parameters } from "../platform/hashing/phc.ts";
import { createHasher } from "../platform/hashing/pool.ts";
import { listen } from "../platform/http/node.ts";
import { readBuiltPages } from "../interfaces/pages/built-pages.ts";
import { runJobs } from "./jobs.ts";
import { systemClock } from "../platform/kernel/clock.ts";
import { jsonLog } from "../platform/kernel/log.ts";
import { systemRandom } from "../platform/kernel/random.ts";
import { createTransport } from "../records/mail/transports.ts";
import { openKeyring } from "./master-secret.ts";
import { registerGauges } from "./gauges.ts";
import type { Readiness } from "./server.http.ts";
import { selfTest } from "../accounts/sessions/self-test.ts";

export interface Opened {
  readonly parts: Parts;
  readonly rules: Rules;
  close(): Promise<void>;
}

/**
 * Opens the database, brings its schema up to date and composes the rules, which is all that a
 * command needs.
 */
export async function open(
  config: Config,
  publicUrl: string,
  hashing: Argon2Parameters = standardParameters,
): Promise<Opened> {
  const clock = systemClock;
  const random = systemRandom;
  const log = jsonLog(config.logLevel);
  const keyring = openKeyring(config, random);
  const url = config.databaseUrl?.reveal();
  const database = await openDatabase({
    ...(url === undefined ? {} : { url }),
    file: databaseFile(config),
    log,
    poolSize: config.databasePool,
  });
  const hasher = createHasher({
    log,
    clock,
    random,
    concurrency: config.hashConcurrency,
    params: hashing,
  });
  const transport = createTransport(config.mail?.reveal() ?? "mailbox:", {
    clock,
    connections: config.mailConnections,
  });
  const close = async (): Promise<void> => {
    transport.close();
    await hasher.close();
    await database.close();
  };
  try {
    await migrate(database);
    const parts: Parts = {
      config,
      publicUrl,
      database,
      keyring,
      clock,
      random,
      log,
      hasher,
      transport,
    };
    return { parts, rules: await composeRules(parts), close };
  } catch (error) {
    await close();
    throw error;
  }
}

export interface Running {
  readonly port: number;
  readonly rules: Rules;
  /** Accepts no new requests, lets those under way finish, then closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts the server. It listens only once it has loaded the revocations and passed its self-test
 * (RV-11, RF-18).
 *
 * @param address.hashing what the hashes of passwords cost. Only tests that are not about hashing
 *   give it: no setting makes it less than the standard
 */
export async function start(
  config: Config,
  address: {
    readonly port: number;
    readonly publicUrl: string;
    readonly hashing?: Argon2Parameters;
  },
): Promise<Running> {
  const lock = config.databaseUrl === undefined ? holdDataDirectory(config) : undefined;
  let opened: Opened | undefined;
  try {
    opened = await open(config, address.publicUrl, address.hashing);
    return await run(config, opened, address.port, lock);
  } catch (error) {
    await opened?.close();
    lock?.release();
    throw error;
  }
}

async function run(
  config: Config,
  opened: Opened,
  port: number,
  lock: ServeLock | undefined,
): Promise<Running> {
  const { parts, rules } = opened;
  const { log, clock } = parts;
  let state: Readiness = "starting";
  const readiness = (): Readiness =>
    state !== "ready" || rules.feed.view.isFresh(instant()) ? state : "revocation_view_stale";
  const instant = () => ({
    monotonicMilliseconds: clock.monotonicMilliseconds(),
    wallMilliseconds: clock.wallMilliseconds(),
  });

  await selfTest(rules, rules.sessionPolicy);
  registerGauges(rules.metrics.registry, rules, instant);
  const built = config.accountPages ? (readBuiltPages() ?? null) : undefined;
  const app = composeApp(
    { ...parts, ...(built !== undefined && { accountPages: built }) },
    rules,
    readiness,
  );
  await rules.feed.start();
  const listening = await listen({ ...app, host: config.host, port, log, clock }).catch(
    async (error: unknown) => {
      await rules.feed.stop();
      throw error;
    },
  );
  const stopped = new AbortController();
  const background = Promise.all([
    runJobs(rules, stopped.signal),
    rules.sender.run(stopped.signal),
  ]);
  state = "ready";
  log.info("server.ready", {
    port: listening.port,
    database: parts.database.dialect,
    mode: config.mode,
  });

  return {
    port: listening.port,
    rules,
    stop: async () => {
      state = "draining";
      log.info("server.draining", { graceSeconds: config.drainSeconds });
      await listening.close(config.drainSeconds);
      stopped.abort();
      await background;
      await rules.feed.stop();
      await opened.close();
      lock?.release();
      log.info("server.stopped");
    },
  };
}

function holdDataDirectory(config: Config): ServeLock {
  const lock = lockFile(lockPath(config));
  if (lock === undefined)
    throw new StartError(
      `Another Portcullis server uses ${config.dataDir}: stop it, give this one its own PORTCULLIS_DATA_DIR, or use PostgreSQL.`,
    );
  return lock;
}
