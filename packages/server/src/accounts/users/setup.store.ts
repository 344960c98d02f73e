import { transact } from "../../platform/db/transact.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

/** Stores a new link and voids earlier ones, so that only the link that was printed last works. */
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
 * Tells whether the link is valid. It locks the row, so that callers with the same link take turns.
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
