import type { Selectable } from "kysely";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { EmailChangesTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

export interface NewEmailChange {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly emailCanonical: string;
  readonly tokenHash: string;
  readonly codeMac: string;
  readonly triesLeft: number;
  /** What the account was when it began; it dies when either changes. */
  readonly passwordChangedAt: UnixSeconds | null;
  readonly oldEmail: string | null;
  readonly oldEmailCanonical: string | null;
  readonly createdAt: UnixSeconds;
  readonly codeExpiresAt: UnixSeconds;
  readonly expiresAt: UnixSeconds;
}

export interface EmailChange extends NewEmailChange {
  readonly confirmedAt: UnixSeconds | null;
  readonly voidAt: UnixSeconds | null;
  readonly undoExpiresAt: UnixSeconds | null;
  readonly undoneAt: UnixSeconds | null;
}

/** A code is only ever looked for among the changes of the user whose session asks. */
export type EmailChangeKey =
  | { readonly id: string; readonly userId: string }
  | { readonly tokenHash: string }
  | { readonly undoHash: string };

export async function insertChange(tx: Tx, change: NewEmailChange): Promise<void> {
  await tx
    .insertInto("email_changes")
    .values({
      id: change.id,
      user_id: change.userId,
      email: change.email,
      email_canonical: change.emailCanonical,
      token_hash: change.tokenHash,
      code_mac: change.codeMac,
      tries_left: change.triesLeft,
      password_changed_at: change.passwordChangedAt,
      old_email: change.oldEmail,
      old_email_canonical: change.oldEmailCanonical,
      created_at: change.createdAt,
      code_expires_at: change.codeExpiresAt,
      expires_at: change.expiresAt,
      confirmed_at: null,
      void_at: null,
      undo_hash: null,
      undo_expires_at: null,
      undone_at: null,
    })
    .execute();
}

/** Takes one try, with code or link, of a change that is still open. */
export async function takeTry(
  tx: Tx,
  key: { readonly id: string; readonly userId: string } | { readonly tokenHash: string },
  now: UnixSeconds,
): Promise<EmailChange | undefined> {
  const open = tx
    .updateTable("email_changes")
    .set((eb) => ({ tries_left: eb("tries_left", "-", 1) }))
    .where("confirmed_at", "is", null)
    .where("void_at", "is", null)
    .where("tries_left", ">", 0);
  const row = await (
    "id" in key
      ? open
          .where("id", "=", key.id)
          .where("user_id", "=", key.userId)
          .where("code_expires_at", ">", now)
      : open.where("token_hash", "=", key.tokenHash).where("expires_at", ">", now)
  )
    .returningAll()
    .executeTakeFirst();
  return row && toChange(row);
}

/** For a try that could not be judged. */
export async function giveTryBack(tx: Tx, id: string): Promise<void> {
  await tx
    .updateTable("email_changes")
    .set((eb) => ({ tries_left: eb("tries_left", "+", 1) }))
    .where("id", "=", id)
    .execute();
}

/** Rows of a user change only while that user's row is held. */
export async function findChange(
  db: Queryable,
  key: EmailChangeKey,
): Promise<EmailChange | undefined> {
  const rows = db.selectFrom("email_changes").selectAll();
  const row = await (
    "id" in key
      ? rows.where("id", "=", key.id).where("user_id", "=", key.userId)
      : "tokenHash" in key
        ? rows.where("token_hash", "=", key.tokenHash)
        : rows.where("undo_hash", "=", key.undoHash)
  ).executeTakeFirst();
  return row && toChange(row);
}

/**
 * Confirms a change that is still open; false where it is not. The moments of one user's
 * confirmations all differ, even within one second: an undo must tell what came after it. The
 * user's row must be held.
 */
export async function markConfirmed(
  tx: Tx,
  change: EmailChange,
  undo: { readonly hash: string; readonly expiresAt: UnixSeconds } | undefined,
  now: UnixSeconds,
): Promise<boolean> {
  const { latest } = await tx
    .selectFrom("email_changes")
    .select((eb) => eb.fn.max("confirmed_at").as("latest"))
    .where("user_id", "=", change.userId)
    .executeTakeFirstOrThrow();
  const row = await tx
    .updateTable("email_changes")
    .set({
      confirmed_at: latest === null ? now : Math.max(now, Number(latest) + 1),
      undo_hash: undo?.hash ?? null,
      undo_expires_at: undo?.expiresAt ?? null,
    })
    .where("id", "=", change.id)
    .where("confirmed_at", "is", null)
    .where("void_at", "is", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

export async function voidPendingChanges(tx: Tx, userId: string, now: UnixSeconds): Promise<void> {
  await tx
    .updateTable("email_changes")
    .set({ void_at: now })
    .where("user_id", "=", userId)
    .where("confirmed_at", "is", null)
    .where("void_at", "is", null)
    .execute();
}

/**
 * Spends an undo, and takes theirs from the changes that were confirmed after it. False where it
 * was spent or void already.
 */
export async function markUndone(tx: Tx, change: EmailChange, now: UnixSeconds): Promise<boolean> {
  const row = await tx
    .updateTable("email_changes")
    .set({ undone_at: now })
    .where("id", "=", change.id)
    .where("undone_at", "is", null)
    .where("void_at", "is", null)
    .returning("id")
    .executeTakeFirst();
  await tx
    .updateTable("email_changes")
    .set({ void_at: now })
    .where("user_id", "=", change.userId)
    .where("confirmed_at", ">", change.confirmedAt)
    .where("undone_at", "is", null)
    .where("void_at", "is", null)
    .execute();
  return row !== undefined;
}

/** So long after its end a link is still told from one that never was. */
const KEEP_SECONDS = 86_400;

export async function pruneEmailChanges(
  db: Queryable,
  now: UnixSeconds,
  limit = 1_000,
): Promise<number> {
  const over = now - KEEP_SECONDS;
  const done = db
    .selectFrom("email_changes")
    .select("id")
    .where("expires_at", "<=", over)
    .where((eb) => eb.or([eb("undo_expires_at", "is", null), eb("undo_expires_at", "<=", over)]))
    .limit(limit);
  const result = await db.deleteFrom("email_changes").where("id", "in", done).executeTakeFirst();
  return Number(result.numDeletedRows);
}

function toChange(row: Selectable<EmailChangesTable>): EmailChange {
  return {
    id: row.id,
    userId: row.user_id,
    email: row.email,
    emailCanonical: row.email_canonical,
    tokenHash: row.token_hash,
    codeMac: row.code_mac,
    triesLeft: row.tries_left,
    passwordChangedAt: row.password_changed_at,
    oldEmail: row.old_email,
    oldEmailCanonical: row.old_email_canonical,
    createdAt: row.created_at,
    codeExpiresAt: row.code_expires_at,
    expiresAt: row.expires_at,
    confirmedAt: row.confirmed_at,
    voidAt: row.void_at,
    undoExpiresAt: row.undo_expires_at,
    undoneAt: row.undone_at,
  };
}
