import assert from "node:assert/strict";
import { test } from "node:test";
import { effortOf, standardParameters } from "./phc.ts";
import { createScale } from "./scale.ts";

const whole = effortOf(standardParameters);
const memoryOf = (missing: { readonly memoryCost: number } | undefined): number =>
  missing?.memoryCost ?? 0;

test("EN-02: while it is not known what a current hash costs, a whole one makes up for another", () => {
  const scale = createScale(standardParameters);
  scale.note("none", 0);
  assert.deepEqual(scale.missing("none"), standardParameters);
  assert.equal(scale.missing(whole), undefined);
});

test("EN-02: the missing work is made up in sixteenths, rounded up", () => {
  const scale = createScale(standardParameters);
  for (const [effort, milliseconds] of [
    [whole, 16],
    ["none", 0],
    ["little", 2.5],
    ["half", 8],
    ["nearly all", 15.9],
    ["as much", 16],
    ["more", 400],
  ] as const)
    scale.note(effort, milliseconds);
  const sixteenths = (effort: string): number => memoryOf(scale.missing(effort)) / (19_456 / 16);
  assert.deepEqual(
    ["none", "little", "half", "nearly all", "as much", "more"].map(sixteenths),
    [16, 14, 8, 1, 0, 0],
  );
});

test("EN-02: a part that turns out quicker than its share is replaced by a greater one", () => {
  const scale = createScale(standardParameters);
  scale.note(whole, 16);
  scale.note("half", 8);
  const eight = scale.missing("half");
  assert.ok(eight !== undefined);
  scale.note(effortOf(eight), 7);
  const nine = scale.missing("half");
  assert.equal(memoryOf(nine), (19_456 / 16) * 9);
  scale.note(effortOf(nine ?? eight), 8.1);
  assert.deepEqual(scale.missing("half"), nine);
});

test("an evaluation that was held up says nothing once there was a quicker one", () => {
  const scale = createScale(standardParameters);
  for (const milliseconds of [16, 90]) scale.note(whole, milliseconds);
  for (const milliseconds of [50, 4, 30]) scale.note("pbkdf2", milliseconds);
  assert.equal(memoryOf(scale.missing("pbkdf2")), (19_456 / 16) * 12);
});

test("no part has less memory than Argon2 asks for", () => {
  const scale = createScale({ memoryCost: 64, timeCost: 1, parallelism: 4 });
  scale.note(effortOf({ memoryCost: 64, timeCost: 1, parallelism: 4 }), 16);
  scale.note("nearly all", 15.5);
  assert.equal(memoryOf(scale.missing("nearly all")), 32);
});
