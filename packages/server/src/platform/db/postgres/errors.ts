import { textIn } from "../error-fields.ts";

/**
 * SQLSTATE classes (PostgreSQL manual, appendix A): 08 connection, 40 serialization and deadlock,
 * 53 insufficient resources, 57P0 shutting down, 58 I/O. Single codes: 57014 statement timeout,
 * 55P03 lock timeout, 25006 primary became a standby, 25P03 idle in transaction for too long.
 */
const unavailable = /^(?:08|40|53|58)[0-9A-Z]{3}$|^57P0[0-9]$|^(?:57014|55P03|25006|25P03)$/;

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

/** The messages of `pg` and `pg-pool` that come without a code. */
const connectionSentences = [
  /^Connection terminated/,
  /^timeout e(?:xceeded|xpired)/i,
  /timeout exceeded when trying to connect/,
  /connection error and is not queryable/,
  /^Query read timeout/,
  /^Client was closed and is not queryable/,
];

export function isUnavailable(error: object): boolean {
  const code = textIn(error, "code");
  return (
    unavailable.test(code) ||
    unreachable.has(code) ||
    connectionSentences.some((sentence) => sentence.test(textIn(error, "message")))
  );
}

export function isNotUnique(error: object): boolean {
  return textIn(error, "code") === "23505";
}
