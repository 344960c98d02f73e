import assert from "node:assert/strict";
import { eachDatabase } from "../../platform/db/testing.ts";
import type { Db } from "../../platform/db/open.ts";
import { manualClock } from "../../platform/kernel/clock.ts";
import { keyring } from "../../platform/kernel/keyring.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { listEvents } from "./audit.store.ts";
import { record } from "./audit.ts";
import type { AuditEntry } from "./audit.ts";
import { checkChain } from "./check.ts";
import type { Origin } from "./events.ts";

const oldSecret = Buffer.alloc(32, 1);
const newSecret = Buffer.alloc(32, 2);
const clock = manualClock();
const deps = { clock, keyring: keyring([oldSecret], systemRandom) };
const origin: Origin = {
  address: "192.0.2.1",
  requestId: "r-1",
  actor: { kind: "user", id: "u-1" },
};
const signedIn: AuditEntry = {
  ...origin,
  event: "session.opened",
  userId: "u-1",
  sessionId: "s-1",
};

async function write(db: Db, entry: AuditEntry = signedIn, by = deps): Promise<void> {
  await db.transaction().execute(async (tx) => record(tx, by, entry));
}

async function writeMany(db: Db, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) await write(db, { ...signedIn, details: { n } });
}

eachDatabase(
  "AU-01: an event names what happened, its actor, user, address, request, result and time",
  async ({ db }) => {
    await write(db, {
      ...signedIn,
      result: "refused",
      details: { reason: "wrong_password", tries: 3, left: null, last: false, unknown: undefined },
    });
    await write(db, { event: "superuser.created", actor: { kind: "operator" } });
    const [second, first] = await listEvents(db, { limit: 10 });
    assert.deepEqual(first, {
      position: 1,
      at: clock.now(),
      event: "session.opened",
      actorKind: "user",
      actorId: "u-1",
      userId: "u-1",
      sessionId: "s-1",
      address: "192.0.2.1",
      result: "refused",
      requestId: "r-1",
      details: { reason: "wrong_password", tries: 3, left: null, last: false },
    });
    assert.deepEqual(second, {
      position: 2,
      at: clock.now(),
      event: "superuser.created",
      actorKind: "operator",
      actorId: null,
      userId: null,
      sessionId: null,
      address: null,
      result: "done",
      requestId: null,
      details: {},
    });
  },
);

eachDatabase("AU-01: an event shares the fate of the change's transaction", async ({ db }) => {
  await writeMany(db, 2);
  const aborted = db.transaction().execute(async (tx) => {
    await record(tx, deps, signedIn);
    throw new Error("the change failed");
  });
  await assert.rejects(aborted, /the change failed/);
  const checked = await checkChain(db, deps.keyring);
  assert.ok(checked.kind === "intact" && checked.events === 2);
  await write(db);
  assert.equal((await checkChain(db, deps.keyring)).position, 3);
});

eachDatabase("AU-02: 50 concurrent events make one whole chain", async ({ db }) => {
  await Promise.all(
    Array.from({ length: 50 }, async (_, n) => write(db, { ...signedIn, details: { n } })),
  );
  const checked = await checkChain(db, deps.keyring);
  assert.ok(checked.kind === "intact" && checked.events === 50 && checked.position === 50);
  const events = await listEvents(db, { limit: 100 });
  assert.equal(new Set(events.map((e) => e.details["n"])).size, 50);
});

eachDatabase("AU-02: the check reads on while events are appended", async ({ db }) => {
  await writeMany(db, 3);
  const [checked] = await Promise.all([checkChain(db, deps.keyring), writeMany(db, 10)]);
  assert.equal(checked.kind, "intact");
});

eachDatabase("AU-02: an empty chain is intact", async ({ db }) => {
  assert.deepEqual(await checkChain(db, deps.keyring), {
    kind: "intact",
    events: 0,
    pruned: 0,
    position: 0,
    mac: "",
  });
});

eachDatabase(
  "AU-03: an e-mail address or a token among the details is a fault and nothing is recorded",
  async ({ db }) => {
    for (const value of ["anna@example.com", "t".repeat(65), "line\nbreak", "ä"]) {
      await assert.rejects(write(db, { ...signedIn, details: { value } }), RangeError);
    }
    assert.deepEqual(await listEvents(db, { limit: 10 }), []);
  },
);

interface Tampering {
  readonly name: string;
  readonly tamper: (db: Db) => Promise<unknown>;
  readonly found: { readonly position: number; readonly problem: string };
}

const valid: Readonly<Record<string, string>> = { actor_kind: "system", result: "refused" };
const edits = [
  "event",
  "actor_kind",
  "actor_id",
  "user_id",
  "session_id",
  "address",
  "result",
  "request_id",
  "details",
] as const;

