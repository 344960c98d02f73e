import type { Tx } from "../../platform/db/open.ts";
import type { FollowUp } from "../../platform/db/transact.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import type { Purpose } from "../../platform/kernel/keyring.ts";
import type { Facts } from "../../platform/kernel/log.ts";

/** The part of a channel that is needed to queue an entry. */
export interface ChannelId {
  /**
   * Names the channel in the database (its entries, and the lease of the process that sends them)
   * and begins the names of its log events. It never changes once entries have been queued.
   */
  readonly name: string;
  /** The key under which the contents of entries are sealed. */
  readonly seal: Purpose;
  /**
   * Follows the commit of a transaction that has queued an entry: the channel's sender is woken.
   */
  readonly wake: FollowUp<"waiting">;
}

/** One way on which entries of the outbox leave the server. */
export interface Channel extends ChannelId {
  /** The highest number of entries that are begun in a second. */
  readonly rate: number;
  /**
   * The highest number of entries under way at once. After a crash up to this many may be sent a
   * second time.
   */
  readonly connections: number;
  /** Waits between the attempts that count. After the last one the entry is given up. */
  readonly retryMinutes: readonly number[];
  /** Describes an entry in the log. Holds no recipient and no content. */
  factsOf(entry: EntryHead): Facts;
  /**
   * Returns the reason why an entry cannot be sent that is known without asking the other side, or
   * `undefined` if there is none.
   */
  obstacleTo(entry: EntryHead): Promise<Obstacle | undefined>;
  /**
   * Makes one attempt. `signal` aborts an attempt that takes longer than `SEND_SECONDS`. An error
   * that this throws concerns this entry alone: it is logged, and the entry is tried again later.
   */
  send(entry: OpenEntry, signal: AbortSignal): Promise<Outcome>;
}

/** The time that one attempt may take. */
export const SEND_SECONDS = 60;

export interface EntryHead {
  readonly id: string;
  readonly recipient: string;
  /** Says, in the channel's words, what the entry is: which template, which event. */
  readonly kind: string;
  /** BCP 47. Null if the channel or the recipient knows none. */
  readonly locale: string | null;
  readonly createdAt: UnixSeconds;
  /** The number of attempts, including the current one. */
  readonly attempts: number;
}

/** An entry with the contents that were queued. */
export interface OpenEntry extends EntryHead {
  readonly data: unknown;
}

/** `error` is a short class of errors, never a sentence: operators see it in lists and logs. */
export type Obstacle =
  /** The entry can never be sent, so it is given up. */
  | { readonly kind: "final"; readonly error: string }
  /** The entry cannot be sent yet. Waiting uses up none of its attempts. */
  | { readonly kind: "passing"; readonly error: string; readonly seconds: number };

/** `error` is a short class of errors, as in `Obstacle`. */
export type Outcome =
  /** The other side has accepted the entry. */
  | { readonly kind: "sent" }
  /** The other side has answered that it does not take this entry now. */
  | { readonly kind: "deferred"; readonly error: string }
  /** The other side has answered that it will never take this entry. */
  | {
      readonly kind: "rejected";
      readonly error: string;
      /** Runs in the transaction that gives the entry up. */
      readonly also?: (tx: Tx) => Promise<void>;
    }
  /**
   * The connection was lost, so the entry may have arrived or not. The sender also waits before it
   * begins the next one, as for `unavailable`.
   */
  | { readonly kind: "interrupted"; readonly error: string }
  /**
   * The other side has not looked at the entry and would not look at the next one either. This uses
   * up no attempt. The channel itself reports the cause. A channel with many other sides answers
   * `deferred` instead, so that one of them does not hold up the others.
   */
  | { readonly kind: "unavailable"; readonly error: string };
