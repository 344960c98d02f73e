import type { EndCause } from "@portcullis/contract";
import type { UuidWords } from "./uuid.ts";

/**
 * The sessions that have ended, in typed arrays of 21 bytes a slot, which the garbage collector
 * does not scan. They are spread over 256 small tables with open addressing. Each small table grows
 * and is swept by itself, so the longest pause is the time that one of them takes.
 */
export interface SessionTable {
  /**
   * Adds the session, or merges the end with the one that is known: the later expiry counts, and
   * with equal expiries the cause that comes first in the alphabet. Therefore any order and any
   * repetition of the same calls lead to the same table.
   */
  add(session: UuidWords, end: SessionEnd): void;
  /** Returns why the session ended, or `undefined` if it is not in the table. */
  find(session: UuidWords): EndCause | undefined;
  /**
   * Forgets the sessions that expired at or before `moment` (Unix seconds) in the next `shards` of
   * the 256 small tables.
   */
  sweep(moment: number, shards: number): void;
  /** The number of sessions. */
  readonly size: number;
  /** The size of the typed arrays in bytes. */
  readonly bytes: number;
}

/** The end of a session. */
export interface SessionEnd {
  readonly cause: EndCause;
  /** The Unix second at which the last token of the session is dead by itself, leeway included. */
  readonly expiresAt: number;
}

/** The number of small tables. */
export const SHARDS = 256;

/** The lowest bits of the hash choose the small table, the others the slot in it. */
const SHARD_BITS = 8;
const WORDS = 5;
/** The position of the expiry among the words of a slot. */
const EXPIRY = 4;
const SLOT_BYTES = WORDS * 4 + 1;
const MIN_SLOTS = 16;
/** The latest expiry that 32 bits can hold, in the year 2106. A later one is stored as this. */
const LATEST = 0xffff_ffff;

/**
 * A small table. For each slot, `words` holds the four words of the id and the expiry in unsigned
 * seconds. An expiry of 0 marks a free slot.
 */
interface Shard {
  readonly words: Int32Array;
  readonly causes: Uint8Array;
  size: number;
}

export function createSessionTable(): SessionTable {
  const shards = Array.from({ length: SHARDS }, () => emptyShard(0));
  const causes: EndCause[] = [];
  let nextSwept = 0;

  const numberOf = (cause: EndCause): number => {
    const known = causes.indexOf(cause);
    return known >= 0 ? known : causes.push(cause) - 1;
  };

  return {
    add: (session, end) => {
      const hash = hashOf(session.a, session.b, session.c, session.d);
      const index = hash & (SHARDS - 1);
      let shard = shardAt(shards, index);
      if ((shard.size + 1) * 4 > shard.causes.length * 3) {
        shard = rebuilt(shard, Math.max(MIN_SLOTS, shard.causes.length * 2), 0);
        shards[index] = shard;
      }
      const expiresAt = Math.min(Math.max(end.expiresAt, 1), LATEST);
      const slot = slotOf(shard, session, hash);
      const known = expiryAt(shard, slot);
      if (known === 0) shard.size += 1;
      else if (
        known > expiresAt ||
        (known === expiresAt && String(causes[causeAt(shard, slot)]) <= end.cause)
      )
        return;
      write(shard, slot, session, expiresAt, numberOf(end.cause));
    },
    find: (session) => {
      const hash = hashOf(session.a, session.b, session.c, session.d);
      const shard = shardAt(shards, hash & (SHARDS - 1));
      if (shard.size === 0) return undefined;
      const slot = slotOf(shard, session, hash);
      return expiryAt(shard, slot) === 0 ? undefined : causes[causeAt(shard, slot)];
    },
    sweep: (moment, count) => {
      for (let i = 0; i < Math.min(count, SHARDS); i += 1) {
        const shard = shardAt(shards, nextSwept);
        const living = countAfter(shard, moment);
        if (living < shard.size) shards[nextSwept] = rebuilt(shard, slotsFor(living), moment);
        nextSwept = (nextSwept + 1) % SHARDS;
      }
    },
    get size() {
      return shards.reduce((sum, shard) => sum + shard.size, 0);
    },
    get bytes() {
      return shards.reduce((sum, shard) => sum + shard.causes.length * SLOT_BYTES, 0);
    },
  };
}

