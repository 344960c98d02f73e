import { transact } from "../../platform/db/transact.ts";
import assert from "node:assert/strict";
import type { Db } from "../../platform/db/open.ts";
import { eachDatabase } from "../../platform/db/testing.ts";
import {
  claimDue,
  countEntries,
  insertEntry,
  listEntries,
  markFailed,
  markRetry,
  markSent,
  pruneOutbox,
  releaseClaims,
  requeueEntry,
  type ClaimedEntry,
} from "./outbox.store.ts";

const channel = "bell";
const now = 1_800_000_000;
const DAY = 86_400;

interface Queued {
  readonly at?: number;
  readonly expiresAt?: number | null;
}

async function queue(
  db: Db,
  id: string,
  { at = now, expiresAt = null }: Queued = {},
): Promise<void> {
  const entry = {
    id,
    recipient: `${id}@example.com`,
    channel,
    kind: "test",
    locale: null,
    expiresAt,
    data: "sealed",
  };
  await transact({ db }, async (tx) => insertEntry(tx, entry, { at, sentAt: null }));
}

async function claim(db: Db, by: string, at = now, limit = 100): Promise<readonly ClaimedEntry[]> {
  return claimDue(db, { channel, by, at, until: at + 120, limit });
}

async function claimOne(db: Db, by = "a", at = now): Promise<ClaimedEntry> {
  const [entry] = await claim(db, by, at, 1);
  assert.ok(entry !== undefined);
  return entry;
}

const rowOf = async (db: Db, id: string) =>
  db.selectFrom("outbox").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

const requeueNow = async (db: Db, id: string, at = now) =>
  transact({ db }, async (tx) => requeueEntry(tx, { channel, id }, at));

eachDatabase(
  "DU-06: if many claim at once, each entry is claimed by one of them",
  async ({ db }) => {
    for (let n = 10; n < 40; n += 1) await queue(db, `entry-${n}`);
    const claims = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => claim(db, `node-${n}`, now, 7)),
    );
    const last = await claim(db, "last");
    const ids = [...claims.flat(), ...last].map(({ id }) => id);
    assert.equal(ids.length, 30);
    assert.equal(new Set(ids).size, 30);
  },
);

eachDatabase(
  "an entry is due again when its claim has run out, and marks under the old claim do not count",
  async ({ db }) => {
    await queue(db, "entry");
    const first = await claimOne(db, "a");
    assert.deepEqual(await claim(db, "b", now + 119), []);
    const second = await claimOne(db, "b", now + 120);
    assert.equal(second.attempts, 2);
    await markRetry(db, first, { at: now, error: "late", counted: true });
    await markFailed(db, first, { at: now, error: "late" });
    assert.partialDeepStrictEqual(await rowOf(db, "entry"), {
      claimed_by: "b",
      failed_at: null,
      last_error: null,
    });
    // The mark of a sent entry counts even under an old claim, because it has been sent.
    await markSent(db, first, now);
    assert.partialDeepStrictEqual(await rowOf(db, "entry"), {
      claimed_by: null,
      sent_at: now,
      data: "{}",
    });
    await markFailed(db, second, { at: now, error: "too late" });
    assert.equal((await rowOf(db, "entry")).failed_at, null);
  },
);

eachDatabase(
  "claims are released for one holder or for all, as if they had never been made",
  async ({ db }) => {
    for (const id of ["a1", "b1", "c1"]) await queue(db, id);
    for (const by of ["a", "b"]) await claimOne(db, by);
    await releaseClaims(db, { channel, at: now + 1, by: "a" });
    assert.deepEqual(
      (await claim(db, "c", now + 1)).map(({ id, attempts }) => [id, attempts]),
      [
        ["a1", 1],
        ["c1", 1],
      ],
    );
    await releaseClaims(db, { channel, at: now + 2 });
    assert.deepEqual(
      (await claim(db, "d", now + 2)).map(({ id }) => id),
      ["a1", "b1", "c1"],
    );
  },
);

