import { onCommit, transact } from "../../platform/db/transact.ts";
import assert from "node:assert/strict";
import { setImmediate, setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import type { Db } from "../../platform/db/open.ts";
import { holdRunner } from "../../platform/db/runners.store.ts";
import { eachDatabase } from "../../platform/db/testing.ts";
import { keyring } from "../../platform/kernel/keyring.ts";
import { manualClock, type Clock, type ManualClock } from "../../platform/kernel/clock.ts";
import type { Facts, Log } from "../../platform/kernel/log.ts";
import { systemRandom, type Random } from "../../platform/kernel/random.ts";
import type { Message } from "./message.ts";
import { requeue } from "../outbox/outbox.ts";
import { createSender, type Sender } from "../outbox/sender.ts";
import { createMailChannel } from "./mail-channel.ts";
import { enqueueMail, mailChannel, mailFigures, type Mail } from "./mail.ts";
import { isSuppressed, suppress } from "./suppressions.ts";
import { builtInTemplates } from "./templates/built-in.ts";
import { createLetters } from "./templates/templates.ts";
import type { SendOutcome } from "./transport.ts";

interface World {
  readonly db: Db;
  readonly clock: ManualClock;
  /** The messages that have reached a recipient. */
  readonly inbox: Message[];
  readonly logged: Logged[];
  sender(options?: SenderOptions): Sender;
  queue(recipient?: string, options?: { readonly expiresAt?: number }): Promise<void>;
}

interface SenderOptions {
  /**
   * Decides the outcome of a mail before it is in the inbox. The mail is sent if it returns
   * nothing.
   */
  readonly send?: (message: Message, signal: AbortSignal) => Promise<SendOutcome | undefined>;
  readonly random?: Random;
  readonly clock?: Clock;
  readonly holder?: string;
  readonly rate?: number;
  readonly connections?: number;
}

interface Logged {
  readonly level: keyof Log;
  readonly event: string;
  readonly facts: Facts;
}

const ring = keyring([Buffer.from("a master secret of the mail tests, long enough")], systemRandom);
const publicUrl = "https://accounts.example.com:8443";
const letters = createLetters({
  serviceName: "Acme",
  publicUrl,
  fallbackLocale: "en",
  templates: builtInTemplates,
});
const bySystem = { address: null, requestId: null, actor: { kind: "system" } } as const;

/** Adds no jitter to waits. */
const still: Random = { ...systemRandom, bytes: (length) => Buffer.alloc(length) };

const sent: SendOutcome = { kind: "sent" };
const greylisted: SendOutcome = {
  kind: "refused",
  permanent: false,
  deadAddress: false,
  error: "451 4.7.1",
};
const forbidden: SendOutcome = {
  kind: "refused",
  permanent: true,
  deadAddress: false,
  error: "550 5.7.1",
};
const unknown: SendOutcome = {
  kind: "refused",
  permanent: true,
  deadAddress: true,
  error: "550 5.1.1",
};
const dropped: SendOutcome = { kind: "interrupted", error: "ECONNRESET" };
const down: SendOutcome = { kind: "unavailable", cause: "connection", error: "ECONNREFUSED" };

function worldOf(db: Db): World {
  onCommit(db, mailChannel.wake, () => {});
  const clock = manualClock();
  const inbox: Message[] = [];
  const logged: Logged[] = [];
  const log =
    (level: keyof Log) =>
    (event: string, facts: Facts = {}) =>
      void logged.push({ level, event, facts });
  return {
    db,
    clock,
    inbox,
    logged,
    sender: ({
      send = async () => undefined,
      holder = "the only process",
      rate = 100,
      connections = 1,
      ...options
    } = {}) => {
      const deps = {
        db,
        clock,
        random: systemRandom,
        keyring: ring,
        log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
        ...options,
      };
      const channel = createMailChannel({
        ...deps,
        letters,
        from: "Acme <accounts@example.com>",
        publicUrl,
        rate,
        connections,
        transport: {
          send: async (message, signal) => {
            const outcome = (await send(message, signal)) ?? sent;
            if (outcome.kind === "sent") inbox.push(message);
            return outcome;
          },
          close: () => {},
        },
      });
      return createSender({ ...deps, holder }, channel);
    },
    queue: async (recipient = "anna@example.com", { expiresAt } = {}) => {
      const data = {
        code: "01234567",
        expiresAt: clock.now() + 600,
        token: "t".repeat(43),
        linkExpiresAt: clock.now() + 86_400,
      };
      const mail: Mail = {
        recipient,
        locale: null,
        template: "confirm_registration",
        data,
        ...(expiresAt && { expiresAt }),
      };
      await transact({ db }, async (tx) =>
        enqueueMail(tx, { clock, random: systemRandom, keyring: ring }, mail),
      );
    },
  };
}

const onMail = (name: string, story: (world: World) => Promise<void>): void =>
  eachDatabase(name, async ({ db }) => story(worldOf(db)));

const outbox = async (db: Db) => db.selectFrom("outbox").selectAll().executeTakeFirstOrThrow();

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(1);
}

