import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { SuppressionsTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

export type SuppressionReason = SuppressionsTable["reason"];

export interface Suppression {
  readonly id: string;
  /** Canonical. */
  readonly address: string;
  readonly reason: SuppressionReason;
  readonly createdAt: UnixSeconds;
}

/**
 * Those that are the first for their address; of any number at once, one is. They are inserted in
 * the order given.
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

/** Whether there was one. */
export async function deleteSuppression(tx: Tx, id: string): Promise<boolean> {
  const row = await tx
    .deleteFrom("suppressions")
    .where("id", "=", id)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

export interface SuppressionQuery {
  /** Id of the last of the page before; that one is not repeated. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Newest first. */
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
