import { DatabaseSync } from "node:sqlite";
import type { Dialect } from "kysely";
import { Connection } from "./connection.ts";
import { sqliteDialect } from "./dialect.ts";
import { SqliteFileDriver } from "./driver.ts";
import { readFacts, type SqliteFacts } from "./gates.ts";
import { createPrivately } from "./private-file.ts";
import { Writer } from "./writer.ts";

/**
 * A database file, opened twice: one connection writes, one reads, and in WAL mode neither waits
 * for the other.
 */
export interface SqliteFile {
  readonly dialect: Dialect;
  /** The number of statements sent so far, including `begin` and `commit`. */
  queries(): number;
  /** Differs from the last answer if this process or another has committed in between. */
  dataVersion(): number;
  facts(): Omit<SqliteFacts, "nodeVersion">;
  close(): void;
}

const BUSY_TIMEOUT_MILLISECONDS = 5000;

/** @param file created if missing, readable by its owner only */
export function openSqlite(file: string): SqliteFile {
  createPrivately(file);
  const connection = new Connection(new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MILLISECONDS }));
  // Deleted rows are overwritten. Otherwise they stay in the file until their place is needed
  // (PV-01).
  connection.pragmas(
    "journal_mode = wal",
    "synchronous = full",
    "foreign_keys = on",
    "trusted_schema = off",
    "secure_delete = on",
  );
  const reader = new Connection(
    new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MILLISECONDS }),
  );
  reader.pragmas("trusted_schema = off");
  const writer = new Writer(connection);
  const version = reader.statement("pragma data_version");
  return {
    dialect: sqliteDialect(new SqliteFileDriver(writer, reader)),
    queries: () => connection.sent + reader.sent,
    dataVersion: () => Number(version.get()),
    facts: () => readFacts(connection),
    close: () => {
      reader.close();
      writer.close();
    },
  };
}
