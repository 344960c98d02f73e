import { onCommit, separateHandle, transact } from "../../../platform/db/transact.ts";
import type { Command } from "commander";
import { existsSync } from "node:fs";
import { record } from "../../../records/audit/audit.ts";
import { lockPath, secretFile, type Config } from "../../config.ts";
import { lockFile } from "../../../platform/db/sqlite/lock.ts";
import { migrate, schemaState } from "../../../platform/db/migrate.ts";
import type { OpenDatabase, Tx } from "../../../platform/db/open.ts";
import { systemClock, type Clock, type UnixSeconds } from "../../../platform/kernel/clock.ts";
import { UnsealError, type Keyring } from "../../../platform/kernel/keyring.ts";
import { systemRandom } from "../../../platform/kernel/random.ts";
import { openKeyring } from "../../master-secret.ts";
import { revokeEverything } from "../../../accounts/sessions/revoke.ts";
import { listKeys } from "../../../accounts/tokens/keys.store.ts";
import { CommandError, configOf, withDatabase } from "../command.ts";
import { barrier, EXPIRY_MARGIN_SECONDS } from "../../../records/revocations/barrier.ts";
import { LONGEST_ACCESS_SECONDS } from "../../../accounts/tokens/lifetimes.ts";
import { operator } from "../../../records/audit/origin.ts";
import { moment, print } from "../terminal.ts";
import {
  clearTables,
  countLeases,
  extendRevocationOfAll,
  insertRows,
  isUnused,
  raiseNumbers,
  readColumns,
  tableNames,
  voidProofs,
  type StoredRow,
  type TableName,
} from "./backup.store.ts";
import { readHeader, readRows, type Counts, type Header } from "./format.ts";

interface RestoreDeps {
  readonly database: OpenDatabase;
  readonly keyring: Keyring;
  readonly clock: Clock;
}

export function addRestore(program: Command): void {
  program
    .command("restore")
    .argument("<file>", "made by `portcullis backup`, from either database")
    .description("restore a backup into an empty database; every user must sign in again")
    .option("--replace", "restore into a database that is in use; its contents are lost")
    .addHelpText(
      "after",
      "\nStop the server first, and give this command the master secret of the server that was backed up.",
    )
    .action(async (file: string, options: { readonly replace?: true }, command: Command) => {
      const config = configOf(command);
      const header = await readHeader(file);
      const release = holdAgainstServer(config);
      try {
        await withDatabase(config, async (database) => {
          const deps = { database, keyring: openExistingKeyring(config), clock: systemClock };
          const counts = await restore(deps, file, header, { replace: options.replace === true });
          print(
            `Restored ${counts["users"] ?? 0} users as of ${moment(header.createdAt)}. All sessions have ended: every user must sign in again.`,
          );
        });
      } finally {
        release();
      }
    });
}

/**
 * The embedded database has a lock that shows whether a server runs. Servers on PostgreSQL have
 * leases.
 */
function holdAgainstServer(config: Config): () => void {
  if (config.databaseUrl !== undefined) return () => {};
  const lock = lockFile(lockPath(config));
  if (lock === undefined) throw new CommandError(`A server uses ${config.dataDir}: stop it first.`);
  return () => lock.release();
}

/** A new secret could open nothing of a backup, so none is made. */
function openExistingKeyring(config: Config): Keyring {
  if (config.secret === undefined && !existsSync(secretFile(config))) {
    throw new CommandError(
      `The master secret of the backed-up server is needed: set PORTCULLIS_SECRET, or copy its file \`secret\` to ${secretFile(config)}.`,
    );
  }
  return openKeyring(config, systemRandom);
}

