import { transact } from "../../platform/db/transact.ts";
import assert from "node:assert/strict";
import test from "node:test";
import { dump, eventsOf, par, register, signed, statuses } from "../../../test/steps.ts";
import {
  eachWorld,
  type AnswerOf,
  type Answered,
  type Refused,
  type World,
} from "../../../test/world.ts";
import type { endpoints } from "@portcullis/contract";
import { isSuppressed, readRecipient, suppress } from "./suppressions.ts";

type Listed = AnswerOf<typeof endpoints.adminListSuppressions>;
type Listing = Listed & Refused;

const bySystem = { address: null, requestId: null, actor: { kind: "system" } } as const;

async function superuserToken(world: World): Promise<string> {
  return (await world.signIn(await world.user({ superuser: true }))).accessToken;
}

async function listed(world: World, token: string): Promise<Listed["items"]> {
  return (await world.request<Listing>("GET", "/v1/admin/suppressions", { token })).body.items;
}

async function report(world: World, ...reports: readonly object[]): Promise<Answered<Refused>> {
  const body = { reports };
  return world.request("POST", "/v1/mail-reports", {
    body,
    headers: signed(JSON.stringify(body), world.clock.now()),
  });
}

async function mailEvents(world: World): Promise<readonly string[]> {
  return (await eventsOf(world)).filter((event) => event.startsWith("mail."));
}

async function startReset(world: World, email: string): Promise<Answered<Refused>> {
  return world.request("POST", "/v1/password-resets", { body: { email } });
}

test("recipients are compared in lower case, their domains as A-labels", () => {
  assert.equal(readRecipient("Anna.B+x@Example.COM"), "anna.b+x@example.com");
  assert.equal(readRecipient("anna@bücher.example"), "anna@xn--bcher-kva.example");
  for (const text of [
    "",
    "anna",
    "anna@",
    "@example.com",
    "a@b@c",
    "a@x.test, b@x.test",
    "A <a@x.test>",
    "a@x.test\r\nBcc: b@x.test",
    "a\ud800@x.test",
  ])
    assert.equal(readRecipient(text), undefined, JSON.stringify(text));
});

eachWorld(
  "PV-01, AU-03: an address is suppressed once, for the first reason, and the audit does not name it",
  async (world) => {
    const { db } = world.rules;
    const reasons = ["hard_bounce", "complaint", "operator"] as const;
    await par(20, async (n) =>
      transact({ db }, async (tx) =>
        suppress(
          tx,
          world.rules,
          {
            address: n % 2 === 0 ? "Anna@Example.com" : "anna@example.com",
            reason: reasons[n % 3] ?? "operator",
          },
          bySystem,
        ),
      ),
    );
    const rows = await db.selectFrom("suppressions").selectAll().execute();
    assert.deepEqual(
      rows.map((row) => [row.address, row.created_at]),
      [["anna@example.com", world.clock.now()]],
    );
    assert.deepEqual(await mailEvents(world), ["mail.suppressed"]);
    const { details, actor_kind } = await db
      .selectFrom("audit_events")
      .select(["details", "actor_kind"])
      .where("event", "=", "mail.suppressed")
      .executeTakeFirstOrThrow();
    assert.deepEqual([JSON.parse(details), actor_kind], [{ reason: rows[0]?.reason }, "system"]);
    for (const written of ["ANNA@example.com", "anna@example.com"])
      assert.ok(await isSuppressed(db, written));
    assert.ok(!(await isSuppressed(db, "anna@example.org")));
  },
);

eachWorld(
  "an address that bounced gets no mail, until an operator clears the entry",
  async (world) => {
    const token = await superuserToken(world);
    const user = await world.user({ email: "anna@example.com" });
    const before = await startReset(world, user.email);
    assert.equal((await world.mails()).length, 1);

    assert.equal(
      (await report(world, { kind: "hard_bounce", address: "Anna@EXAMPLE.com" })).status,
      204,
    );
    const after = await startReset(world, user.email);
    assert.deepEqual(
      [after.status, Object.keys(after.body)],
      [before.status, Object.keys(before.body)],
    );
    assert.equal(after.status, 202);
    assert.equal((await world.mails()).length, 1);

    const [entry, ...others] = await listed(world, token);
    assert.ok(entry !== undefined && others.length === 0);
    assert.deepEqual(
      [entry.address, entry.reason, entry.createdAt],
      ["anna@example.com", "hard_bounce", world.clock.now()],
    );
    assert.equal(
      (await world.request("DELETE", `/v1/admin/suppressions/${entry.id}`, { token })).status,
      204,
    );
    assert.equal(
      (await world.request("DELETE", `/v1/admin/suppressions/${entry.id}`, { token })).body.code,
      "not_found",
    );
    assert.deepEqual(await listed(world, token), []);
    await startReset(world, user.email);
    assert.equal((await world.mails()).length, 2);
    assert.deepEqual(await mailEvents(world), ["mail.suppressed", "mail.suppression_cleared"]);
  },
);

