import type { Command } from "commander";
import { existsSync } from "node:fs";
import { readProfileRules } from "../../process/compose.ts";
import { secretFile, type Config } from "../../process/config.ts";
import { openForeignSource, SourceError, type ForeignSource } from "./sources/source.ts";
import { migrate, schemaState } from "../../platform/db/migrate.ts";
import type { OpenDatabase } from "../../platform/db/open.ts";
import { standardParameters } from "../../platform/hashing/phc.ts";
import { createHasher, type Hasher } from "../../platform/hashing/pool.ts";
import { systemClock, type Clock } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { silentLog } from "../../platform/kernel/log.ts";
import { systemRandom, type Random } from "../../platform/kernel/random.ts";
import { openKeyring } from "../../process/master-secret.ts";
import { usernameRules } from "../../accounts/users/username.ts";
import { CommandError, configOf, hasDatabase, withDatabase } from "../../process/cli/command.ts";
import { moment, print } from "../../process/cli/terminal.ts";
import {
  chooseTable,
  describeMapping,
  mapColumns,
  type Mapping,
  type MappingOptions,
} from "./columns.ts";
import { readFactors } from "./factors.ts";
import { grouped, showProgress } from "./progress.ts";
import type { Placed } from "./place.ts";
import { noReport, openReport, type Report } from "./report.ts";
import {
  checkUsers,
  createIdsOf,
  importUsers,
  plainIds,
  type CheckDeps,
  type ImportDeps,
} from "./run.ts";
import { describeImport, describeTally, describeTokens, hintsFor, refusal } from "./summary.ts";
import { checkTokens, findTokenTables, importTokens, type TokenTables } from "./tokens.ts";

export interface ImportOptions extends MappingOptions {
  readonly from: string;
  readonly table?: string;
  readonly dryRun?: true;
  readonly report?: string;
  readonly acceptLosses?: true;
  readonly withoutFactors?: true;
  readonly tokens?: true;
  readonly unverified?: true;
}

const several = (given: string, before: readonly string[]): readonly string[] => [...before, given];

