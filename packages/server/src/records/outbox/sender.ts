import { holdRunner, releaseRunner } from "../../platform/db/runners.store.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import { SEND_SECONDS, type Channel } from "./channel.ts";
import { deliver, jittered, type DeliverDeps, type Delivery } from "./deliver.ts";
import { claimDue, markSent, releaseClaims, type ClaimedEntry } from "./outbox.store.ts";
import { createPace, type Pace } from "./pace.ts";

export interface SenderDeps extends DeliverDeps {
  /**
   * Identifies this process as the holder of the channel's runner. A process that is always alone
   * keeps one value, so that after a crash it need not wait for its own old lease.
   */
  readonly holder: string;
}

export interface Sender {
  /**
   * Tries the entries that are due, up to one batch, as fast as possible. It must not be called
   * again before it has resolved.
   */
  runOnce(): Promise<{ readonly sent: number; readonly failed: number }>;
  /**
   * Sends at the channel's rate until `signal` aborts. Resolves once the entries that were under
   * way then are sent and marked.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Spares entries that have just been committed the wait for the next poll. */
  wake(): void;
}

const LEASE_SECONDS = 15;
/** One second less than the lease, because leases are stored in whole seconds. */
const HELD_MILLISECONDS = (LEASE_SECONDS - 1) * 1000;
const RENEW_MILLISECONDS = 5_000;
/**
 * A claim outlasts the longest attempt. It only runs out if a sender has died and no other process
 * has gained the runner.
 */
const CLAIM_SECONDS = 2 * SEND_SECONDS;
const BATCH_AT_MOST = 50;
const POLL_MILLISECONDS = 2_000;
const LONGEST_BACK_OFF_MILLISECONDS = 60_000;

interface Batch {
  readonly limit: number;
  readonly pace?: Pace;
  /** No further entry is begun once this aborts. */
  readonly signal: AbortSignal;
}

interface Work extends Batch {
  readonly may: () => boolean;
  readonly came: Tally["came"];
}

interface Pass {
  readonly next: "more" | "idle" | "trouble";
  /** Whether the other side has answered about any entry. */
  readonly answered: boolean;
}

interface Tally {
  readonly claimed: number;
  readonly came: Record<Delivery, number>;
}

/**
 * Sends the entries of one channel, each at least once. After a crash between sending and marking,
 * an entry is sent once more, with the same id.
 */
