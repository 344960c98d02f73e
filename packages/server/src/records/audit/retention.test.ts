import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eachDatabase, withSqlite } from "../../platform/db/testing.ts";
import type { Db } from "../../platform/db/open.ts";
import { manualClock, nextTurn, type ManualClock } from "../../platform/kernel/clock.ts";
import { keyring } from "../../platform/kernel/keyring.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { listEvents } from "./audit.store.ts";
import { record } from "./audit.ts";
import { checkChain } from "./check.ts";
import { pruneAudit } from "./retention.ts";

const DAY = 86_400;
const MONTH = 30 * DAY;
const secret = Buffer.alloc(32, 1);
const signedIn = {
  event: "session.opened",
  actor: { kind: "user", id: "u-1" },
  userId: "u-1",
} as const;

type Deps = { readonly clock: ManualClock; readonly keyring: ReturnType<typeof keyring> };

/** At the beginning of a day. */
function deps(): Deps {
  return { clock: manualClock(20_000 * DAY), keyring: keyring([secret], systemRandom) };
}

async function write(db: Db, by: Deps, count = 1): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (let n = 0; n < count; n += 1) await record(tx, by, signedIn);
  });
}

/** Events on every one of so many days; when it returns, the last of them is a day old. */
async function days(db: Db, by: Deps, count: number, each = 2): Promise<void> {
  for (let day = 0; day < count; day += 1) {
    await write(db, by, each);
    by.clock.advance(DAY);
  }
}

const prune = async (db: Db, by: Deps, limit = 1000) => pruneAudit(db, by, MONTH, limit);
const positions = async (db: Db) =>
  (await listEvents(db, { limit: 1000 }))
    .map(({ position }) => position)
    .toSorted((one, other) => one - other);
const from = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);

eachDatabase(
  "AU-02: events go when they have reached their age, and what is left is a whole chain that goes on",
  async ({ db }) => {
    const by = deps();
    await days(db, by, 30);
    assert.equal(await prune(db, by), 0, "nothing has reached its age");
    await days(db, by, 5);
    // The newest event that is a day old is of day 34; a month before that is day 4.
    assert.equal(await prune(db, by), 8);
    assert.deepEqual(await positions(db), from(9, 71));
    const [newest] = await listEvents(db, { limit: 1 });
    assert.equal(newest?.event, "audit.pruned");
    assert.deepEqual(newest.details, { count: 8, upTo: 8 });
    const { mac: _, ...checked } = { mac: "", ...(await checkChain(db, by.keyring)) };
    assert.deepEqual(checked, { kind: "intact", events: 63, pruned: 8, position: 71 });

    assert.equal(await prune(db, by), 0, "there is one such event a day");
    await days(db, by, 1);
    assert.equal(await prune(db, by), 2);
    assert.deepEqual(await positions(db), from(11, 74));
    assert.equal((await checkChain(db, by.keyring)).kind, "intact");
  },
);

eachDatabase(
  "events that have reached their age go a batch at a time, and the newest never",
  async ({ db }) => {
    const by = deps();
    await write(db, by, 10);
    by.clock.advance(2 * MONTH);
    await write(db, by, 1);
    by.clock.advance(DAY);
    assert.deepEqual(
      [
        await prune(db, by, 4),
        await prune(db, by, 4),
        await prune(db, by, 4),
        await prune(db, by, 4),
      ],
      [4, 4, 2, 0],
    );
    assert.equal((await checkChain(db, by.keyring)).kind, "intact");

    by.clock.advance(100 * MONTH);
    assert.equal(await prune(db, by), 0, "nothing has happened since that bears out the time");
    assert.equal((await positions(db)).length, 4);
  },
);

eachDatabase(
  "a clock that jumps ahead removes nothing before it has been wrong for a day",
  async ({ db }) => {
    const by = deps();
    await days(db, by, 20);
    by.clock.advance(3650 * DAY);
    assert.equal(await prune(db, by), 0);
    await write(db, by, 3);
    by.clock.advance(DAY - 1);
    assert.equal(await prune(db, by), 0);

    by.clock.advance(-3651 * DAY);
    await days(db, by, 45);
    // An event that was recorded under the wrong clock is as old as the one that follows it.
    assert.ok((await prune(db, by)) > 43);
    assert.equal((await checkChain(db, by.keyring)).kind, "intact");
  },
);

