import assert from "node:assert/strict";
import { test } from "node:test";
import { eachDatabase, onPostgres, type TestDatabase } from "../../platform/db/testing.ts";
import { manualClock, systemClock } from "../../platform/kernel/clock.ts";
import { uuidv4 } from "../../platform/kernel/ids.ts";
import { silentLog } from "../../platform/kernel/log.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { createFeed, type FeedSource } from "./feed.ts";
import { insertRevocation, PAGE_ROWS, type Position } from "./revocations.store.ts";
import { feedSource } from "./source.ts";

const BOUND = 10;
const never = {
  minHardEpoch: null,
  minAuthorizationEpoch: null,
  cause: "logout",
  createdAt: 0,
  expiresAt: 4_000_000_000,
} as const;

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
  database.db
    .transaction()
    .execute(async (tx) => insertRevocation(tx, { scope: "session", subject, ...never }));

/** Writes them in one transaction, so that on PostgreSQL they share their place in commit order. */
async function revokeMany(database: TestDatabase, count: number): Promise<void> {
  await database.db.transaction().execute(async (tx) => {
    for (let left = count; left > 0; left -= 1000) {
      const rows = Array.from({ length: Math.min(left, 1000) }, () => ({
        scope: "session" as const,
        subject: uuidv4(systemRandom),
        cause: "logout",
        created_at: 0,
        expires_at: never.expiresAt,
      }));
      await tx.insertInto("revocations").values(rows).execute();
    }
  });
}

