import assert from "node:assert/strict";
import {
  attempt,
  codeIn,
  confirm,
  dump,
  eventsOf,
  isAccepted,
  join,
  latestMail,
  PASSWORD,
  refresh,
  register,
  tokenIn,
  type Account,
} from "../../../test/steps.ts";
import { eachWorld, type World } from "../../../test/world.ts";
import { removeUser } from "./delete-user.ts";
import { disableUser, enableUser } from "./disable-user.ts";

const operator = { address: null, requestId: null, actor: { kind: "operator" } } as const;
const remove = async (world: World, token: string, password: string) =>
  world.request("DELETE", "/v1/me", { token, body: { password } });

eachWorld(
  "deleting the account takes the password, and its sessions are dead when the answer comes",
  async (world) => {
    const user = await world.user();
    const [here, there] = [await world.signIn(user), await world.signIn(user)];
    assert.deepEqual(
      [
        (await remove(world, here.accessToken, "wrong")).body.code,
        await isAccepted(world, there.accessToken),
      ],
      ["wrong_password", true],
    );
    assert.equal((await remove(world, here.accessToken, user.password)).status, 204);
    for (const { accessToken, refreshToken } of [here, there]) {
      assert.equal(await isAccepted(world, accessToken), false);
      assert.equal((await refresh(world, refreshToken)).status, 401);
    }
    assert.equal((await attempt(world, user.email, user.password)).status, 401);
  },
);

eachWorld(
  "PV-01 nothing of a deleted person is left in any table but the audit's pseudonym",
  async (world) => {
    const canaries = [
      "canary-mail",
      "canary_name",
      "Canary Person",
      "canary agent",
      "canary password 1",
      "canary password 2",
    ];
    const [, username, displayName, agent, password = "", second = ""] = canaries;
    const email = "canary-mail@example.com";
    const headers = { "user-agent": agent ?? "" };
    // Traces in every corner: another spelling first, a registration still pending, two resets, a
    // failed sign-in, sessions, a change of password.
    await register(world, "Canary-Mail@example.com", { password });
    const account = await join(world, email, { password, username, profile: { displayName } });
    await register(world, "CANARY-MAIL@example.com", { password });
    const tokens = (await attempt(world, email, password, { headers })).body;
    await attempt(world, username ?? "", "wrong", { headers });
    await world.request("PATCH", "/v1/me", {
      token: tokens.accessToken,
      body: { profile: { displayName: "Canary Person II" } },
    });
    await world.request("POST", "/v1/password-resets", { body: { email } });
    await world.mails();
    await world.request("POST", "/v1/password-resets", { body: { email } });
    const changed = await world.request<typeof tokens>("POST", "/v1/me/password", {
      token: tokens.accessToken,
      headers,
      body: { currentPassword: password, newPassword: second },
    });
    assert.equal(changed.status, 200, changed.text);
    const before = Object.values(await dump(world)).join("\n");
    for (const canary of canaries.slice(0, 4))
      assert.ok(before.toLowerCase().includes(canary.toLowerCase()), `${canary} was somewhere`);

    assert.equal((await remove(world, changed.body.accessToken, second)).status, 204);
    const { audit_events: audit, ...others } = await dump(world);
    for (const canary of canaries) {
      for (const [table, text] of Object.entries({ ...others, audit }))
        assert.ok(!text.toLowerCase().includes(canary.toLowerCase()), `${canary} in ${table}`);
    }
    const traces = Object.entries(others)
      .filter(([, text]) => text.includes(account.id))
      .map(([table]) => table);
    assert.deepEqual(
      traces.toSorted(),
      ["attempts", "counters", "revocations"],
      "what still names the pseudonym ends by itself",
    );
    assert.ok(audit.includes(account.id));
  },
);

eachWorld(
  "PV-02 an address registered again after a deletion is somebody else: new id, and the old tokens stay dead",
  async (world) => {
    const email = "anna@example.com";
    const first = await join(world, email);
    const old = (await attempt(world, email, PASSWORD)).body;
    await world.request("POST", "/v1/password-resets", { body: { email } });
    const reset = tokenIn(await latestMail(world, email));
    await remove(world, old.accessToken, PASSWORD);

    const second = await join(world, email);
    assert.notEqual(second.id, first.id);
    assert.equal(await isAccepted(world, old.accessToken), false);
    assert.equal((await refresh(world, old.refreshToken)).status, 401);
    assert.equal(
      (
        await world.request("POST", "/v1/password-resets/confirm", {
          body: { token: reset, newPassword: "nine grey geese fly" },
        })
      ).body.code,
      "invalid_link",
    );
    assert.equal(
      (await attempt(world, email, PASSWORD)).body.accessToken === old.accessToken,
      false,
    );
    const me = await world.request<Account>("GET", "/v1/me", {
      token: (await attempt(world, email, PASSWORD)).body.accessToken,
    });
    assert.equal(me.body.id, second.id);
    const numbers = await world.rules.db.selectFrom("users").select("number").execute();
    assert.ok(
      numbers.every(({ number }) => number > 1),
      "a number is not reused either",
    );
  },
);

eachWorld(
  "a registration that was pending when the account of its address was deleted cannot be confirmed",
  async (world) => {
    const email = "anna@example.com";
    await join(world, email);
    const pending = await register(world, email);
    await remove(world, (await attempt(world, email, PASSWORD)).body.accessToken, PASSWORD);
    assert.equal((await confirm(world, pending.body, "00000000")).body.code, "invalid_code");
  },
);

eachWorld(
  "a code that made an account does not make it again after the account was deleted",
  async (world) => {
    const email = "anna@example.com";
    const pending = await register(world, email);
    const code = codeIn(await latestMail(world, email));
    assert.equal((await confirm(world, pending.body, code)).status, 201);
    await remove(world, (await attempt(world, email, PASSWORD)).body.accessToken, PASSWORD);
    assert.equal((await confirm(world, pending.body, code)).body.code, "invalid_code");
  },
);

eachWorld(
  "RF-10 a disabled user is out at once: access token, refresh, sign-in; enabled again, sessions stay ended",
  async (world) => {
    const user = await world.user();
    const tokens = await world.signIn(user);
    assert.equal((await disableUser(world.rules, user.id, operator)).kind, "done");
    assert.equal(await isAccepted(world, tokens.accessToken), false);
    const told = await refresh(world, tokens.refreshToken);
    assert.deepEqual(
      [told.status, told.body.code, told.body["cause"]],
      [401, "session_ended", "user_disabled"],
    );
    assert.equal(
      (await attempt(world, user.email, user.password)).body.code,
      "invalid_credentials",
    );
    await disableUser(world.rules, user.id, operator);
    assert.equal(
      (await eventsOf(world)).filter((event) => event === "user.disabled").length,
      1,
      "disabling twice is one event",
    );

    await enableUser(world.rules, user.id, operator);
    assert.equal((await refresh(world, tokens.refreshToken)).status, 401);
    assert.equal((await attempt(world, user.email, user.password)).status, 201);
  },
);

eachWorld("a user who is not there can neither be disabled, enabled nor deleted", async (world) => {
  const nobody = "00000000-0000-4000-8000-000000000000";
  for (const end of [disableUser, removeUser, enableUser])
    assert.equal((await end(world.rules, nobody, operator)).kind, "unknown");
  assert.deepEqual(
    (await eventsOf(world)).filter((event) => event.startsWith("user.")),
    [],
  );
});
