import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import type { Db } from "../../platform/db/open.ts";
import { eachDatabase } from "../../platform/db/testing.ts";
import { onCommit, transact } from "../../platform/db/transact.ts";
import { manualClock, type ManualClock } from "../../platform/kernel/clock.ts";
import { keyring } from "../../platform/kernel/keyring.ts";
import type { Facts, Log } from "../../platform/kernel/log.ts";
import { systemRandom, type Random } from "../../platform/kernel/random.ts";
import type { Channel, ChannelId, EntryHead, Obstacle, OpenEntry, Outcome } from "./channel.ts";
import { enqueue, outboxFigures, requeue } from "./outbox.ts";
import { createSender, type Sender } from "./sender.ts";

/** A channel of this test alone: it rings bells. */
const bells: ChannelId = { name: "bell", seal: "cursor", wake: { name: "the bell ringer" } };
const flags: ChannelId = { name: "flag", seal: "cursor", wake: { name: "the flag hoister" } };

interface SenderOptions {
  readonly channel?: ChannelId;
  readonly holder?: string;
  readonly send?: (entry: OpenEntry) => Promise<Outcome | undefined>;
  readonly obstacleTo?: (entry: EntryHead) => Promise<Obstacle | undefined>;
}

interface World {
  readonly db: Db;
  readonly clock: ManualClock;
  /** The entries that have arrived. */
  readonly arrived: OpenEntry[];
  /** Events of the log with their facts. */
  readonly logged: (readonly [event: string, facts: Facts])[];
  sender(options?: SenderOptions): Sender;
  queue(
    recipient: string,
    options?: { readonly channel?: ChannelId; readonly expiresAt?: number },
  ): Promise<void>;
}

const ring = keyring(
  [Buffer.from("a master secret of the outbox tests, long enough")],
  systemRandom,
);
/** Adds no jitter to waits. */
const still: Random = { ...systemRandom, bytes: (length) => Buffer.alloc(length) };

function worldOf(db: Db): World {
  for (const { wake } of [bells, flags]) onCommit(db, wake, () => {});
  const clock = manualClock();
  const arrived: OpenEntry[] = [];
  const logged: World["logged"] = [];
  const say = (event: string, facts: Facts = {}) => void logged.push([event, facts]);
  const log: Log = { debug: say, info: say, warn: say, error: say };
  return {
    db,
    clock,
    arrived,
    logged,
    sender: ({
      channel = bells,
      holder = "the only process",
      send = async () => undefined,
      obstacleTo = async () => undefined,
    } = {}) => {
      const whole: Channel = {
        ...channel,
        rate: 100,
        connections: 1,
        retryMinutes: [1, 5],
        factsOf: ({ id, attempts }) => ({ id, attempts }),
        obstacleTo,
        send: async (entry) => {
          const outcome = (await send(entry)) ?? { kind: "sent" };
          if (outcome.kind === "sent") arrived.push(entry);
          return outcome;
        },
      };
      return createSender({ db, clock, random: still, keyring: ring, log, holder }, whole);
    },
    queue: async (recipient, { channel = bells, expiresAt = null } = {}) => {
      const entry = { recipient, kind: "ring", locale: null, data: { times: 3 }, expiresAt };
      await transact({ db }, async (tx) =>
        enqueue(tx, { clock, random: systemRandom, keyring: ring }, channel, entry),
      );
    },
  };
}

const onOutbox = (name: string, story: (world: World) => Promise<void>): void =>
  eachDatabase(name, async ({ db }) => story(worldOf(db)));

const only = async (db: Db) => db.selectFrom("outbox").selectAll().executeTakeFirstOrThrow();
const recipients = (entries: readonly OpenEntry[]) => entries.map(({ recipient }) => recipient);

onOutbox(
  "DU-06: an entry is not sent if the transaction of its cause is rolled back",
  async ({ db, clock, arrived, sender }) => {
    const entry = { recipient: "door", kind: "ring", locale: null, data: {}, expiresAt: null };
    let woken = 0;
    onCommit(db, bells.wake, () => void (woken += 1));
    const deps = { clock, random: systemRandom, keyring: ring };
    const put = async (fails: boolean) =>
      transact({ db }, async (tx) => {
        await enqueue(tx, deps, bells, entry);
        if (fails) throw new Error("the change failed");
      });
    await assert.rejects(put(true), /the change failed/);
    assert.equal(woken, 0);
    assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 });
    assert.deepEqual(arrived, []);
    await put(false);
    assert.equal(woken, 1);
    assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
  },
);