const tamperings: readonly Tampering[] = [
  ...edits.map((column) => ({
    name: `an edited ${column}`,
    tamper: async (db: Db) =>
      db
        .updateTable("audit_events")
        .set({ [column]: valid[column] ?? "x" })
        .where("position", "=", 2)
        .execute(),
    found: { position: 2, problem: "altered" },
  })),
  {
    name: "an edited time",
    tamper: async (db) =>
      db.updateTable("audit_events").set({ at: 1 }).where("position", "=", 2).execute(),
    found: { position: 2, problem: "altered" },
  },
  {
    name: "an edited last event",
    tamper: async (db) =>
      db.updateTable("audit_events").set({ user_id: null }).where("position", "=", 4).execute(),
    found: { position: 4, problem: "altered" },
  },
  {
    name: "a deleted event",
    tamper: async (db) => db.deleteFrom("audit_events").where("position", "=", 2).execute(),
    found: { position: 2, problem: "missing" },
  },
  {
    name: "a deleted first event",
    tamper: async (db) => db.deleteFrom("audit_events").where("position", "=", 1).execute(),
    found: { position: 1, problem: "missing" },
  },
  {
    name: "a deleted event whose place the next ones took",
    tamper: async (db) => {
      await db.deleteFrom("audit_events").where("position", "=", 2).execute();
      await move(db, 3, 2);
      await move(db, 4, 3);
    },
    found: { position: 2, problem: "altered" },
  },
  {
    name: "two events that changed places",
    tamper: async (db) => {
      await move(db, 2, 99);
      await move(db, 3, 2);
      await move(db, 99, 3);
    },
    found: { position: 2, problem: "altered" },
  },
  {
    name: "an event put before the first",
    tamper: async (db) => copy(db, 1, 0),
    found: { position: 1, problem: "altered" },
  },
  {
    name: "a cut tail",
    tamper: async (db) => db.deleteFrom("audit_events").where("position", ">", 2).execute(),
    found: { position: 3, problem: "cut" },
  },
  {
    name: "a cut of everything",
    tamper: async (db) => db.deleteFrom("audit_events").execute(),
    found: { position: 1, problem: "cut" },
  },
  {
    name: "a cut tail under a forged head",
    tamper: async (db) => {
      await db.deleteFrom("audit_events").where("position", ">", 2).execute();
      const last = await db
        .selectFrom("audit_events")
        .select("mac")
        .where("position", "=", 2)
        .executeTakeFirstOrThrow();
      await db
        .updateTable("audit_head")
        .set((eb) => ({
          position: 2,
          mac: eb.fn<string>("replace", [
            "mac",
            eb.fn<string>("substr", ["mac", eb.lit(1), eb.lit(64)]),
            eb.val(last.mac),
          ]),
        }))
        .execute();
    },
    found: { position: 2, problem: "head" },
  },
  {
    name: "a forged event after the last",
    tamper: async (db) => copy(db, 4, 5),
    found: { position: 5, problem: "altered" },
  },
  {
    name: "a head put back",
    tamper: async (db) => db.updateTable("audit_head").set({ position: 3 }).execute(),
    found: { position: 4, problem: "head" },
  },
  {
    name: "a deleted head",
    tamper: async (db) => db.deleteFrom("audit_head").execute(),
    found: { position: 4, problem: "head" },
  },
];

for (const { name, tamper, found } of tamperings) {
  eachDatabase(`AU-02: the check finds ${name}`, async ({ db }) => {
    await writeMany(db, 4);
    await tamper(db);
    assert.deepEqual(await checkChain(db, deps.keyring), { kind: "broken", ...found });
  });
}

async function move(db: Db, from: number, to: number): Promise<void> {
  await db.updateTable("audit_events").set({ position: to }).where("position", "=", from).execute();
}

async function copy(db: Db, from: number, to: number): Promise<void> {
  const event = await db
    .selectFrom("audit_events")
    .selectAll()
    .where("position", "=", from)
    .executeTakeFirstOrThrow();
  await db
    .insertInto("audit_events")
    .values({ ...event, position: to })
    .execute();
}

eachDatabase(
  "AU-02: a chain recorded under an older master secret stays good beside the new one, and only with it",
  async ({ db }) => {
    await writeMany(db, 2);
    const rotated = keyring([newSecret, oldSecret], systemRandom);
    assert.equal((await checkChain(db, rotated)).kind, "intact");
    await write(db, signedIn, { clock, keyring: rotated });
    assert.equal((await checkChain(db, rotated)).kind, "intact");
    assert.deepEqual(await checkChain(db, keyring([newSecret], systemRandom)), {
      kind: "broken",
      position: 1,
      problem: "altered",
    });
    assert.deepEqual(await checkChain(db, deps.keyring), {
      kind: "broken",
      position: 3,
      problem: "altered",
    });
  },
);

eachDatabase("AU-02: the check reads a chain of several pages to its end", async ({ db }) => {
  await db.transaction().execute(async (tx) => {
    for (let n = 1; n <= 1001; n += 1) await record(tx, deps, signedIn);
  });
  assert.equal((await checkChain(db, deps.keyring)).position, 1001);
  await db
    .updateTable("audit_events")
    .set({ result: "refused" })
    .where("position", "=", 1001)
    .execute();
  assert.equal((await checkChain(db, deps.keyring)).kind, "broken");
});

eachDatabase(
  "events are listed newest first, by user and by name, a page at a time",
  async ({ db }) => {
    for (const userId of ["u-1", "u-2", "u-1", "u-1"]) await write(db, { ...signedIn, userId });
    await write(db, { ...signedIn, event: "session.ended" });
    const positions = async (query: Parameters<typeof listEvents>[1]) =>
      (await listEvents(db, query)).map((e) => e.position);
    assert.deepEqual(await positions({ limit: 3 }), [5, 4, 3]);
    assert.deepEqual(await positions({ limit: 3, before: 3 }), [2, 1]);
    assert.deepEqual(await positions({ limit: 10, userId: "u-1" }), [5, 4, 3, 1]);
    assert.deepEqual(
      await positions({ limit: 2, userId: "u-1", event: "session.opened", before: 4 }),
      [3, 1],
    );
    assert.deepEqual(await positions({ limit: 10, event: "no.such_event" }), []);
  },
);