// ── once

onMail(
  "DU-06: a mail whose transaction was rolled back is never sent",
  async ({ db, clock, inbox, sender }) => {
    const mail: Mail = {
      recipient: "anna@example.com",
      locale: null,
      template: "already_registered",
      data: {},
    };
    const aborted = transact({ db }, async (tx) => {
      await enqueueMail(tx, { clock, random: systemRandom, keyring: ring }, mail);
      throw new Error("the change failed");
    });
    await assert.rejects(aborted, /the change failed/);
    assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 });
    assert.deepEqual(inbox, []);
  },
);

onMail(
  "a queued mail is sent once, and its code is gone from the database",
  async ({ db, clock, inbox, sender, queue }) => {
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
    assert.partialDeepStrictEqual(row, {
      sent_at: clock.now(),
      data: "{}",
      claimed_by: null,
      attempts: 1,
    });
    assert.deepEqual(await mailFigures(db), { queued: 0, failed: 0 });
  },
);

onMail(
  "a mail is written in the language that it was queued with",
  async ({ db, inbox, sender, queue }) => {
    await queue();
    await db.updateTable("outbox").set({ locale: "de-AT" }).execute();
    await sender().runOnce();
    assert.match(inbox[0]?.html ?? "", /<html lang="de/);
  },
);

onMail(
  "DU-06: a mail that was sent when the database failed is marked later, and not sent again",
  async ({ db, inbox, sender, queue }) => {
    await queue("anna@example.com");
    await queue("bob@example.com");
    const unlucky = sender({
      send: async () => {
        if (inbox.length === 0) await sql`alter table outbox rename to outbox_away`.execute(db);
        return undefined;
      },
    });
    await assert.rejects(unlucky.runOnce());
    await sql`alter table outbox_away rename to outbox`.execute(db);
    assert.deepEqual(await unlucky.runOnce(), { sent: 1, failed: 0 });
    assert.deepEqual(inbox.map(({ to }) => to).toSorted(), ["anna@example.com", "bob@example.com"]);
    assert.deepEqual(await mailFigures(db), { queued: 0, failed: 0 });
  },
);

// ── refused

onMail(
  "a mail that is refused for now is tried ten times, at growing intervals, and then given up",
  async ({ db, clock, sender, queue }) => {
    await queue();
    const refusing = sender({ random: still, send: async () => greylisted });
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      assert.deepEqual(await refusing.runOnce(), { sent: 0, failed: 1 });
      const row = await outbox(db);
      assert.equal(row.last_error, "451 4.7.1");
      if (row.failed_at !== null) break;
      const wait = row.next_attempt_at - clock.now();
      waits.push(wait / 60);
      clock.advance(wait - 1);
      assert.deepEqual(await refusing.runOnce(), { sent: 0, failed: 0 });
      clock.advance(1);
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 15, 30, 60, 180, 360]);
    assert.partialDeepStrictEqual(await outbox(db), { failed_at: clock.now(), attempts: 10 });
    assert.deepEqual(await mailFigures(db), { queued: 0, failed: 1 });
    clock.advance(86_400);
    assert.deepEqual(await refusing.runOnce(), { sent: 0, failed: 0 });
  },
);

onMail(
  "a greylisted mail arrives at the second attempt, and does not keep others waiting",
  async ({ clock, inbox, sender, queue }) => {
    await queue("anna@example.com");
    await queue("bob@example.com");
    let isStranger = true;
    const greylisting = sender({
      send: async ({ to }) => (to.startsWith("anna") && isStranger ? greylisted : undefined),
    });
    assert.deepEqual(await greylisting.runOnce(), { sent: 1, failed: 1 });
    isStranger = false;
    clock.advance(72);
    assert.deepEqual(await greylisting.runOnce(), { sent: 1, failed: 0 });
    assert.deepEqual(
      inbox.map(({ to }) => to),
      ["bob@example.com", "anna@example.com"],
    );
  },
);

