import type { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import { test } from "node:test";
import { enrolTotp, stepUp, totpCode } from "../../../test/second-factor.ts";
import { attempt, PASSWORD } from "../../../test/steps.ts";
import { eachWorld, type AnswerOf, type Refused, type World } from "../../../test/world.ts";
import { operator } from "../../records/audit/origin.ts";
import { disableUser, enableUser } from "../users/disable-user.ts";
import { personalData } from "./personal-data.ts";

type Activity = AnswerOf<typeof endpoints.listActivity>;
type Exported = AnswerOf<typeof endpoints.exportMe>;

const activityOf = async (world: World, token: string, query = "") =>
  (await world.request<Activity & Refused>("GET", `/v1/me/activity${query}`, { token })).body;

const exportOf = async (world: World, token: string) =>
  world.request<Exported & Refused>("GET", "/v1/me/export", { token });

eachWorld(
  "the activity has sign-ins, failures and ends with their causes, and nothing of other users",
  async (world) => {
    const [anna, bert] = [await world.user(), await world.user()];
    const first = await world.signIn(anna, { address: "192.0.2.1" });
    await world.signIn(bert);
    await attempt(world, anna.email, "a wrong password", { address: "198.51.100.9" });
    const second = await world.signIn(anna, { address: "192.0.2.2" });
    const token = second.accessToken;
    await world.request("DELETE", `/v1/sessions/${first.sessionId}`, { token });

    const { items, nextCursor } = await activityOf(world, token);
    assert.equal(nextCursor, null);
    assert.deepEqual(
      items.map(({ event, by, result, address, sessionId, cause }) => [
        event,
        by,
        result,
        address,
        sessionId,
        cause,
      ]),
      [
        ["session.ended", "user", "done", "192.0.2.1", first.sessionId, "logout_other_device"],
        ["session.opened", "user", "done", "192.0.2.2", second.sessionId, null],
        ["sign_in.failed", "unknown", "refused", "198.51.100.9", null, null],
        ["session.opened", "user", "done", "192.0.2.1", first.sessionId, null],
      ],
    );
    const page = await activityOf(world, token, "?limit=2");
    assert.deepEqual(page.items, items.slice(0, 2));
    const rest = await activityOf(world, token, `?limit=2&cursor=${page.nextCursor}`);
    assert.deepEqual(rest.items, items.slice(2));

    const other = await world.signIn(bert);
    const stolen = await activityOf(world, other.accessToken, `?cursor=${page.nextCursor}`);
    assert.equal(stolen.code, "invalid_input", "a cursor belongs to the user that it was made for");
  },
);

eachWorld("the activity tells that an operator acted, and not from where or who", async (world) => {
  const anna = await world.user();
  const admin = await world.user({ superuser: true });
  const origin = {
    address: "203.0.113.77",
    requestId: "r",
    actor: { kind: "superuser", id: admin.id },
  } as const;
  await disableUser(world.rules, anna.id, origin);
  await enableUser(world.rules, anna.id, operator);
  world.clock.advance(1);
  const { accessToken } = await world.signIn(anna);
  const answered = await world.request<Activity>("GET", "/v1/me/activity", {
    token: accessToken,
  });
  const acts = answered.body.items.filter(({ by }) => by === "operator");
  assert.ok(acts.some(({ event }) => event === "user.disabled"));
  assert.ok(acts.some(({ event }) => event === "user.enabled"));
  assert.ok(acts.every(({ address }) => address === null));
  assert.ok(!answered.text.includes(admin.id) && !answered.text.includes("203.0.113.77"));
});

eachWorld(
  "PV-03 the export has every row that is kept about the user, no secret, and nothing of another user",
  async (world) => {
    const anna = await world.user({ email: "anna@example.com", username: "anna" });
    const bert = await world.user({ email: "bert@example.com", username: "bertcanary" });
    for (const user of [anna, bert]) {
      const { accessToken: token } = await world.signIn(user);
      await world.request("PATCH", "/v1/me", {
        token,
        body: { profile: { displayName: `It is ${user.username}` } },
      });
      await world.request("POST", "/v1/me/email", {
        token,
        body: { newEmail: `new-${user.username}@example.com`, password: PASSWORD },
      });
      await world.request("POST", "/v1/password-resets", { body: { email: user.email } });
      await world.mails();
    }
    const { tokens, secret } = await enrolTotp(world, anna);
    await enrolTotp(world, bert);
    const exported = await exportOf(world, tokens.accessToken);
    assert.equal(exported.status, 200, exported.text);
    const { data, truncated, exportedAt } = exported.body;
    assert.deepEqual([truncated, exportedAt], [[], world.clock.now()]);
    assert.deepEqual(
      data["users"]?.map(({ email, profile }) => [email, profile]),
      [["anna@example.com", { displayName: "It is anna" }]],
    );
    for (const kind of [
      "sessions",
      "passwordResets",
      "emailChanges",
      "totpDevices",
      "recoveryCodes",
      "outbox",
      "auditEvents",
    ])
      assert.ok((data[kind]?.length ?? 0) > 0, `${kind} is empty`);
    assert.ok(!exported.text.includes("bert"), "nothing of another user");
    assert.ok(
      !exported.text.includes(secret) && !/\$argon2|\bmac\b|[sS]ealed|[hH]ash"/.test(exported.text),
    );

    for (const [table, personal] of Object.entries(personalData)) {
      if ("because" in personal || personal.rows.by !== "user") continue;
      const kept = await world.rules.db
        .selectFrom(table as "sessions")
        .selectAll()
        .where(personal.rows.column as "user_id", "=", anna.id)
        .execute();
      const kind = table.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
      assert.equal(data[kind]?.length, kept.length, table);
    }
  },
);

eachWorld(
  "PV-03 the export asks a user with a second factor to show it, and never a stale session",
  async (world) => {
    const anna = await world.user();
    const old = await world.signIn(anna);
    const { tokens, secret } = await enrolTotp(world, anna);
    const refused = await exportOf(world, old.accessToken);
    assert.equal(refused.body.code, "insufficient_user_authentication");
    world.clock.advance(301);
    assert.equal(
      (await exportOf(world, tokens.accessToken)).body.code,
      "insufficient_user_authentication",
    );
    const raised = await stepUp(world, tokens.accessToken, {
      factor: "totp",
      code: totpCode(world, secret),
    });
    assert.equal((await exportOf(world, raised.body.accessToken)).status, 200);
  },
);

eachWorld(
  "every table and column of the database is exported or left out for a reason",
  async ({ rules }) => {
    const tables = await rules.db.introspection.getTables();
    const found = tables.filter(
      ({ name }) => !name.startsWith("kysely") && !name.startsWith("pg_"),
    );
    assert.deepEqual(
      found.map(({ name }) => name).toSorted(),
      Object.keys(personalData).toSorted(),
    );
    for (const { name, columns } of found) {
      const personal = Object.entries(personalData).find(([table]) => table === name)?.[1];
      if (personal === undefined || "because" in personal) continue;
      assert.deepEqual(
        columns.map((column) => column.name).toSorted(),
        Object.keys(personal.columns).toSorted(),
        name,
      );
    }
  },
);

test("a reason is a sentence", () => {
  const reasons = Object.values(personalData).flatMap((personal) =>
    "because" in personal
      ? [personal.because]
      : Object.values(personal.columns).flatMap((column: string | { readonly because: string }) =>
          typeof column === "string" ? [] : [column.because],
        ),
  );
  assert.ok(reasons.length > 50);
  for (const reason of reasons) assert.match(reason, /^[A-Z].+ .+\.$/);
});