onOutbox(
  "an entry arrives once with its contents, which are gone from the database afterwards",
  async ({ db, clock, arrived, sender, queue }) => {
    await queue("door");
    const { data } = await only(db);
    assert.doesNotMatch(data + Buffer.from(data, "base64url").toString("latin1"), /times/);
    assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
    assert.deepEqual(await sender().runOnce(), { sent: 0, failed: 0 });
    assert.deepEqual(
      arrived.map((entry) => [entry.recipient, entry.kind, entry.data, entry.attempts]),
      [["door", "ring", { times: 3 }, 1]],
    );
    assert.partialDeepStrictEqual(await only(db), {
      channel: "bell",
      sent_at: clock.now(),
      data: "{}",
    });
  },
);

onOutbox(
  "an entry is tried again at the intervals of its channel, given up after the last, and requeued",
  async ({ db, clock, arrived, logged, sender, queue }) => {
    await queue("door");
    const deferring = sender({ send: async () => ({ kind: "deferred", error: "busy" }) });
    for (const wait of [60, 300]) {
      assert.deepEqual(await deferring.runOnce(), { sent: 0, failed: 1 });
      assert.equal((await only(db)).next_attempt_at, clock.now() + wait);
      clock.advance(wait - 1);
      assert.deepEqual(await deferring.runOnce(), { sent: 0, failed: 0 });
      clock.advance(1);
    }
    assert.deepEqual(await deferring.runOnce(), { sent: 0, failed: 1 });
    const { id, ...row } = await only(db);
    assert.partialDeepStrictEqual(row, { failed_at: clock.now(), attempts: 3, last_error: "busy" });
    assert.deepEqual(await outboxFigures(db, bells), { queued: 0, failed: 1 });
    assert.deepEqual(
      logged.map(([event]) => event),
      ["bell.postponed", "bell.postponed", "bell.failed"],
    );

    const again = async (channel: ChannelId) =>
      transact({ db }, async (tx) => requeue(tx, { clock }, channel, id));
    assert.equal(await again(flags), "unknown");
    assert.equal(await again(bells), "requeued");
    assert.equal(await again(bells), "unknown");
    assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 0 });
    assert.deepEqual(
      arrived.map((entry) => [entry.id, entry.attempts, entry.data]),
      [[id, 1, { times: 3 }]],
    );
  },
);

onOutbox(
  "a rejected entry is given up together with what the channel does about it, or not at all",
  async ({ db, sender, queue }) => {
    await queue("door");
    const rejecting = (fails: boolean) =>
      sender({
        send: async ({ id }) => ({
          kind: "rejected",
          error: "no such bell",
          also: async (tx) => {
            await tx
              .updateTable("outbox")
              .set({ recipient: "gone" })
              .where("id", "=", id)
              .execute();
            if (fails) throw new Error("the change failed");
          },
        }),
      });
    await assert.rejects(rejecting(true).runOnce(), /the change failed/);
    assert.partialDeepStrictEqual(await only(db), { recipient: "door", failed_at: null });
    assert.deepEqual(await rejecting(false).runOnce(), { sent: 0, failed: 1 });
    assert.partialDeepStrictEqual(await only(db), {
      recipient: "gone",
      last_error: "no such bell",
      attempts: 1,
    });
    assert.deepEqual(await outboxFigures(db, bells), { queued: 0, failed: 1 });
  },
);

