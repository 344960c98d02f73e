import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { composeApp, composeRules } from "../../src/process/compose.ts";
import type { Rules } from "../../src/process/rules.ts";
import type { App } from "../../src/platform/http/app.ts";
import type { SessionTokens } from "../../src/accounts/users/ports.ts";
import {
  eachWorld,
  publicUrl,
  whileTimePasses,
  type AnswerOf,
  type TestUser,
  type World,
} from "../world.ts";

interface Node {
  readonly rules: Rules;
  readonly app: App;
}

/** Runs a second server over the same database. */
async function withSecondNode(world: World, run: (node: Node) => Promise<void>): Promise<void> {
  const rules = await composeRules(world.parts);
  const app = composeApp(world.parts, rules, () => "ready");
  await rules.feed.start();
  try {
    await run({ rules, app });
  } finally {
    await rules.feed.stop();
  }
}

const statusAt = async (node: Node, token: string) =>
  (
    await node.app.fetch(
      new Request(`${publicUrl}/v1/token`, { headers: { authorization: `Bearer ${token}` } }),
      {},
    )
  ).status;

const acts: Readonly<
  Record<
    string,
    (world: World, user: TestUser, tokens: SessionTokens) => Promise<{ readonly status: number }>
  >
> = {
  "log out here": async (world, _user, { accessToken }) =>
    world.request("DELETE", "/v1/sessions/current", { token: accessToken }),
  "log out another device": async (world, user, { sessionId }) =>
    world.request("DELETE", `/v1/sessions/${sessionId}`, {
      token: (await world.signIn(user)).accessToken,
    }),
  "log out everywhere": async (world, _user, { accessToken }) =>
    world.request("DELETE", "/v1/sessions", { token: accessToken }),
  "log out by refresh token": async (world, _user, { refreshToken }) =>
    world.request("POST", "/v1/sessions/logout", { body: { refreshToken } }),
  "an operator ends the session": async (world, user, { sessionId }) =>
    world.request("DELETE", `/v1/admin/users/${user.id}/sessions/${sessionId}`, {
      token: await operator(world),
    }),
  "an operator ends all sessions of the user": async (world, user) =>
    world.request("DELETE", `/v1/admin/users/${user.id}/sessions`, {
      token: await operator(world),
    }),
  "an operator ends every session of everyone": async (world) =>
    world.request("DELETE", "/v1/admin/sessions", { token: await operator(world) }),
  "an operator disables the user": async (world, user) =>
    world.request("POST", `/v1/admin/users/${user.id}/disable`, { token: await operator(world) }),
  "an operator deletes the user": async (world, user) =>
    world.request("DELETE", `/v1/admin/users/${user.id}`, { token: await operator(world) }),
  "the user deletes the account": async (world, user, { accessToken }) =>
    world.request("DELETE", "/v1/me", { token: accessToken, body: { password: user.password } }),
  "the password is changed": async (world, user, { accessToken }) =>
    world.request("POST", "/v1/me/password", {
      token: accessToken,
      body: { currentPassword: user.password, newPassword: "eleven loud geese" },
    }),
  "the password is reset": async (world, user) => {
    const started = await world.request<AnswerOf<typeof endpoints.startPasswordReset, 202>>(
      "POST",
      "/v1/password-resets",
      {
        body: { email: user.email },
      },
    );
    const code = /\b\d{8}\b/.exec((await world.mails())[0]?.text ?? "")?.[0];
    return world.request("POST", "/v1/password-resets/confirm", {
      body: { resetId: started.body.resetId, code, newPassword: "eleven loud geese" },
    });
  },
  "a refresh token is used twice": async (world, _user, { refreshToken }) => {
    world.clock.advance(10);
    await world.request("POST", "/v1/sessions/refresh", { body: { refreshToken } });
    world.clock.advance(10);
    const replay = await world.request("POST", "/v1/sessions/refresh", { body: { refreshToken } });
    return { status: replay.status === 401 ? 200 : replay.status };
  },
};

async function operator(world: World): Promise<string> {
  return (await world.signIn(await world.user({ superuser: true }))).accessToken;
}

for (const [name, act] of Object.entries(acts)) {
  eachWorld(
    `RV-01 when "${name}" has answered, the access token is refused on every node and the refresh token too`,
    async (world) => {
      await withSecondNode(world, async (node) => {
        const user = await world.user();
        const tokens = await world.signIn(user);
        assert.equal(await statusAt(node, tokens.accessToken), 200);
        const { status } = await whileTimePasses(world, act(world, user, tokens));
        assert.ok(status < 300, `answered ${status}`);
        // No time passes between the answer and these calls: no poll, no turn of a clock.
        const here = await world.request("GET", "/v1/token", { token: tokens.accessToken });
        assert.equal(await statusAt(node, tokens.accessToken), 401);
        assert.deepEqual([here.status, here.body.code], [401, "session_ended"]);
        assert.equal(typeof here.body["cause"], "string");
        const refreshed = await world.request("POST", "/v1/sessions/refresh", {
          body: { refreshToken: tokens.refreshToken },
        });
        assert.equal(refreshed.status, 401);
      });
    },
  );
}

