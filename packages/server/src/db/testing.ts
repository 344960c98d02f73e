import { createHash, randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import pg from "pg";
import { silentLog } from "../kernel/log.ts";
import { migrate } from "./migrate.ts";
import { type OpenDatabase, openDatabase, type OpenOptions } from "./open.ts";

export type TestDatabase = OpenDatabase & {
  /** Opens the same database once more, as another process would. */
  readonly options: OpenOptions;
};

/** Registers the test once for each database; each gets a migrated one of its own, gone when it ends. */
export function eachDatabase(name: string, run: (database: TestDatabase) => Promise<void>): void {
  test(`${name} [sqlite]`, async () => withSqlite(run));
  const url = process.env["TEST_DATABASE_URL"];
  const skip = url === undefined && "TEST_DATABASE_URL is not set, so nothing was proven on PostgreSQL: `npm test` starts one";
  test(`${name} [postgres]`, { skip }, async () => withPostgres(new URL(url ?? ""), run));
}

export async function withSqlite(run: (database: TestDatabase) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-test-"));
  try {
    const file = join(folder, "portcullis.db");
    copyFileSync(await (sqliteTemplate ??= makeSqliteTemplate()), file);
    await runAndClose({ file, log: silentLog }, run);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withPostgres(server: URL, run: (database: TestDatabase) => Promise<void>): Promise<void> {
  const admin = await (administrator ??= connect(server));
  const name = `portcullis_test_${randomUUID().replaceAll("-", "")}`;
  await admin.query(`create database ${name} template ${await (postgresTemplate ??= makePostgresTemplate(server))}`);
  try {
    await runAndClose({ url: named(server, name), file: "", log: silentLog }, run);
  } finally {
    await admin.query(`drop database ${name} with (force)`);
  }
}

async function runAndClose(options: OpenOptions, run: (database: TestDatabase) => Promise<void>): Promise<void> {
  const database = await openDatabase(options);
  try {
    await run({ ...database, options });
  } finally {
    await database.close();
  }
}

let sqliteTemplate: Promise<string> | undefined;
let postgresTemplate: Promise<string> | undefined;
let administrator: Promise<pg.Client> | undefined;

async function makeSqliteTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-template-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "portcullis.db");
  await runAndClose({ file, log: silentLog }, async (database) => void (await migrate(database)));
  return file;
}

/** One for all test processes, named after what is in the migrations; whoever comes first makes it. */
async function makePostgresTemplate(server: URL): Promise<string> {
  const name = `portcullis_template_${digestOfMigrations()}`;
  const admin = await connect(server);
  try {
    await admin.query("select pg_advisory_lock(hashtext('portcullis test template'))");
    const { rowCount } = await admin.query("select 1 from pg_database where datname = $1", [name]);
    if (rowCount !== 0) return name;
    const unfinished = `${name}_unfinished`;
    await admin.query(`drop database if exists ${unfinished} with (force)`);
    await admin.query(`create database ${unfinished} template template0 encoding 'UTF8'`);
    await runAndClose({ url: named(server, unfinished), file: "", log: silentLog }, async (database) => void (await migrate(database)));
    await admin.query(`alter database ${unfinished} rename to ${name}`);
    return name;
  } finally {
    await admin.end();
  }
}

function digestOfMigrations(): string {
  const folder = join(import.meta.dirname, "migrations");
  const hash = createHash("sha256");
  for (const file of readdirSync(folder).toSorted()) hash.update(readFileSync(join(folder, file)));
  return hash.digest("hex").slice(0, 16);
}

async function connect(server: URL): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.href });
  await client.connect();
  return client;
}

function named(server: URL, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
