import assert from "node:assert/strict";
import { test } from "node:test";
import { StartError } from "./gates.ts";
import { checkPostgres, type PostgresFacts } from "./postgres/gates.ts";
import { checkSqlite, type SqliteFacts } from "./sqlite/gates.ts";

const sqlite: SqliteFacts = {
  nodeVersion: "24.0.0",
  sqliteVersion: "3.51.3",
  synchronous: 2,
  journalMode: "wal",
};

const postgres: PostgresFacts = {
  nodeVersion: "24.0.0",
  serverVersion: 140_000,
  synchronousCommit: "on",
  inRecovery: false,
  encoding: "UTF8",
  direct: true,
};

function refusal(check: () => void): string {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof StartError);
    return error.message;
  }
  return "";
}

test("KY-07: a SQLite that resets its write-ahead log safely passes, every other is refused", () => {
  for (const sqliteVersion of [
    "3.51.3",
    "3.51.10",
    "3.52.0",
    "3.50.7",
    "3.50.12",
    "3.44.6",
    "4.0.0",
  ])
    assert.equal(
      refusal(() => checkSqlite({ ...sqlite, sqliteVersion })),
      "",
      sqliteVersion,
    );
  for (const sqliteVersion of [
    "3.51.2",
    "3.51.0",
    "3.50.6",
    "3.49.9",
    "3.45.99",
    "3.44.5",
    "3.43.7",
    "2.8.17",
  ])
    assert.match(
      refusal(() => checkSqlite({ ...sqlite, sqliteVersion })),
      new RegExp(`SQLite ${sqliteVersion}.*run a Node`),
      sqliteVersion,
    );
});

test("KY-07: SQLite below full synchronisation or without a write-ahead log is refused", () => {
  assert.match(
    refusal(() => checkSqlite({ ...sqlite, synchronous: 1 })),
    /synchronous is below FULL/,
  );
  assert.equal(
    refusal(() => checkSqlite({ ...sqlite, synchronous: 3 })),
    "",
  );
  assert.match(
    refusal(() => checkSqlite({ ...sqlite, journalMode: "delete" })),
    /delete journal.*local disk/,
  );
});

test("KY-07: a Node.js before 24 is refused on either database", () => {
  assert.match(
    refusal(() => checkSqlite({ ...sqlite, nodeVersion: "22.14.0" })),
    /Node\.js 22\.14\.0 is too old/,
  );
  assert.match(
    refusal(() => checkPostgres({ ...postgres, nodeVersion: "23.11.1" }, { standby: false })),
    /Node\.js 23\.11\.1 is too old/,
  );
});

test("KY-07: a PostgreSQL that loses commits, is old, misencoded or pooled is refused", () => {
  const check = (facts: Partial<PostgresFacts>): string =>
    refusal(() => checkPostgres({ ...postgres, ...facts }, { standby: false }));
  assert.equal(check({}), "");
  assert.match(check({ serverVersion: 130_018 }), /PostgreSQL 13 is too old/);
  assert.match(check({ synchronousCommit: "off" }), /synchronous_commit is off/);
  assert.equal(check({ synchronousCommit: "remote_apply" }), "");
  assert.match(check({ encoding: "SQL_ASCII" }), /SQL_ASCII: create it with ENCODING 'UTF8'/);
  assert.match(check({ direct: false }), /pooler.*directly/);
});

test("KY-07: a standby is refused unless it is allowed", () => {
  assert.match(
    refusal(() => checkPostgres({ ...postgres, inRecovery: true }, { standby: false })),
    /standby.*primary/,
  );
  assert.equal(
    refusal(() => checkPostgres({ ...postgres, inRecovery: true }, { standby: true })),
    "",
  );
});

test("everything amiss is said at once", () => {
  const said = refusal(() =>
    checkSqlite({
      nodeVersion: "20.0.0",
      sqliteVersion: "3.40.0",
      synchronous: 0,
      journalMode: "memory",
    }),
  );
  assert.equal(said.split("\n").length, 4);
});