onMail(
  "mails that failed together come back up to a fifth later",
  async ({ db, clock, sender, queue }) => {
    await queue();
    const late: Random = { ...systemRandom, bytes: (length) => Buffer.alloc(length, 0xff) };
    await sender({ random: late, send: async () => greylisted }).runOnce();
    assert.equal((await outbox(db)).next_attempt_at, clock.now() + 71);
  },
);

onMail(
  "a mail refused for good is given up at once, and can be sent again with its contents",
  async ({ db, clock, inbox, sender, queue }) => {
    await queue();
    assert.deepEqual(await sender({ send: async () => forbidden }).runOnce(), {
      sent: 0,
      failed: 1,
    });
    const row = await outbox(db);
    assert.partialDeepStrictEqual(row, {
      failed_at: clock.now(),
      last_error: "550 5.7.1",
      attempts: 1,
    });
    assert.equal(await isSuppressed(db, row.recipient), false);

    assert.equal(
      await transact({ db }, async (tx) => requeue(tx, { clock }, mailChannel, row.id)),
      "requeued",
    );
    assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
    assert.match(inbox[0]?.text ?? "", /\b01234567\b/);
  },
);

onMail(
  "an address that does not exist gets no more mail, and other mails queued for it are not even tried",
  async ({ db, inbox, sender, queue }) => {
    await queue("Anna@example.com");
    await queue("Anna@example.com");
    await queue("bob@example.com");
    let asked = 0;
    const refusing = sender({
      send: async ({ to }) => {
        asked += 1;
        return to.startsWith("Anna") ? unknown : undefined;
      },
    });
    assert.deepEqual(await refusing.runOnce(), { sent: 1, failed: 2 });
    assert.equal(asked, 2);
    assert.equal(await isSuppressed(db, "anna@example.com"), true);
    const rows = await db
      .selectFrom("outbox")
      .select("last_error")
      .where("failed_at", "is not", null)
      .orderBy("id")
      .execute();
    assert.deepEqual(
      rows.map((row) => row.last_error),
      ["550 5.1.1", "suppressed"],
    );
    const events = await db
      .selectFrom("audit_events")
      .select(["event", "actor_kind", "details"])
      .execute();
    assert.deepEqual(events, [
      { event: "mail.suppressed", actor_kind: "system", details: '{"reason":"hard_bounce"}' },
    ]);
    assert.equal(inbox.length, 1);
  },
);

onMail(
  "an address that is suppressed gets no mail",
  async ({ db, clock, inbox, sender, queue }) => {
    const deps = { clock, keyring: ring, random: systemRandom };
    const complaint = { address: "anna@example.com", reason: "complaint" } as const;
    await transact({ db }, async (tx) => suppress(tx, deps, complaint, bySystem));
    await queue("Anna@Example.com");
    assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 1 });
    assert.partialDeepStrictEqual(await outbox(db), {
      failed_at: clock.now(),
      last_error: "suppressed",
    });
    assert.deepEqual(inbox, []);
  },
);

onMail("an expired mail is not sent", async ({ db, clock, inbox, sender, queue }) => {
  await queue("anna@example.com", { expiresAt: clock.now() + 600 });
  clock.advance(600);
  await queue("bob@example.com", { expiresAt: clock.now() + 1 });
  assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 1 });
  assert.deepEqual(
    inbox.map(({ to }) => to),
    ["bob@example.com"],
  );
  const expired = await db
    .selectFrom("outbox")
    .selectAll()
    .where("recipient", "=", "anna@example.com")
    .executeTakeFirstOrThrow();
  assert.partialDeepStrictEqual(expired, { failed_at: clock.now(), last_error: "expired" });
});

onMail(
  "a mail queued by a version with other templates waits for a version that knows it, however long that takes",
  async ({ db, clock, sender, queue }) => {
    await queue();
    await db.updateTable("outbox").set({ template: "of_tomorrow" }).execute();
    for (let n = 0; n < 20; n += 1) {
      assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 1 });
      assert.partialDeepStrictEqual(await outbox(db), {
        attempts: 0,
        last_error: "unknown_template",
      });
      clock.advance(900);
    }
    await db.updateTable("outbox").set({ template: "confirm_registration" }).execute();
    assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
  },
);

