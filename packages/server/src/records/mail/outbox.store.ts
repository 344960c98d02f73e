import {
  PostgresAdapter,
  sql,
  type SqlBool,
  type Expression,
  type ExpressionBuilder,
} from "kysely";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import type { OutboxTable, Tables } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

export interface NewMail {
  readonly id: string;
  readonly recipient: string;
  readonly template: string;
  readonly locale: string | null;
  readonly expiresAt: UnixSeconds | null;
  /** JSON. */
  readonly data: string;
}

export interface ClaimedMail extends NewMail {
  readonly createdAt: UnixSeconds;
  /** This one included. */
  readonly attempts: number;
  readonly claimedBy: string;
}

export async function insertMail(
  tx: Tx,
  mail: NewMail,
  when: { readonly at: UnixSeconds; readonly sentAt: UnixSeconds | null },
): Promise<void> {
  const { expiresAt, ...columns } = mail;
  const { at, sentAt } = when;
  await tx
    .insertInto("outbox")
    .values({
      ...columns,
      expires_at: expiresAt,
      created_at: at,
      next_attempt_at: at,
      attempts: 0,
      sent_at: sentAt,
    })
    .execute();
}

export interface Claim {
  readonly by: string;
  readonly at: UnixSeconds;
  /** From then on others may claim the same mails: their sender has died. */
  readonly until: UnixSeconds;
  readonly limit: number;
}

/** SQLite has one writer at a time, and no row locks to skip. */
const isPostgres = (db: Db): boolean => db.getExecutor().adapter instanceof PostgresAdapter;

