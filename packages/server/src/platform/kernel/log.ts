import { pino } from "pino";

/**
 * Flat facts of one event. They never hold a sentence, a secret, a token, a password or an e-mail
 * address.
 */
export type Facts = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(event: string, facts?: Facts): void;
  info(event: string, facts?: Facts): void;
  warn(event: string, facts?: Facts): void;
  /** `cause` is printed with its stack. A client sees only the fault id. */
  error(event: string, facts?: Facts, cause?: unknown): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/**
 * Writes one JSON object per line to standard error, because standard output belongs to what
 * commands print.
 */
export function jsonLog(level: LogLevel): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "event",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: described },
    },
    pino.destination({ dest: 2, sync: true }),
  );
  return {
    debug: (event, facts) => logger.debug(facts ?? {}, event),
    info: (event, facts) => logger.info(facts ?? {}, event),
    warn: (event, facts) => logger.warn(facts ?? {}, event),
    error: (event, facts, cause) =>
      logger.error(cause === undefined ? (facts ?? {}) : { ...facts, err: cause }, event),
  };
}

/** The members of an error that may be logged, besides its stack, which begins with its message. */
const TELLING = ["code", "errcode", "syscall", "table", "column", "constraint"];
const MOST_CAUSES = 4;

/**
 * Leaves out all other members of an error. PostgreSQL quotes the row in `detail`, with its
 * addresses.
 */
function described(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error;
  const facts = Object.fromEntries(
    TELLING.map((name) => [name, Reflect.get(error, name)]).filter(
      ([, value]) => typeof value === "string" || typeof value === "number",
    ),
  );
  return {
    type: error.name,
    ...facts,
    stack: error.stack,
    ...(error.cause !== undefined &&
      depth < MOST_CAUSES && { cause: described(error.cause, depth + 1) }),
  };
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
