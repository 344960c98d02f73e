import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
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

/** Includes the options with which another process would open the same database. */
export type TestDatabase<Kind extends OpenDatabase = OpenDatabase> = Kind & {
  readonly options: OpenOptions;
};

type Run<Kind extends OpenDatabase> = (database: TestDatabase<Kind>) => Promise<void>;

/**
 * Registers the test once for each database. Each test gets a migrated database of its own, which
 * is gone when the test ends.
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
    const lent = await lendPostgres(new URL(server ?? ""));
    let passed = false;
    try {
      await runAndClose({ url: lent.url, file: "", log: silentLog }, async (opened) => {
        assert.ok(opened.dialect === "postgres");
        await run(opened);
      });
      passed = true;
    } finally {
      await lent.giveBack(passed);
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
  for (const kept of idle.splice(0)) await kept.drop();
  await (await administrator)?.end();
});

let templateFolder: string | undefined;
let sqliteTemplate: Promise<string> | undefined;
let postgresTemplate: Promise<string> | undefined;
let administrator: Promise<pg.Client> | undefined;

/** Databases that are as the migrations leave them, and that no test uses at the moment. */
const idle: PostgresOfTests[] = [];

interface PostgresOfTests {
  readonly url: string;
  /** Brings the database back to what the migrations made. Returns whether that is certain. */
  restore(): Promise<boolean>;
  drop(): Promise<void>;
}

/**
 * A test gets a database that another test of this process has used if that one could be restored,
 * because to make a database takes ten times as long.
 */
async function lendPostgres(
  server: URL,
): Promise<{ readonly url: string; giveBack(passed: boolean): Promise<void> }> {
  const database = idle.pop() ?? (await createPostgres(server));
  return {
    url: database.url,
    giveBack: async (passed) => {
      if (passed && (await database.restore().catch(() => false))) idle.push(database);
      else await database.drop();
    },
  };
}

async function createPostgres(server: URL): Promise<PostgresOfTests> {
  const admin = await (administrator ??= connect(server));
  const name = `portcullis_test_${randomUUID().replaceAll("-", "")}`;
  const template = await (postgresTemplate ??= makePostgresTemplate(server));
  await admin.query(`create database ${name} template ${template}`);
  const url = named(server, name);
  const client = await connect(new URL(url));
  // A test may cut all connections, including this one. Then the database is not used again.
  client.on("error", () => {});
  const tables = await tablesOf(client);
  const catalogue = await catalogueOf(client);
  return {
    url,
    restore: async () => {
      await othersGone(client);
      await client.query(restoring(tables));
      return (await catalogueOf(client)) === catalogue;
    },
    drop: async () => {
      await client.end().catch(() => {});
      await admin.query(`drop database ${name} with (force)`);
    },
  };
}

const OTHERS =
  "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";

/**
 * Waits until the connections that a test has closed are gone, which takes a moment, and ends those
 * that a test has left open. `pg_terminate_backend` alone would wait in steps of 100 ms.
 */
async function othersGone(client: pg.Client): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const { rowCount } = await client.query(`select pid ${OTHERS}`);
    if (rowCount === 0) return;
    await setTimeout(2);
  }
  await client.query(`select pg_terminate_backend(pid, 10000) ${OTHERS}`);
}

interface Table {
  readonly name: string;
  /** The rows that the migrations have put in, as a JSON list. */
  readonly rows: string;
}

/** All tables except those of the migrator, the youngest first: it may refer to older ones. */
async function tablesOf(client: pg.Client): Promise<readonly Table[]> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I', relname) as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and relname not like 'kysely%'
      order by oid desc`,
  );
  const tables: Table[] = [];
  for (const { name } of rows) {
    const found = await client.query<{ rows: string }>(
      `select coalesce(json_agg(t), '[]')::text as rows from ${name} t`,
    );
    tables.push({ name, rows: found.rows[0]?.rows ?? "[]" });
  }
  return tables;
}

/** `setval` instead of `alter sequence … restart`, which would change the catalogue. */
function restoring(tables: readonly Table[]): string {
  return [
    ...tables.map(({ name }) => `delete from ${name}`),
    ...tables
      .filter(({ rows }) => rows !== "[]")
      .map(
        ({ name, rows }) =>
          `insert into ${name} select * from json_populate_recordset(null::${name}, ${pg.escapeLiteral(rows)})`,
      ),
    `select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
      from pg_sequences where last_value is not null`,
  ].join(";\n");
}

/**
 * Changes when anything but rows changes: tables, columns, functions, settings of the database, or
 * what the migrator remembers.
 */
async function catalogueOf(client: pg.Client): Promise<string> {
  const catalogues = [
    "pg_attrdef",
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_event_trigger",
    "pg_extension",
    "pg_index",
    "pg_namespace",
    "pg_policy",
    "pg_proc",
    "pg_rewrite",
    "pg_trigger",
    "pg_type",
    "kysely_migration",
  ];
  const { rows } = await client.query<{ catalogue: string }>(
    `select concat_ws(' ', ${[
      ...catalogues.map(
        (name) =>
          `(select count(*) || '/' || max(xmin::text::bigint) from ${name} ${ofOurs(name)})`,
      ),
      `(select concat_ws('/', datconnlimit, datallowconn, xmin) from pg_database
        where datname = current_database())`,
      `(select string_agg(setconfig::text, '/') from pg_db_role_setting join pg_database d
        on d.oid = setdatabase where d.datname = current_database())`,
    ].join(", ")}) as catalogue`,
  );
  return rows[0]?.catalogue ?? "";
}

/** Leaves out the thousands of rows about PostgreSQL itself. */
function ofOurs(catalogue: string): string {
  const object = { pg_attribute: "attrelid", pg_class: "oid", pg_proc: "oid", pg_type: "oid" }[
    catalogue
  ];
  return object === undefined ? "" : `where ${object} >= ${FIRST_OBJECT_OF_USERS}`;
}

/** FirstNormalObjectId of PostgreSQL's transam.h. */
const FIRST_OBJECT_OF_USERS = 16_384;

async function makeSqliteTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-template-"));
  templateFolder = folder;
  const file = join(folder, "portcullis.db");
  await runAndClose({ file, log: silentLog }, async (database) => void (await migrate(database)));
  return file;
}

/**
 * Makes one template for all test processes, named after the contents of the migrations. The first
 * process that needs it makes it.
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