/** Takes due mails, the longest due first. Of concurrent senders each gets different ones. */
export async function claimDue(db: Db, claim: Claim): Promise<ClaimedMail[]> {
  const rows = await db
    .with("due", (cte) =>
      cte
        .selectFrom("outbox")
        .select("id")
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
    .map(({ created_at, expires_at, last_error: _lastError, ...mail }) => ({
      ...mail,
      createdAt: created_at,
      expiresAt: expires_at,
      claimedBy: claim.by,
    }));
}

/** Those that went wrong before come last, in case they always do; else the oldest first. */
function rank({ id, last_error }: Pick<OutboxTable, "id" | "last_error">): string {
  return (last_error === null ? "0" : "1") + id;
}

/** Whoever sent it, it is sent. Emptied, because the data hold the mailed code. */
export async function markSent(db: Db, mail: ClaimedMail, at: UnixSeconds): Promise<void> {
  await db
    .updateTable("outbox")
    .set({ sent_at: at, failed_at: null, claimed_by: null, data: "{}", last_error: null })
    .where("id", "=", mail.id)
    .where("sent_at", "is", null)
    .execute();
}

export interface Retry {
  readonly at: UnixSeconds;
  readonly error: string;
  /** Whether this attempt was one: nobody has seen the mail while the mail server was away. */
  readonly counted: boolean;
}

export async function markRetry(
  db: Db,
  mail: ClaimedMail,
  { at, error, counted }: Retry,
): Promise<void> {
  await openClaim(db, mail)
    .set({
      next_attempt_at: at,
      last_error: error,
      claimed_by: null,
      attempts: counted ? mail.attempts : mail.attempts - 1,
    })
    .execute();
}

/** It keeps its data, so that it can be sent after all. */
export async function markFailed(
  db: Queryable,
  mail: ClaimedMail,
  failure: { readonly at: UnixSeconds; readonly error: string },
): Promise<void> {
  await openClaim(db, mail)
    .set({ failed_at: failure.at, last_error: failure.error, claimed_by: null })
    .execute();
}

function openClaim(db: Queryable, mail: ClaimedMail) {
  return db
    .updateTable("outbox")
    .where("id", "=", mail.id)
    .where("claimed_by", "=", mail.claimedBy)
    .where("attempts", "=", mail.attempts)
    .where("sent_at", "is", null)
    .where("failed_at", "is", null);
}

/** Lets go of what is claimed, as if it had never been: by one holder, or by whomever. */
export async function releaseClaims(
  db: Db,
  { at, by }: { readonly at: UnixSeconds; readonly by?: string },
): Promise<void> {
  await db
    .updateTable("outbox")
    .set((eb) => ({ claimed_by: null, next_attempt_at: at, attempts: eb("attempts", "-", 1) }))
    .where((eb) =>
      by === undefined ? eb("claimed_by", "is not", null) : eb("claimed_by", "=", by),
    )
    .where("sent_at", "is", null)
    .where("failed_at", "is", null)
    .execute();
}

/**
 * Of any number of callers at once, one gets `requeued`; a mail that was not given up is `unknown`.
 */
export async function requeue(
  tx: Tx,
  id: string,
  now: UnixSeconds,
): Promise<"requeued" | "expired" | "unknown"> {
  const row = await tx
    .updateTable("outbox")
    .set({ failed_at: null, next_attempt_at: now, attempts: 0, last_error: null })
    .where("id", "=", id)
    .where("sent_at", "is", null)
    .where("failed_at", "is not", null)
    .where((eb) => eb.or([eb("expires_at", "is", null), eb("expires_at", ">", now)]))
    // Versions before this one emptied what they gave up.
    .where("data", "<>", "{}")
    .returning("id")
    .executeTakeFirst();
  if (row !== undefined) return "requeued";
  const failed = await tx
    .selectFrom("outbox")
    .select("id")
    .where("id", "=", id)
    .where("sent_at", "is", null)
    .where("failed_at", "is not", null)
    .executeTakeFirst();
  return failed === undefined ? "unknown" : "expired";
}

export type MailState = "queued" | "failed" | "sent";

export interface ListedMail {
  readonly id: string;
  readonly recipient: string;
  readonly template: string;
  readonly state: MailState;
  readonly attempts: number;
  readonly createdAt: UnixSeconds;
  /** Null unless it is queued. */
  readonly nextAttemptAt: UnixSeconds | null;
  readonly sentAt: UnixSeconds | null;
  readonly failedAt: UnixSeconds | null;
  readonly lastError: string | null;
}

export interface MailQuery {
  readonly state?: MailState | undefined;
  /** Id of the last of the page before; that one is not repeated. */
  readonly before?: string | undefined;
  readonly limit: number;
}

type Where = (eb: ExpressionBuilder<Tables, "outbox">) => Expression<SqlBool>;

const states: Readonly<Record<MailState, Where>> = {
  queued: (eb) => eb.and([eb("sent_at", "is", null), eb("failed_at", "is", null)]),
  failed: (eb) => eb.and([eb("sent_at", "is", null), eb("failed_at", "is not", null)]),
  sent: (eb) => eb("sent_at", "is not", null),
};

/** Newest first. */
export async function listMails(
  db: Queryable,
  { state, before, limit }: MailQuery,
): Promise<readonly ListedMail[]> {
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
    .where("template", "<>", "")
    .orderBy("id", "desc")
    .limit(limit);
  if (state !== undefined) select = select.where(states[state]);
  if (before !== undefined) select = select.where("id", "<", before);
  return (await select.execute()).map(toListedMail);
}

function toListedMail(
  row: Omit<OutboxTable, "data" | "locale" | "expires_at" | "claimed_by">,
): ListedMail {
  const { id, recipient, template, attempts } = row;
  const state = row.sent_at !== null ? "sent" : row.failed_at !== null ? "failed" : "queued";
  return {
    id,
    recipient,
    template,
    state,
    attempts,
    createdAt: row.created_at,
    nextAttemptAt: state === "queued" ? row.next_attempt_at : null,
    sentAt: row.sent_at,
    failedAt: row.failed_at,
    lastError: row.last_error,
  };
}

const DAY = 86_400;
/** Long enough to answer "did you send it?". */
const KEEP_SENT_SECONDS = 7 * DAY;
/** Long enough to be found and sent again. */
const KEEP_FAILED_SECONDS = 30 * DAY;
const KEEP_NOTHING_SECONDS = DAY;

/**
 * Forgets mails that were done with long ago: they hold addresses (PV-03).
 *
 * @returns how many; as many as `limit` says while there are more
 */
export async function pruneMails(db: Db, now: UnixSeconds, limit = 1_000): Promise<number> {
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
 * By `created_at`, which is never later, as by the index; SQLite knows that of `''` only by the
 * letter.
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

export async function countMails(
  db: Queryable,
): Promise<{ readonly queued: number; readonly failed: number }> {
  const row = await db
    .selectFrom("outbox")
    .select((eb) => [
      eb.fn.countAll().filterWhere("failed_at", "is", null).as("queued"),
      eb.fn.countAll().filterWhere("failed_at", "is not", null).as("failed"),
    ])
    .where("sent_at", "is", null)
    .executeTakeFirstOrThrow();
  return { queued: Number(row.queued), failed: Number(row.failed) };
}

/** Of the mails that are still to be sent. */
export async function oldestQueuedAt(db: Queryable): Promise<UnixSeconds | undefined> {
  const oldest = db
    .selectFrom("outbox")
    .select("created_at")
    .where(states.queued)
    .orderBy("created_at")
    .limit(1);
  return (await oldest.executeTakeFirst())?.created_at;
}
