import { pruneAudit } from "../records/audit/retention.ts";
import type { Db } from "../platform/db/open.ts";
import { holdRunner, releaseRunner } from "../platform/db/runners.store.ts";
import { pruneEmailCodes } from "../accounts/factors/email-codes.store.ts";
import { pruneCeremonies } from "../accounts/factors/passkeys/ceremonies.store.ts";
import { pruneUnconfirmed } from "../accounts/factors/totp.store.ts";
import { pruneCounters } from "../records/counters/counters.store.ts";
import type { Metrics, Registry } from "../platform/http/metrics.ts";
import {
  DAY,
  HOUR,
  MINUTE,
  nextTurn,
  type Clock,
  type UnixSeconds,
} from "../platform/kernel/clock.ts";
import type { Log } from "../platform/kernel/log.ts";
import { pruneOutbox } from "../records/outbox/outbox.store.ts";
import { pruneEmailChanges } from "../accounts/account/email-changes.store.ts";
import { pruneResets } from "../accounts/account/resets.store.ts";
import { pruneLeases, pruneRevocations } from "../records/revocations/revocations.store.ts";
import { pruneImported } from "../accounts/sessions/imported-tokens.store.ts";
import { pruneSessions } from "../accounts/sessions/sessions.store.ts";
import { pruneChallenges } from "../accounts/sign-in/challenges.store.ts";
import { pruneDevices } from "../accounts/sign-in/remembered-devices.store.ts";
import { pruneAttempts } from "../records/attempts/attempts.store.ts";
import { advanceKeys, type KeyDeps, type Keys } from "../accounts/tokens/keys.ts";
import { pruneRegistrations } from "../accounts/users/registrations.store.ts";
import { UNCONFIRMED_APP_SECONDS } from "../accounts/proofs/lifetimes.ts";

export interface JobDeps extends KeyDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly keys: Keys;
  readonly metrics: Metrics;
  /** Id of this process among those of its deployment. */
  readonly nodeId: string;
  /** Age at which audit events are removed. If it is not set, they are kept. */
  readonly auditRetentionSeconds: number | undefined;
}

/** A kind of row that is deleted once it has no effect any more. */
interface Job {
  readonly name: string;
  readonly everySeconds: number;
  /**
   * Removes at most `limit` rows in one short transaction and returns how many. Fewer than `limit`
   * means that there are no more.
   */
  prune(deps: JobDeps, now: UnixSeconds, limit: number): Promise<number>;
}

/**
 * Ended sessions stay for a month, so that their user and the operator can see what became of them.
 */
const KEEP_SESSIONS_SECONDS = 30 * DAY;
const KEEP_COUNTERS_SECONDS = 8 * DAY;

const jobs: readonly Job[] = [
  {
    name: "revocations",
    everySeconds: MINUTE,
    prune: async ({ db }, now, limit) => pruneRevocations(db, now, limit),
  },
  {
    name: "attempts",
    everySeconds: MINUTE,
    prune: async ({ db }, now, limit) => pruneAttempts(db, now, limit),
  },
  {
    name: "registrations",
    everySeconds: MINUTE,
    prune: async ({ db }, now, limit) => pruneRegistrations(db, now, limit),
  },
  {
    name: "password_resets",
    everySeconds: MINUTE,
    prune: async ({ db }, now, limit) => pruneResets(db, now, limit),
  },
  {
    name: "email_changes",
    everySeconds: MINUTE,
    prune: async ({ db }, now, limit) => pruneEmailChanges(db, now, limit),
  },
  {
    name: "challenges",
    everySeconds: MINUTE,
    prune: async ({ db }, now, limit) => pruneChallenges(db, now, limit),
  },
  {
    name: "remembered_devices",
    everySeconds: HOUR,
    prune: async ({ db }, now, limit) => pruneDevices(db, now, limit),
  },
  {
    name: "email_codes",
    everySeconds: MINUTE,
    prune: async ({ db }, now, limit) => pruneEmailCodes(db, now, limit),
  },
  {
    name: "ceremonies",
    everySeconds: MINUTE,
    prune: async ({ db }, now, limit) => pruneCeremonies(db, now, limit),
  },
  {
    name: "totp_devices",
    everySeconds: HOUR,
    prune: async ({ db }, now, limit) => pruneUnconfirmed(db, now - UNCONFIRMED_APP_SECONDS, limit),
  },
  {
    name: "mails",
    everySeconds: MINUTE,
    prune: async ({ db }, now, limit) => pruneOutbox(db, now, limit),
  },
  {
    name: "sessions",
    everySeconds: HOUR,
    prune: async ({ db }, now, limit) => pruneSessions(db, now - KEEP_SESSIONS_SECONDS, limit),
  },
  {
    name: "imported_tokens",
    everySeconds: HOUR,
    prune: async ({ db }, now, limit) => pruneImported(db, now, limit),
  },
  {
    name: "counters",
    everySeconds: HOUR,
    prune: async ({ db }, now, limit) => pruneCounters(db, now - KEEP_COUNTERS_SECONDS, limit),
  },
  {
    name: "leases",
    everySeconds: HOUR,
    prune: async ({ db }, now, limit) => pruneLeases(db, now - DAY, limit),
  },
  {
    name: "audit",
    everySeconds: HOUR,
    prune: async (deps, _now, limit) =>
      deps.auditRetentionSeconds === undefined
        ? 0
        : pruneAudit(deps.db, deps, deps.auditRetentionSeconds, limit),
  },
];

