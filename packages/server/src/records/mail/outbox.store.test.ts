import { transact } from "../../platform/db/transact.ts";
import assert from "node:assert/strict";
import type { Db } from "../../platform/db/open.ts";
import { eachDatabase } from "../../platform/db/testing.ts";
import {
  claimDue,
  countMails,
  insertMail,
  listMails,
  markFailed,
  markRetry,
  markSent,
  pruneMails,
  releaseClaims,
  requeue,
  type ClaimedMail,
} from "./outbox.store.ts";

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
  const mail = {
    id,
    recipient: `${id}@example.com`,
    template: "test",
    locale: null,
    expiresAt,
    data: "sealed",
  };
  await transact({ db }, async (tx) => insertMail(tx, mail, { at, sentAt: null }));
}

async function claim(db: Db, by: string, at = now, limit = 100): Promise<readonly ClaimedMail[]> {
  return claimDue(db, { by, at, until: at + 120, limit });
}

async function claimOne(db: Db, by = "a", at = now): Promise<ClaimedMail> {
  const [mail] = await claim(db, by, at, 1);
  assert.ok(mail !== undefined);
  return mail;
}

const rowOf = async (db: Db, id: string) =>
  db.selectFrom("outbox").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

const requeueNow = async (db: Db, id: string, at = now) =>
  transact({ db }, async (tx) => requeue(tx, id, at));

eachDatabase("DU-06: of many that claim at once, each mail is claimed by one", async ({ db }) => {
  for (let n = 10; n < 40; n += 1) await queue(db, `mail-${n}`);
  const claims = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => claim(db, `node-${n}`, now, 7)),
  );
  const last = await claim(db, "last");
  const ids = [...claims.flat(), ...last].map(({ id }) => id);
  assert.equal(ids.length, 30);
  assert.equal(new Set(ids).size, 30);
});

eachDatabase(
  "what is claimed is due again when the claim has run out, and marks of the old one do not count",
  async ({ db }) => {
    await queue(db, "mail");
    const first = await claimOne(db, "a");
    assert.deepEqual(await claim(db, "b", now + 119), []);
    const second = await claimOne(db, "b", now + 120);
    assert.equal(second.attempts, 2);
    await markRetry(db, first, { at: now, error: "late", counted: true });
    await markFailed(db, first, { at: now, error: "late" });
    assert.partialDeepStrictEqual(await rowOf(db, "mail"), {
      claimed_by: "b",
      failed_at: null,
      last_error: null,
    });
    // It is sent all the same, whoever says so.
    await markSent(db, first, now);
    assert.partialDeepStrictEqual(await rowOf(db, "mail"), {
      claimed_by: null,
      sent_at: now,
      data: "{}",
    });
    await markFailed(db, second, { at: now, error: "too late" });
    assert.equal((await rowOf(db, "mail")).failed_at, null);
  },
);

eachDatabase(
  "claims are released for one holder or for all, as if they had never been",
  async ({ db }) => {
    for (const id of ["a1", "b1", "c1"]) await queue(db, id);
    for (const by of ["a", "b"]) await claimOne(db, by);
    await releaseClaims(db, { at: now + 1, by: "a" });
    assert.deepEqual(
      (await claim(db, "c", now + 1)).map(({ id, attempts }) => [id, attempts]),
      [
        ["a1", 1],
        ["c1", 1],
      ],
    );
    await releaseClaims(db, { at: now + 2 });
    assert.deepEqual(
      (await claim(db, "d", now + 2)).map(({ id }) => id),
      ["a1", "b1", "c1"],
    );
  },
);

eachDatabase(
  "releasing claims brings no mail back that waits for its next attempt, was sent or given up",
  async ({ db }) => {
    for (const id of ["failed", "later", "sent"]) await queue(db, id);
    const [failed, later, sent] = await claim(db, "a");
    assert.ok(failed !== undefined && later !== undefined && sent !== undefined);
    await markFailed(db, failed, { at: now, error: "550 5.7.1" });
    await markRetry(db, later, { at: now + 60, error: "451", counted: true });
    await markSent(db, sent, now);
    await releaseClaims(db, { at: now });
    assert.deepEqual(await claim(db, "b", now + 59), []);
    assert.deepEqual(
      (await claim(db, "b", now + 60)).map(({ id, attempts }) => [id, attempts]),
      [["later", 2]],
    );
  },
);

