import assert from "node:assert/strict";
import type { Db } from "./open.ts";
import { eachDatabase } from "./testing.ts";
import { afterCommit, onCommit, separateHandle, transact, type FollowUp } from "./transact.ts";

const bell: FollowUp<string> = { name: "the bell" };
const drum: FollowUp<number> = { name: "the drum" };

async function addLease(db: Pick<Db, "insertInto">, node: string): Promise<void> {
  await db
    .insertInto("leases")
    .values({ node_id: node, boot_id: node, lease_until: 1, applied_before: 0 })
    .execute();
}

const countLeases = async (db: Db): Promise<number> =>
  (await db.selectFrom("leases").select("node_id").execute()).length;

eachDatabase(
  "work that follows a commit runs once, after the commit and before transact returns, with every fact",
  async ({ db }) => {
    const heard: unknown[] = [];
    onCommit(db, bell, async (facts) => {
      assert.equal(await countLeases(db), 1, "the commit is visible");
      heard.push(facts);
    });
    onCommit(db, drum, (facts) => void heard.push(facts));
    const result = await transact({ db }, async (tx) => {
      afterCommit(tx, bell, "first");
      await addLease(tx, "a");
      afterCommit(tx, bell, "second");
      afterCommit(tx, drum, 3);
      assert.deepEqual(heard, []);
      return "outcome";
    });
    assert.equal(result, "outcome");
    assert.deepEqual(heard, [[3], ["first", "second"]]);
    await transact({ db }, async (tx) => addLease(tx, "b"));
    assert.equal(heard.length, 2, "a transaction that leaves no fact is followed by nothing");
  },
);

eachDatabase("no work follows a transaction that rolls back", async ({ db }) => {
  onCommit(db, bell, () => assert.fail("the bell rang"));
  const attempt = transact({ db }, async (tx) => {
    await addLease(tx, "a");
    afterCommit(tx, bell, "never");
    throw new RangeError("rolled back");
  });
  await assert.rejects(attempt, RangeError);
  assert.equal(await countLeases(db), 0);
});

eachDatabase(
  "work cannot be forgotten: outside transact, or with nothing registered, it is a fault that rolls back",
  async ({ db }) => {
    onCommit(db, bell, () => {});
    const around = db.transaction().execute(async (tx) => {
      await addLease(tx, "a");
      afterCommit(tx, bell, "by another way");
    });
    await assert.rejects(around, /open the transaction by transact/);
    const unregistered = transact({ db }, async (tx) => {
      await addLease(tx, "b");
      afterCommit(tx, drum, 1);
    });
    await assert.rejects(unregistered, /nothing is registered for the drum/);
    const late = await transact({ db }, async (tx) => tx);
    assert.throws(() => afterCommit(late, bell, "too late"), /open the transaction by transact/);
    assert.equal(await countLeases(db), 0);
  },
);

eachDatabase("two handles to one database have follow-ups of their own", async ({ db }) => {
  const heard: string[] = [];
  const [one, other] = [separateHandle(db), separateHandle(db)];
  onCommit(one, bell, () => void heard.push("one"));
  onCommit(other, bell, () => void heard.push("other"));
  await transact({ db: other }, async (tx) => afterCommit(tx, bell, "ring"));
  assert.deepEqual(heard, ["other"]);
  assert.notEqual(one, other);
});
