import assert from "node:assert/strict";
import { test } from "node:test";
import { eachDatabase, type TestDatabase } from "../db/testing.ts";
import { manualClock, systemClock } from "../kernel/clock.ts";
import { uuidv4 } from "../kernel/ids.ts";
import { silentLog } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { createFeed, type FeedSource } from "./feed.ts";
import { insertRevocation } from "./revocations.store.ts";
import { feedSource } from "./source.ts";

const BOUND = 10;
const never = { minHardEpoch: null, minAuthorizationEpoch: null, cause: "logout", createdAt: 0, expiresAt: 4_000_000_000 } as const;

function feedOver(database: TestDatabase, source: FeedSource, clock = manualClock()) {
  return createFeed({
    db: database.db,
    clock,
    log: silentLog,
    source,
    nodeId: uuidv4(systemRandom),
    bootId: "boot",
    pollMilliseconds: 100,
    boundSeconds: BOUND,
  });
}

const instant = (clock: ReturnType<typeof manualClock>) => ({
  monotonicMilliseconds: clock.monotonicMilliseconds(),
  wallMilliseconds: clock.wallMilliseconds(),
});
const revoke = async (database: TestDatabase, subject: string) =>
  database.db.transaction().execute(async (tx) => insertRevocation(tx, { scope: "session", subject, ...never }));

eachDatabase("RV-05 no committed revocation is missed, whatever the order of commits", async (database) => {
  const source = feedSource(database, systemClock);
  const seen = new Set<string>();
  const written: string[] = [];
  let writing = true;
  let position: number | "everything" = "everything";
  const look = async (): Promise<void> => {
    const page = await source.read(position);
    for (const row of page?.rows ?? []) seen.add(row.subject);
    position = page?.appliedBefore ?? position;
  };
  const writer = async (): Promise<void> => {
    for (let round = 0; round < 25; round += 1) {
      const subject = uuidv4(systemRandom);
      await database.db.transaction().execute(async (tx) => {
        await insertRevocation(tx, { scope: "session", subject, ...never });
        // On PostgreSQL later numbers commit before earlier ones; on SQLite writers take turns.
        if (database.dialect === "postgres") await systemClock.sleep(systemRandom.bytes(1).readUInt8() / 10);
      });
      written.push(subject);
    }
  };
  const reader = (async () => {
    while (writing) {
      await look();
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await Promise.all(Array.from({ length: 8 }, writer));
  writing = false;
  await reader;
  await look();
  await source.close();
  assert.equal(written.length, 200);
  assert.deepEqual(
    written.filter((subject) => !seen.has(subject)),
    [],
  );
});

eachDatabase("RV-11 a node that starts knows every revocation before its first answer", async (database) => {
  const subject = uuidv4(systemRandom);
  await revoke(database, subject);
  const feed = feedOver(database, feedSource(database, manualClock()));
  await feed.start();
  assert.equal(feed.view.size, 1);
  await feed.stop();
});

eachDatabase("RV-03 a node that is cut off is stale after the bound, and fresh again when it can read", async (database) => {
  const clock = manualClock();
  const real = feedSource(database, clock);
  let cut = false;
  const feed = feedOver(
    database,
    { read: async (from) => (cut ? Promise.reject(new Error("cut")) : real.read(from)), close: real.close },
    clock,
  );
  await feed.start();
  cut = true;
  clock.advance(BOUND - 1);
  await feed.refresh(250);
  assert.ok(feed.view.isFresh(instant(clock)));
  clock.advance(1);
  await feed.refresh(250);
  assert.ok(!feed.view.isFresh(instant(clock)));
  await revoke(database, uuidv4(systemRandom));
  cut = false;
  await feed.refresh(250);
  assert.ok(feed.view.isFresh(instant(clock)));
  assert.equal(feed.view.size, 1);
  await feed.stop();
});

eachDatabase("RV-19 a node that was paused longer than the bound accepts nothing before it has polled", async (database) => {
  const clock = manualClock();
  const feed = feedOver(database, feedSource(database, clock), clock);
  await feed.start();
  clock.advance(BOUND + 20);
  assert.ok(!feed.view.isFresh(instant(clock)));
  await feed.stop();
});

eachDatabase("MN-06 a hundred who find the view stale cause one poll", async (database) => {
  const clock = manualClock();
  const real = feedSource(database, clock);
  let reads = 0;
  const feed = feedOver(database, { read: async (from) => ((reads += 1), real.read(from)), close: real.close }, clock);
  await feed.start();
  const before = reads;
  await Promise.all(Array.from({ length: 100 }, async () => feed.refresh(250)));
  assert.equal(reads - before, 1);
  await feed.stop();
});

eachDatabase("a lease is there while the node runs and gone when it stops", async (database) => {
  const feed = feedOver(database, feedSource(database, manualClock()));
  await feed.start();
  assert.equal((await database.db.selectFrom("leases").select("node_id").execute()).length, 1);
  await feed.stop();
  assert.equal((await database.db.selectFrom("leases").select("node_id").execute()).length, 0);
});

test("a start that cannot read the log is refused", async () => {
  const broken: FeedSource = { read: async () => Promise.reject(new Error("no database")), close: async () => {} };
  const { withSqlite } = await import("../db/testing.ts");
  await withSqlite(async (database) => {
    await assert.rejects(async () => feedOver(database, broken).start(), /no database/);
  });
});