eachDatabase(
  "of many that send a mail again that was given up, one does, and it starts anew",
  async ({ db }) => {
    await queue(db, "mail");
    await markFailed(db, await claimOne(db), { at: now, error: "550 5.7.1" });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, async () => requeueNow(db, "mail")),
    );
    assert.deepEqual(outcomes.toSorted(), [
      "requeued",
      ...Array.from({ length: 9 }, () => "unknown"),
    ]);
    assert.partialDeepStrictEqual(await rowOf(db, "mail"), {
      attempts: 0,
      failed_at: null,
      last_error: null,
      data: "sealed",
    });
    assert.equal((await claimOne(db)).id, "mail");
  },
);

eachDatabase(
  "what was sent, never given up, unknown, or is of no use any more is not sent again",
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
  "mails are listed newest first, by state, page by page, without what was never one",
  async ({ db }) => {
    for (const id of ["1-sent", "2-failed", "3-queued", "4-queued"]) await queue(db, id);
    const nothing = {
      id: "5-nothing",
      recipient: "",
      template: "",
      locale: null,
      expiresAt: null,
      data: "{}",
    };
    await transact({ db }, async (tx) => insertMail(tx, nothing, { at: now, sentAt: now }));
    const [sent, failed] = await claim(db, "a", now, 2);
    assert.ok(sent !== undefined && failed !== undefined);
    await markSent(db, sent, now + 1);
    await markFailed(db, failed, { at: now + 2, error: "550 5.7.1" });

    const idsOf = async (query: Partial<Parameters<typeof listMails>[1]>) =>
      (await listMails(db, { limit: 10, ...query })).map(({ id }) => id);
    assert.deepEqual(await idsOf({}), ["4-queued", "3-queued", "2-failed", "1-sent"]);
    assert.deepEqual(await idsOf({ limit: 2 }), ["4-queued", "3-queued"]);
    assert.deepEqual(await idsOf({ before: "3-queued" }), ["2-failed", "1-sent"]);
    assert.deepEqual(await idsOf({ state: "queued" }), ["4-queued", "3-queued"]);
    assert.deepEqual(await idsOf({ state: "sent" }), ["1-sent"]);
    assert.deepEqual(await listMails(db, { state: "failed", limit: 10 }), [
      {
        id: "2-failed",
        recipient: "2-failed@example.com",
        template: "test",
        state: "failed",
        attempts: 1,
        createdAt: now,
        nextAttemptAt: null,
        sentAt: null,
        failedAt: now + 2,
        lastError: "550 5.7.1",
      },
    ]);
    assert.equal((await listMails(db, { state: "queued", limit: 1 }))[0]?.nextAttemptAt, now);
    assert.deepEqual(await countMails(db), { queued: 2, failed: 1 });
  },
);

eachDatabase(
  "PV-03: sent mails go after a week, given up ones after a month, traces of nothing after a day, and no others",
  async ({ db }) => {
    for (const id of ["1-sent", "2-failed", "3-queued"]) await queue(db, id);
    const nothing = {
      id: "4-nothing",
      recipient: "",
      template: "",
      locale: null,
      expiresAt: null,
      data: "{}",
    };
    await transact({ db }, async (tx) => insertMail(tx, nothing, { at: now, sentAt: now }));
    const [sent, failed] = await claim(db, "a", now, 2);
    assert.ok(sent !== undefined && failed !== undefined);
    await markSent(db, sent, now);
    await markFailed(db, failed, { at: now, error: "550" });

    const left = async () =>
      (await db.selectFrom("outbox").select("id").orderBy("id").execute()).map(({ id }) => id);
    assert.equal(await pruneMails(db, now + DAY), 0);
    assert.equal(await pruneMails(db, now + DAY + 1), 1);
    assert.deepEqual(await left(), ["1-sent", "2-failed", "3-queued"]);
    assert.equal(await pruneMails(db, now + 7 * DAY), 0);
    assert.equal(await pruneMails(db, now + 7 * DAY + 1), 1);
    assert.equal(await pruneMails(db, now + 30 * DAY), 0);
    assert.equal(await pruneMails(db, now + 30 * DAY + 1), 1);
    assert.deepEqual(await left(), ["3-queued"]);
    assert.equal(await pruneMails(db, now + 3650 * DAY), 0);
  },
);

eachDatabase(
  "mails are pruned in batches, and a full one tells that there are more",
  async ({ db }) => {
    for (let n = 10; n < 15; n += 1) await queue(db, `mail-${n}`);
    for (const mail of await claim(db, "a")) await markSent(db, mail, now);
    assert.deepEqual(
      [await pruneMails(db, now + 8 * DAY, 2), await pruneMails(db, now + 8 * DAY, 2)],
      [2, 2],
    );
    assert.equal(await pruneMails(db, now + 8 * DAY, 2), 1);
  },
);
