/**
 * What is wrong with the place Portcullis was started in, and what to do about it: printed as it
 * is, without a stack.
 */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartError";
  }
}

export interface SqliteFacts {
  readonly nodeVersion: string;
  readonly sqliteVersion: string;
  /** `PRAGMA synchronous`: 2 is FULL. */
  readonly synchronous: number;
  readonly journalMode: string;
}

const SYNCHRONOUS_FULL = 2;

/** The SQLite half of KY-07. @throws {StartError} naming everything that is amiss */
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

export interface PostgresFacts {
  readonly nodeVersion: string;
  /** `server_version_num`, for example 160004. */
  readonly serverVersion: number;
  readonly synchronousCommit: string;
  readonly inRecovery: boolean;
  readonly encoding: string;
  /** Whether the connection is one server process's own, not lent out by a pooler. */
  readonly direct: boolean;
}

/** The PostgreSQL half of KY-07. @throws {StartError} naming everything that is amiss */
export function checkPostgres(facts: PostgresFacts, allowed: { readonly standby: boolean }): void {
  refuseIf([
    ...nodeComplaints(facts.nodeVersion),
    facts.serverVersion < 140_000 &&
      `PostgreSQL ${Math.floor(facts.serverVersion / 10_000)} is too old: Portcullis needs PostgreSQL 14 or later.`,
    facts.synchronousCommit === "off" &&
      "PostgreSQL acknowledges commits it may lose (synchronous_commit is off): set it to on for this database or role.",
    facts.inRecovery &&
      !allowed.standby &&
      "This PostgreSQL is a standby, which cannot be written to: connect to the primary.",
    facts.encoding !== "UTF8" &&
      `The database is encoded in ${facts.encoding}: create it with ENCODING 'UTF8'.`,
    !facts.direct &&
      "A connection pooler (such as PgBouncer) stands before PostgreSQL, and revocations could go unseen: connect to the server directly.",
  ]);
}

function nodeComplaints(version: string): readonly (string | false)[] {
  return [
    parts(version).major < 24 &&
      `Node.js ${version} is too old: Portcullis needs Node.js 24 or later.`,
  ];
}

/**
 * The write-ahead-log reset bug is mended in 3.51.3, and in 3.50.7 and 3.44.6 of the older lines.
 */
function resetsWalSafely(version: string): boolean {
  const { major, minor, patch } = parts(version);
  if (major !== 3) return major > 3;
  if (minor === 44) return patch >= 6;
  if (minor === 50) return patch >= 7;
  return minor > 51 || (minor === 51 && patch >= 3);
}

function parts(version: string): {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
} {
  const [major = 0, minor = 0, patch = 0] = version
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return { major, minor, patch };
}

function refuseIf(complaints: readonly (string | false)[]): void {
  const sentences = complaints.filter((complaint) => complaint !== false);
  if (sentences.length > 0) throw new StartError(sentences.join("\n"));
}
