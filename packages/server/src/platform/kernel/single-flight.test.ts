import assert from "node:assert/strict";
import { test } from "node:test";
import { singleFlight } from "./single-flight.ts";

test("a caller that asks for a key while its job is under way gets that job's result, and the next one a new job", async () => {
  const once = singleFlight<number>();
  let runs = 0;
  const job = async (): Promise<number> => (runs += 1);
  assert.deepEqual(await Promise.all([once("a", job), once("a", job), once("b", job)]), [1, 1, 2]);
  assert.equal(await once("a", job), 3);
});

test("a job that never waits is still joined by all that arrive in the same turn of the event loop", async () => {
  const once = singleFlight<number>();
  let runs = 0;
  const asked: Promise<number>[] = [];
  const ask = (): void => void asked.push(once("a", async () => (runs += 1)));
  ask();
  await Promise.resolve();
  process.nextTick(ask);
  queueMicrotask(ask);
  await new Promise((resolve) => process.nextTick(resolve));
  ask();
  assert.deepEqual(await Promise.all(asked), [1, 1, 1, 1]);
});

test("a job that fails fails for all who joined it, and is forgotten", async () => {
  const once = singleFlight<string>();
  const failing = async (): Promise<string> => {
    throw new Error("lost");
  };
  const outcomes = await Promise.allSettled([once("a", failing), once("a", failing)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(await once("a", async () => "found"), "found");
});