onMail(
  "DU-05: a mail queued by the version before, which names no channel, is sent",
  async ({ db, clock, inbox, sender }) => {
    const id = "01890000-0000-7000-8000-000000000001";
    const old = {
      id,
      recipient: "anna@example.com",
      template: "test",
      data: ring.seal("mail-seal", id, Buffer.from("{}")).toString("base64url"),
      created_at: clock.now(),
      next_attempt_at: clock.now(),
      attempts: 0,
    };
    await db.insertInto("outbox").values(old).execute();
    assert.deepEqual(await mailFigures(db), { queued: 1, failed: 0 });
    assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
    assert.match(inbox[0]?.subject ?? "", /^Test mail/);
  },
);

onMail(
  "a mail that cannot be written is a fault of its own, and does not keep others waiting",
  async ({ db, inbox, logged, sender, queue }) => {
    await queue("anna@example.com");
    await db.updateTable("outbox").set({ data: "AAAA" }).execute();
    await queue("bob@example.com");
    assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 1 });
    assert.deepEqual(
      inbox.map(({ to }) => to),
      ["bob@example.com"],
    );
    const faulty = await db
      .selectFrom("outbox")
      .selectAll()
      .where("recipient", "=", "anna@example.com")
      .executeTakeFirstOrThrow();
    assert.partialDeepStrictEqual(faulty, {
      last_error: "UnsealError",
      attempts: 1,
      failed_at: null,
    });
    assert.deepEqual(
      logged
        .filter(({ level }) => level === "error")
        .map(({ event, facts }) => [event, facts["mailId"]]),
      [["mail.fault", faulty.id]],
    );
  },
);

// ── a server that is away

onMail(
  "while the mail server is away no mail loses an attempt, and the mails are tried in turn",
  async ({ db, clock, sender, queue }) => {
    for (const name of ["anna", "bob", "carl"]) await queue(`${name}@example.com`);
    const tried: string[] = [];
    const vain = sender({
      send: async ({ to }) => {
        tried.push(to);
        return down;
      },
    });
    for (let n = 0; n < 4; n += 1) {
      assert.deepEqual(await vain.runOnce(), { sent: 0, failed: 1 });
      clock.advance(1);
    }
    assert.deepEqual(new Set(tried.slice(0, 3)).size, 3);
    const rows = await db.selectFrom("outbox").selectAll().execute();
    for (const row of rows)
      assert.partialDeepStrictEqual(row, {
        attempts: 0,
        failed_at: null,
        claimed_by: null,
        last_error: "ECONNREFUSED",
      });
    assert.deepEqual(await sender().runOnce(), { sent: 3, failed: 0 });
  },
);

onMail(
  "a sender asks a server that is away again after 1, 2, 4 … 60 s, new mail or not, and then sends",
  async ({ clock, inbox, sender, queue }) => {
    let isAway = true;
    const slept: number[] = [];
    const watched: Clock = {
      ...clock,
      sleep: async (milliseconds, signal) => {
        slept.push(milliseconds);
        return clock.sleep(milliseconds, signal);
      },
    };
    await queue("anna@example.com");
    await queue("bob@example.com");
    const running = sender({
      clock: watched,
      random: still,
      send: async () => (isAway ? down : undefined),
    });
    const stop = new AbortController();
    const stopped = running.run(stop.signal);
    const waits: number[] = [];
    for (let n = 1; n <= 8; n += 1) {
      // The runner, the deadline, the wait.
      await until(() => slept.length === 3 * n);
      running.wake();
      await setImmediate();
      assert.equal(slept.length, 3 * n, "woken up before its time");
      const wait = (slept.at(-1) ?? 0) / 1000;
      waits.push(wait);
      if (n === 8) isAway = false;
      clock.advance(wait);
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    await until(() => inbox.length === 2);
    stop.abort();
    await stopped;
  },
);

for (const cause of ["authentication", "encryption", "sender", "storage"] as const) {
  onMail(
    `an operator is told at once, by an error in the log, of a trouble with ${cause}`,
    async ({ logged, sender, queue }) => {
      await queue();
      await sender({
        send: async () => ({ kind: "unavailable", cause, error: "535 5.7.8" }),
      }).runOnce();
      const errors = logged.filter(({ level }) => level === "error");
      assert.equal(errors.length, 1);
      assert.equal(errors[0]?.facts["error"], "535 5.7.8");
      assert.match(String(errors[0]?.facts["setting"]), /^PORTCULLIS_MAIL(_FROM)?$/);
    },
  );
}

onMail(
  "DU-06: a connection that drops before the answer causes one duplicate, recognisable by its Message-ID",
  async (world) => {
    const { db, clock, inbox, sender, queue } = world;
    await queue();
    const dropping = sender({
      send: async (message) => {
        inbox.push(message);
        return dropped;
      },
    });
    assert.deepEqual(await dropping.runOnce(), { sent: 0, failed: 1 });
    assert.partialDeepStrictEqual(await outbox(db), { attempts: 1, last_error: "ECONNRESET" });
    clock.advance(72);
    assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
    clock.advance(86_400);
    assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 });
    assert.equal(inbox.length, 2);
    assert.equal(inbox[0]?.messageId, inbox[1]?.messageId);
  },
);

