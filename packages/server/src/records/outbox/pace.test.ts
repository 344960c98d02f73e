import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";
import { manualClock } from "../../platform/kernel/clock.ts";
import { createPace } from "./pace.ts";

const never = new AbortController().signal;

/** When, in milliseconds after the start, each of `count` that came at once was let go. */
async function turns(perSecond: number, count: number): Promise<readonly number[]> {
  const clock = manualClock();
  const start = clock.monotonicMilliseconds();
  const pace = createPace(clock, perSecond);
  const gone: number[] = [];
  for (let n = 0; n < count; n += 1)
    void pace(never).then(() => gone.push(clock.monotonicMilliseconds() - start));
  while (gone.length < count) {
    await setImmediate();
    clock.advance(0.01);
  }
  return gone;
}

test("turns are spread over each second", async () => {
  assert.deepEqual(await turns(5, 6), [0, 100, 300, 500, 700, 900]);
});

for (const perSecond of [1, 10, 50]) {
  test(`a pace of ${perSecond} a second lets hardly more and hardly fewer go in any second`, async () => {
    const gone = await turns(perSecond, 3 * perSecond);
    for (const at of gone) {
      const inOneSecond = gone.filter((other) => other >= at && other < at + 1000).length;
      assert.ok(inOneSecond <= perSecond * 1.1 + 1, `${inOneSecond} in the second after ${at} ms`);
    }
    assert.ok((gone.at(-1) ?? 0) <= 3000, `the last one went after ${gone.at(-1)} ms`);
  });
}

test("a caller does not wait for a turn that is over", async () => {
  const pace = createPace(manualClock(), 1);
  const over = new AbortController();
  const waiting = [pace(over.signal), pace(over.signal), pace(over.signal)];
  over.abort();
  await Promise.all(waiting);
});
