import type { Command } from "commander";
import { existsSync } from "node:fs";
import { chooseTable, mapColumns } from "../../interfaces/import-django/columns.ts";
import {
  runImport,
  type FromDeps,
  type ImportOptions,
} from "../../interfaces/import-django/import-django.ts";
import { ImportError } from "../../interfaces/import-django/import-error.ts";
import { noReport, openReport } from "../../interfaces/import-django/report.ts";
import { openForeignSource } from "../../interfaces/import-django/sources/open.ts";
import type { ForeignSource } from "../../interfaces/import-django/sources/source.ts";
import { migrate, schemaState } from "../../platform/db/migrate.ts";
import { standardParameters } from "../../platform/hashing/phc.ts";
import { createHasher, type Hasher } from "../../platform/hashing/pool.ts";
import { systemClock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { silentLog } from "../../platform/kernel/log.ts";
import { systemRandom, type Random } from "../../platform/kernel/random.ts";
import { readProfileRules } from "../compose.ts";
import { secretFile, type Config } from "../config.ts";
import { openKeyring } from "../master-secret.ts";
import { CommandError, configOf, hasDatabase, withDatabase } from "./command.ts";
import { print } from "./terminal.ts";

const several = (given: string, before: readonly string[]): readonly string[] => [...before, given];

export function addImportDjango(program: Command): void {
  program
    .command("import-django")
    .description(
      "import the users of a Django site; run it again to continue, or to fetch users who have joined since",
    )
    .requiredOption(
      "--from <source>",
      "SQLite file, or postgres://user:password@host/database; it is never changed",
    )
    .option("--table <name>", "table of the user model; by default it is found automatically")
    .option(
      "--column <field=column>",
      "column of a field, such as email=mail; `username=` leaves the field out; repeatable",
      several,
      [],
    )
    .option(
      "--profile <column=member>",
      "import one more column into the profile; repeatable",
      several,
      [],
    )
    .option("--dry-run", "say what would happen and change nothing")
    .option("--report <file>", "append every row with a remark to this file, as JSON lines")
    .option("--accept-losses", "import even if users lose something")
    .option(
      "--without-factors",
      "import users whose second factor cannot be imported, without that factor",
    )
    .option(
      "--tokens",
      "import refresh tokens that are still valid; each can be exchanged for a session once",
    )
    .option("--unverified", "count no address as confirmed")
    .action(async (options: ImportOptions, command: Command) => {
      const config = configOf(command);
      const report = options.report === undefined ? noReport : openReport(options.report);
      const hasher = patientHasher(config);
      try {
        await withSource(options.from, async (source) =>
          importFrom(
            {
              source,
              config,
              profileRules: readProfileRules(config),
              report,
              clock: systemClock,
              random: systemRandom,
              hasher,
            },
            options,
          ),
        );
      } finally {
        await hasher.close();
        report.close();
      }
    });
}

const PATIENCE_MILLISECONDS = 600_000;

/**
 * Hashes recovery codes. No user waits for it, so it may queue for long; errors are thrown, not
 * logged.
 */
function patientHasher({ hashConcurrency: concurrency }: Config): Hasher {
  const system = { log: silentLog, clock: systemClock, random: systemRandom };
  return createHasher({
    ...system,
    concurrency,
    params: standardParameters,
    waitMilliseconds: PATIENCE_MILLISECONDS,
  });
}

async function withSource(
  from: string,
  act: (source: ForeignSource) => Promise<void>,
): Promise<void> {
  try {
    const source = await openForeignSource(from);
    try {
      await act(source);
    } finally {
      await source.close();
    }
  } catch (cause) {
    throw cause instanceof ImportError ? new CommandError(cause.message, { cause }) : cause;
  }
}

interface CommandDeps extends FromDeps {
  readonly config: Config;
}

async function importFrom(deps: CommandDeps, options: ImportOptions): Promise<void> {
  const { source, config } = deps;
  const mapping = mapColumns(await chooseTable(source, options.table), options);
  const dryRun = options.dryRun === true;
  if (dryRun && !hasDatabase(config))
    return runImport({ ...deps, mapping, print, database: undefined, keyring: undefined }, options);
  await withDatabase(config, async (database) => {
    if (!dryRun) await migrate(database);
    const isMade = (await schemaState(database)).pending.length === 0;
    const keyring = dryRun ? existingKeyring(config) : openKeyring(config, pooled(systemRandom));
    const here =
      isMade && keyring !== undefined
        ? { database, keyring }
        : { database: undefined, keyring: undefined };
    await runImport({ ...deps, mapping, print, ...here }, options);
  });
}

const POOL_BYTES = 65_536;

/**
 * Draws random bytes in large portions, because asking the system for one nonce at a time takes
 * longer than sealing with it.
 */
function pooled(random: Random): Random {
  let pool: Buffer = Buffer.alloc(0);
  return {
    ...random,
    bytes: (length) => {
      if (pool.length < length) pool = random.bytes(Math.max(POOL_BYTES, length));
      const taken = pool.subarray(0, length);
      pool = pool.subarray(length);
      return taken;
    },
  };
}

/** Returns `undefined` if there is no master secret yet, because a dry run must not make one. */
function existingKeyring(config: Config): Keyring | undefined {
  return config.secret === undefined && !existsSync(secretFile(config))
    ? undefined
    : openKeyring(config, systemRandom);
}
