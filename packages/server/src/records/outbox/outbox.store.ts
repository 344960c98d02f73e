import {
  PostgresAdapter,
  sql,
  type SqlBool,
  type Expression,
  type ExpressionBuilder,
} from "kysely";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import type { OutboxTable, Tables } from "../../platform/db/tables.ts";
import { DAY, type UnixSeconds } from "../../platform/kernel/clock.ts";

export interface NewEntry {
  readonly id: string;
  readonly channel: string;
  readonly recipient: string;
  /** Stored in the column `template`. */
  readonly kind: string;
  readonly locale: string | null;
  readonly expiresAt: UnixSeconds | null;
  /** Sealed JSON. */
  readonly data: string;
}

export interface ClaimedEntry extends NewEntry {
  readonly createdAt: UnixSeconds;
  /** The number of attempts, including the one that this claim is for. */
  readonly attempts: number;
  readonly claimedBy: string;
}

export async function insertEntry(
  tx: Tx,
  entry: NewEntry,
  when: { readonly at: UnixSeconds; readonly sentAt: UnixSeconds | null },
): Promise<void> {
  const { expiresAt, kind, ...columns } = entry;
  const { at, sentAt } = when;
  await tx
    .insertInto("outbox")
    .values({
      ...columns,
      template: kind,
      expires_at: expiresAt,
      created_at: at,
      next_attempt_at: at,
      attempts: 0,
      sent_at: sentAt,
    })
    .execute();
}

export interface Claim {
  readonly channel: string;
  readonly by: string;
  readonly at: UnixSeconds;
  /** From this moment on others may claim the same entries, because their sender has died. */
  readonly until: UnixSeconds;
  readonly limit: number;
}

/** SQLite has one writer at a time, and therefore no row locks to skip. */
const isPostgres = (db: Db): boolean => db.getExecutor().adapter instanceof PostgresAdapter;

/**
 * Takes the due entries of a channel, the longest due first. Concurrent callers get different ones.
 */
export async function claimDue(db: Db, claim: Claim): Promise<ClaimedEntry[]> {
  const rows = await db
    .with("due", (cte) =>
      cte
        .selectFrom("outbox")
        .select("id")
        .where("channel", "=", claim.channel)
        .where("sent_at", "is", null)
        .where("failed_at", "is", null)
        .where("next_attempt_at", "<=", claim.at)
        .orderBy("next_attempt_at")
        .limit(claim.limit)
        .$if(isPostgres(db), (select) => select.forUpdate().skipLocked()),
    )
    .updateTable("outbox")
    .set((eb) => ({
      attempts: eb("attempts", "+", 1),
      next_attempt_at: claim.until,
      claimed_by: claim.by,
    }))
    .where("id", "in", (eb) => eb.selectFrom("due").select("due.id"))
    .returning([
      "id",
      "recipient",
      "template",
      "locale",
      "data",
      "created_at",
      "expires_at",
      "attempts",
      "last_error",
    ])
    .execute();
  return rows
    .toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1))
    .map(({ template, created_at, expires_at, last_error: _lastError, ...entry }) => ({
      ...entry,
      channel: claim.channel,
      kind: template,
      createdAt: created_at,
      expiresAt: expires_at,
      claimedBy: claim.by,
    }));
}

/**
 * The oldest come first. Entries that have failed before come last, in case they always fail.
 */
function rank({ id, last_error }: Pick<OutboxTable, "id" | "last_error">): string {
  return (last_error === null ? "0" : "1") + id;
}

/**
 * Marks an entry as sent even if the claim has passed to another process, because it has been sent.
 * The contents are removed, because they may hold a code.
 */
export async function markSent(db: Db, entry: ClaimedEntry, at: UnixSeconds): Promise<void> {
  await db
    .updateTable("outbox")
    .set({ sent_at: at, failed_at: null, claimed_by: null, data: "{}", last_error: null })
    .where("id", "=", entry.id)
    .where("sent_at", "is", null)
    .execute();
}

export interface Retry {
  readonly at: UnixSeconds;
  readonly error: string;
  /** False if the other side has not looked at the entry: then this attempt does not count. */
  readonly counted: boolean;
}

