import assert from "node:assert/strict";
import { test } from "node:test";
import { digits } from "./shapes.ts";

test("IN-03 a number in a query string is plain digits within its bounds, and nothing else is made into one", () => {
  const limit = digits(1, 200, 50, "A limit.");
  assert.equal(limit.parse(undefined), 50);
  assert.equal(limit.parse("7"), 7);
  for (const text of [
    "0",
    "201",
    "0x10",
    "1e2",
    " 5",
    "5 ",
    "+5",
    "-5",
    "5.0",
    "",
    "٣",
    "1234567",
    5,
    null,
    ["5"],
  ]) {
    assert.equal(limit.safeParse(text).success, false, JSON.stringify(text));
  }
});
