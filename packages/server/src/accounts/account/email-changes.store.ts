import type { Selectable } from "kysely";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { EmailChangesTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { returnTry, takeTry } from "../proofs/tries.store.ts";

export interface NewEmailChange {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly emailCanonical: string;
  readonly tokenHash: string;
  readonly codeMac: string;
  readonly triesLeft: number;
  /** State of the account when the change began. The change dies if either value changes. */
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

/**
 * Identifies a change. A code is looked for only among the changes of the user whose session asks.
 */
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

/** Takes one try, with the code or the link, of a change that is still open. */
export async function takeTryOfChange(
  tx: Tx,
  key: { readonly id: string; readonly userId: string } | { readonly tokenHash: string },
  now: UnixSeconds,
): Promise<EmailChange | undefined> {
  const unset = ["confirmed_at", "void_at"] as const;
  const row = await takeTry(
    tx,
    "email_changes",
    "id" in key
      ? { is: { id: key.id, user_id: key.userId }, unset, after: { code_expires_at: now } }
      : { is: { token_hash: key.tokenHash }, unset, after: { expires_at: now } },
  );
  return row && toChange(row);
}

/** Gives back a try that could not be judged. */
export async function giveTryBack(tx: Tx, id: string): Promise<void> {
  await returnTry(tx, "email_changes", { is: { id } });
}

/** Finds a change. The changes of a user are altered only while the user's row is locked. */
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
 * Confirms a change that is still open. Returns false if it is not. The moments of one user's
 * confirmations all differ, even within one second, because an undo must know what came after it.
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
 * Uses an undo, and voids the undos of the changes that were confirmed later. Returns false if it
 * was used or void already.
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

/**
 * Rows are kept this long after their end, so that a late link is told from one that never existed.
 */
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
