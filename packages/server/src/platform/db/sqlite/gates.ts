import { nodeComplaints, parts, refuseIf } from "../gates.ts";
import type { Connection } from "./connection.ts";

export interface SqliteFacts {
  readonly nodeVersion: string;
  readonly sqliteVersion: string;
  /** `PRAGMA synchronous`: 2 is FULL. */
  readonly synchronous: number;
  readonly journalMode: string;
}

const SYNCHRONOUS_FULL = 2;

/**
 * Refuses a SQLite that may lose what it has acknowledged (KY-07).
 *
 * @throws {StartError} naming everything that is wrong
 */
export function checkSqlite(facts: SqliteFacts): void {
  refuseIf([
    ...nodeComplaints(facts.nodeVersion),
    !resetsWalSafely(facts.sqliteVersion) &&
      `SQLite ${facts.sqliteVersion} can lose committed changes when its write-ahead log is reset: run a Node.js that carries SQLite 3.51.3 or later.`,
    facts.synchronous < SYNCHRONOUS_FULL &&
      "SQLite does not write through to the disk (synchronous is below FULL), so an answered request could be lost in a power cut.",
    facts.journalMode !== "wal" &&
      `SQLite keeps a ${facts.journalMode} journal instead of a write-ahead log: put the data directory on a local disk, not on a network share.`,
  ]);
}

/** The bug is fixed in 3.51.3, and in 3.50.7 and 3.44.6 of the older release lines. */
function resetsWalSafely(version: string): boolean {
  const { major, minor, patch } = parts(version);
  if (major !== 3) return major > 3;
  if (minor === 44) return patch >= 6;
  if (minor === 50) return patch >= 7;
  return minor > 51 || (minor === 51 && patch >= 3);
}

export function readFacts(connection: Connection): Omit<SqliteFacts, "nodeVersion"> {
  return {
    sqliteVersion: String(connection.statement("select sqlite_version()").get()),
    synchronous: Number(connection.statement("pragma synchronous").get()),
    journalMode: String(connection.statement("pragma journal_mode").get()),
  };
}
