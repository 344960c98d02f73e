import { deleteExpired } from "../../platform/db/delete-expired.ts";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

export interface ImportedToken {
  readonly userId: string;
  readonly usedAt: UnixSeconds | null;
}

/** Finds an imported token. Returns `undefined` if no such token was imported. */
export async function findImported(db: Queryable, jti: string): Promise<ImportedToken | undefined> {
  const row = await db
    .selectFrom("imported_tokens")
    .select(["user_id", "used_at"])
    .where("jti", "=", jti)
    .executeTakeFirst();
  return row && { userId: row.user_id, usedAt: row.used_at };
}

/** Marks a token as used. Returns false if it has been used already. */
export async function markUsed(tx: Tx, jti: string, now: UnixSeconds): Promise<boolean> {
  const row = await tx
    .updateTable("imported_tokens")
    .set({ used_at: now })
    .where("jti", "=", jti)
    .where("used_at", "is", null)
    .returning("jti")
    .executeTakeFirst();
  return row !== undefined;
}

export async function markAllUsed(tx: Tx, now: UnixSeconds, userId?: string): Promise<void> {
  await tx
    .updateTable("imported_tokens")
    .set({ used_at: now })
    .where("used_at", "is", null)
    .$if(userId !== undefined, (query) => query.where("user_id", "=", userId ?? ""))
    .execute();
}

export async function pruneImported(
  db: Queryable,
  now: UnixSeconds,
  limit = 1_000,
): Promise<number> {
  return deleteExpired(db, "imported_tokens", "jti", { upTo: now, limit });
}
