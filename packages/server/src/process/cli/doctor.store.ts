import { sql } from "kysely";
import type { Db } from "../../platform/db/open.ts";

/** SQLite only. Returns what is wrong with the file, in SQLite's words. Empty if nothing is. */
export async function integrityProblems(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(10)`.execute(db);
  return rows.map((row) => row.integrity_check).filter((problem) => problem !== "ok");
}

/** SQLite only. Returns the tables that have rows which point to missing rows. */
export async function danglingReferences(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ table: string }>`pragma foreign_key_check`.execute(db);
  return [...new Set(rows.map((row) => row.table))];
}

/** PostgreSQL only. Returns the server's clock, in Unix milliseconds. */
export async function databaseMilliseconds(db: Db): Promise<number> {
  const { rows } = await sql<{
    now: number;
  }>`select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
  return rows[0]?.now ?? 0;
}