eachDatabase(
  "RV-05 no committed revocation is missed in any order of commits",
  async (database) => {
    const source = feedSource(database, systemClock);
    const seen = new Set<string>();
    const written: string[] = [];
    let writing = true;
    let position: Position | "everything" = "everything";
    const look = async (): Promise<void> => {
      position = (await source.read(position, (row) => seen.add(row.subject))) ?? position;
    };
    const writer = async (): Promise<void> => {
      for (let round = 0; round < 25; round += 1) {
        const subject = uuidv4(systemRandom);
        await database.db.transaction().execute(async (tx) => {
          await insertRevocation(tx, { scope: "session", subject, ...never });
          // On PostgreSQL later numbers commit before earlier ones; on SQLite writers take turns.
          if (database.dialect === "postgres")
            await systemClock.sleep(systemRandom.bytes(1).readUInt8() / 10);
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
  },
);

eachDatabase(
  "RV-05 a revocation committed while a long log is read arrives with that read or the next",
  async (database) => {
    await revokeMany(database, PAGE_ROWS + 1);
    const source = feedSource(database, systemClock);
    const late = uuidv4(systemRandom);
    const seen = new Set<string>();
    let committing: Promise<unknown> | undefined;
    const position = await source.read("everything", (row) => {
      committing ??= revoke(database, late);
      seen.add(row.subject);
    });
    await committing;
    await source.read(position ?? "everything", (row) => seen.add(row.subject));
    await source.close();
    assert.ok(seen.has(late));
    assert.equal(seen.size, PAGE_ROWS + 2);
  },
);

onPostgres(
  "RV-05 a transaction that is older than the ones already read, and was committed in between, is read next time",
  async (database) => {
    const early = uuidv4(systemRandom);
    const source = feedSource(database, systemClock);
    const seen = new Set<string>();
    const [written, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const older = database.db.transaction().execute(async (tx) => {
      await insertRevocation(tx, { scope: "session", subject: early, ...never });
      written.resolve();
      await commit.promise;
    });
    await written.promise;
    await revokeMany(database, 3 * PAGE_ROWS);
    const position = await source.read("everything", (row) => {
      commit.resolve();
      seen.add(row.subject);
    });
    await older;
    await source.read(position ?? "everything", (row) => seen.add(row.subject));
    await source.close();
    assert.ok(seen.has(early));
    assert.equal(seen.size, 3 * PAGE_ROWS + 1);
  },
);

eachDatabase(
  "RV-14 a log of several pages is read to its end, each row once, and the node answers during the read",
  async (database) => {
    for (const pages of [1, 2]) {
      await revokeMany(database, PAGE_ROWS);
      const source = feedSource(database, systemClock);
      const seen: string[] = [];
      let seenByOthers: number | undefined;
      await source.read("everything", (row) => {
        if (seen.length === 0) setImmediate(() => (seenByOthers = seen.length));
        seen.push(row.subject);
      });
      await source.close();
      assert.deepEqual([seen.length, new Set(seen).size], [PAGE_ROWS * pages, PAGE_ROWS * pages]);
      assert.equal(seenByOthers, PAGE_ROWS);
    }
  },
);

eachDatabase(
  "RV-11 a node that could read only a part of the log is not fresh, and reads all of it again",
  async (database) => {
    await revokeMany(database, PAGE_ROWS + 1);
    const clock = manualClock();
    const real = feedSource(database, clock);
    let cut = true;
    let asked: unknown;
    const failing: FeedSource = {
      read: async (from, apply) => {
        asked = from;
        let applied = 0;
        return real.read(from, (row) => {
          if (cut && applied === PAGE_ROWS) throw new Error("cut");
          apply(row);
          applied += 1;
        });
      },
      close: real.close,
    };
    const feed = feedOver(database, failing, clock);
    await assert.rejects(async () => feed.start(), /cut/);
    assert.ok(!feed.view.isFresh(instant(clock)));
    cut = false;
    await feed.refresh(250);
    assert.equal(asked, "everything");
    assert.ok(feed.view.isFresh(instant(clock)));
    assert.equal(feed.view.size, PAGE_ROWS + 1);
    await feed.stop();
  },
);

eachDatabase(
  "a revocation that cannot be understood keeps the view from being fresh at every poll",
  async (database) => {
    const clock = manualClock();
    const feed = feedOver(database, feedSource(database, clock), clock);
    await feed.start();
    await revoke(database, "not a session id");
    clock.advance(BOUND);
    for (let poll = 0; poll < 3; poll += 1) await feed.refresh(250);
    assert.ok(!feed.view.isFresh(instant(clock)));
    await feed.stop();
  },
);

eachDatabase(
  "RV-11 a node that starts knows every revocation before its first answer",
  async (database) => {
    const subject = uuidv4(systemRandom);
    await revoke(database, subject);
    const feed = feedOver(database, feedSource(database, manualClock()));
    await feed.start();
    assert.equal(feed.view.size, 1);
    await feed.stop();
  },
);

eachDatabase(
  "RV-03 a node that is cut off is stale after the bound, and fresh again when it can read",
  async (database) => {
    const clock = manualClock();
    const real = feedSource(database, clock);
    let cut = false;
    const feed = feedOver(
      database,
      {
        read: async (...asked) => (cut ? Promise.reject(new Error("cut")) : real.read(...asked)),
        close: real.close,
      },
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
  },
);

eachDatabase(
  "RV-19 a node that was paused longer than the bound accepts nothing before it has polled",
  async (database) => {
    const clock = manualClock();
    const feed = feedOver(database, feedSource(database, clock), clock);
    await feed.start();
    clock.advance(BOUND + 20);
    assert.ok(!feed.view.isFresh(instant(clock)));
    await feed.stop();
  },
);

eachDatabase(
  "MN-06 a hundred requests that find the view stale cause one poll",
  async (database) => {
    const clock = manualClock();
    const real = feedSource(database, clock);
    let reads = 0;
    const feed = feedOver(
      database,
      { read: async (...asked) => ((reads += 1), real.read(...asked)), close: real.close },
      clock,
    );
    await feed.start();
    const before = reads;
    await Promise.all(Array.from({ length: 100 }, async () => feed.refresh(250)));
    assert.equal(reads - before, 1);
    await feed.stop();
  },
);

eachDatabase("a lease exists while the node runs and is gone when it stops", async (database) => {
  const feed = feedOver(database, feedSource(database, manualClock()));
  await feed.start();
  assert.equal((await database.db.selectFrom("leases").select("node_id").execute()).length, 1);
  await feed.stop();
  assert.equal((await database.db.selectFrom("leases").select("node_id").execute()).length, 0);
});

test("a start that cannot read the log is refused", async () => {
  const broken: FeedSource = {
    read: async () => Promise.reject(new Error("no database")),
    close: async () => {},
  };
  const { withSqlite } = await import("../../platform/db/testing.ts");
  await withSqlite(async (database) => {
    await assert.rejects(async () => feedOver(database, broken).start(), /no database/);
  });
});

eachDatabase(
  "RV-19 a poll that began before the clocks moved on does not leave the view stale",
  async (database) => {
    const clock = manualClock();
    const real = feedSource(database, clock);
    let gate: Promise<void> | undefined;
    const source: FeedSource = {
      ...real,
      read: async (...asked) => {
        await gate;
        return real.read(...asked);
      },
    };
    const feed = feedOver(database, source, clock);
    await feed.start();
    try {
      let open = (): void => {};
      gate = new Promise((resolve) => (open = resolve));
      const early = feed.refresh(60_000);
      clock.advance(BOUND + 1);
      const late = feed.refresh(60_000);
      gate = undefined;
      open();
      await Promise.all([early, late]);
      assert.ok(feed.view.isFresh(instant(clock)));
    } finally {
      await feed.stop();
    }
  },
);
