import type { Selectable } from "kysely";
import { deleteExpired } from "../../platform/db/delete-expired.ts";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { PasswordResetsTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { returnTry, spendProof, takeTry } from "../proofs/tries.store.ts";

export interface NewReset {
  readonly id: string;
  /** Null if no user has the address. */
  readonly userId: string | null;
  readonly tokenHash: string;
  readonly codeMac: string;
  readonly triesLeft: number;
  /** State of the account when the reset began. The reset dies if either changes (RS-09). */
  readonly passwordChangedAt: UnixSeconds | null;
  readonly emailCanonical: string | null;
  readonly createdAt: UnixSeconds;
  readonly expiresAt: UnixSeconds;
}

export interface Reset extends NewReset {
  readonly usedAt: UnixSeconds | null;
}

export type ResetKey = { readonly id: string } | { readonly tokenHash: string };

export async function insertReset(tx: Tx, reset: NewReset): Promise<void> {
  await tx
    .insertInto("password_resets")
    .values({
      id: reset.id,
      user_id: reset.userId,
      token_hash: reset.tokenHash,
      code_mac: reset.codeMac,
      tries_left: reset.triesLeft,
      password_changed_at: reset.passwordChangedAt,
      email_canonical: reset.emailCanonical,
      created_at: reset.createdAt,
      expires_at: reset.expiresAt,
      used_at: null,
    })
    .execute();
}

/**
 * Takes one try with the code of a reset that was begun after `begunAfter`, even if the reset is
 * used. The condition depends on nothing but the time and the tries, so that the answer does not
 * tell whose reset it is (EN-04).
 */
export async function takeTryWithCode(
  tx: Tx,
  id: string,
  begunAfter: UnixSeconds,
): Promise<Reset | undefined> {
  const row = await takeTry(tx, "password_resets", {
    is: { id },
    after: { created_at: begunAfter },
  });
  return row && toReset(row);
}

/** Gives back a try of a code that was right but could not be used. */
export async function giveTryBack(tx: Tx, id: string): Promise<void> {
  await returnTry(tx, "password_resets", { is: { id } });
}

export async function findReset(db: Queryable, key: ResetKey): Promise<Reset | undefined> {
  const rows = db.selectFrom("password_resets").selectAll();
  const row = await (
    "id" in key ? rows.where("id", "=", key.id) : rows.where("token_hash", "=", key.tokenHash)
  ).executeTakeFirst();
  return row && toReset(row);
}

/** Uses a reset. Returns false if it was used already. */
export async function spendReset(tx: Tx, id: string, now: UnixSeconds): Promise<boolean> {
  return spendProof(tx, "password_resets", { is: { id } }, now);
}

/**
 * Makes every open reset of a user like one of an unknown address: nothing redeems it, and the
 * answer to its code does not tell.
 */
export async function voidResets(tx: Tx, userId: string): Promise<void> {
  await tx
    .updateTable("password_resets")
    .set({ user_id: null, email_canonical: null })
    .where("user_id", "=", userId)
    .where("used_at", "is", null)
    .execute();
}

/**
 * Rows are kept this long after their end, so that a late link is told from one that never existed.
 */
const KEEP_SECONDS = 86_400;

export async function pruneResets(db: Queryable, now: UnixSeconds, limit = 1_000): Promise<number> {
  return deleteExpired(db, "password_resets", "id", { upTo: now - KEEP_SECONDS, limit });
}

function toReset(row: Selectable<PasswordResetsTable>): Reset {
  return {
    id: row.id,
    userId: row.user_id,
    tokenHash: row.token_hash,
    codeMac: row.code_mac,
    triesLeft: row.tries_left,
    passwordChangedAt: row.password_changed_at,
    emailCanonical: row.email_canonical,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
  };
}
