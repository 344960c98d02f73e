import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Statements } from "./statements.ts";

test("no more statements are kept prepared than there is room for", () => {
  const statements = new Statements(new DatabaseSync(":memory:"), 3);
  for (let i = 0; i < 50; i += 1) assert.equal(statements.get(`select ${i}`).get(), i);
  assert.equal(statements.size, 3);
});

test("a statement in use stays prepared while others come and go", () => {
  const statements = new Statements(new DatabaseSync(":memory:"), 3);
  const hot = statements.get("select 'hot'");
  for (let i = 0; i < 50; i += 1) {
    statements.get(`select ${i}`);
    assert.equal(statements.get("select 'hot'"), hot);
  }
});

test("when every statement was used again, one still makes room", () => {
  const statements = new Statements(new DatabaseSync(":memory:"), 2);
  for (const sql of ["select 1", "select 2", "select 1", "select 2", "select 3"])
    statements.get(sql);
  assert.equal(statements.size, 2);
});
