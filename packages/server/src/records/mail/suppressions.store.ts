import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { SuppressionsTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

export type SuppressionReason = SuppressionsTable["reason"];

export interface Suppression {
  readonly id: string;
  /** In canonical form. */
  readonly address: string;
  readonly reason: SuppressionReason;
  readonly createdAt: UnixSeconds;
}

/**
 * Inserts suppressions in the given order and returns those that are the first for their address.
 * If several callers insert one at once, one of them gets it.
 */
export async function insertSuppressions(
  tx: Tx,
  suppressions: readonly Suppression[],
): Promise<readonly Suppression[]> {
  const rows = await tx
    .insertInto("suppressions")
    .values(
      suppressions.map(({ createdAt, ...suppression }) => ({
        ...suppression,
        created_at: createdAt,
      })),
    )
    .onConflict((conflict) => conflict.column("address").doNothing())
    .returningAll()
    .execute();
  return rows.map(toSuppression);
}

export async function findSuppression(
  db: Queryable,
  address: string,
): Promise<Suppression | undefined> {
  const row = await db
    .selectFrom("suppressions")
    .selectAll()
    .where("address", "=", address)
    .executeTakeFirst();
  return row && toSuppression(row);
}

/** Returns `false` if there was no such suppression. */
export async function deleteSuppression(tx: Tx, id: string): Promise<boolean> {
  const row = await tx
    .deleteFrom("suppressions")
    .where("id", "=", id)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

export interface SuppressionQuery {
  /** The id of the last suppression on the page before. The listing continues after it. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Lists suppressions, newest first. */
export async function listSuppressions(
  db: Queryable,
  { before, limit }: SuppressionQuery,
): Promise<readonly Suppression[]> {
  const rows = await db
    .selectFrom("suppressions")
    .selectAll()
    .$if(before !== undefined, (select) => select.where("id", "<", before ?? ""))
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map(toSuppression);
}

function toSuppression({ created_at, ...row }: SuppressionsTable): Suppression {
  return { ...row, createdAt: created_at };
}
