import { transact } from "../platform/db/transact.ts";
import assert from "node:assert/strict";
import {
  anotherNode,
  attempt,
  countRows,
  eventsOf,
  register,
  type TableName,
} from "../../test/steps.ts";
import { eachWorld, type World } from "../../test/world.ts";
import { checkChain } from "../records/audit/check.ts";
import { createHousekeeping, runJobs } from "./jobs.ts";
import { registerGauges } from "./gauges.ts";

const DAY = 86_400;

const rowsOf = async (world: World, tables: readonly TableName[]) =>
  Object.fromEntries(
    await Promise.all(tables.map(async (table) => [table, await countRows(world, table)] as const)),
  );

/** Returns the value of one series as Prometheus would read it. */
async function figure(world: World, series: string): Promise<number | undefined> {
  const line = (await world.rules.metrics.text())
    .split("\n")
    .find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
}

const fill = async (world: World, count: number): Promise<void> => {
  await transact(world.rules, async (tx) => {
    for (let n = 0; n < count; n += 1)
      await tx
        .insertInto("attempts")
        .values({ bucket: `n-${n}`, count: 1, window_ends_at: world.clock.now() })
        .execute();
  });
};

eachWorld(
  "rows without any effect are deleted when their time has come, and not before",
  async (world) => {
    const { clock, rules } = world;
    const housekeeping = createHousekeeping(rules);
    const user = await world.user();
    await register(world, "anna@example.com");
    await world.request("POST", "/v1/password-resets", { body: { email: user.email } });
    await attempt(world, user.email, "not the password at all");
    const { accessToken } = await world.signIn(user);
    assert.equal(
      (await world.request("DELETE", "/v1/sessions/current", { token: accessToken })).status,
      204,
    );
    await world.mails();
    await rules.db
      .insertInto("leases")
      .values({ node_id: "gone", boot_id: "gone", lease_until: clock.now(), applied_before: 0 })
      .execute();
    const tables = [
      "revocations",
      "attempts",
      "registrations",
      "password_resets",
      "sessions",
      "counters",
      "outbox",
      "leases",
    ] as const;
    await housekeeping.tick();
    const before = await rowsOf(world, tables);
    assert.ok(
      tables.every((table) => (before[table] ?? 0) > 0),
      JSON.stringify(before),
    );

    clock.advance(2 * DAY);
    await housekeeping.tick();
    const later = await rowsOf(world, tables);
    assert.deepEqual(
      [later["revocations"], later["registrations"], later["password_resets"]],
      [0, 0, 0],
    );
    assert.deepEqual(
      [later["sessions"], later["counters"]],
      [before["sessions"], before["counters"]],
    );
    assert.equal(later["leases"], (before["leases"] ?? 0) - 1);

    clock.advance(31 * DAY);
    await housekeeping.tick();
    const last = await rowsOf(world, tables);
    assert.deepEqual([last["sessions"], last["counters"], last["outbox"]], [0, 0, 0]);
    assert.equal(await countRows(world, "users"), 1);
  },
);

eachWorld("a run removes many rows in batches and counts them", async (world) => {
  const housekeeping = createHousekeeping(world.rules);
  await fill(world, 2_500);
  await housekeeping.tick();
  assert.equal(await countRows(world, "attempts"), 0);
  assert.equal(await figure(world, `portcullis_job_rows_removed_total{job="attempts"}`), 2_500);
  assert.equal(await figure(world, `portcullis_job_runs_total{job="attempts",result="done"}`), 1);
  assert.equal(
    await figure(world, `portcullis_job_last_success_timestamp_seconds{job="attempts"}`),
    world.clock.now(),
  );

  await fill(world, 1);
  await housekeeping.tick();
  assert.equal(await countRows(world, "attempts"), 1, "it is not due again yet");
  world.clock.advance(60);
  await housekeeping.tick();
  assert.equal(await countRows(world, "attempts"), 0);
});