export function addImportDjango(program: Command): void {
  program
    .command("import-django")
    .description(
      "import the users of a Django site; run it again to go on, or to fetch who has joined since",
    )
    .requiredOption(
      "--from <source>",
      "SQLite file, or postgres://user:password@host/database; it is only read",
    )
    .option("--table <name>", "of the user model; found by itself where there is one")
    .option(
      "--column <field=column>",
      "where a field is, such as email=mail; `username=` leaves it out; repeatable",
      several,
      [],
    )
    .option(
      "--profile <column=member>",
      "import one more column into the profile; repeatable",
      several,
      [],
    )
    .option("--dry-run", "say what would happen, and change nothing")
    .option("--report <file>", "append every row that needs a word to this file, as JSON lines")
    .option("--accept-losses", "import even if users lose something by it")
    .option(
      "--without-factors",
      "import users who have a second factor that cannot be imported without it",
    )
    .option(
      "--tokens",
      "import refresh tokens that are still good; each can be exchanged once for a session",
    )
    .option("--unverified", "addresses do not count as confirmed")
    .action(async (options: ImportOptions, command: Command) => {
      const config = configOf(command);
      const report = options.report === undefined ? noReport : openReport(options.report);
      const hasher = patientHasher(config);
      try {
        await withSource(options.from, async (source) =>
          importFrom(
            { source, config, report, clock: systemClock, random: systemRandom, hasher },
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

/** Of recovery codes, which nobody is waiting for. What it could log, it fails with. */
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
    throw cause instanceof SourceError ? new CommandError(cause.message, { cause }) : cause;
  }
}

interface FromDeps {
  readonly source: ForeignSource;
  readonly config: Config;
  readonly report: Report;
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
}

async function importFrom(deps: FromDeps, options: ImportOptions): Promise<void> {
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
 * Drawn in large portions: for a nonce at a time the system would be asked longer than it takes to
 * seal with it.
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

/** A dry run makes none. */
function existingKeyring(config: Config): Keyring | undefined {
  return config.secret === undefined && !existsSync(secretFile(config))
    ? undefined
    : openKeyring(config, systemRandom);
}

export interface RunDeps extends FromDeps {
  readonly mapping: Mapping;
  readonly print: (line: string) => void;
  /** Undefined: there is none yet, and nothing is imported. */
  readonly database: OpenDatabase | undefined;
  readonly keyring: Keyring | undefined;
}

/**
 * Everything is looked at before anything is imported.
 *
 * @throws {CommandError} where somebody would lose what they were not asked to give up
 */
export async function runImport(deps: RunDeps, options: ImportOptions): Promise<void> {
  const { source, mapping, config, clock, random, hasher, database, keyring } = deps;
  const dryRun = options.dryRun === true || database === undefined || keyring === undefined;
  const now = clock.now();
  const run = uuidv7(deps);
  const total = await source.count(mapping.table);
  describeSource(deps, total);
  deps.report.run({
    run,
    at: moment(now),
    from: source.label,
    table: mapping.table.label,
    rows: total,
    dryRun,
  });

  const idsOf = keyring === undefined ? plainIds : createIdsOf(keyring, mapping.table.name);
  const placing = {
    readUsername: usernameRules[config.usernames],
    now,
    verified: options.unverified !== true,
    loginField: config.loginField,
    factors: await readFactors(source, mapping.table, now),
  };
  const tables = options.tokens === true ? tokenTables(source) : undefined;
  const progress = showProgress(deps, "Looking at", total);
  const checking: CheckDeps = {
    source,
    mapping,
    place: placing,
    idsOf,
    database,
    report: dryRun ? deps.report : noReport,
    progress,
  };
  const schema = profileCheck(config);
  const checked = await checkUsers(checking, schema.look);
  const { tally, ids } = checked;
  progress.end();

  describeTally(tally).forEach(deps.print);
  hintsFor({ config, mapping, tally, options, source, profileProblem: schema.problem() }).forEach(
    deps.print,
  );
  const refused = refusal(tally, options);
  if (dryRun) {
    if (tables !== undefined)
      deps.print(
        describeTokens(await checkTokens({ ...checking, tokens: tables, tally }, ids), { dryRun }),
      );
    deps.print(
      refused === undefined
        ? "Dry run: nothing was changed."
        : `Dry run: nothing was changed. Without --dry-run this would stop: ${refused}`,
    );
    return;
  }
  if (refused !== undefined) throw new CommandError(`Nothing was imported. ${refused}`);

  const importing: ImportDeps = {
    ...checking,
    database,
    keyring,
    clock,
    random,
    hasher,
    run,
    report: deps.report,
    progress: showProgress(deps, "Importing", total),
  };
  const imported = await importUsers(importing, checked);
  importing.progress.end();
  deps.print(describeImport(imported));
  if (tables !== undefined)
    deps.print(
      describeTokens(await importTokens({ ...importing, tokens: tables, tally }), { dryRun }),
    );
  deps.report.run({ run, ...imported });
}

function tokenTables(source: ForeignSource): TokenTables {
  const tables = findTokenTables(source);
  if (tables === undefined)
    throw new CommandError(
      `${source.label} has no table token_blacklist_outstandingtoken, where SimpleJWT keeps refresh tokens: leave out --tokens.`,
    );
  return tables;
}

function describeSource({ source, mapping, print: say }: RunDeps, total: number): void {
  say(`${source.label}, table ${mapping.table.label}: ${grouped(total)} rows`);
  const width = Math.max(...mapping.columns.map(({ name }) => name.length));
  for (const [column = "", becomes = ""] of describeMapping(mapping))
    say(`  ${column.padEnd(width)}  ${becomes}`);
  if (mapping.ignored.length > 0) say(`Not imported: ${mapping.ignored.join(", ")}.`);
}

/**
 * Whether users could change their profile afterwards: the whole of it has to satisfy the
 * operator's schema then.
 */
function profileCheck(config: Config): {
  readonly look: (placed: Placed) => void;
  readonly problem: () => string | undefined;
} {
  const rules = readProfileRules(config);
  let problem: string | undefined;
  return {
    look: (placed) => {
      if (problem !== undefined || placed.kind !== "new") return;
      const [found] = rules.check(JSON.parse(placed.user.profile));
      if (found !== undefined) problem = `${found.path} ${found.message}`;
    },
    problem: () => problem,
  };
}
