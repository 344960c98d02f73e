import type { Db, Tx } from "../db/open.ts";
import type { UnixSeconds } from "../kernel/clock.ts";

/** Voids earlier links: the last one printed is the one that works. */
export async function insertSetupLink(db: Db, tokenHash: string, expiresAt: UnixSeconds): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tx.deleteFrom("setup_links").execute();
    await tx.insertInto("setup_links").values({ token_hash: tokenHash, expires_at: expiresAt, used_at: null }).execute();
  });
}

export async function spendSetupLink(tx: Tx, tokenHash: string, now: UnixSeconds): Promise<boolean> {
  const row = await tx
    .updateTable("setup_links")
    .set({ used_at: now })
    .where("token_hash", "=", tokenHash)
    .where("used_at", "is", null)
    .where("expires_at", ">", now)
    .returning("token_hash")
    .executeTakeFirst();
  return row !== undefined;
}