const BATCH = 1_000;
/**
 * Highest number of batches in one run. The rest waits for the next tick, so that no job delays the
 * others.
 */
const MOST_BATCHES = 50;

const RUNNER = "housekeeping";
const TICK_SECONDS = 60;
/** Longer than any one job takes, because it is renewed before each job. */
const HOLD_SECONDS = 3 * MINUTE;

export interface Housekeeping {
  /** Runs every job that is due, unless another process of the deployment runs the jobs. */
  tick(): Promise<void>;
  /** Leaves the jobs to the other processes. */
  stop(): Promise<void>;
}

/** Call it once in each process, because it registers figures. */
export function createHousekeeping(deps: JobDeps): Housekeeping {
  const { db, clock, log, nodeId } = deps;
  const figures = jobFigures(deps.metrics.registry);
  // Uses the monotonic clock, because the wall clock may be set back.
  const seconds = (): number => clock.monotonicMilliseconds() / 1000;
  const dueAt = new Map<string, number>();

  async function run(job: Job): Promise<void> {
    const now = clock.now();
    try {
      for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
        const removed = await job.prune(deps, now, BATCH);
        figures.removed(job.name, removed);
        if (removed < BATCH) {
          dueAt.set(job.name, seconds() + job.everySeconds);
          break;
        }
        await nextTurn();
      }
      figures.done(job.name, now);
    } catch (error) {
      dueAt.set(job.name, seconds() + job.everySeconds);
      figures.failed(job.name);
      log.error("job.failed", { job: job.name }, error);
    }
  }

  return {
    tick: async () =>
      attempt(log, RUNNER, async () => {
        for (const job of jobs) {
          if ((dueAt.get(job.name) ?? 0) > seconds()) continue;
          if (
            !(await holdRunner(db, {
              name: RUNNER,
              holder: nodeId,
              now: clock.now(),
              seconds: HOLD_SECONDS,
            }))
          )
            return;
          await run(job);
        }
      }),
    stop: async () =>
      attempt(log, RUNNER, async () => releaseRunner(db, { name: RUNNER, holder: nodeId })),
  };
}

/** Short enough that every node knows an announced key long before it signs. */
const RELOAD_KEYS_MILLISECONDS = 5_000;

/**
 * Runs what must happen unprompted until `signal` aborts: keys are reloaded on every node,
 * housekeeping runs on one node at a time.
 */
export async function runJobs(deps: JobDeps, signal: AbortSignal): Promise<void> {
  const housekeeping = createHousekeeping(deps);
  const milliseconds = (): number => deps.clock.monotonicMilliseconds();
  let tickAt = milliseconds() + TICK_SECONDS * 1000;
  while (!signal.aborted) {
    await deps.clock.sleep(RELOAD_KEYS_MILLISECONDS, signal);
    if (signal.aborted) break;
    await attempt(deps.log, "keys", async () => deps.keys.reload());
    if (milliseconds() < tickAt) continue;
    tickAt = milliseconds() + TICK_SECONDS * 1000;
    await attempt(deps.log, "key_rotation", async () => advanceKeys(deps));
    await housekeeping.tick();
  }
  await housekeeping.stop();
}

async function attempt(log: Log, job: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    log.error("job.failed", { job }, error);
  }
}

interface JobFigures {
  removed(job: string, rows: number): void;
  done(job: string, now: UnixSeconds): void;
  failed(job: string): void;
}

function jobFigures(registry: Registry): JobFigures {
  const runs = registry.labelled("counter", {
    name: "portcullis_job_runs_total",
    help: "Runs of housekeeping jobs by this process, by result.",
  });
  const rows = registry.labelled("counter", {
    name: "portcullis_job_rows_removed_total",
    help: "Rows that housekeeping jobs of this process have removed.",
  });
  const last = registry.labelled("gauge", {
    name: "portcullis_job_last_success_timestamp_seconds",
    help: "When a housekeeping job last succeeded in this process. One process of a deployment runs them: look at the highest.",
  });
  return {
    removed: (job, removed) => rows.add({ job }, removed),
    done: (job, now) => {
      runs.add({ job, result: "done" }, 1);
      last.set({ job }, now);
    },
    failed: (job) => runs.add({ job, result: "failed" }, 1),
  };
}
