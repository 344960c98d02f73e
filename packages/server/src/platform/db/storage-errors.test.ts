import assert from "node:assert/strict";
import { test } from "node:test";
import { isUnavailable, isUniqueViolation } from "./storage-errors.ts";

const sqlite = (errcode: number): Error =>
  Object.assign(new Error("from SQLite"), { code: "ERR_SQLITE_ERROR", errcode });
const postgres = (code: string): Error => Object.assign(new Error("from PostgreSQL"), { code });

test("DU-03: a full disk, an I/O error and a held lock are unavailability, on either database", () => {
  const extended = [5, 6, 8, 10, 13, 14, 517, 266, 778, 1034, 1032];
  for (const errcode of extended) assert.ok(isUnavailable(sqlite(errcode)), String(errcode));
  const states = [
    "53100",
    "53300",
    "57P01",
    "57P02",
    "57P03",
    "08006",
    "40001",
    "40P01",
    "57014",
    "55P03",
    "25006",
    "58030",
  ];
  for (const state of [...states, "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT"])
    assert.ok(isUnavailable(postgres(state)), state);
});

test("an error of ours is no unavailability", () => {
  for (const errcode of [1, 19, 20, 21, 25, 2067])
    assert.ok(!isUnavailable(sqlite(errcode)), String(errcode));
  for (const state of ["42601", "23505", "22001", "57000", "ERR_ASSERTION"])
    assert.ok(!isUnavailable(postgres(state)), state);
  assert.ok(!isUnavailable(new Error("Connection pools are nice")));
  assert.ok(!isUnavailable(undefined));
});

test("unavailability is found beneath the error that reports it", () => {
  assert.ok(
    isUnavailable(
      new Error("could not sign in", { cause: new Error("store", { cause: sqlite(13) }) }),
    ),
  );
  assert.ok(isUnavailable(new Error("Connection terminated unexpectedly")));
  assert.ok(isUnavailable(new Error("timeout exceeded when trying to connect")));
});

test("a chain of causes that bites its tail ends", () => {
  const error = new Error("snake");
  error.cause = error;
  assert.ok(!isUnavailable(error));
});

test("other broken constraints are no unique violation", () => {
  assert.ok(!isUniqueViolation(sqlite(787)));
  assert.ok(!isUniqueViolation(postgres("23503")));
  assert.ok(!isUniqueViolation(undefined));
});