type Repeat = (world: World) => Promise<{ readonly status: number }>;

/** Calls that find nothing left to do if they are repeated. Each is prepared first. */
const repeatable: Readonly<
  Record<string, (world: World, user: TestUser, tokens: SessionTokens) => Promise<Repeat>>
> = {
  "log out here": async (_world, _user, { accessToken }) => {
    return async (world) => world.request("DELETE", "/v1/sessions/current", { token: accessToken });
  },
  "log out by refresh token": async (_world, _user, { refreshToken }) => {
    return async (world) =>
      world.request("POST", "/v1/sessions/logout", { body: { refreshToken } });
  },
  "log out another device": async (world, user, { sessionId }) => {
    const { accessToken: token } = await world.signIn(user);
    return async (node) => node.request("DELETE", `/v1/sessions/${sessionId}`, { token });
  },
  "an operator ends the session": async (world, user, { sessionId }) => {
    const token = await operator(world);
    return async (node) =>
      node.request("DELETE", `/v1/admin/users/${user.id}/sessions/${sessionId}`, { token });
  },
  "an operator disables the user": async (world, user) => {
    const token = await operator(world);
    return async (node) => node.request("POST", `/v1/admin/users/${user.id}/disable`, { token });
  },
  "an operator deletes the user": async (world, user) => {
    const token = await operator(world);
    return async (node) => node.request("DELETE", `/v1/admin/users/${user.id}`, { token });
  },
  "an operator deletes the user who was disabled": async (world, user) => {
    const token = await operator(world);
    return async (node) => {
      await node.request("POST", `/v1/admin/users/${user.id}/disable`, { token });
      return node.request("DELETE", `/v1/admin/users/${user.id}`, { token });
    };
  },
};

for (const [name, prepare] of Object.entries(repeatable)) {
  eachWorld(
    `RV-23 a second "${name}" does not answer before the other nodes refuse what the first one ended`,
    async (world) => {
      await withSecondNode(world, async (node) => {
        const user = await world.user();
        const tokens = await world.signIn(user);
        const act = await prepare(world, user, tokens);
        assert.equal(await statusAt(node, tokens.accessToken), 200);
        const answers = [act(world), act(world)].map(async (answer) => {
          const { status } = await answer;
          // No node may accept the token once either call has been acknowledged.
          if (status < 300 || status === 404)
            assert.equal(await statusAt(node, tokens.accessToken), 401, `after ${status}`);
          return status;
        });
        // Time stands still, so the other node does not poll: neither call may answer yet.
        await untilRevoked(world, [tokens.sessionId, user.id]);
        await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(await statusAt(node, tokens.accessToken), 200, "the node has not polled");
        const told = await whileTimePasses(world, Promise.all(answers));
        // Either of two calls at once may be the one that finds nothing left to do.
        assert.ok(
          told.some((status) => status < 300),
          `answered ${told.join(" and ")}`,
        );
        for (const status of told)
          assert.ok([204, 401, 404].includes(status), `answered ${told.join(" and ")}`);
        assert.equal(await statusAt(node, tokens.accessToken), 401);
      });
    },
  );
}

