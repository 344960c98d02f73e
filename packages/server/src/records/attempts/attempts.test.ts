import assert from "node:assert/strict";
import { eachWorld } from "../../../test/world.ts";
import { pruneAttempts, take } from "./attempts.store.ts";

eachWorld(
  "buckets whose window has passed are forgotten, except those that a transaction holds",
  async (world) => {
    const { db } = world.rules;
    const buckets = ["one", "two", "three"];
    const taking = async (bucket: string): Promise<unknown> =>
      db
        .transaction()
        .execute(async (tx) =>
          take(tx, { bucket, limit: 1, windowSeconds: 10 }, world.clock.now()),
        );
    for (const bucket of buckets) await taking(bucket);
    assert.equal(await pruneAttempts(db, world.clock.now()), 0);
    world.clock.advance(10);
    if (world.database.dialect === "postgres") {
      await db.transaction().execute(async (tx) => {
        await take(tx, { bucket: "two", limit: 1, windowSeconds: 10 }, world.clock.now());
        assert.equal(await pruneAttempts(db, world.clock.now()), 2, "it does not wait");
      });
      assert.deepEqual(await db.selectFrom("attempts").select(["bucket", "count"]).execute(), [
        { bucket: "two", count: 1 },
      ]);
      world.clock.advance(10);
    }
    assert.equal(
      await pruneAttempts(db, world.clock.now()),
      world.database.dialect === "postgres" ? 1 : 3,
    );
  },
);
