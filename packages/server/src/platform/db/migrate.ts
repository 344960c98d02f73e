import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { StartError } from "./gates.ts";
import { start } from "./migrations/0001-start.ts";
import { mail } from "./migrations/0002-mail.ts";
import { faces } from "./migrations/0003-faces.ts";
import { secondFactors } from "./migrations/0004-second-factors.ts";
import { outboxChannels } from "./migrations/0005-outbox-channels.ts";
import { revocationsBySubject } from "./migrations/0006-revocations-by-subject.ts";
import type { Db, OpenDatabase } from "./open.ts";
import type { Tables } from "./tables.ts";

export type Migrations = Readonly<Record<string, Migration>>;

/**
 * Migrations only go forward. A released migration is never edited, and the name of a new one sorts
 * after all others.
 */
export function migrations(dialect: OpenDatabase["dialect"]): Migrations {
  return {
    "0001-start": start(dialect),
    "0002-mail": mail(dialect),
    "0003-faces": faces(dialect),
    "0004-second-factors": secondFactors(dialect),
    "0005-outbox-channels": outboxChannels(dialect),
    "0006-revocations-by-subject": revocationsBySubject,
  };
}

export interface SchemaState {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Migrations that were applied to the database but that this version does not know. */
  readonly unknown: readonly string[];
}

export async function schemaState(
  database: OpenDatabase,
  known: Migrations = migrations(database.dialect),
): Promise<SchemaState> {
  const applied = await appliedNames(database.db.$extendTables<MigrationTable>());
  return {
    applied,
    pending: Object.keys(known).filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !(name in known)),
  };
}

/**
 * Brings the schema up to this version: all pending migrations in one transaction, or none (DU-05).
 * If two callers come at once, one waits and then finds nothing to do.
 *
 * @throws {StartError} for a schema made by a newer version
 */
export async function migrate(
  database: OpenDatabase,
  known: Migrations = migrations(database.dialect),
): Promise<{ readonly applied: readonly string[] }> {
  const { unknown, pending } = await schemaState(database, known);
  if (unknown.length > 0)
    throw new StartError(
      `This database was made by a newer Portcullis (${unknown.join(", ")}): run that version, or restore a backup.`,
    );
  if (pending.length === 0) return { applied: [] };
  return database.db.connection().execute(async (db) => {
    if (database.dialect === "sqlite") return run(db, known);
    await sql`set statement_timeout = 0`.execute(db);
    try {
      return await run(db, known);
    } finally {
      await sql`reset statement_timeout`.execute(db);
    }
  });
}

type MigrationTable = { kysely_migration: { name: string } };

async function run(db: Db, known: Migrations): Promise<{ readonly applied: readonly string[] }> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...known }) } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined)
    throw error instanceof Error ? error : new Error("a migration failed", { cause: error });
  return { applied: results.map((result) => result.migrationName) };
}

async function appliedNames(db: Kysely<Tables & MigrationTable>): Promise<readonly string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === "kysely_migration")) return [];
  const rows = await db.selectFrom("kysely_migration").select("name").orderBy("name").execute();
  return rows.map((row) => row.name);
}
