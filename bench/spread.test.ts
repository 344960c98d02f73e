import assert from "node:assert/strict";
import { test } from "node:test";
import { judged, spreadOf, spreads } from "./spread.ts";

const steady = [100, 101, 99, 100, 102];
const noisy = [100, 80, 130, 100, 120];

test("the spread is the interquartile range as a share of the median", () => {
  assert.equal(spreadOf([10, 20, 30, 40, 50]), 20 / 30);
  assert.equal(spreadOf([50, 10, 40, 20]), (42.5 - 17.5) / 30);
  assert.equal(spreadOf([7, 7, 7]), 0);
});

test("two rounds tell nothing about the spread", () => {
  assert.equal(spreadOf([1, 100]), undefined);
  assert.equal(spreads([1, 100]), "");
  assert.equal(judged("pass", [1, 100]), "pass");
});

test("a noisy series turns a judgement into noisy, and leaves other verdicts alone", () => {
  assert.equal(spreads(steady, noisy), "1 % / 20 %");
  assert.equal(judged("pass", steady, noisy), "noisy");
  assert.equal(judged("miss", noisy), "noisy");
  assert.equal(judged("miss", steady), "miss");
  assert.equal(judged("info", noisy), "info");
  assert.equal(judged("invalid", noisy), "invalid");
});