eachWorld("other work goes on between two batches", async (world) => {
  const housekeeping = createHousekeeping(world.rules);
  await fill(world, 5_000);
  let sawFewer = false;
  let over = false;
  const look = (async () => {
    while (!over) {
      const left = await countRows(world, "attempts");
      sawFewer ||= left > 0 && left < 5_000;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await housekeeping.tick();
  over = true;
  await look;
  assert.ok(sawFewer);
});

eachWorld(
  "one process of a deployment does the housekeeping, and another takes over when it has stopped or died",
  async (world) => {
    const { clock, rules } = world;
    const other = await anotherNode(world);
    const [first, second] = [createHousekeeping(rules), createHousekeeping(other.rules)];
    const runsOf = async (node: World) =>
      (await figure(node, `portcullis_job_runs_total{job="attempts",result="done"}`)) ?? 0;
    await first.tick();
    for (let n = 0; n < 4; n += 1) {
      clock.advance(60);
      await Promise.all([first.tick(), second.tick()]);
    }
    assert.deepEqual([await runsOf(world), await runsOf(other)], [5, 0]);

    await first.stop();
    await second.tick();
    assert.deepEqual(
      [await runsOf(world), await runsOf(other)],
      [5, 1],
      "nobody waits for one that has said goodbye",
    );
    clock.advance(179);
    await first.tick();
    assert.deepEqual([await runsOf(world), await runsOf(other)], [5, 1]);
    clock.advance(1);
    await first.tick();
    assert.deepEqual(
      [await runsOf(world), await runsOf(other)],
      [6, 1],
      "nor for ever for one that has not",
    );
    assert.equal(await countRows(world, "runners"), 1);
  },
);

eachWorld(
  "a job that fails is logged and counted, and the others run",
  async (world) => {
    const { rules, clock } = world;
    await world.signIn(await world.user());
    await rules.db.updateTable("audit_events").set({ user_id: "somebody else" }).execute();
    clock.advance(10 * DAY);
    await world.signIn(await world.user());
    clock.advance(DAY);
    await fill(world, 3);
    await createHousekeeping(rules).tick();
    assert.equal(await figure(world, `portcullis_job_runs_total{job="audit",result="failed"}`), 1);
    assert.equal(
      await figure(world, `portcullis_job_runs_total{job="audit",result="done"}`),
      undefined,
    );
    assert.equal(
      await figure(world, `portcullis_job_last_success_timestamp_seconds{job="audit"}`),
      undefined,
    );
    assert.ok(
      world.logged.some(
        ({ event, facts, cause }) =>
          event === "job.failed" && facts["job"] === "audit" && cause instanceof Error,
      ),
    );
    assert.ok(
      ((await figure(world, `portcullis_job_rows_removed_total{job="attempts"}`)) ?? 0) >= 3,
    );

    await rules.db.deleteFrom("audit_events").execute();
    clock.advance(3600);
    await rules.db.schema.dropTable("runners").execute();
    await createHousekeeping((await anotherNode(world)).rules).tick();
    assert.ok(
      world.logged.some(
        ({ event, facts }) => event === "job.failed" && facts["job"] === "housekeeping",
      ),
    );
  },
  { PORTCULLIS_AUDIT_RETENTION: "1d" },
);

eachWorld(
  "AU-02: the audit is cut back to its retention by housekeeping, and stays whole",
  async (world) => {
    const { clock, rules, parts } = world;
    const user = await world.user();
    const housekeeping = createHousekeeping(rules);
    for (let day = 0; day < 40; day += 1) {
      await world.signIn(user);
      clock.advance(DAY);
      await housekeeping.tick();
      await housekeeping.tick();
    }
    const checked = await checkChain(rules.db, parts.keyring);
    assert.ok(checked.kind === "intact" && checked.pruned > 10, JSON.stringify(checked));
    const { at } = await rules.db
      .selectFrom("audit_events")
      .select("at")
      .orderBy("position")
      .limit(1)
      .executeTakeFirstOrThrow();
    const age = clock.now() - at;
    assert.ok(age >= 30 * DAY && age <= 32 * DAY, String(age / DAY));
    assert.ok((await eventsOf(world)).filter((event) => event === "audit.pruned").length <= 10);
  },
  { PORTCULLIS_AUDIT_RETENTION: "30d" },
);

eachWorld("the audit is kept for good if no retention is set", async (world) => {
  await world.signIn(await world.user());
  world.clock.advance(10_000 * DAY);
  await world.signIn(await world.user());
  world.clock.advance(2 * DAY);
  const before = await countRows(world, "audit_events");
  await createHousekeeping(world.rules).tick();
  assert.equal(await countRows(world, "audit_events"), before);
});

eachWorld(
  "housekeeping runs by itself once a minute until it is stopped, and then leaves the work to other processes",
  async (world) => {
    const { clock, rules } = world;
    const stop = new AbortController();
    const running = runJobs(rules, stop.signal);
    await fill(world, 2);
    for (let n = 0; n < 100 && (await countRows(world, "attempts")) > 0; n += 1) {
      clock.advance(5);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(await countRows(world, "attempts"), 0);
    assert.equal(await countRows(world, "runners"), 1);
    stop.abort();
    await running;
    assert.equal(await countRows(world, "runners"), 0);
  },
);

eachWorld("an operator sees how long the oldest mail has been waiting", async (world) => {
  const { clock, rules } = world;
  registerGauges(rules.metrics.registry, rules, () => ({
    monotonicMilliseconds: 0,
    wallMilliseconds: 0,
  }));
  assert.equal(await figure(world, "portcullis_mail_oldest_queued_age_seconds"), 0);
  await register(world, "anna@example.com");
  clock.advance(90);
  await register(world, "ben@example.com");
  assert.equal(await figure(world, "portcullis_mail_oldest_queued_age_seconds"), 90);
  assert.equal(await figure(world, "portcullis_mails_queued"), 2);
  await world.mails();
  assert.equal(await figure(world, "portcullis_mail_oldest_queued_age_seconds"), 0);
});

eachWorld("refresh tokens from Django are deleted once they have expired", async (world) => {
  const { id } = await world.user();
  const now = world.clock.now();
  const row = (jti: string, expires_at: number) => ({
    jti,
    user_id: id,
    expires_at,
    used_at: null,
  });
  await world.rules.db
    .insertInto("imported_tokens")
    .values([row("a".repeat(32), now), row("b".repeat(32), now + DAY)])
    .execute();
  await createHousekeeping(world.rules).tick();
  const left = await world.rules.db.selectFrom("imported_tokens").select("jti").execute();
  assert.deepEqual(left, [{ jti: "b".repeat(32) }]);
});
