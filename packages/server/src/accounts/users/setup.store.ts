import { transact } from "../../platform/db/transact.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

/** Voids earlier links: the last one printed is the one that works. */
export async function insertSetupLink(
  db: Db,
  tokenHash: string,
  expiresAt: UnixSeconds,
): Promise<void> {
  await transact({ db }, async (tx) => {
    await tx.deleteFrom("setup_links").execute();
    await tx
      .insertInto("setup_links")
      .values({ token_hash: tokenHash, expires_at: expiresAt, used_at: null })
      .execute();
  });
}

/**
 * Whether the link is good; holds its row, so that of those who come with it one goes on at a time.
 */
export async function holdSetupLink(tx: Tx, tokenHash: string, now: UnixSeconds): Promise<boolean> {
  const row = await tx
    .selectFrom("setup_links")
    .select("token_hash")
    .where("token_hash", "=", tokenHash)
    .where("used_at", "is", null)
    .where("expires_at", ">", now)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

export async function spendSetupLinks(tx: Tx, now: UnixSeconds): Promise<void> {
  await tx.updateTable("setup_links").set({ used_at: now }).where("used_at", "is", null).execute();
}