async function restore(
  deps: RestoreDeps,
  file: string,
  header: Header,
  options: { readonly replace: boolean },
): Promise<Counts> {
  const { database, clock } = deps;
  const { dialect } = database;
  const db = separateHandle(database.db);
  // No node serves this database, so there is none to wait for.
  onCommit(db, barrier, () => {});
  await migrate(database);
  await checkSchema(database, header);
  if (dialect === "postgres" && (await countLeases(db, clock.now())) > 0) {
    throw new CommandError(
      "A server uses this database: stop it first. One that was killed counts for another 30 seconds.",
    );
  }
  if (!options.replace && !(await isUnused(db)))
    throw new CommandError(
      "The database is in use: restore into an empty one, or give --replace to lose what is in it.",
    );
  await checkFile(file, header);
  return transact({ db }, async (tx) => {
    await clearTables(tx, dialect);
    const counts = await insertAll(tx, file, header);
    await raiseNumbers(tx, dialect, header.numbers);
    await checkSecret(tx, deps.keyring);
    await voidProofs(tx);
    await revokeRestored(tx, deps, header.createdAt);
    return counts;
  });
}

async function checkSchema(database: OpenDatabase, header: Header): Promise<void> {
  const { applied } = await schemaState(database);
  const unknown = header.schema.filter((name) => !applied.includes(name));
  if (unknown.length > 0)
    throw new CommandError(
      `The backup was made by a newer Portcullis (${unknown.join(", ")}): restore it with that version.`,
    );
  const missing = applied.filter((name) => !header.schema.includes(name));
  if (missing.length > 0) {
    throw new CommandError(
      `The backup was made by an older Portcullis (without ${missing.join(", ")}): restore it with that version, which this one then brings up to date.`,
    );
  }
}

/** Reads the whole file once before anything is changed. */
async function checkFile(file: string, header: Header): Promise<void> {
  for await (const [table, values] of readRows(file)) {
    if (header.tables[table]?.length !== values.length)
      throw new CommandError(
        `${file} has a row that does not fit the table ${table}: use another backup.`,
      );
  }
}

const BATCH = 200;

async function insertAll(tx: Tx, file: string, header: Header): Promise<Counts> {
  const columns = await readColumns(tx);
  const rows = readRows(file);
  let table: TableName | undefined;
  let batch: StoredRow[] = [];
  const flush = async (): Promise<void> => {
    if (table !== undefined && batch.length > 0)
      await insertRows(tx, table, header.tables[table] ?? [], batch);
    batch = [];
  };
  for (;;) {
    const next = await rows.next();
    if (next.done === true) {
      await flush();
      return next.value;
    }
    const [name, row] = next.value;
    if (name !== table || batch.length >= BATCH) await flush();
    table = tableNames.find((known) => known === name);
    if (table === undefined || !sameColumns(columns[table], header.tables[table])) {
      throw new CommandError(
        `The backup's table ${name} is not one this version knows: restore it with the version that made it.`,
      );
    }
    batch.push(row);
  }
}

function sameColumns(ours: readonly string[], theirs: readonly string[] = []): boolean {
  return ours.length === theirs.length && ours.every((column) => theirs.includes(column));
}

async function checkSecret(tx: Tx, keyring: Keyring): Promise<void> {
  for (const key of await listKeys(tx)) {
    try {
      if (key.privateSealed !== null) keyring.open("signing-key-seal", key.kid, key.privateSealed);
    } catch (cause) {
      if (!(cause instanceof UnsealError)) throw cause;
      throw new CommandError(
        "The backup was made under another master secret: set PORTCULLIS_SECRET to that one. Nothing was restored.",
        {
          cause,
        },
      );
    }
  }
}

/**
 * An epoch follows the clock, but within one second, or after a clock has stepped back, it is a
 * counter that may be ahead of it. No user ends all sessions so many times in a second.
 */
const EPOCH_MARGIN = 300;

/**
 * Raises every epoch above any that was given out before or after the backup, so that no token or
 * session comes back that had ended since (DU-04). Tokens that were minted after the backup are not
 * in it, so the revocation stays for as long as such a token can live.
 */
async function revokeRestored(tx: Tx, deps: RestoreDeps, createdAt: UnixSeconds): Promise<void> {
  const leastEpoch = deps.clock.now() + EPOCH_MARGIN;
  await revokeEverything(tx, deps, { cause: "restored", origin: operator, leastEpoch });
  const lastExpiry = deps.clock.now() + LONGEST_ACCESS_SECONDS + EXPIRY_MARGIN_SECONDS;
  await extendRevocationOfAll(tx, lastExpiry);
  await record(tx, deps, { event: "backup.restored", ...operator, details: { createdAt } });
}