async function untilRevoked(world: World, subjects: readonly string[]): Promise<void> {
  for (;;) {
    const row = await world.rules.db
      .selectFrom("revocations")
      .select("seq")
      .where("subject", "in", subjects)
      .executeTakeFirst();
    if (row !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

eachWorld(
  "RV-08 logging one device out leaves the others; repeating it, or naming a stranger's session, changes nothing",
  async (world) => {
    const anna = await world.user();
    const [one, two] = [await world.signIn(anna), await world.signIn(anna)];
    const stranger = await world.signIn(await world.user());
    for (const id of [
      two.sessionId,
      two.sessionId,
      stranger.sessionId,
      "00000000-0000-7000-8000-000000000000",
    ]) {
      assert.equal(
        (await world.request("DELETE", `/v1/sessions/${id}`, { token: one.accessToken })).status,
        204,
      );
    }
    assert.equal((await world.request("GET", "/v1/token", { token: one.accessToken })).status, 200);
    assert.equal(
      (await world.request("GET", "/v1/token", { token: two.accessToken })).body["cause"],
      "logout_other_device",
    );
    assert.equal(
      (await world.request("GET", "/v1/token", { token: stranger.accessToken })).status,
      200,
    );
    const ended = await world.rules.db
      .selectFrom("audit_events")
      .select("session_id")
      .where("event", "=", "session.ended")
      .execute();
    assert.deepEqual(ended, [{ session_id: two.sessionId }]);
  },
);

eachWorld(
  "RV-06 a login in the second of a logout everywhere works, and earlier tokens are dead",
  async (world) => {
    const user = await world.user();
    for (let round = 0; round < 20; round += 1) {
      const before = await world.signIn(user);
      assert.equal(
        (await world.request("DELETE", "/v1/sessions", { token: before.accessToken })).status,
        204,
      );
      const after = await world.signIn(user);
      assert.equal(
        (await world.request("GET", "/v1/token", { token: before.accessToken })).status,
        401,
      );
      assert.equal(
        (await world.request("GET", "/v1/token", { token: after.accessToken })).status,
        200,
      );
    }
  },
);

eachWorld(
  "a user who registers in the second in which everything is revoked can sign in",
  async (world) => {
    for (let round = 0; round < 3; round += 1)
      await world.request("DELETE", "/v1/admin/sessions", { token: await operator(world) });
    const tokens = await world.signIn(await world.user());
    assert.equal(
      (await world.request("GET", "/v1/token", { token: tokens.accessToken })).status,
      200,
    );
    world.clock.advance(10);
    assert.equal(
      (
        await world.request("POST", "/v1/sessions/refresh", {
          body: { refreshToken: tokens.refreshToken },
        })
      ).status,
      200,
    );
  },
);

eachWorld("a token is verified without a database query", async (world) => {
  const { accessToken } = await world.signIn(await world.user());
  const before = world.queries();
  for (let round = 0; round < 200; round += 1)
    assert.equal((await world.request("GET", "/v1/token", { token: accessToken })).status, 200);
  assert.equal(world.queries(), before);
});

eachWorld("JW-02 unknown key ids cause no database query", async (world) => {
  const { accessToken } = await world.signIn(await world.user());
  const [, payload, signature] = accessToken.split(".");
  const before = world.queries();
  for (let round = 0; round < 1000; round += 1) {
    const header = Buffer.from(
      JSON.stringify({ alg: "ES256", typ: "at+jwt", kid: `unknown-${round}` }),
    ).toString("base64url");
    assert.equal(
      (await world.request("GET", "/v1/token", { token: `${header}.${payload}.${signature}` }))
        .status,
      401,
    );
  }
  assert.equal(world.queries(), before);
});

eachWorld(
  "RV-13 a revocation outlives the last token it covers, even if the lifetime is changed afterwards",
  async (world) => {
    const tokens = await world.signIn(await world.user());
    await world.request("DELETE", "/v1/sessions/current", { token: tokens.accessToken });
    const row = await world.rules.db
      .selectFrom("revocations")
      .select("expires_at")
      .where("subject", "=", tokens.sessionId)
      .executeTakeFirstOrThrow();
    assert.equal(row.expires_at, world.clock.now() + tokens.expiresInSeconds + 15);
  },
);

eachWorld(
  "RV-04 a change that is rolled back leaves no revocation, and a revocation that cannot be written undoes its cause",
  async (world) => {
    const user = await world.user();
    const tokens = await world.signIn(user);
    await world.rules.db.schema.alterTable("revocations").renameTo("elsewhere").execute();
    assert.ok(
      (await world.request("DELETE", "/v1/sessions/current", { token: tokens.accessToken }))
        .status >= 500,
    );
    await world.rules.db.schema.alterTable("elsewhere").renameTo("revocations").execute();
    const session = await world.rules.db
      .selectFrom("sessions")
      .select("revoked_at")
      .where("id", "=", tokens.sessionId)
      .executeTakeFirstOrThrow();
    assert.equal(session.revoked_at, null);
    assert.equal(
      (await world.request("GET", "/v1/token", { token: tokens.accessToken })).status,
      200,
    );
  },
);

eachWorld(
  "RV-02 a dead node delays a revoking call for the staleness bound and no longer",
  async (world) => {
    const tokens = await world.signIn(await world.user());
    const now = world.clock.now();
    await world.rules.db
      .insertInto("leases")
      .values({ node_id: "dead", boot_id: "dead", lease_until: now + 1000, applied_before: 0 })
      .execute();
    const startedAt = world.clock.monotonicMilliseconds();
    const { status } = await whileTimePasses(
      world,
      world.request("DELETE", "/v1/sessions/current", { token: tokens.accessToken }),
    );
    const took = world.clock.monotonicMilliseconds() - startedAt;
    assert.equal(status, 204);
    assert.ok(took >= 10_000 && took < 12_000, `${took} ms`);
  },
);