onOutbox(
  "after a crash between sending and marking, another process sends the entry once more",
  async ({ db, clock, arrived, sender, queue }) => {
    await queue("door");
    const dying = sender({
      holder: "a",
      send: async () => {
        await sql`alter table outbox rename to outbox_away`.execute(db);
        return undefined;
      },
    });
    await assert.rejects(dying.runOnce());
    await sql`alter table outbox_away rename to outbox`.execute(db);
    // The process is gone: it neither marks the entry nor gives up its lease.
    const heir = sender({ holder: "b" });
    assert.deepEqual(await heir.runOnce(), { sent: 0, failed: 0 });
    clock.advance(15);
    assert.deepEqual(await heir.runOnce(), { sent: 1, failed: 0 });
    assert.equal(arrived.length, 2);
    assert.equal(arrived[0]?.id, arrived[1]?.id);
    clock.advance(86_400);
    assert.deepEqual(await heir.runOnce(), { sent: 0, failed: 0 });
  },
);

onOutbox(
  "an obstacle gives an entry up or postpones it without an attempt, and the other side is not asked",
  async ({ db, clock, arrived, sender, queue }) => {
    await queue("broken");
    await queue("late", { expiresAt: clock.now() + 60 });
    await queue("not built yet");
    clock.advance(60);
    const obstructed = sender({
      obstacleTo: async ({ recipient }) =>
        recipient === "broken"
          ? { kind: "final", error: "broken" }
          : { kind: "passing", error: "unbuilt", seconds: 30 },
    });
    assert.deepEqual(await obstructed.runOnce(), { sent: 0, failed: 3 });
    const rows = await db
      .selectFrom("outbox")
      .select(["last_error", "failed_at", "attempts", "next_attempt_at"])
      .orderBy("recipient")
      .execute();
    const at = clock.now();
    assert.partialDeepStrictEqual(rows, [
      { last_error: "broken", failed_at: at },
      { last_error: "expired", failed_at: at },
      { last_error: "unbuilt", failed_at: null, attempts: 0, next_attempt_at: at + 30 },
    ]);
    assert.deepEqual(arrived, []);
  },
);

onOutbox(
  "an entry whose contents cannot be opened is tried later, and does not keep others waiting",
  async ({ db, arrived, logged, sender, queue }) => {
    await queue("door");
    await db.updateTable("outbox").set({ data: "AAAA" }).execute();
    await queue("gate");
    assert.deepEqual(await sender().runOnce(), { sent: 1, failed: 1 });
    assert.deepEqual(recipients(arrived), ["gate"]);
    assert.deepEqual(logged.map(([event]) => event).toSorted(), [
      "bell.fault",
      "bell.postponed",
      "bell.sent",
    ]);
  },
);

onOutbox(
  "two channels have senders of their own, and trouble with one does not hold up the other",
  async ({ db, clock, arrived, sender, queue }) => {
    await queue("door");
    await queue("mast", { channel: flags });
    await queue("gate");
    const ringing = Promise.withResolvers<void>();
    const rung = Promise.withResolvers<void>();
    const pass = sender({
      send: async () => {
        ringing.resolve();
        await rung.promise;
        return { kind: "unavailable", error: "power cut" };
      },
    }).runOnce();
    await ringing.promise;
    // The holder is the same, and still the flags do not touch what the bells have claimed.
    assert.deepEqual(await sender({ channel: flags }).runOnce(), { sent: 1, failed: 0 });
    assert.deepEqual(recipients(arrived), ["mast"]);
    const claimed = async () =>
      db.selectFrom("outbox").select("channel").where("claimed_by", "is not", null).execute();
    assert.deepEqual(await claimed(), [{ channel: "bell" }, { channel: "bell" }]);
    rung.resolve();
    assert.deepEqual(await pass, { sent: 0, failed: 1 });
    assert.deepEqual(await claimed(), []);
    assert.deepEqual(
      (await db.selectFrom("runners").select("name").orderBy("name").execute()).map(
        ({ name }) => name,
      ),
      ["bell", "flag"],
    );
    clock.advance(1);
    assert.deepEqual(await sender().runOnce(), { sent: 2, failed: 0 });
  },
);

onOutbox(
  "a running sender sends at once when woken, and lets go of its lease when told to stop",
  async ({ db, arrived, sender, queue }) => {
    const running = sender();
    onCommit(db, bells.wake, () => running.wake());
    const stop = new AbortController();
    const stopped = running.run(stop.signal);
    await queue("door");
    while (arrived.length === 0) await setTimeout(1);
    stop.abort();
    await stopped;
    assert.deepEqual(await db.selectFrom("runners").selectAll().execute(), []);
  },
);
