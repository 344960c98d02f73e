import type { Command } from "commander";
import { existsSync } from "node:fs";
import type { Rules } from "../rules.ts";
import { databaseFile, readConfig, type Config } from "../config.ts";
import { openDatabase, type OpenDatabase } from "../../platform/db/open.ts";
import { jsonLog } from "../../platform/kernel/log.ts";
import { open } from "../start.ts";
import { terminal } from "./at-terminal.ts";

/**
 * A command could not do what it was asked. The message is a sentence that says what to do; it is
 * printed without a stack, and the exit code is 1.
 */
export class CommandError extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = "CommandError";
  }
}

/**
 * Reads the configuration from the environment and from `--config`, which may stand anywhere on the
 * command line.
 */
export function configOf(command: Command): Config {
  const { config: file } = command.optsWithGlobals<{ readonly config?: string }>();
  return readConfig(terminal().environment, file);
}

/** Commands print their results, so only warnings and errors are logged. */
function quietly(config: Config): Config {
  return config.logLevel === "debug" || config.logLevel === "info"
    ? { ...config, logLevel: "warn" }
    : config;
}

/** Runs a command with every rule, and closes what was opened even if the command throws. */
export async function withRules(
  command: Command,
  act: (rules: Rules) => Promise<void>,
): Promise<void> {
  const config = configOf(command);
  demandDatabase(config);
  await withNewRules(config, act);
}

/**
 * Like `withRules`, for a command that may be the first one ever run: it makes the database if
 * there is none.
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
 * Runs a command that needs only the database. It works without the master secret and allows long
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

/** Opening an embedded database would create it, which a command that only reads must not do. */
export function hasDatabase(config: Config): boolean {
  return config.databaseUrl !== undefined || existsSync(databaseFile(config));
}

/**
 * Prevents a mistyped directory from becoming a new, empty deployment.
 *
 * @throws {CommandError} if there is no database
 */
export function demandDatabase(config: Config): void {
  if (!hasDatabase(config))
    throw new CommandError(
      `There is no database ${databaseFile(config)}: set PORTCULLIS_DATA_DIR or PORTCULLIS_DATABASE_URL to where it is.`,
    );
}

export function publicUrlOf(config: Config, port = config.port): string {
  if (config.publicUrl !== undefined) return config.publicUrl;
  return `http://${shownHost(config)}:${port}`;
}

/** The addresses that a browser on this machine reaches as `localhost`, where passkeys work. */
const HERE = ["127.0.0.1", "::1", "0.0.0.0", "::"];

/** Returns the host under which a browser on this machine reaches a server without PUBLIC_URL. */
export function shownHost({ host }: Config): string {
  return HERE.includes(host) ? "localhost" : inUrl(host);
}

/** Puts an IPv6 address in brackets (RFC 3986 §3.2.2). */
function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