eachDatabase(
  "releasing claims does not bring back an entry that waits for a retry, was sent or was given up",
  async ({ db }) => {
    for (const id of ["failed", "later", "sent"]) await queue(db, id);
    const [failed, later, sent] = await claim(db, "a");
    assert.ok(failed !== undefined && later !== undefined && sent !== undefined);
    await markFailed(db, failed, { at: now, error: "550 5.7.1" });
    await markRetry(db, later, { at: now + 60, error: "451", counted: true });
    await markSent(db, sent, now);
    await releaseClaims(db, { channel, at: now });
    assert.deepEqual(await claim(db, "b", now + 59), []);
    assert.deepEqual(
      (await claim(db, "b", now + 60)).map(({ id, attempts }) => [id, attempts]),
      [["later", 2]],
    );
  },
);

eachDatabase(
  "if many callers requeue an entry that was given up, one succeeds, and it starts anew",
  async ({ db }) => {
    await queue(db, "entry");
    await markFailed(db, await claimOne(db), { at: now, error: "550 5.7.1" });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, async () => requeueNow(db, "entry")),
    );
    assert.deepEqual(outcomes.toSorted(), [
      "requeued",
      ...Array.from({ length: 9 }, () => "unknown"),
    ]);
    assert.partialDeepStrictEqual(await rowOf(db, "entry"), {
      attempts: 0,
      failed_at: null,
      last_error: null,
      data: "sealed",
    });
    assert.equal((await claimOne(db)).id, "entry");
  },
);

eachDatabase(
  "an entry that was sent, is queued, is unknown or has expired cannot be requeued",
  async ({ db }) => {
    for (const id of ["a-queued", "b-sent"]) await queue(db, id);
    await queue(db, "c-expired", { expiresAt: now + 600 });
    const [, sent, expired] = await claim(db, "a");
    assert.ok(sent !== undefined && expired !== undefined);
    await markSent(db, sent, now);
    await markFailed(db, expired, { at: now, error: "550" });
    for (const id of ["a-queued", "b-sent", "nowhere"])
      assert.equal(await requeueNow(db, id), "unknown");
    assert.equal(await requeueNow(db, "c-expired", now + 600), "expired");
    assert.equal(await requeueNow(db, "c-expired", now + 599), "requeued");
  },
);

eachDatabase(
  "entries are listed newest first, by state, page by page, without those that were nothing",
  async ({ db }) => {
    for (const id of ["1-sent", "2-failed", "3-queued", "4-queued"]) await queue(db, id);
    const nothing = {
      id: "5-nothing",
      recipient: "",
      channel,
      kind: "",
      locale: null,
      expiresAt: null,
      data: "{}",
    };
    await transact({ db }, async (tx) => insertEntry(tx, nothing, { at: now, sentAt: now }));
    const [sent, failed] = await claim(db, "a", now, 2);
    assert.ok(sent !== undefined && failed !== undefined);
    await markSent(db, sent, now + 1);
    await markFailed(db, failed, { at: now + 2, error: "550 5.7.1" });

    const idsOf = async (query: Partial<Parameters<typeof listEntries>[1]>) =>
      (await listEntries(db, { channel, limit: 10, ...query })).map(({ id }) => id);
    assert.deepEqual(await idsOf({}), ["4-queued", "3-queued", "2-failed", "1-sent"]);
    assert.deepEqual(await idsOf({ limit: 2 }), ["4-queued", "3-queued"]);
    assert.deepEqual(await idsOf({ before: "3-queued" }), ["2-failed", "1-sent"]);
    assert.deepEqual(await idsOf({ state: "queued" }), ["4-queued", "3-queued"]);
    assert.deepEqual(await idsOf({ state: "sent" }), ["1-sent"]);
    assert.deepEqual(await listEntries(db, { channel, state: "failed", limit: 10 }), [
      {
        id: "2-failed",
        recipient: "2-failed@example.com",
        kind: "test",
        state: "failed",
        attempts: 1,
        createdAt: now,
        nextAttemptAt: null,
        sentAt: null,
        failedAt: now + 2,
        lastError: "550 5.7.1",
      },
    ]);
    assert.equal(
      (await listEntries(db, { channel, state: "queued", limit: 1 }))[0]?.nextAttemptAt,
      now,
    );
    assert.deepEqual(await countEntries(db, channel), { queued: 2, failed: 1 });
  },
);