onMail(
  "a send that takes too long is aborted and tried again later",
  async ({ db, clock, sender, queue }) => {
    await queue();
    const started = Promise.withResolvers<void>();
    const pass = sender({
      send: async (_, signal) => {
        started.resolve();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return { kind: "interrupted", error: "EABORT" };
      },
    }).runOnce();
    await started.promise;
    clock.advance(60);
    assert.deepEqual(await pass, { sent: 0, failed: 1 });
    assert.equal((await outbox(db)).last_error, "EABORT");
  },
);

// ── one at a time

onMail(
  "one of several nodes sends, and another takes over after 15 s of silence, or at once if the first has stopped",
  async ({ clock, inbox, sender, queue }) => {
    const [a, b] = [sender({ holder: "a" }), sender({ holder: "b" })];
    await queue();
    assert.deepEqual(await a.runOnce(), { sent: 1, failed: 0 });
    await queue();
    clock.advance(14);
    assert.deepEqual(await b.runOnce(), { sent: 0, failed: 0 });
    clock.advance(1);
    assert.deepEqual(await b.runOnce(), { sent: 1, failed: 0 });
    await queue();
    assert.deepEqual(await a.runOnce(), { sent: 0, failed: 0 });

    const stop = new AbortController();
    const running = b.run(stop.signal);
    await until(() => inbox.length === 3);
    stop.abort();
    await running;
    await queue();
    assert.deepEqual(await a.runOnce(), { sent: 1, failed: 0 });
  },
);

onMail(
  "DU-06: the next process sends at once what another had claimed when it died",
  async ({ clock, inbox, sender, queue }) => {
    for (const name of ["anna", "bob", "carl"]) await queue(`${name}@example.com`);
    const died = Promise.withResolvers<void>();
    void sender({
      send: async () => {
        died.resolve();
        return new Promise(() => {});
      },
    }).runOnce();
    await died.promise;
    assert.deepEqual(
      await sender({ holder: "another node" }).runOnce(),
      { sent: 0, failed: 0 },
      "it may still be at work",
    );
    assert.deepEqual(await sender().runOnce(), { sent: 3, failed: 0 });
    assert.equal(new Set(inbox.map(({ to }) => to)).size, 3);
    clock.advance(86_400);
    assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 });
  },
);

onMail(
  "DU-06: another node sends what a node had claimed when it froze, and the first sends no more once it thaws",
  async ({ clock, inbox, sender, queue }) => {
    for (const name of ["anna", "bob", "carl"]) await queue(`${name}@example.com`);
    const frozen = Promise.withResolvers<void>();
    const thawed = Promise.withResolvers<void>();
    const pass = sender({
      holder: "a",
      send: async () => {
        frozen.resolve();
        await thawed.promise;
        return undefined;
      },
    }).runOnce();
    await frozen.promise;
    clock.advance(15);
    // Another sender gets here first: the one that froze must not renew what it has lost.
    await until(() => true);
    const took = await sender({ holder: "b" }).runOnce();
    thawed.resolve();
    await pass;
    assert.deepEqual(took, { sent: 3, failed: 0 });
    // The one that was under way when it froze came twice.
    assert.equal(inbox.length, 4);
    clock.advance(86_400);
    assert.deepEqual(await sender({ holder: "b" }).runOnce(), { sent: 0, failed: 0 });
  },
);

