import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { sql } from "kysely";
import type { Migration } from "kysely/migration";
import { StartError } from "./gates.ts";
import { migrate, type Migrations, migrations, schemaState } from "./migrate.ts";
import type { OpenOptions } from "./open.ts";
import { eachDatabase, type TestDatabase } from "./testing.ts";

const later = (name: string): Migration => ({
  up: async (db) => {
    await sql`create table ${sql.id(name)} (x integer)`.execute(db);
    await sql`insert into ${sql.id(name)} values (1)`.execute(db);
  },
});

async function tables(database: TestDatabase): Promise<readonly string[]> {
  const found = await database.db.introspection.getTables();
  return found.map((table) => table.name).toSorted();
}

/** Starts from nothing: the test database comes migrated. */
async function empty({ db, dialect }: TestDatabase): Promise<void> {
  if (dialect === "postgres") {
    await sql`drop schema public cascade`.execute(db);
    await sql`create schema public`.execute(db);
    return;
  }
  const names = (await db.introspection.getTables({ withInternalKyselyTables: true })).map(
    (table) => table.name,
  );
  await db.connection().execute(async (one) => {
    await sql`pragma foreign_keys = off`.execute(one);
    for (const name of names) await sql`drop table ${sql.id(name)}`.execute(one);
    await sql`pragma foreign_keys = on`.execute(one);
  });
}

eachDatabase(
  "an empty database is migrated once, and then there is nothing to do",
  async (database) => {
    await empty(database);
    const all = Object.keys(migrations(database.dialect));
    assert.deepEqual(await schemaState(database), { applied: [], pending: all, unknown: [] });
    assert.deepEqual(await migrate(database), { applied: all });
    assert.deepEqual(await schemaState(database), { applied: all, pending: [], unknown: [] });
    assert.deepEqual(await migrate(database), { applied: [] });
    assert.deepEqual(await database.db.selectFrom("audit_head").selectAll().execute(), [
      { id: 1, position: 0, mac: "", pruned_position: 0, pruned_mac: "" },
    ]);
  },
);

eachDatabase(
  "DU-05: a schema made by a newer version is refused and left alone",
  async (database) => {
    const newer = { ...migrations(database.dialect), "0999-next-year": later("next_year") };
    await migrate(database, newer);
    assert.deepEqual((await schemaState(database)).unknown, ["0999-next-year"]);
    await assert.rejects(
      migrate(database),
      (error) =>
        error instanceof StartError && /newer Portcullis.*0999-next-year/.test(error.message),
    );
    assert.ok((await tables(database)).includes("next_year"));
  },
);

eachDatabase(
  "DU-05: if several processes migrate at once, one does the work and the others find it done",
  async (database) => {
    await empty(database);
    const said = await Promise.all(
      Array.from({ length: 3 }, async () =>
        inProcess(database.options, "console.log(JSON.stringify(await migrate(database)))"),
      ),
    );
    const done = JSON.stringify({ applied: Object.keys(migrations(database.dialect)) });
    assert.deepEqual(said.map((one) => one.output.trim()).toSorted(), [
      done,
      '{"applied":[]}',
      '{"applied":[]}',
    ]);
  },
);

eachDatabase(
  "DU-05: a migration that fails takes back the ones before it too",
  async (database) => {
    const before = await tables(database);
    const broken: Migrations = {
      ...migrations(database.dialect),
      "0998-good": later("good"),
      "0999-bad": {
        up: async (db) => void (await sql`create table users (x integer)`.execute(db)),
      },
    };
    await assert.rejects(migrate(database, broken), /users/);
    assert.deepEqual(await tables(database), before);
    assert.deepEqual((await schemaState(database, broken)).pending, ["0998-good", "0999-bad"]);
  },
);

async function inProcess(
  options: OpenOptions,
  body: string,
): Promise<{ readonly output: string; readonly signal: unknown }> {
  const here = (file: string): string => JSON.stringify(import.meta.resolve(file));
  const program = `
    import { openDatabase } from ${here("./open.ts")};
    import { migrate, migrations } from ${here("./migrate.ts")};
    import { silentLog } from ${here("../kernel/log.ts")};
    const database = await openDatabase({ ...${JSON.stringify(options)}, log: silentLog });
    ${body};
    await database.close();
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [, signal] = await once(child, "close");
  return { output, signal };
}

/** Migrates in a process that kills itself before the given statement of all migrations. */
async function migrateAndDie(options: OpenOptions, statement: number): Promise<void> {
  const { signal } = await inProcess(
    options,
    `
    let left = ${statement};
    const deadly = {
      transformQuery: ({ node }) => (left-- > 0 ? node : process.kill(process.pid, "SIGKILL")),
      transformResult: async ({ result }) => result,
    };
    const known = migrations(database.dialect);
    const mortal = Object.entries(known).map(([name, { up }]) => [name, { up: async (db) => up(db.withPlugin(deadly)) }]);
    await migrate(database, Object.fromEntries(mortal));
    process.kill(process.pid, "SIGKILL")`,
  );
  assert.equal(signal, "SIGKILL");
}

eachDatabase(
  "DU-05: killed at the first, a middle or the last statement, or just after, a migration is whole or absent",
  async (database) => {
    await empty(database);
    const statements = await countStatements(database);
    for (const statement of [0, Math.floor(statements / 2), statements - 1]) {
      await migrateAndDie(database.options, statement);
      assert.deepEqual(await tables(database), [], `killed at statement ${statement}`);
      assert.deepEqual((await schemaState(database)).applied, []);
    }
    await migrateAndDie(database.options, statements);
    assert.deepEqual((await schemaState(database)).pending, []);
    assert.deepEqual(await migrate(database), { applied: [] });
    assert.equal((await database.db.selectFrom("audit_head").select("id").execute()).length, 1);
  },
);

async function countStatements(database: TestDatabase): Promise<number> {
  let sent = 0;
  const counting: Migration = {
    up: async (db) => {
      const before = database.queries();
      for (const { up } of Object.values(migrations(database.dialect))) await up(db);
      sent = database.queries() - before;
      throw new Error("counted");
    },
  };
  await assert.rejects(migrate(database, { "0001-all": counting }), /counted/);
  return sent;
}
