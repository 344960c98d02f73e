import type { Queryable, Tx } from "../../platform/db/open.ts";
import { afterCommit } from "../../platform/db/transact.ts";
import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import type { ChannelId } from "./channel.ts";
import { countEntries, insertEntry, requeueEntry } from "./outbox.store.ts";

export interface OutboxDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
}

export interface Queued {
  readonly recipient: string;
  /** Says, in the channel's words, what the entry is: which template, which event. */
  readonly kind: string;
  /** BCP 47. */
  readonly locale: string | null;
  /** Kept as sealed JSON. */
  readonly data: object;
  /** From this moment on the entry is of no use to its recipient, and is not sent. */
  readonly expiresAt: UnixSeconds | null;
}

/**
 * Puts an entry into the outbox in the transaction of its cause, so that it is never sent if the
 * transaction is rolled back (DU-06). The commit wakes the channel's sender, which spares the entry
 * the wait for the next poll.
 *
 * `nothing` costs as much work as an entry. Use it if the time that an answer takes must not tell
 * whether there was something to send (EN-04).
 */
export async function enqueue(
  tx: Tx,
  deps: OutboxDeps,
  channel: ChannelId,
  queued: Queued | "nothing",
): Promise<void> {
  const id = uuidv7(deps);
  const at = deps.clock.now();
  afterCommit(tx, channel.wake, "waiting");
  if (queued === "nothing") return insertEntry(tx, nothing(id, channel), { at, sentAt: at });
  const data = sealData(deps.keyring, channel, id, queued.data);
  await insertEntry(tx, { ...queued, id, channel: channel.name, data }, { at, sentAt: null });
}

const nothing = (id: string, { name }: ChannelId) => ({
  id,
  channel: name,
  recipient: "",
  kind: "",
  locale: null,
  expiresAt: null,
  data: "{}",
});

/**
 * Lets an entry that was given up be tried anew, from its first attempt on. If several callers ask
 * at once, one gets `requeued`.
 *
 * @returns `expired` if the entry would be of no use to its recipient any more, and `unknown` if it
 *   was not given up
 */
export async function requeue(
  tx: Tx,
  { clock }: Pick<OutboxDeps, "clock">,
  { name, wake }: ChannelId,
  id: string,
): Promise<"requeued" | "expired" | "unknown"> {
  const outcome = await requeueEntry(tx, { channel: name, id }, clock.now());
  if (outcome === "requeued") afterCommit(tx, wake, "waiting");
  return outcome;
}

/**
 * Seals the contents for one id, because they hold codes and tokens that a copy of the database
 * must not reveal.
 */
function sealData(keyring: Keyring, { seal }: ChannelId, id: string, data: object): string {
  return keyring.seal(seal, id, Buffer.from(JSON.stringify(data))).toString("base64url");
}

/** @throws {UnsealError} if the contents were sealed with another master secret */
export function openData(
  keyring: Keyring,
  { seal }: ChannelId,
  id: string,
  sealed: string,
): unknown {
  return JSON.parse(keyring.open(seal, id, Buffer.from(sealed, "base64url")).toString());
}

export interface OutboxFigures {
  /** Entries that are not sent yet, including those that wait for another attempt. */
  readonly queued: number;
  /** Entries that were given up. */
  readonly failed: number;
}

export async function outboxFigures(db: Queryable, { name }: ChannelId): Promise<OutboxFigures> {
  return countEntries(db, name);
}
