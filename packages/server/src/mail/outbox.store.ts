import { PostgresAdapter } from "kysely";
import type { Db, Queryable, Tx } from "../db/open.ts";
import type { UnixSeconds } from "../kernel/clock.ts";

export interface NewMail {
  readonly id: string;
  readonly recipient: string;
  readonly template: string;
  /** JSON. */
  readonly data: string;
}

export interface ClaimedMail extends NewMail {
  readonly createdAt: UnixSeconds;
  /** This one included. Tells whether a claim is still the latest. */
  readonly attempts: number;
}

export async function insertMail(
  tx: Tx,
  mail: NewMail,
  when: { readonly at: UnixSeconds; readonly sentAt: UnixSeconds | null },
): Promise<void> {
  await tx
    .insertInto("outbox")
    .values({ ...mail, created_at: when.at, next_attempt_at: when.at, attempts: 0, sent_at: when.sentAt })
    .execute();
}

export interface Claim {
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
    .set((eb) => ({ attempts: eb("attempts", "+", 1), next_attempt_at: claim.until }))
    .where("id", "in", (eb) => eb.selectFrom("due").select("due.id"))
    .returning(["id", "recipient", "template", "data", "created_at", "attempts"])
    .execute();
  return rows.map(({ created_at, ...mail }) => ({ ...mail, createdAt: created_at }));
}

/** Emptied, because the data hold the mailed code. */
export async function markSent(db: Db, mail: ClaimedMail, at: UnixSeconds): Promise<void> {
  await db
    .updateTable("outbox")
    .set({ sent_at: at, data: "{}", last_error: null })
    .where("id", "=", mail.id)
    .where("sent_at", "is", null)
    .execute();
}

export async function markRetry(db: Db, mail: ClaimedMail, retry: { readonly at: UnixSeconds; readonly error: string }): Promise<void> {
  await openClaim(db, mail).set({ next_attempt_at: retry.at, last_error: retry.error }).execute();
}

export async function markFailed(db: Db, mail: ClaimedMail, failure: { readonly at: UnixSeconds; readonly error: string }): Promise<void> {
  await openClaim(db, mail).set({ failed_at: failure.at, data: "{}", last_error: failure.error }).execute();
}

function openClaim(db: Db, mail: ClaimedMail) {
  return db
    .updateTable("outbox")
    .where("id", "=", mail.id)
    .where("attempts", "=", mail.attempts)
    .where("sent_at", "is", null)
    .where("failed_at", "is", null);
}

/** Forgets a batch of mails that were done with before `before`: they hold addresses (PV-03). */
export async function pruneMails(db: Db, before: UnixSeconds, limit = 1_000): Promise<number> {
  const done = db
    .selectFrom("outbox")
    .select("id")
    .where("created_at", "<", before)
    .where((eb) => eb.or([eb("sent_at", "is not", null), eb("failed_at", "is not", null)]))
    .limit(limit);
  const result = await db.deleteFrom("outbox").where("id", "in", done).executeTakeFirst();
  return Number(result.numDeletedRows);
}

export async function countMails(db: Queryable): Promise<{ readonly queued: number; readonly failed: number }> {
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
