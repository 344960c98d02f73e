import { numberIn, textIn } from "../error-fields.ts";

/**
 * The primary result codes BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN and PROTOCOL
 * (https://sqlite.org/rescode.html).
 */
const unavailable = new Set([5, 6, 7, 8, 10, 13, 14, 15]);

/** CONSTRAINT_UNIQUE, CONSTRAINT_PRIMARYKEY and CONSTRAINT_ROWID. */
const notUnique = new Set([2067, 1555, 2579]);

export function isUnavailable(error: object): boolean {
  return (
    textIn(error, "code") === "ERR_SQLITE_ERROR" &&
    unavailable.has(numberIn(error, "errcode") & 0xff)
  );
}

export function isNotUnique(error: object): boolean {
  return notUnique.has(numberIn(error, "errcode"));
}