eachWorld(
  "an operator suppresses an address without an account; the audit names the operator",
  async (world) => {
    const operator = await world.user({ superuser: true });
    const { accessToken: token } = await world.signIn(operator);
    const add = async (address: string) =>
      world.request("POST", "/v1/admin/suppressions", { token, body: { address } });
    assert.equal((await add("Nobody@bücher.example")).status, 204);
    assert.equal((await add("nobody@xn--bcher-kva.example")).status, 204);
    assert.deepEqual(
      (await listed(world, token)).map(({ address, reason }) => [address, reason]),
      [["nobody@xn--bcher-kva.example", "operator"]],
    );
    const refused = await add("not an address");
    assert.deepEqual(
      [refused.status, refused.body["errors"]],
      [422, [{ path: "/address", message: "must be one plain e-mail address" }]],
    );
    const events = await world.rules.db
      .selectFrom("audit_events")
      .selectAll()
      .where("event", "=", "mail.suppressed")
      .execute();
    assert.deepEqual(
      events.map((event) => [event.actor_kind, event.actor_id, event.result]),
      [["superuser", operator.id, "done"]],
    );

    await register(world, "nobody@bücher.example");
    assert.deepEqual(await world.mails(), []);
  },
);

eachWorld("if twenty callers clear one suppression at once, one is told so", async (world) => {
  const token = await superuserToken(world);
  await world.request("POST", "/v1/admin/suppressions", {
    token,
    body: { address: "anna@example.com" },
  });
  const [entry] = await listed(world, token);
  const cleared = await par(20, async () =>
    world.request("DELETE", `/v1/admin/suppressions/${entry?.id}`, { token }),
  );
  assert.deepEqual(statuses(cleared), { 204: 1, 404: 19 });
  assert.equal(
    (await mailEvents(world)).filter((event) => event === "mail.suppression_cleared").length,
    1,
  );
});

eachWorld(
  "a report with one address that cannot be read suppresses none of them, and says which it is",
  async (world) => {
    const refused = await report(
      world,
      { kind: "complaint", address: "anna@example.com" },
      { kind: "complaint", address: "a b@example.com" },
      { kind: "hard_bounce", address: "carl" },
    );
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body["errors"]],
      [
        422,
        "invalid_input",
        ["/reports/1/address", "/reports/2/address"].map((path) => ({
          path,
          message: "must be one plain e-mail address",
        })),
      ],
    );
    assert.equal(await isSuppressed(world.rules.db, "anna@example.com"), false);
  },
);

eachWorld(
  "reports with the same addresses in different orders, all at once, do not deadlock",
  async (world) => {
    const addresses = Array.from({ length: 12 }, (_, n) => `user${n}@example.com`);
    const answers = await par(addresses.length, async (n) => {
      const turned = [...addresses.slice(n), ...addresses.slice(0, n)];
      return report(
        world,
        ...(n % 2 === 0 ? turned : turned.toReversed()).map((address) => ({
          kind: "hard_bounce",
          address,
        })),
      );
    });
    assert.deepEqual(statuses(answers), { 204: addresses.length });
    assert.equal((await mailEvents(world)).length, addresses.length);
  },
);

eachWorld(
  "PV-01: the suppression of an address is deleted together with its user",
  async (world) => {
    const user = await world.user({ email: "anna@example.com" });
    await world.user({ email: "bob@example.com" });
    for (const address of ["anna@example.com", "bob@example.com"])
      await report(world, { kind: "complaint", address });
    const { accessToken: token } = await world.signIn(user);
    assert.equal(
      (await world.request("DELETE", "/v1/me", { token, body: { password: user.password } }))
        .status,
      204,
    );
    assert.ok(!(await dump(world)).suppressions.includes("anna@"));
    assert.ok(await isSuppressed(world.rules.db, "bob@example.com"));
  },
);
