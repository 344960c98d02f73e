import assert from "node:assert/strict";
import pg from "pg";
import { sql } from "kysely";
import type { PostgresDatabase } from "./open.ts";
import { onPostgres, type TestDatabase } from "./testing.ts";

// Each of these tests leaves something behind, and the next one looks for it.

let fresh: string | undefined;
let lastUrl: string | undefined;
let forgotten: pg.Client | undefined;

/** Every row, column and sequence, as one text. */
async function contentOf({ db }: PostgresDatabase): Promise<string> {
  const { rows: tables } = await sql<{ name: string; columns: string }>`
    select table_name as name, string_agg(column_name, ',' order by ordinal_position) as columns
      from information_schema.columns where table_schema = 'public' group by 1 order by 1`.execute(
    db,
  );
  assert.ok(tables.length > 20);
  const rows = await Promise.all(
    tables.map(async ({ name }) => {
      const found = await sql<{ rows: string }>`
        select coalesce(json_agg(t), '[]')::text as rows from ${sql.table(name)} t`.execute(db);
      return found.rows[0]?.rows;
    }),
  );
  const sequences = await sql`
    select sequencename, last_value from pg_sequences order by 1`.execute(db);
  return JSON.stringify([tables, rows, sequences.rows]);
}

async function assertFresh(database: TestDatabase<PostgresDatabase>): Promise<void> {
  const content = await contentOf(database);
  assert.equal(content, (fresh ??= content));
}

onPostgres("a database is used again after a test that has written rows", async (database) => {
  await assertFresh(database);
  lastUrl = database.options.url;
  await sql`update audit_head set position = 7`.execute(database.db);
  await sql`insert into runners (name, holder, held_until) values ('mail', 'a test', 1)`.execute(
    database.db,
  );
  assert.notEqual(await contentOf(database), fresh);
});

onPostgres("its rows are those of the migrations again", async (database) => {
  assert.equal(database.options.url, lastUrl);
  await assertFresh(database);
  // A connection that the test forgets, with a transaction that holds a row.
  forgotten = new pg.Client(lastUrl);
  forgotten.on("error", () => {});
  await forgotten.connect();
  await forgotten.query("begin; update audit_head set position = 8");
});

onPostgres("a forgotten connection is cut", async (database) => {
  assert.equal(database.options.url, lastUrl);
  await assertFresh(database);
  await assert.rejects(forgotten?.query("commit") ?? Promise.resolve());
  await sql`create table left_behind (id integer)`.execute(database.db);
  await sql`alter table runners add column left_behind integer`.execute(database.db);
});

onPostgres("a database is not used again after a change of its tables", async (database) => {
  assert.notEqual(database.options.url, lastUrl);
  lastUrl = database.options.url;
  await assertFresh(database);
  await sql`delete from kysely_migration`.execute(database.db);
});

onPostgres("nor is it after a change of what the migrator remembers", async (database) => {
  assert.notEqual(database.options.url, lastUrl);
  await assertFresh(database);
});
