import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import pg from "pg";
import { silentLog } from "../kernel/log.ts";
import { migrate } from "./migrate.ts";
import {
  type OpenDatabase,
  openDatabase,
  type OpenOptions,
  type PostgresDatabase,
  type SqliteDatabase,
} from "./open.ts";

/** With what it takes to open the same database once more, as another process would. */
export type TestDatabase<Kind extends OpenDatabase = OpenDatabase> = Kind & {
  readonly options: OpenOptions;
};

type Run<Kind extends OpenDatabase> = (database: TestDatabase<Kind>) => Promise<void>;

/**
 * Registers the test once for each database; each gets a migrated one of its own, gone when it
 * ends.
 */
export function eachDatabase(name: string, run: Run<OpenDatabase>): void {
  onSqlite(name, run);
  onPostgres(name, run);
}

export function onSqlite(name: string, run: Run<SqliteDatabase>): void {
  test(`${name} [sqlite]`, async () => withSqlite(run));
}

export async function withSqlite(run: Run<SqliteDatabase>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-test-"));
  try {
    const file = join(folder, "portcullis.db");
    copyFileSync(await (sqliteTemplate ??= makeSqliteTemplate()), file);
    await runAndClose({ file, log: silentLog }, async (database) => {
      assert.ok(database.dialect === "sqlite");
      await run(database);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function onPostgres(name: string, run: Run<PostgresDatabase>): void {
  const server = process.env["TEST_DATABASE_URL"];
  const skip =
    server === undefined &&
    "TEST_DATABASE_URL is not set, so nothing was proven on PostgreSQL: `npm test` starts one";
  test(`${name} [postgres]`, { skip }, async () => {
    const url = new URL(server ?? "");
    const admin = await (administrator ??= connect(url));
    const database = `portcullis_test_${randomUUID().replaceAll("-", "")}`;
    await admin.query(
      `create database ${database} template ${await (postgresTemplate ??= makePostgresTemplate(url))}`,
    );
    try {
      await runAndClose({ url: named(url, database), file: "", log: silentLog }, async (opened) => {
        assert.ok(opened.dialect === "postgres");
        await run(opened);
      });
    } finally {
      await admin.query(`drop database ${database} with (force)`);
    }
  });
}

async function runAndClose(options: OpenOptions, run: Run<OpenDatabase>): Promise<void> {
  const database = await openDatabase(options);
  try {
    await run({ ...database, options });
  } finally {
    await database.close();
  }
}

after(async () => {
  if (templateFolder !== undefined) rmSync(templateFolder, { recursive: true, force: true });
  await (await administrator)?.end();
});

let templateFolder: string | undefined;
let sqliteTemplate: Promise<string> | undefined;
let postgresTemplate: Promise<string> | undefined;
let administrator: Promise<pg.Client> | undefined;

async function makeSqliteTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-template-"));
  templateFolder = folder;
  const file = join(folder, "portcullis.db");
  await runAndClose({ file, log: silentLog }, async (database) => void (await migrate(database)));
  return file;
}

/**
 * One for all test processes, named after what is in the migrations; whoever comes first makes it.
 */
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
    await runAndClose(
      { url: named(server, unfinished), file: "", log: silentLog },
      async (database) => void (await migrate(database)),
    );
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