eachDatabase(
  "AU-02: an event whose time was set back is not removed, and retention stops at it",
  async ({ db }) => {
    const by = deps();
    await days(db, by, 20);
    await db.updateTable("audit_events").set({ at: 1 }).where("position", "<=", 10).execute();
    await days(db, by, 20);
    await assert.rejects(prune(db, by), /the audit is broken at event 1,/);
    assert.equal((await positions(db)).length, 80);
    assert.deepEqual(await checkChain(db, by.keyring), {
      kind: "broken",
      position: 1,
      problem: "altered",
    });
  },
);

interface Tampering {
  readonly name: string;
  readonly tamper: (db: Db, by: Deps) => Promise<unknown>;
  readonly found: { readonly position: number; readonly problem: string };
}

const setHead = async (
  db: Db,
  values: { readonly pruned_position?: number; readonly pruned_mac?: string },
) => db.updateTable("audit_head").set(values).execute();
const macOf = async (db: Db, position: number) =>
  (
    await db
      .selectFrom("audit_events")
      .select("mac")
      .where("position", "=", position)
      .executeTakeFirstOrThrow()
  ).mac;
const prunedMac = async (db: Db) =>
  (await db.selectFrom("audit_head").select("pruned_mac").executeTakeFirstOrThrow()).pruned_mac;
const removeUpTo = async (db: Db, position: number) =>
  db.deleteFrom("audit_events").where("position", "<=", position).execute();

/** To a chain of which retention has removed events 1 to 8, and 9 to 71 are left. */
const tamperings: readonly Tampering[] = [
  {
    name: "events removed after those of retention",
    tamper: async (db) => removeUpTo(db, 12),
    found: { position: 9, problem: "missing" },
  },
  {
    name: "events removed under an end that was moved without the secret",
    tamper: async (db) => {
      const mac = (await macOf(db, 12)) + (await prunedMac(db)).slice(64);
      await removeUpTo(db, 12);
      await setHead(db, { pruned_position: 12, pruned_mac: mac });
    },
    found: { position: 12, problem: "pruned" },
  },
  {
    name: "an end without a MAC of its own",
    tamper: async (db) => {
      const mac = await macOf(db, 12);
      await removeUpTo(db, 12);
      await setHead(db, { pruned_position: 12, pruned_mac: mac });
    },
    found: { position: 12, problem: "pruned" },
  },
  {
    name: "an end that says the right event at another position",
    tamper: async (db) => setHead(db, { pruned_position: 7 }),
    found: { position: 7, problem: "pruned" },
  },
  {
    name: "an end that was taken away",
    tamper: async (db) => setHead(db, { pruned_position: 0, pruned_mac: "" }),
    found: { position: 1, problem: "missing" },
  },
  {
    name: "an end whose MAC was taken away",
    tamper: async (db) => setHead(db, { pruned_mac: "" }),
    found: { position: 8, problem: "pruned" },
  },
  {
    name: "an event put back before the end",
    tamper: async (db) => {
      const event = await db
        .selectFrom("audit_events")
        .selectAll()
        .where("position", "=", 9)
        .executeTakeFirstOrThrow();
      await db
        .insertInto("audit_events")
        .values({ ...event, position: 8 })
        .execute();
    },
    found: { position: 9, problem: "altered" },
  },
  {
    name: "an altered event after the end",
    tamper: async (db) =>
      db.updateTable("audit_events").set({ user_id: "u-2" }).where("position", "=", 9).execute(),
    found: { position: 9, problem: "altered" },
  },
  {
    name: "a cut of everything that was left",
    tamper: async (db) => db.deleteFrom("audit_events").execute(),
    found: { position: 9, problem: "cut" },
  },
  {
    name: "the other end of an earlier time passed off as this one",
    tamper: async (db, by) => {
      const { position, mac } = await db
        .selectFrom("audit_head")
        .select(["position", "mac"])
        .executeTakeFirstOrThrow();
      await write(db, by, 1);
      await removeUpTo(db, position);
      await setHead(db, { pruned_position: position, pruned_mac: mac });
    },
    found: { position: 71, problem: "pruned" },
  },
];

