import type { Db } from "./db/open.ts";
import { pruneCounters } from "./figures/counters.store.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import { pruneMails } from "./mail/outbox.store.ts";
import { pruneResets } from "./recovery/resets.store.ts";
import { pruneRevocations } from "./revocations/revocations.store.ts";
import { pruneSessions } from "./sessions/sessions.store.ts";
import { pruneAttempts } from "./throttle/attempts.store.ts";
import { advanceKeys, type KeyDeps, type Keys } from "./tokens/keys.ts";
import { pruneRegistrations } from "./users/registrations.store.ts";

export interface JobDeps extends KeyDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly keys: Keys;
}

const DAY = 86_400;
/** A key announced on one node is known on every other long before it signs. */
const RELOAD_KEYS_MILLISECONDS = 5_000;
const TIDY_SECONDS = 60;
/** Ended sessions stay for a month: their user and the operator can see what became of them. */
const KEEP_SESSIONS_SECONDS = 30 * DAY;
const KEEP_COUNTERS_SECONDS = 8 * DAY;
/** Long enough to answer "did you send it?". */
const KEEP_MAILS_SECONDS = 7 * DAY;

/** What has to happen without being asked, until `signal` aborts. Every job may run on any number of nodes at once. */
export async function runJobs(deps: JobDeps, signal: AbortSignal): Promise<void> {
  let tidyAt = deps.clock.now() + TIDY_SECONDS;
  while (!signal.aborted) {
    await deps.clock.sleep(RELOAD_KEYS_MILLISECONDS, signal);
    if (signal.aborted) return;
    await attempt(deps.log, "keys", async () => deps.keys.reload());
    if (deps.clock.now() < tidyAt) continue;
    tidyAt = deps.clock.now() + TIDY_SECONDS;
    await attempt(deps.log, "key_rotation", async () => advanceKeys(deps));
    await attempt(deps.log, "tidy", async () => tidy(deps.db, deps.clock.now()));
  }
}

/** Forgets what has no effect any more, a batch of each kind at a time. */
export async function tidy(db: Db, now: number): Promise<void> {
  await pruneRevocations(db, now);
  await pruneAttempts(db, now);
  await pruneRegistrations(db, now);
  await pruneResets(db, now);
  await pruneSessions(db, now - KEEP_SESSIONS_SECONDS);
  await pruneCounters(db, now - KEEP_COUNTERS_SECONDS);
  await pruneMails(db, now - KEEP_MAILS_SECONDS);
}

async function attempt(log: Log, job: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    log.error("job.failed", { job }, error);
  }
}
