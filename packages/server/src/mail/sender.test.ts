import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Db } from "../db/open.ts";
import { eachDatabase } from "../db/testing.ts";
import { keyring } from "../kernel/keyring.ts";
import { manualClock } from "../kernel/clock.ts";
import type { ManualClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import type { Random } from "../kernel/random.ts";
import type { Message } from "./message.ts";
import { enqueue, mailFigures } from "./outbox.ts";
import { createSender } from "./sender.ts";
import type { Sender } from "./sender.ts";
import type { Transport } from "./transports.ts";

interface World {
  readonly db: Db;
  readonly clock: ManualClock;
  /** What reached a recipient. */
  readonly inbox: Message[];
  sender(options?: { readonly send?: Transport["send"]; readonly random?: Random }): Sender;
  queue(recipient?: string): Promise<void>;
}

const ring = keyring([Buffer.from("a master secret of the mail tests, long enough")], systemRandom);

function worldOf(db: Db): World {
  const clock = manualClock();
  const inbox: Message[] = [];
  const deliver = async (message: Message): Promise<void> => void inbox.push(message);
  return {
    db,
    clock,
    inbox,
    sender: ({ send = deliver, random = systemRandom } = {}) =>
      createSender({
        db,
        clock,
        random,
        keyring: ring,
        log: silentLog,
        transport: { send, close: () => {} },
        from: "Acme <accounts@example.com>",
        publicUrl: "https://accounts.example.com:8443",
        serviceName: "Acme",
      }),
    queue: async (recipient = "anna@example.com") =>
      db.transaction().execute(async (tx) => {
        const data = { code: "01234567", expiresAt: clock.now() + 600 };
        await enqueue(tx, { clock, random: systemRandom, keyring: ring }, { recipient, template: "confirm_registration", data });
      }),
  };
}

const onMail = (name: string, story: (world: World) => Promise<void>): void => eachDatabase(name, async ({ db }) => story(worldOf(db)));

const outbox = async (db: Db) => db.selectFrom("outbox").selectAll().executeTakeFirstOrThrow();

onMail("DU-06: a mail whose transaction was rolled back is never sent", async ({ db, clock, inbox, sender }) => {
  const aborted = db.transaction().execute(async (tx) => {
    await enqueue(
      tx,
      { clock, random: systemRandom, keyring: ring },
      { recipient: "anna@example.com", template: "already_registered", data: {} },
    );
    throw new Error("the change failed");
  });
  await assert.rejects(aborted, /the change failed/);
  assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 });
  assert.deepEqual(inbox, []);
});

onMail("a queued mail is sent once, and its code is gone from the database", async ({ db, clock, inbox, sender, queue }) => {
  await queue();
  assert.deepEqual(await mailFigures(db), { queued: 1, failed: 0 });
  assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
  assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 });

  const [message] = inbox;
  const row = await outbox(db);
  assert.equal(inbox.length, 1);
  assert.equal(message?.to, "anna@example.com");
  assert.match(message?.text ?? "", /\b01234567\b/);
  assert.equal(message?.messageId, `<${row.id}@accounts.example.com>`);
  assert.equal(row.sent_at, clock.now());
  assert.equal(row.data, "{}");
  assert.deepEqual(await mailFigures(db), { queued: 0, failed: 0 });
});

onMail("DU-06: of several senders at once, each mail is sent by one", async ({ inbox, sender, queue }) => {
  for (let n = 0; n < 30; n += 1) await queue(`user${n}@example.com`);
  const passes = await Promise.all([sender(), sender(), sender()].map(async (s) => s.runOnce()));
  const last = await sender().runOnce();
  assert.equal(
    [...passes, last].reduce((sum, { sent }) => sum + sent, 0),
    30,
  );
  assert.deepEqual(inbox.length, 30);
  assert.equal(new Set(inbox.map((m) => m.to)).size, 30);
});

