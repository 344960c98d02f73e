import { holdRunner, releaseRunner } from "../../platform/db/runners.store.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import {
  deliver,
  factsOf,
  jittered,
  SEND_SECONDS,
  type DeliverDeps,
  type Delivery,
} from "./deliver.ts";
import { parseSender } from "./message.ts";
import { claimDue, markSent, releaseClaims, type ClaimedMail } from "./outbox.store.ts";
import { createPace, type Pace } from "./pace.ts";

export interface SenderDeps extends DeliverDeps {
  /**
   * Of the runner `mail`: who this process is. A process that can only be alone is always the same.
   */
  readonly holder: string;
  /** `Name <address>` or a plain address. */
  readonly from: string;
  readonly publicUrl: string;
  /** Mails a second, at most. */
  readonly rate: number;
  /** Mails under way at once, at most: so many a crash can send a second time. */
  readonly connections: number;
}

export interface Sender {
  /** Tries mails that are due, up to one batch, as fast as it goes. Not for two at a time. */
  runOnce(): Promise<{ readonly sent: number; readonly failed: number }>;
  /**
   * Sends at the configured rate until `signal` aborts; resolves once what was being sent then is
   * sent and marked.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Call it after the commit of a transaction that enqueued. */
  wake(): void;
}

const RUNNER = "mail";
const LEASE_SECONDS = 15;
/** A whole second less than what was asked for in whole seconds. */
const HELD_MILLISECONDS = (LEASE_SECONDS - 1) * 1000;
const RENEW_MILLISECONDS = 5_000;
/** Longer than a send may take. Of use where a sender died and no other gained the runner. */
const CLAIM_SECONDS = 2 * SEND_SECONDS;
const BATCH_AT_MOST = 50;
const POLL_MILLISECONDS = 2_000;
const LONGEST_BACK_OFF_MILLISECONDS = 60_000;

interface Batch {
  readonly limit: number;
  readonly pace?: Pace;
  /** Begins no further mail once it aborts. */
  readonly signal: AbortSignal;
}

interface Work extends Batch {
  readonly may: () => boolean;
  readonly came: Tally["came"];
}

interface Pass {
  readonly next: "more" | "idle" | "trouble";
  /** Whether the other side has said anything about a mail. */
  readonly answered: boolean;
}

interface Tally {
  readonly claimed: number;
  readonly came: Record<Delivery, number>;
}

/**
 * Sends what is in the outbox, each mail at least once: a crash between sending and marking it
 * sends it once more, with the same Message-ID.
 *
 * @throws {RangeError} when `from` is not one address
 */
