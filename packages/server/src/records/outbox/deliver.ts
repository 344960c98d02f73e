import type { Db, Tx } from "../../platform/db/open.ts";
import { transact } from "../../platform/db/transact.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Log } from "../../platform/kernel/log.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { SEND_SECONDS, type Channel, type Outcome } from "./channel.ts";
import { openData, type OutboxDeps } from "./outbox.ts";
import { markFailed, markRetry, type ClaimedEntry } from "./outbox.store.ts";

export interface DeliverDeps extends OutboxDeps {
  readonly db: Db;
  readonly log: Log;
}

export type Delivery =
  /** The other side has accepted the entry. The caller still has to mark it as sent. */
  | "sent"
  /** The other side has turned this entry away, and that is marked. */
  | "refused"
  /** The other side was not asked, and the reason is marked. */
  | "skipped"
  /** The next entry would fare no better. What became of this one is marked. */
  | "trouble";

/** Makes one attempt to send one claimed entry. */
export async function deliver(
  deps: DeliverDeps,
  channel: Channel,
  entry: ClaimedEntry,
): Promise<Delivery> {
  const marks = marksOf(deps, channel, entry);
  const obstacle = await obstacleTo(deps, channel, entry);
  if (obstacle?.kind === "passing") await marks.putOff({ ...obstacle, counted: false });
  if (obstacle?.kind === "final") await marks.giveUp(obstacle.error);
  if (obstacle !== undefined) return "skipped";

  const outcome = await attempt(deps, channel, entry);
  switch (outcome.kind) {
    case "sent":
      return "sent";
    case "deferred":
      await marks.tryLater(outcome.error);
      return "refused";
    case "rejected":
      await marks.giveUp(outcome.error, outcome.also);
      return "refused";
    case "interrupted":
      await marks.tryLater(outcome.error);
      return "trouble";
    case "unavailable":
      await marks.letOthersGoFirst(outcome.error);
      return "trouble";
    case "fault":
      await marks.tryLater(outcome.error);
      return "skipped";
  }
}

async function obstacleTo({ clock }: DeliverDeps, channel: Channel, entry: ClaimedEntry) {
  if (entry.expiresAt !== null && entry.expiresAt <= clock.now())
    return { kind: "final", error: "expired" } as const;
  return channel.obstacleTo(entry);
}

/** An error concerns this entry alone. It must not keep the others waiting. */
async function attempt(
  { clock, keyring, log }: DeliverDeps,
  channel: Channel,
  entry: ClaimedEntry,
): Promise<Outcome | { readonly kind: "fault"; readonly error: string }> {
  try {
    const data = openData(keyring, channel, entry.id, entry.data);
    return await withDeadline(clock, async (signal) => channel.send({ ...entry, data }, signal));
  } catch (error) {
    log.error(`${channel.name}.fault`, channel.factsOf(entry), error);
    return { kind: "fault", error: error instanceof Error ? error.name : "Error" };
  }
}

interface PutOff {
  readonly seconds: number;
  readonly error: string;
  readonly counted: boolean;
}

/** The ways to mark an entry that was not sent. */
function marksOf({ db, clock, random, log }: DeliverDeps, channel: Channel, entry: ClaimedEntry) {
  const retryIn = async ({ seconds, ...retry }: PutOff): Promise<void> =>
    markRetry(db, entry, { at: clock.now() + seconds, ...retry });

  const putOff = async ({ seconds, error, counted }: PutOff): Promise<void> => {
    await retryIn({ seconds, error, counted });
    log.warn(`${channel.name}.postponed`, { ...channel.factsOf(entry), error });
  };

  const giveUp = async (error: string, also?: (tx: Tx) => Promise<void>): Promise<void> => {
    const failure = { at: clock.now(), error };
    if (also === undefined) await markFailed(db, entry, failure);
    else
      await transact({ db }, async (tx) => {
        await markFailed(tx, entry, failure);
        await also(tx);
      });
    log.warn(`${channel.name}.failed`, { ...channel.factsOf(entry), error });
  };

  const tryLater = async (error: string): Promise<void> => {
    const minutes = channel.retryMinutes[entry.attempts - 1];
    if (minutes === undefined) return giveUp(error);
    await putOff({ seconds: Math.floor(jittered(random, minutes * 60)), error, counted: true });
  };

  /** It is due again behind all others, in case this very entry causes the trouble. */
  const letOthersGoFirst = async (error: string): Promise<void> =>
    retryIn({ seconds: 1, error, counted: false });

  return { putOff, giveUp, tryLater, letOthersGoFirst };
}

const JITTER = 0.2;

/** Adds up to a fifth, so that entries that failed together do not come back together. */
export function jittered(random: Random, span: number): number {
  const share = random.bytes(2).readUInt16BE(0) / 0x1_0000;
  return span * (1 + JITTER * share);
}

async function withDeadline(
  clock: Clock,
  send: (signal: AbortSignal) => Promise<Outcome>,
): Promise<Outcome> {
  const deadline = new AbortController();
  const settled = new AbortController();
  void clock.sleep(SEND_SECONDS * 1000, settled.signal).then(() => deadline.abort());
  try {
    return await send(deadline.signal);
  } finally {
    settled.abort();
  }
}