onMail("a mail that cannot be sent is tried ten times, at growing intervals, and then given up", async ({ db, clock, sender, queue }) => {
  await queue();
  const still: Random = { ...systemRandom, bytes: (length) => Buffer.alloc(length) };
  const failing = sender({
    random: still,
    send: async () => {
      throw Object.assign(new Error("550 <anna@example.com> unknown"), { code: "EENVELOPE", responseCode: 550 });
    },
  });
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    assert.deepEqual(await failing.runOnce(), { sent: 0, failed: 1 });
    const row = await outbox(db);
    assert.equal(row.last_error, "EENVELOPE 550", "the sentence quotes an address");
    if (row.failed_at !== null) break;
    const wait = row.next_attempt_at - clock.now();
    waits.push(wait / 60);
    clock.advance(wait - 1);
    assert.deepEqual(await failing.runOnce(), { sent: 0, failed: 0 });
    clock.advance(1);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 15, 30, 60, 180, 360]);
  const row = await outbox(db);
  assert.equal(row.failed_at, clock.now());
  assert.equal(row.data, "{}");
  assert.deepEqual(await mailFigures(db), { queued: 0, failed: 1 });
  clock.advance(86_400);
  assert.deepEqual(await failing.runOnce(), { sent: 0, failed: 0 });
});

onMail("mails that failed together come back up to a fifth later", async ({ db, clock, sender, queue }) => {
  await queue();
  const late: Random = { ...systemRandom, bytes: (length) => Buffer.alloc(length, 0xff) };
  const send = async (): Promise<void> => {
    throw new Error("down");
  };
  await sender({ random: late, send }).runOnce();
  assert.equal((await outbox(db)).next_attempt_at, clock.now() + 71);
});

onMail("DU-06: a sender that dies between sending and marking causes one duplicate, recognisable by its Message-ID", async (world) => {
  const { clock, inbox, sender, queue } = world;
  await queue();
  const dying = sender({
    send: async (message) => {
      inbox.push(message);
      throw new Error("lost the connection before the answer");
    },
  });
  assert.deepEqual(await dying.runOnce(), { sent: 0, failed: 1 });
  clock.advance(72);
  assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
  clock.advance(86_400);
  assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 });
  assert.equal(inbox.length, 2);
  assert.equal(inbox[0]?.messageId, inbox[1]?.messageId);
});

onMail("DU-06: a mail claimed by a sender that vanished is sent by another", async ({ clock, inbox, sender, queue }) => {
  await queue();
  const claimed = Promise.withResolvers<void>();
  const revived = Promise.withResolvers<void>();
  const vanished = sender({
    send: async () => {
      claimed.resolve();
      await revived.promise;
      throw new Error("too late");
    },
  }).runOnce();
  await claimed.promise;
  assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 }, "it may still be at work");
  clock.advance(60);
  assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
  revived.resolve();
  await vanished;
  clock.advance(86_400);
  assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 }, "the old claim reopened a mail that was sent");
  assert.equal(inbox.length, 1);
});

onMail("a send that takes too long is aborted and tried again later", async ({ clock, sender, queue }) => {
  await queue();
  const started = Promise.withResolvers<void>();
  const pass = sender({
    send: async (_, signal) => {
      started.resolve();
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    },
  }).runOnce();
  await started.promise;
  clock.advance(30);
  assert.deepEqual(await pass, { sent: 0, failed: 1 });
});

onMail("a mail queued by a version with other templates waits for one that knows it", async ({ db, clock, sender, queue }) => {
  await queue();
  await db.updateTable("outbox").set({ template: "of_tomorrow" }).execute();
  assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 1 });
  await db.updateTable("outbox").set({ template: "confirm_registration" }).execute();
  clock.advance(72);
  assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
});

onMail("a running sender sends at once when woken, otherwise at the next poll, and stops when told", async ({ clock, sender, queue }) => {
  const arrivals: (() => void)[] = [];
  const arrival = async (): Promise<void> => new Promise((resolve) => arrivals.push(resolve));
  const running = sender({ send: async () => arrivals.shift()?.() });
  const stop = new AbortController();
  const stopped = running.run(stop.signal);

  const first = arrival();
  await queue();
  running.wake();
  await first;

  let arrived = false;
  void arrival().then(() => (arrived = true));
  await queue();
  while (!arrived) {
    clock.advance(2);
    await setImmediate();
  }

  stop.abort();
  await stopped;
});

onMail("IN-12: a recipient that is not one plain address is never queued", async ({ db, queue }) => {
  await assert.rejects(queue("anna@example.com\r\nBcc: all@x.test"), RangeError);
  assert.deepEqual(await mailFigures(db), { queued: 0, failed: 0 });
});
