import type { Command } from "commander";
import { existsSync } from "node:fs";
import type { Rules } from "../rules.ts";
import { databaseFile, readConfig, type Config } from "../config.ts";
import { openDatabase, type OpenDatabase } from "../../platform/db/open.ts";
import { jsonLog } from "../../platform/kernel/log.ts";
import { open } from "../start.ts";

/**
 * Why a command could not do what it was asked, in a sentence that says what to do: printed without
 * a stack, exit code 1.
 */
export class CommandError extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = "CommandError";
  }
}

/**
 * The configuration as environment and `--config` give it, wherever on the command line that
 * stands.
 */
export function configOf(command: Command): Config {
  const { config: file } = command.optsWithGlobals<{ readonly config?: string }>();
  return readConfig(process.env, file);
}

/** What a command prints is its result; of the log only what went wrong. */
function quietly(config: Config): Config {
  return config.logLevel === "debug" || config.logLevel === "info"
    ? { ...config, logLevel: "warn" }
    : config;
}

/** Runs a command with every rule at hand and closes what was opened, whatever happens. */
export async function withRules(
  command: Command,
  act: (rules: Rules) => Promise<void>,
): Promise<void> {
  const config = configOf(command);
  demandDatabase(config);
  await withNewRules(config, act);
}

/**
 * As `withRules`, for what may be the first command ever run: it makes the database where there is
 * none.
 */
export async function withNewRules(
  given: Config,
  act: (rules: Rules) => Promise<void>,
): Promise<void> {
  const config = quietly(given);
  const opened = await open(config, publicUrlOf(config));
  try {
    await act(opened.rules);
  } finally {
    await opened.close();
  }
}

const HOUR_MILLISECONDS = 3_600_000;

/**
 * Runs a command that needs the database alone: without the master secret, and with time for long
 * statements.
 */
export async function withDatabase(
  given: Config,
  act: (database: OpenDatabase) => Promise<void>,
): Promise<void> {
  const config = quietly(given);
  const url = config.databaseUrl?.reveal();
  const database = await openDatabase({
    ...(url === undefined ? {} : { url }),
    file: databaseFile(config),
    log: jsonLog(config.logLevel),
    poolSize: 2,
    statementTimeoutMilliseconds: HOUR_MILLISECONDS,
  });
  try {
    await act(database);
  } finally {
    await database.close();
  }
}

/** Opening an embedded database makes it; a command that only reads must not. */
export function hasDatabase(config: Config): boolean {
  return config.databaseUrl !== undefined || existsSync(databaseFile(config));
}

/**
 * @throws {CommandError} where there is none: a mistyped directory must not become a new, empty
 *   deployment
 */
export function demandDatabase(config: Config): void {
  if (!hasDatabase(config))
    throw new CommandError(
      `There is no database ${databaseFile(config)}: set PORTCULLIS_DATA_DIR or PORTCULLIS_DATABASE_URL to where it is.`,
    );
}

export function publicUrlOf(config: Config, port = config.port): string {
  if (config.publicUrl !== undefined) return config.publicUrl;
  const anywhere = config.host === "0.0.0.0" || config.host === "::";
  return `http://${inUrl(anywhere ? "localhost" : config.host)}:${port}`;
}

/** An IPv6 address stands in brackets (RFC 3986 §3.2.2). */
export function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