export async function markRetry(
  db: Db,
  entry: ClaimedEntry,
  { at, error, counted }: Retry,
): Promise<void> {
  await openClaim(db, entry)
    .set({
      next_attempt_at: at,
      last_error: error,
      claimed_by: null,
      attempts: counted ? entry.attempts : entry.attempts - 1,
    })
    .execute();
}

/** Gives an entry up. It keeps its contents, so that an operator can send it again. */
export async function markFailed(
  db: Queryable,
  entry: ClaimedEntry,
  failure: { readonly at: UnixSeconds; readonly error: string },
): Promise<void> {
  await openClaim(db, entry)
    .set({ failed_at: failure.at, last_error: failure.error, claimed_by: null })
    .execute();
}

/** Updates nothing if the claim has passed to another process or the entry is done. */
function openClaim(db: Queryable, entry: ClaimedEntry) {
  return db
    .updateTable("outbox")
    .where("id", "=", entry.id)
    .where("claimed_by", "=", entry.claimedBy)
    .where("attempts", "=", entry.attempts)
    .where("sent_at", "is", null)
    .where("failed_at", "is", null);
}

export interface Release {
  readonly channel: string;
  readonly at: UnixSeconds;
  /** Releases the claims of this holder only. Without it, those of all holders. */
  readonly by?: string;
}

/** Releases claims on entries of a channel as if they had never been claimed. */
export async function releaseClaims(db: Db, { channel, at, by }: Release): Promise<void> {
  await db
    .updateTable("outbox")
    .set((eb) => ({ claimed_by: null, next_attempt_at: at, attempts: eb("attempts", "-", 1) }))
    .where("channel", "=", channel)
    .where((eb) =>
      by === undefined ? eb("claimed_by", "is not", null) : eb("claimed_by", "=", by),
    )
    .where("sent_at", "is", null)
    .where("failed_at", "is", null)
    .execute();
}

/** An entry that was not given up is `unknown`. */
export async function requeueEntry(
  tx: Tx,
  { channel, id }: Pick<NewEntry, "channel" | "id">,
  now: UnixSeconds,
): Promise<"requeued" | "expired" | "unknown"> {
  const row = await tx
    .updateTable("outbox")
    .set({ failed_at: null, next_attempt_at: now, attempts: 0, last_error: null })
    .where("id", "=", id)
    .where("channel", "=", channel)
    .where("sent_at", "is", null)
    .where("failed_at", "is not", null)
    .where((eb) => eb.or([eb("expires_at", "is", null), eb("expires_at", ">", now)]))
    // Early versions removed the contents of an entry when they gave it up.
    .where("data", "<>", "{}")
    .returning("id")
    .executeTakeFirst();
  if (row !== undefined) return "requeued";
  const failed = await tx
    .selectFrom("outbox")
    .select("id")
    .where("id", "=", id)
    .where("channel", "=", channel)
    .where("sent_at", "is", null)
    .where("failed_at", "is not", null)
    .executeTakeFirst();
  return failed === undefined ? "unknown" : "expired";
}

export type EntryState = "queued" | "failed" | "sent";

export interface ListedEntry {
  readonly id: string;
  readonly recipient: string;
  readonly kind: string;
  readonly state: EntryState;
  readonly attempts: number;
  readonly createdAt: UnixSeconds;
  /** Null unless the entry is queued. */
  readonly nextAttemptAt: UnixSeconds | null;
  readonly sentAt: UnixSeconds | null;
  readonly failedAt: UnixSeconds | null;
  readonly lastError: string | null;
}

export interface EntryQuery {
  readonly channel: string;
  readonly state?: EntryState | undefined;
  /** The id of the last entry on the page before. The listing continues after it. */
  readonly before?: string | undefined;
  readonly limit: number;
}

type Where = (eb: ExpressionBuilder<Tables, "outbox">) => Expression<SqlBool>;

const states: Readonly<Record<EntryState, Where>> = {
  queued: (eb) => eb.and([eb("sent_at", "is", null), eb("failed_at", "is", null)]),
  failed: (eb) => eb.and([eb("sent_at", "is", null), eb("failed_at", "is not", null)]),
  sent: (eb) => eb("sent_at", "is not", null),
};

