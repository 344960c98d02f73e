/**
 * Whether the storage cannot do its work for the moment (503, try again) rather than was asked
 * something wrong. Says nothing of whether a commit under way took effect.
 */
export function isUnavailable(error: unknown): boolean {
  return causes(error).some(
    (e) => unavailableSqlite.has(primaryCode(e)) || isUnavailablePostgres(e),
  );
}

/**
 * Whether a unique index refused a row.
 *
 * @param column counts only a violation of an index over this column; our indices are named after
 *   theirs
 */
export function isUniqueViolation(error: unknown, column = ""): boolean {
  return causes(error).some(
    (e) =>
      (text(e, "code") === "23505" || uniqueSqlite.has(number(e, "errcode"))) &&
      text(e, "message").includes(column),
  );
}

/**
 * https://sqlite.org/rescode.html: BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL.
 */
const unavailableSqlite = new Set([5, 6, 7, 8, 10, 13, 14, 15]);

/** CONSTRAINT_UNIQUE, CONSTRAINT_PRIMARYKEY, CONSTRAINT_ROWID. */
const uniqueSqlite = new Set([2067, 1555, 2579]);

/**
 * SQLSTATE classes (PostgreSQL manual, appendix A): 08 connection, 40 serialization and deadlock,
 * 53 out of something, 57P0 shutting down, 58 I/O; single codes: 57014 statement timeout, 55P03
 * lock timeout, 25006 primary became a standby, 25P03 idle in transaction for too long.
 */
const unavailablePostgres =
  /^(?:08|40|53|58)[0-9A-Z]{3}$|^57P0[0-9]$|^(?:57014|55P03|25006|25P03)$/;

const unreachable = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EMFILE",
]);

/** The sentences of `pg` and `pg-pool` that come without a code. */
const connectionSentences = [
  /^Connection terminated/,
  /^timeout e(?:xceeded|xpired)/i,
  /timeout exceeded when trying to connect/,
  /connection error and is not queryable/,
  /^Query read timeout/,
  /^Client was closed and is not queryable/,
];

function isUnavailablePostgres(error: object): boolean {
  const code = text(error, "code");
  return (
    unavailablePostgres.test(code) ||
    unreachable.has(code) ||
    connectionSentences.some((sentence) => sentence.test(text(error, "message")))
  );
}

function primaryCode(error: object): number {
  return text(error, "code") === "ERR_SQLITE_ERROR" ? number(error, "errcode") & 0xff : 0;
}

function causes(error: unknown): readonly object[] {
  const found: object[] = [];
  for (
    let e = error;
    typeof e === "object" && e !== null && found.length < 8;
    e = "cause" in e ? e.cause : undefined
  )
    found.push(e);
  return found;
}

function text(error: object, field: string): string {
  const value: unknown = Reflect.get(error, field);
  return typeof value === "string" ? value : "";
}

function number(error: object, field: string): number {
  const value: unknown = Reflect.get(error, field);
  return typeof value === "number" ? value : 0;
}
