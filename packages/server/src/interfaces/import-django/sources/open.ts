import { ImportError } from "../import-error.ts";
import type { ForeignSource } from "./source.ts";

/**
 * Opens a database for reading.
 *
 * @param from a SQLite file, or `postgres://…`
 * @throws {ImportError} if it cannot be read
 */
export async function openForeignSource(from: string): Promise<ForeignSource> {
  const scheme = /^([a-z][a-z0-9+]+):\/\//i.exec(from)?.[1]?.toLowerCase();
  if (scheme === undefined) return (await import("./sqlite.ts")).openSqliteSource(from);
  if (scheme === "postgres" || scheme === "postgresql")
    return (await import("./postgres.ts")).openPostgresSource(from);
  throw new ImportError(
    `A database of the kind ${scheme} cannot be read: give a SQLite file, or postgres://user:password@host/database.`,
  );
}