/** Lists the entries of a channel, newest first. */
export async function listEntries(
  db: Queryable,
  { channel, state, before, limit }: EntryQuery,
): Promise<readonly ListedEntry[]> {
  let select = db
    .selectFrom("outbox")
    .select([
      "id",
      "recipient",
      "template",
      "attempts",
      "created_at",
      "next_attempt_at",
      "sent_at",
      "failed_at",
      "last_error",
    ])
    .where("channel", "=", channel)
    .where("template", "<>", "")
    .orderBy("id", "desc")
    .limit(limit);
  if (state !== undefined) select = select.where(states[state]);
  if (before !== undefined) select = select.where("id", "<", before);
  return (await select.execute()).map(toListedEntry);
}

function toListedEntry(
  row: Omit<OutboxTable, "channel" | "data" | "locale" | "expires_at" | "claimed_by">,
): ListedEntry {
  const { id, recipient, template: kind, attempts } = row;
  const state = row.sent_at !== null ? "sent" : row.failed_at !== null ? "failed" : "queued";
  return {
    id,
    recipient,
    kind,
    state,
    attempts,
    createdAt: row.created_at,
    nextAttemptAt: state === "queued" ? row.next_attempt_at : null,
    sentAt: row.sent_at,
    failedAt: row.failed_at,
    lastError: row.last_error,
  };
}

/** Long enough for an operator to answer "did you send it?". */
const KEEP_SENT_SECONDS = 7 * DAY;
/** Long enough for an operator to find the entry and send it again. */
const KEEP_FAILED_SECONDS = 30 * DAY;
const KEEP_NOTHING_SECONDS = DAY;

/**
 * Deletes old entries of every channel, because they hold addresses (PV-03).
 *
 * @returns the number of deleted entries. It equals `limit` if there may be more.
 */
export async function pruneOutbox(db: Db, now: UnixSeconds, limit = 1_000): Promise<number> {
  let removed = 0;
  for (const done of doneWith(now)) {
    if (removed >= limit) break;
    const batch = db
      .selectFrom("outbox")
      .select("id")
      .where(done)
      .limit(limit - removed);
    const { numDeletedRows } = await db
      .deleteFrom("outbox")
      .where("id", "in", batch)
      .executeTakeFirst();
    removed += Number(numDeletedRows);
  }
  return removed;
}

/**
 * Each condition also names `created_at`, which is never later, so that an index can be used.
 * SQLite only uses the index on entries that were nothing if the condition holds `''` as a literal.
 */
function doneWith(now: UnixSeconds): readonly Where[] {
  const [sent, failed, nothing] = [
    now - KEEP_SENT_SECONDS,
    now - KEEP_FAILED_SECONDS,
    now - KEEP_NOTHING_SECONDS,
  ];
  return [
    (eb) => eb.and([eb("template", "=", sql.lit("")), eb("created_at", "<", nothing)]),
    (eb) => eb.and([eb("sent_at", "<", sent), eb("created_at", "<", sent)]),
    (eb) =>
      eb.and([
        eb("sent_at", "is", null),
        eb("failed_at", "<", failed),
        eb("created_at", "<", failed),
      ]),
  ];
}

export async function countEntries(
  db: Queryable,
  channel: string,
): Promise<{ readonly queued: number; readonly failed: number }> {
  const row = await db
    .selectFrom("outbox")
    .select((eb) => [
      eb.fn.countAll().filterWhere("failed_at", "is", null).as("queued"),
      eb.fn.countAll().filterWhere("failed_at", "is not", null).as("failed"),
    ])
    .where("channel", "=", channel)
    .where("sent_at", "is", null)
    .executeTakeFirstOrThrow();
  return { queued: Number(row.queued), failed: Number(row.failed) };
}

/** Returns when the oldest unsent entry was queued, or `undefined` if none is waiting. */
export async function oldestQueuedAt(
  db: Queryable,
  channel: string,
): Promise<UnixSeconds | undefined> {
  const oldest = db
    .selectFrom("outbox")
    .select("created_at")
    .where("channel", "=", channel)
    .where(states.queued)
    .orderBy("created_at")
    .limit(1);
  return (await oldest.executeTakeFirst())?.created_at;
}