function emptyShard(slots: number): Shard {
  return { words: new Int32Array(slots * WORDS), causes: new Uint8Array(slots), size: 0 };
}

function shardAt(shards: readonly Shard[], index: number): Shard {
  const shard = shards[index];
  if (shard === undefined) throw new RangeError(`shard ${index}`);
  return shard;
}

/**
 * Chooses a size at which the entries fill at most half of the table, so that it does not grow
 * again at once.
 */
function slotsFor(entries: number): number {
  if (entries === 0) return 0;
  let slots = MIN_SLOTS;
  while (slots < entries * 2) slots *= 2;
  return slots;
}

/** Copies the sessions that expire after `moment` into a table of another size. */
function rebuilt(shard: Shard, slots: number, moment: number): Shard {
  const next = emptyShard(slots);
  for (let slot = 0; slot < shard.causes.length; slot += 1) {
    const expiresAt = expiryAt(shard, slot);
    if (expiresAt <= moment || expiresAt === 0) continue;
    const session = {
      a: wordAt(shard, slot, 0),
      b: wordAt(shard, slot, 1),
      c: wordAt(shard, slot, 2),
      d: wordAt(shard, slot, 3),
    };
    const target = slotOf(next, session, hashOf(session.a, session.b, session.c, session.d));
    write(next, target, session, expiresAt, causeAt(shard, slot));
    next.size += 1;
  }
  return next;
}

function countAfter(shard: Shard, moment: number): number {
  let count = 0;
  for (let slot = 0; slot < shard.causes.length; slot += 1) {
    if (expiryAt(shard, slot) > moment) count += 1;
  }
  return count;
}

/**
 * Finds the slot of the session, or the free slot that it would take. The search ends, because a
 * small table always has a free slot.
 */
function slotOf(shard: Shard, session: UuidWords, hash: number): number {
  const mask = shard.causes.length - 1;
  for (let slot = (hash >>> SHARD_BITS) & mask; ; slot = (slot + 1) & mask) {
    const at = slot * WORDS;
    const { words } = shard;
    if (words[at + EXPIRY] === 0) return slot;
    if (
      words[at] === session.a &&
      words[at + 1] === session.b &&
      words[at + 2] === session.c &&
      words[at + 3] === session.d
    )
      return slot;
  }
}

function write(
  shard: Shard,
  slot: number,
  session: UuidWords,
  expiresAt: number,
  cause: number,
): void {
  const at = slot * WORDS;
  shard.words[at] = session.a;
  shard.words[at + 1] = session.b;
  shard.words[at + 2] = session.c;
  shard.words[at + 3] = session.d;
  shard.words[at + EXPIRY] = expiresAt;
  shard.causes[slot] = cause;
}

function wordAt(shard: Shard, slot: number, word: number): number {
  return shard.words[slot * WORDS + word] ?? 0;
}

function expiryAt(shard: Shard, slot: number): number {
  return wordAt(shard, slot, EXPIRY) >>> 0;
}

function causeAt(shard: Shard, slot: number): number {
  return shard.causes[slot] ?? 0;
}

/**
 * Hashes an id so that each of its bits influences every bit of the result. Ids that are ordered by
 * time share their first words, and would otherwise crowd into few slots.
 */
function hashOf(a: number, b: number, c: number, d: number): number {
  let hash = mix(d);
  hash = mix(hash ^ c);
  hash = mix(hash ^ b);
  return mix(hash ^ a);
}

function mix(word: number): number {
  const once = Math.imul(word ^ (word >>> 16), 0x7feb_352d);
  const twice = Math.imul(once ^ (once >>> 15), 0x846c_a68b);
  return twice ^ (twice >>> 16);
}
