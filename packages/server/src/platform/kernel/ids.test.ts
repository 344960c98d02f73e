import assert from "node:assert/strict";
import { test } from "node:test";
import { manualClock } from "./clock.ts";
import { uuidv4, uuidv7 } from "./ids.ts";
import { systemRandom } from "./random.ts";

test("a UUIDv7 has the form of RFC 9562 §5.7 and orders by time", () => {
  const clock = manualClock();
  const first = uuidv7({ clock, random: systemRandom });
  clock.advance(1);
  const second = uuidv7({ clock, random: systemRandom });
  for (const id of [first, second])
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(first < second);
});

test("EN-08 the ids of 1,000 users show no order of creation", () => {
  const ids = Array.from({ length: 1000 }, () => uuidv4(systemRandom));
  for (const id of ids)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const rising = ids.filter((id, at) => at > 0 && id > (ids[at - 1] ?? "")).length;
  assert.ok(rising > 400 && rising < 600, `${rising} of 999 neighbours rise`);
});