export function createSender(deps: SenderDeps): Sender {
  const { db, clock, log, random, holder } = deps;
  const from = { ...parseSender(deps.from), host: new URL(deps.publicUrl).hostname };
  const batchSize = Math.min(BATCH_AT_MOST, Math.max(deps.connections, deps.rate));
  /**
   * In other hands, and not marked yet: such a mail must not be sent again, though it stays claimed
   * for a while.
   */
  const unmarked = new Map<string, ClaimedMail>();
  /** When this process last was sure to hold the runner. */
  let held: Instant | undefined;
  let alarm = new AbortController();

  const holds = (): boolean =>
    held !== undefined && millisecondsSince(clock, held) < HELD_MILLISECONDS;

  const hold = async (): Promise<void> => {
    const asked = instantOf(clock);
    const gained = await holdRunner(db, {
      name: RUNNER,
      holder,
      now: clock.now(),
      seconds: LEASE_SECONDS,
    });
    held = gained ? asked : undefined;
  };

  const markAll = async (): Promise<void> => {
    for (const [id, mail] of unmarked) {
      await markSent(db, mail, clock.now());
      if (unmarked.delete(id)) log.info("mail.sent", factsOf(mail));
    }
  };

  /**
   * What is claimed when the runner changes hands was claimed by a process that is dead, or cut off
   * long enough to stop.
   */
  const gain = async (): Promise<boolean> => {
    const isNew = !holds();
    if (isNew || held === undefined || millisecondsSince(clock, held) >= RENEW_MILLISECONDS)
      await hold();
    if (!holds()) return false;
    if (!isNew) return true;
    try {
      await markAll();
      await releaseClaims(db, { at: clock.now() });
    } catch (error) {
      held = undefined;
      throw error;
    }
    return true;
  };

  /**
   * Renews the runner while sends take their time, and never takes it back once it is lost: that is
   * for the next batch.
   */
  const keep = async (until: AbortSignal): Promise<void> => {
    for (;;) {
      await clock.sleep(RENEW_MILLISECONDS, until);
      if (until.aborted || !holds()) return;
      await hold().catch((error: unknown) => log.error("mail.fault", {}, error));
    }
  };

  const work = async (
    mails: Iterator<ClaimedMail>,
    { may, pace, signal, came }: Work,
  ): Promise<void> => {
    for (let next = mails.next(); next.done !== true && may(); next = mails.next()) {
      await pace?.(signal);
      if (!may()) return;
      const delivery = await deliver(deps, next.value, from);
      came[delivery] += 1;
      if (delivery !== "sent") continue;
      unmarked.set(next.value.id, next.value);
      await markAll();
    }
  };

  const send = async (mails: readonly ClaimedMail[], batch: Batch): Promise<Tally> => {
    const came = { sent: 0, refused: 0, skipped: 0, trouble: 0 };
    const claimed = instantOf(clock);
    const may = (): boolean =>
      came.trouble === 0 &&
      !batch.signal.aborted &&
      holds() &&
      millisecondsSince(clock, claimed) < (CLAIM_SECONDS - SEND_SECONDS) * 1000;
    const queue = mails.values();
    const workers = Array.from({ length: deps.connections }, async () =>
      work(queue, { ...batch, may, came }),
    );
    const fault = (await Promise.allSettled(workers)).find(
      (outcome) => outcome.status === "rejected",
    );
    if (fault !== undefined) throw fault.reason;
    return { claimed: mails.length, came };
  };

  const sendBatch = async (batch: Batch): Promise<Tally | undefined> => {
    if (!(await gain())) return undefined;
    const done = new AbortController();
    const keeping = keep(done.signal);
    try {
      const at = clock.now();
      const mails = await claimDue(db, {
        by: holder,
        at,
        until: at + CLAIM_SECONDS,
        limit: batch.limit,
      });
      const tally = await send(mails, batch);
      if (tried(tally) < tally.claimed) await releaseClaims(db, { at: clock.now(), by: holder });
      return tally;
    } catch (error) {
      // The next batch begins by finding out what has become of this one.
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
      log.error("mail.fault", {}, error);
      return { next: "trouble", answered: false };
    }
  };

  /** Not cut short by new mail: a server that is away is asked again after 1, 2, 4 … 60 s. */
  const backOff = async (troubles: number, signal: AbortSignal): Promise<void> => {
    const span = jittered(random, 1000 * 2 ** Math.min(troubles - 1, 10));
    await clock.sleep(Math.min(LONGEST_BACK_OFF_MILLISECONDS, span), signal);
  };

  const leave = async (): Promise<void> => {
    if (!holds()) return;
    await releaseClaims(db, { at: clock.now(), by: holder });
    await releaseRunner(db, { name: RUNNER, holder });
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
      const pace = createPace(clock, deps.rate);
      signal.addEventListener("abort", wake, { once: true });
      for (let troubles = 0; !signal.aborted;) {
        alarm = new AbortController();
        // With one mail it is found out whether the server is back.
        const { next, answered } = await pass({
          limit: troubles > 0 ? 1 : batchSize,
          pace,
          signal,
        });
        if (answered) troubles = 0;
        if (next === "trouble") await backOff((troubles += 1), signal);
        if (next === "idle" && !signal.aborted) await clock.sleep(POLL_MILLISECONDS, alarm.signal);
      }
      await leave().catch((error: unknown) => log.error("mail.fault", {}, error));
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
 * The larger of the two: one clock can be set, the other may stand still while the machine sleeps.
 */
function millisecondsSince(clock: Clock, { monotonic, wall }: Instant): number {
  return Math.max(clock.monotonicMilliseconds() - monotonic, clock.wallMilliseconds() - wall);
}