onMail(
  "a node that takes its time over a mail remains the one that sends",
  async ({ db, clock, sender, queue }) => {
    await queue();
    const started = Promise.withResolvers<void>();
    const slow = Promise.withResolvers<void>();
    const pass = sender({
      holder: "a",
      send: async () => {
        started.resolve();
        await slow.promise;
        return undefined;
      },
    }).runOnce();
    await started.promise;
    const heldUntil = async () =>
      (await db.selectFrom("runners").select("held_until").executeTakeFirstOrThrow()).held_until;
    for (let seconds = 5; seconds <= 50; seconds += 5) {
      // The next renewal has to be waited for before the time for it comes.
      await setTimeout(50);
      clock.advance(5);
      while ((await heldUntil()) <= clock.now() + 5) await setTimeout(1);
    }
    assert.equal(
      await holdRunner(db, { name: "mail", holder: "b", now: clock.now(), seconds: 15 }),
      false,
    );
    slow.resolve();
    assert.deepEqual(await pass, { sent: 1, failed: 0 });
  },
);

onMail(
  "the number of mails under way at once is the number of connections",
  async ({ inbox, sender, queue }) => {
    for (let n = 0; n < 9; n += 1) await queue(`user${n}@example.com`);
    let underWay = 0;
    let most = 0;
    const allUnderWay = Promise.withResolvers<void>();
    const pass = sender({
      connections: 3,
      send: async () => {
        most = Math.max(most, (underWay += 1));
        if (underWay === 3) allUnderWay.resolve();
        // On a busy machine the third mail may begin late, so the first two wait for it.
        await Promise.race([allUnderWay.promise, setTimeout(10_000)]);
        await setTimeout(5);
        underWay -= 1;
        return undefined;
      },
    }).runOnce();
    assert.deepEqual(await pass, { sent: 9, failed: 0 });
    assert.equal(most, 3);
    assert.equal(new Set(inbox.map(({ to }) => to)).size, 9);
  },
);

// ── running

onMail(
  "a running sender sends at once when woken, otherwise at the next poll, and stops when told",
  async ({ clock, sender, queue }) => {
    const arrivals: (() => void)[] = [];
    const arrival = async (): Promise<void> => new Promise((resolve) => arrivals.push(resolve));
    const running = sender({
      send: async () => {
        arrivals.shift()?.();
        return undefined;
      },
    });
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
      await setTimeout(1);
    }

    stop.abort();
    await stopped;
  },
);

onMail("a running sender sends no faster than it may", async ({ clock, inbox, sender, queue }) => {
  for (let n = 0; n < 12; n += 1) await queue(`user${n}@example.com`);
  const stop = new AbortController();
  const start = clock.now();
  const arrivals: number[] = [];
  const stopped = sender({
    rate: 4,
    send: async () => {
      arrivals.push(clock.monotonicMilliseconds() / 1000 - start);
      return undefined;
    },
  }).run(stop.signal);
  await until(() => inbox.length === 1);
  while (inbox.length < 12) {
    clock.advance(0.05);
    await setTimeout(5);
  }
  stop.abort();
  await stopped;
  for (const at of arrivals)
    assert.ok(
      arrivals.filter((other) => other >= at && other < at + 1).length <= 5,
      arrivals.join(" "),
    );
});

onMail(
  "a sender that is told to stop finishes what is under way, and lets go of the rest",
  async ({ db, inbox, sender, queue }) => {
    for (const name of ["anna", "bob", "carl"]) await queue(`${name}@example.com`);
    const stop = new AbortController();
    const running = sender({
      send: async () => {
        stop.abort();
        return undefined;
      },
    }).run(stop.signal);
    await running;
    assert.equal(inbox.length, 1);
    assert.deepEqual(
      await db.selectFrom("outbox").select("id").where("claimed_by", "is not", null).execute(),
      [],
    );
    assert.deepEqual(await db.selectFrom("runners").selectAll().execute(), []);
  },
);

onMail(
  "a running sender survives a failing database",
  async ({ db, clock, inbox, logged, sender, queue }) => {
    await queue();
    await sql`alter table outbox rename to outbox_away`.execute(db);
    const stop = new AbortController();
    const stopped = sender().run(stop.signal);
    await until(() => logged.some(({ event }) => event === "mail.fault"));
    await sql`alter table outbox_away rename to outbox`.execute(db);
    while (inbox.length === 0) {
      clock.advance(2);
      await setTimeout(1);
    }
    stop.abort();
    await stopped;
  },
);

onMail(
  "IN-12: a recipient that is not one plain address is never queued",
  async ({ db, queue }) => {
    await assert.rejects(queue("anna@example.com\r\nBcc: all@x.test"), RangeError);
    assert.deepEqual(await mailFigures(db), { queued: 0, failed: 0 });
  },
);
