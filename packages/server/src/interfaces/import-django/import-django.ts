import type { ProfileRules } from "../../accounts/users/profile.ts";
import { usernameRules } from "../../accounts/users/username.ts";
import type { OpenDatabase } from "../../platform/db/open.ts";
import type { Hasher } from "../../platform/hashing/pool.ts";
import { isoMoment, type Clock } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { describeMapping, type Mapping, type MappingOptions } from "./columns.ts";
import { readFactors } from "./factors.ts";
import { ImportError } from "./import-error.ts";
import type { Placed } from "./place.ts";
import { grouped, showProgress } from "./progress.ts";
import { noReport, type Report } from "./report.ts";
import {
  checkUsers,
  createIdsOf,
  importUsers,
  plainIds,
  type CheckDeps,
  type ImportDeps,
} from "./run.ts";
import type { ForeignSource } from "./sources/source.ts";
import {
  describeImport,
  describeTally,
  describeTokens,
  hintsFor,
  refusal,
  type ImportSettings,
} from "./summary.ts";
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

export interface FromDeps {
  readonly source: ForeignSource;
  readonly config: ImportSettings;
  /** The rules of the operator's profile schema. */
  readonly profileRules: ProfileRules;
  readonly report: Report;
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
}

export interface RunDeps extends FromDeps {
  readonly mapping: Mapping;
  readonly print: (line: string) => void;
  /** Undefined if there is no database yet. Then nothing is imported. */
  readonly database: OpenDatabase | undefined;
  readonly keyring: Keyring | undefined;
}

/**
 * Checks every row before anything is imported.
 *
 * @throws {ImportError} if a user would lose something that the operator has not agreed to give up
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
    at: isoMoment(now),
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
  const schema = profileCheck(deps.profileRules);
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
      deps.print(describeTokens(await checkTokens(checking, { tables, tally }, ids), { dryRun }));
    deps.print(
      refused === undefined
        ? "Dry run: nothing was changed."
        : `Dry run: nothing was changed. Without --dry-run this would stop: ${refused}`,
    );
    return;
  }
  if (refused !== undefined) throw new ImportError(`Nothing was imported. ${refused}`);

  const importing: ImportDeps = {
    source,
    mapping,
    place: placing,
    idsOf,
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
    deps.print(describeTokens(await importTokens(importing, { tables, tally }), { dryRun }));
  deps.report.run({ run, ...imported });
}

function tokenTables(source: ForeignSource): TokenTables {
  const tables = findTokenTables(source);
  if (tables === undefined)
    throw new ImportError(
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
 * Checks whether users could change their profile after the import, because then the whole profile
 * must match the operator's schema.
 */
function profileCheck(rules: ProfileRules): {
  readonly look: (placed: Placed) => void;
  readonly problem: () => string | undefined;
} {
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
