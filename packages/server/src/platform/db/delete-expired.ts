import { sql } from "kysely";
import type { UnixSeconds } from "../kernel/clock.ts";
import type { Queryable } from "./open.ts";
import type { Tables } from "./tables.ts";

/** The tables whose rows end at `expires_at`. */
type Expiring = {
  [Table in keyof Tables]: Tables[Table] extends { readonly expires_at: unknown } ? Table : never;
}[keyof Tables];

/**
 * Deletes at most `limit` rows that have expired by `upTo`, and returns their number. Housekeeping
 * deletes in batches, so that no transaction holds many rows for a long time.
 *
 * @param key the column that identifies a row
 */
export async function deleteExpired<Table extends Expiring>(
  db: Queryable,
  table: Table,
  key: keyof Tables[Table] & string,
  { upTo, limit }: { readonly upTo: UnixSeconds; readonly limit: number },
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from ${sql.table(table)} where ${sql.ref(key)} in (
      select ${sql.ref(key)} from ${sql.table(table)} where expires_at <= ${upTo} limit ${limit}
    )`.execute(db);
  return Number(numAffectedRows);
}
