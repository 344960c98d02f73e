import type { Queryable, Tx } from "../db/open.ts";
import type { UnixSeconds } from "../kernel/clock.ts";

export interface Reset {
  readonly id: string;
  /** Null where nobody has the address. */
  readonly userId: string | null;
  readonly tokenHash: string;
  readonly codeMac: string;
  /** What the account was when it began; it dies when either changes (RS-09). */
  readonly passwordChangedAt: UnixSeconds | null;
  readonly emailCanonical: string | null;
  readonly createdAt: UnixSeconds;
  readonly expiresAt: UnixSeconds;
}

export async function insertReset(tx: Tx, reset: Reset, tries: number): Promise<void> {
  await tx
    .insertInto("password_resets")
    .values({
      id: reset.id,
      user_id: reset.userId,
      token_hash: reset.tokenHash,
      code_mac: reset.codeMac,
      tries_left: tries,
      password_changed_at: reset.passwordChangedAt,
      email_canonical: reset.emailCanonical,
      created_at: reset.createdAt,
      expires_at: reset.expiresAt,
      used_at: null,
    })
    .execute();
}

/** Takes one try of a reset that is still open; its row stays held until the transaction ends. */
export async function takeTry(
  tx: Tx,
  which: { readonly id: string } | { readonly tokenHash: string },
  now: UnixSeconds,
): Promise<Reset | undefined> {
  const open = tx
    .updateTable("password_resets")
    .set((eb) => ({ tries_left: eb("tries_left", "-", 1) }))
    .where("used_at", "is", null)
    .where("expires_at", ">", now)
    .where("tries_left", ">", 0);
  const row = await ("id" in which ? open.where("id", "=", which.id) : open.where("token_hash", "=", which.tokenHash))
    .returningAll()
    .executeTakeFirst();
  return (
    row && {
      id: row.id,
      userId: row.user_id,
      tokenHash: row.token_hash,
      codeMac: row.code_mac,
      passwordChangedAt: row.password_changed_at,
      emailCanonical: row.email_canonical,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }
  );
}

/** For a try that was right but could not be used. */
export async function giveTryBack(tx: Tx, id: string): Promise<void> {
  await tx
    .updateTable("password_resets")
    .set((eb) => ({ tries_left: eb("tries_left", "+", 1) }))
    .where("id", "=", id)
    .execute();
}

/** Whether nobody has spent it yet; holds the row. */
export async function isOpen(tx: Tx, id: string): Promise<boolean> {
  return (
    (await tx
      .selectFrom("password_resets")
      .select("id")
      .where("id", "=", id)
      .where("used_at", "is", null)
      .forUpdate()
      .executeTakeFirst()) !== undefined
  );
}

/** Spends every open reset of a user, the one in hand included. */
export async function spendResets(tx: Tx, userId: string, now: UnixSeconds): Promise<void> {
  await tx.updateTable("password_resets").set({ used_at: now }).where("user_id", "=", userId).where("used_at", "is", null).execute();
}

export async function pruneResets(db: Queryable, now: UnixSeconds, limit = 1_000): Promise<number> {
  const result = await db
    .deleteFrom("password_resets")
    .where("id", "in", (eb) => eb.selectFrom("password_resets").select("id").where("expires_at", "<=", now).limit(limit))
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
