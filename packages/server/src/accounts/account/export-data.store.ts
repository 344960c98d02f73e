import { sql } from "kysely";
import type { Queryable } from "../../platform/db/open.ts";
import type { Json } from "../../platform/http/serve.ts";
import type { Shown } from "./personal-data.ts";

/** A query of one table for the rows of one person. */
export interface PersonalQuery {
  readonly table: string;
  readonly columns: readonly string[];
  /** The column that has one of `values`. */
  readonly column: string;
  readonly values: readonly string[];
  readonly limit: number;
}

/** Returns the newest rows of a person, by the first of the columns. */
export async function personalRows(
  db: Queryable,
  { table, columns, column, values, limit }: PersonalQuery,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  if (values.length === 0) return [];
  const { rows } = await sql<Record<string, unknown>>`
    select ${sql.join(columns.map((name) => sql.ref(name)))} from ${sql.table(table)}
    where ${sql.ref(column)} in (${sql.join(values)})
    order by ${sql.ref(columns[0] ?? column)} desc limit ${limit}`.execute(db);
  return rows;
}

/** Returns a stored value as JSON shows it. */
export function shown(value: unknown, how: Shown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64url");
  if (typeof value === "string" && how === "json") {
    const parsed: Json = JSON.parse(value);
    return parsed;
  }
  return typeof value === "string" || typeof value === "number" ? value : null;
}
