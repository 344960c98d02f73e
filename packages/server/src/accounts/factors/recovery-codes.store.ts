import { sql } from "kysely";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

export interface SealedCode {
  readonly id: string;
  /** A PHC string, sealed for this id. */
  readonly codeSealed: Uint8Array;
}

/**
 * Replaces all codes of a user: a new set voids the old one as a whole (MF-05). Rules hold the
 * user's row; the import has inserted the user in the same transaction.
 */
export async function replaceCodes(
  tx: Tx,
  userId: string,
  rows: readonly SealedCode[],
  now: UnixSeconds,
): Promise<void> {
  await deleteCodes(tx, userId);
  await tx
    .insertInto("recovery_codes")
    .values(
      rows.map(({ id, codeSealed }) => ({
        id,
        user_id: userId,
        code_sealed: codeSealed,
        created_at: now,
        used_at: null,
      })),
    )
    .execute();
}

export async function deleteCodes(tx: Tx, userId: string): Promise<void> {
  await tx.deleteFrom("recovery_codes").where("user_id", "=", userId).execute();
}

const unused = prepared((db, { userId }: { readonly userId: string }) =>
  db
    .selectFrom("recovery_codes")
    .select(["id", "code_sealed"])
    .where("user_id", "=", userId)
    .where("used_at", "is", null)
    .orderBy("id"),
);

export async function listUnused(db: Queryable, userId: string): Promise<readonly SealedCode[]> {
  return (await unused(db, { userId })).map(({ id, code_sealed: codeSealed }) => ({
    id,
    codeSealed,
  }));
}

const counting = prepared((db, { userId }: { readonly userId: string }) =>
  db
    .selectFrom("recovery_codes")
    .select(({ fn }) => [
      fn.max("created_at").as("created_at"),
      sql<number>`count(*) filter (where used_at is null)`.as("left"),
    ])
    .where("user_id", "=", userId),
);

/** Counts the codes of the user's set. Returns `undefined` if there is no set. */
export async function countCodes(
  db: Queryable,
  userId: string,
): Promise<{ readonly left: number; readonly createdAt: UnixSeconds } | undefined> {
  const [row] = await counting(db, { userId });
  return row === undefined || row.created_at === null
    ? undefined
    : { left: Number(row.left), createdAt: Number(row.created_at) };
}

/** Spends a code. If several callers use one code at once, only one of them gets true. */
export async function spendCode(tx: Tx, id: string, now: UnixSeconds): Promise<boolean> {
  const row = await tx
    .updateTable("recovery_codes")
    .set({ used_at: now })
    .where("id", "=", id)
    .where("used_at", "is", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}
