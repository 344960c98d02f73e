import assert from "node:assert/strict";
import { holdRunner, releaseRunner } from "./runners.store.ts";
import { eachDatabase } from "./testing.ts";

const now = 1_800_000_000;
const hold = (holder: string, at: number) => ({ name: "mail", holder, now: at, seconds: 15 });

eachDatabase(
  "a runner is held by one, who may renew it, and is free once that has run out",
  async ({ db }) => {
    assert.equal(await holdRunner(db, hold("a", now)), true);
    assert.equal(await holdRunner(db, hold("b", now)), false);
    assert.equal(await holdRunner(db, hold("a", now + 10)), true);
    assert.equal(await holdRunner(db, hold("b", now + 24)), false);
    assert.equal(await holdRunner(db, hold("b", now + 25)), true);
    assert.equal(await holdRunner(db, hold("a", now + 25)), false);
  },
);

eachDatabase("if many callers want a runner at once, one gets it", async ({ db }) => {
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => holdRunner(db, hold(`node-${n}`, now))),
  );
  assert.equal(outcomes.filter(Boolean).length, 1);
});

eachDatabase(
  "a released runner is free at once, and only its holder can release it",
  async ({ db }) => {
    await holdRunner(db, hold("a", now));
    await releaseRunner(db, { name: "mail", holder: "b" });
    assert.equal(await holdRunner(db, hold("b", now)), false);
    await releaseRunner(db, { name: "mail", holder: "a" });
    assert.equal(await holdRunner(db, hold("b", now)), true);
  },
);

eachDatabase("runners of different names know nothing of each other", async ({ db }) => {
  assert.equal(await holdRunner(db, hold("a", now)), true);
  assert.equal(await holdRunner(db, { ...hold("b", now), name: "housekeeping" }), true);
});

eachDatabase(
  "a runner that a clock far ahead has taken is free at once for the others",
  async ({ db }) => {
    assert.equal(await holdRunner(db, hold("a", now + 86_400 * 365)), true);
    assert.equal(await holdRunner(db, hold("b", now)), true);
  },
);