export function createSender(deps: SenderDeps, channel: Channel): Sender {
  const { db, clock, log, random, holder } = deps;
  const batchSize = Math.min(BATCH_AT_MOST, Math.max(channel.connections, channel.rate));
  /**
   * Entries that were sent but could not be marked yet. They stay claimed for a while and must not
   * be sent again.
   */
  const unmarked = new Map<string, ClaimedEntry>();
  /** When this process was last certain to hold the runner. */
  let held: Instant | undefined;
  let alarm = new AbortController();

  const holds = (): boolean =>
    held !== undefined && millisecondsSince(clock, held) < HELD_MILLISECONDS;

  const hold = async (): Promise<void> => {
    const asked = instantOf(clock);
    const gained = await holdRunner(db, {
      name: channel.name,
      holder,
      now: clock.now(),
      seconds: LEASE_SECONDS,
    });
    held = gained ? asked : undefined;
  };

  const markAll = async (): Promise<void> => {
    for (const [id, entry] of unmarked) {
      await markSent(db, entry, clock.now());
      if (unmarked.delete(id)) log.info(`${channel.name}.sent`, channel.factsOf(entry));
    }
  };

  const release = async (by?: string): Promise<void> =>
    releaseClaims(db, { channel: channel.name, at: clock.now(), ...(by !== undefined && { by }) });

  const logFault = (error: unknown): void => log.error(`${channel.name}.fault`, {}, error);

  /**
   * If the runner changes hands, all claims are released: the process that made them is dead, or
   * has been cut off for so long that it has stopped.
   */
  const gain = async (): Promise<boolean> => {
    const isNew = !holds();
    if (isNew || held === undefined || millisecondsSince(clock, held) >= RENEW_MILLISECONDS)
      await hold();
    if (!holds()) return false;
    if (!isNew) return true;
    try {
      await markAll();
      await release();
    } catch (error) {
      held = undefined;
      throw error;
    }
    return true;
  };

  /**
   * Renews the runner while sends take their time. It never takes the runner back once it is lost:
   * the next batch does that.
   */
  const keep = async (until: AbortSignal): Promise<void> => {
    for (;;) {
      await clock.sleep(RENEW_MILLISECONDS, until);
      if (until.aborted || !holds()) return;
      await hold().catch(logFault);
    }
  };

  const work = async (
    entries: Iterator<ClaimedEntry>,
    { may, pace, signal, came }: Work,
  ): Promise<void> => {
    for (let next = entries.next(); next.done !== true && may(); next = entries.next()) {
      await pace?.(signal);
      if (!may()) return;
      const delivery = await deliver(deps, channel, next.value);
      came[delivery] += 1;
      if (delivery !== "sent") continue;
      unmarked.set(next.value.id, next.value);
      await markAll();
    }
  };

  const send = async (entries: readonly ClaimedEntry[], batch: Batch): Promise<Tally> => {
    const came = { sent: 0, refused: 0, skipped: 0, trouble: 0 };
    const claimed = instantOf(clock);
    const may = (): boolean =>
      came.trouble === 0 &&
      !batch.signal.aborted &&
      holds() &&
      millisecondsSince(clock, claimed) < (CLAIM_SECONDS - SEND_SECONDS) * 1000;
    const queue = entries.values();
    const workers = Array.from({ length: channel.connections }, async () =>
      work(queue, { ...batch, may, came }),
    );
    const fault = (await Promise.allSettled(workers)).find(
      (outcome) => outcome.status === "rejected",
    );
    if (fault !== undefined) throw fault.reason;
    return { claimed: entries.length, came };
  };

  const sendBatch = async (batch: Batch): Promise<Tally | undefined> => {
    if (!(await gain())) return undefined;
    const done = new AbortController();
    const keeping = keep(done.signal);
    try {
      const at = clock.now();
      const entries = await claimDue(db, {
        channel: channel.name,
        by: holder,
        at,
        until: at + CLAIM_SECONDS,
        limit: batch.limit,
      });
      const tally = await send(entries, batch);
      if (tried(tally) < tally.claimed) await release(holder);
      return tally;
    } catch (error) {
      // Gaining the runner anew marks and releases what this batch has left.
      held = undefined;
      throw error;
    } finally {
      done.abort();
      await keeping;
    }
  };

  const wake = (): void => alarm.abort();

  const pass = async (batch: Batch): Promise<Pass> => {
    try {
      const tally = await sendBatch(batch);
      if (tally === undefined) return { next: "idle", answered: false };
      const { sent, refused, trouble } = tally.came;
      return {
        next: trouble > 0 ? "trouble" : tally.claimed === batch.limit ? "more" : "idle",
        answered: sent + refused > 0,
      };
    } catch (error) {
      logFault(error);
      return { next: "trouble", answered: false };
    }
  };

  /** Asks again after 1, 2, 4 … 60 s. New entries do not cut this wait short. */
  const backOff = async (troubles: number, signal: AbortSignal): Promise<void> => {
    const span = jittered(random, 1000 * 2 ** Math.min(troubles - 1, 10));
    await clock.sleep(Math.min(LONGEST_BACK_OFF_MILLISECONDS, span), signal);
  };

  const leave = async (): Promise<void> => {
    if (!holds()) return;
    await release(holder);
    await releaseRunner(db, { name: channel.name, holder });
    held = undefined;
  };

  return {
    wake,
    runOnce: async () => {
      const tally = await sendBatch({ limit: batchSize, signal: new AbortController().signal });
      if (tally === undefined) return { sent: 0, failed: 0 };
      return { sent: tally.came.sent, failed: tried(tally) - tally.came.sent };
    },
    run: async (signal) => {
      const pace = createPace(clock, channel.rate);
      signal.addEventListener("abort", wake, { once: true });
      for (let troubles = 0; !signal.aborted;) {
        alarm = new AbortController();
        // One entry is enough to find out whether the other side is back.
        const { next, answered } = await pass({
          limit: troubles > 0 ? 1 : batchSize,
          pace,
          signal,
        });
        if (answered) troubles = 0;
        if (next === "trouble") await backOff((troubles += 1), signal);
        if (next === "idle" && !signal.aborted) await clock.sleep(POLL_MILLISECONDS, alarm.signal);
      }
      await leave().catch(logFault);
    },
  };
}

function tried({ came }: Tally): number {
  return came.sent + came.refused + came.skipped + came.trouble;
}

interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

function instantOf(clock: Clock): Instant {
  return { monotonic: clock.monotonicMilliseconds(), wall: clock.wallMilliseconds() };
}

/**
 * Returns the larger difference, because the wall clock can be set and the monotonic one may stand
 * still while the machine sleeps.
 */
function millisecondsSince(clock: Clock, { monotonic, wall }: Instant): number {
  return Math.max(clock.monotonicMilliseconds() - monotonic, clock.wallMilliseconds() - wall);
}