for (const { name, tamper, found } of tamperings) {
  eachDatabase(`AU-02: after retention the check finds ${name}`, async ({ db }) => {
    const by = deps();
    await days(db, by, 35);
    assert.equal(await prune(db, by), 8);
    assert.equal((await checkChain(db, by.keyring)).kind, "intact");
    await tamper(db, by);
    assert.deepEqual(await checkChain(db, by.keyring), { kind: "broken", ...found });
  });
}

eachDatabase(
  "AU-02: retention takes no part in hiding a forged end or an event put before it",
  async ({ db }) => {
    const by = deps();
    await days(db, by, 35);
    await prune(db, by);
    await days(db, by, 5);
    const mac = await prunedMac(db);
    await setHead(db, { pruned_position: 9 });
    await assert.rejects(prune(db, by), /the audit is broken at event 9,/);
    await setHead(db, { pruned_position: 0, pruned_mac: "" });
    await assert.rejects(prune(db, by), /the audit is broken at event 1,/);
    await setHead(db, { pruned_position: 8, pruned_mac: mac });
    assert.equal(await prune(db, by), 10);
  },
);

eachDatabase(
  "AU-02: the check is not misled by retention and new events that go on at the same time",
  async ({ db }) => {
    const by = deps();
    await days(db, by, 10, 150);
    by.clock.advance(2 * MONTH);
    await write(db, by, 700);
    by.clock.advance(DAY);
    let over = false;
    const work = async (): Promise<void> => {
      for (let removed = 1; removed > 0;) {
        removed = await prune(db, by, 15);
        await write(db, by, 1);
      }
      over = true;
    };
    const check = async (): Promise<void> => {
      while (!over) {
        assert.equal((await checkChain(db, by.keyring)).kind, "intact");
        await nextTurn();
      }
    };
    await Promise.all([work(), check(), check()]);
    const checked = await checkChain(db, by.keyring);
    assert.ok(checked.kind === "intact" && checked.pruned === 1500);
  },
);

eachDatabase("several runs at once remove each event once", async ({ db }) => {
  const by = deps();
  await days(db, by, 35);
  const removed = await Promise.all(Array.from({ length: 8 }, async () => prune(db, by, 3)));
  assert.equal(
    removed.reduce((sum, count) => sum + count, 0),
    8,
  );
  const checked = await checkChain(db, by.keyring);
  assert.ok(checked.kind === "intact" && checked.pruned === 8);
});

eachDatabase(
  "a chain begun under an older master secret is removed while that one is known, and not without it",
  async ({ db }) => {
    const by = deps();
    const other = Buffer.alloc(32, 2);
    await days(db, by, 35);
    const forgetful = { clock: by.clock, keyring: keyring([other], systemRandom) };
    await assert.rejects(prune(db, forgetful), /broken at event 1,/);
    const rotated = { clock: by.clock, keyring: keyring([other, secret], systemRandom) };
    assert.equal(await prune(db, rotated), 8);
    assert.equal((await checkChain(db, rotated.keyring)).kind, "intact");
  },
);

/**
 * Days of work and nights of housekeeping in any order leave what can be checked, and nothing older
 * than it should be.
 */
const step = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 2000 }) }),
  fc.record({ kind: fc.constant("prune" as const), limit: fc.integer({ min: 1, max: 6 }) }),
);

test("AU-02: in whatever order events are recorded and removed, the chain is whole and nothing young is gone", async () => {
  await withSqlite(async ({ db }) => {
    const by = deps();
    const recorded: number[] = [];
    const note = async (): Promise<void> => {
      for (const { position, at } of await listEvents(db, { limit: 1000 })) recorded[position] = at;
    };
    let removed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        for (const next of steps) {
          if (next.kind === "wait") by.clock.advance(next.hours * 3600);
          else if (next.kind === "write") await write(db, by, next.count);
          else removed += await prune(db, by, next.limit);
          await note();
        }
        const checked = await checkChain(db, by.keyring);
        assert.equal(checked.kind, "intact");
        const [first = 0] = await positions(db);
        assert.ok(recorded.slice(0, first).every((at) => at < by.clock.now() - MONTH));
      }),
      { numRuns: 60, seed: 1, endOnFailure: true },
    );
    assert.ok(removed > 50);
  });
});