eachDatabase(
  "PV-03: sent entries go after a week, failed ones after a month, those that were nothing after a day",
  async ({ db }) => {
    for (const id of ["1-sent", "2-failed", "3-queued"]) await queue(db, id);
    const nothing = {
      id: "4-nothing",
      recipient: "",
      channel,
      kind: "",
      locale: null,
      expiresAt: null,
      data: "{}",
    };
    await transact({ db }, async (tx) => insertEntry(tx, nothing, { at: now, sentAt: now }));
    const [sent, failed] = await claim(db, "a", now, 2);
    assert.ok(sent !== undefined && failed !== undefined);
    await markSent(db, sent, now);
    await markFailed(db, failed, { at: now, error: "550" });

    const left = async () =>
      (await db.selectFrom("outbox").select("id").orderBy("id").execute()).map(({ id }) => id);
    assert.equal(await pruneOutbox(db, now + DAY), 0);
    assert.equal(await pruneOutbox(db, now + DAY + 1), 1);
    assert.deepEqual(await left(), ["1-sent", "2-failed", "3-queued"]);
    assert.equal(await pruneOutbox(db, now + 7 * DAY), 0);
    assert.equal(await pruneOutbox(db, now + 7 * DAY + 1), 1);
    assert.equal(await pruneOutbox(db, now + 30 * DAY), 0);
    assert.equal(await pruneOutbox(db, now + 30 * DAY + 1), 1);
    assert.deepEqual(await left(), ["3-queued"]);
    assert.equal(await pruneOutbox(db, now + 3650 * DAY), 0);
  },
);

eachDatabase(
  "entries are pruned in batches, and a full batch says that there may be more",
  async ({ db }) => {
    for (let n = 10; n < 15; n += 1) await queue(db, `entry-${n}`);
    for (const entry of await claim(db, "a")) await markSent(db, entry, now);
    assert.deepEqual(
      [await pruneOutbox(db, now + 8 * DAY, 2), await pruneOutbox(db, now + 8 * DAY, 2)],
      [2, 2],
    );
    assert.equal(await pruneOutbox(db, now + 8 * DAY, 2), 1);
  },
);

eachDatabase("one channel leaves the entries of another one alone", async ({ db }) => {
  await queue(db, "a-bell");
  await queue(db, "b-bell");
  const other = { id: "c-flag", channel: "flag", recipient: "mast", kind: "storm" };
  await transact({ db }, async (tx) =>
    insertEntry(
      tx,
      { ...other, locale: null, expiresAt: null, data: "sealed" },
      { at: now, sentAt: null },
    ),
  );
  const flags = { channel: "flag", by: "a", at: now, until: now + 120, limit: 10 };
  assert.deepEqual(
    (await claimDue(db, flags)).map((entry) => [entry.id, entry.channel, entry.kind]),
    [["c-flag", "flag", "storm"]],
  );
  const bell = await claimOne(db, "a");
  await releaseClaims(db, { channel, at: now });
  assert.equal((await rowOf(db, bell.id)).claimed_by, null);
  assert.equal((await rowOf(db, "c-flag")).claimed_by, "a");

  await markFailed(db, await claimOne(db, "a"), { at: now, error: "broken" });
  const asFlag = { channel: "flag", id: "a-bell" };
  assert.equal(await transact({ db }, async (tx) => requeueEntry(tx, asFlag, now)), "unknown");
  assert.deepEqual(await countEntries(db, channel), { queued: 1, failed: 1 });
  assert.deepEqual(await countEntries(db, "flag"), { queued: 1, failed: 0 });
  const listed = async (name: string) =>
    (await listEntries(db, { channel: name, limit: 10 })).map(({ id }) => id);
  assert.deepEqual(await listed(channel), ["b-bell", "a-bell"]);
  assert.deepEqual(await listed("flag"), ["c-flag"]);
});
