import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { attempt, countRows, isAccepted, par, refresh } from "../../../test/steps.ts";
import { eachWorld, type AnswerOf, type World } from "../../../test/world.ts";
import { removeUser } from "../users/delete-user.ts";
import { disableUser } from "../users/disable-user.ts";

type Listed = AnswerOf<typeof endpoints.listSessions>;
const operator = { address: null, requestId: null, actor: { kind: "operator" } } as const;
const DAY = 86_400;

const list = async (world: World, token: string) =>
  (await world.request<Listed>("GET", "/v1/sessions", { token })).body.items;
const end = async (world: World, path: string, token: string) =>
  (await world.request("DELETE", path, { token })).status;
const causesOf = async (world: World, userId: string) => {
  const rows = await world.rules.db
    .selectFrom("sessions")
    .select("revoked_cause")
    .where("user_id", "=", userId)
    .orderBy("revoked_cause")
    .execute();
  return rows.map((row) => row.revoked_cause);
};

eachWorld(
  "AU-05 users see their own devices: where, with what, since when, and which of them this is",
  async (world) => {
    const [user, stranger] = [await world.user(), await world.user()];
    await world.signIn(stranger);
    const laptop = await world.signIn(user, {
      address: "198.51.100.7",
      headers: { "user-agent": "Laptop/1.0" },
    });
    world.clock.advance(60);
    const phone = await world.signIn(user, {
      address: "2001:db8::7",
      headers: { "user-agent": "Phone/2.0" },
    });
    const now = world.clock.now();
    const items = await list(world, laptop.accessToken);
    assert.deepEqual(
      items.map(({ id, current, createdAt, lastUsedAt, address, userAgent, amr }) => ({
        id,
        current,
        createdAt,
        lastUsedAt,
        address,
        userAgent,
        amr,
      })),
      [
        {
          id: phone.sessionId,
          current: false,
          createdAt: now,
          lastUsedAt: now,
          address: "2001:db8::7",
          userAgent: "Phone/2.0",
          amr: ["pwd"],
        },
        {
          id: laptop.sessionId,
          current: true,
          createdAt: now - 60,
          lastUsedAt: now - 60,
          address: "198.51.100.7",
          userAgent: "Laptop/1.0",
          amr: ["pwd"],
        },
      ],
    );
    assert.deepEqual([items[0]?.idleEndsAt, items[0]?.endsAt], [now + 14 * DAY, now + 90 * DAY]);
    assert.equal(
      (await list(world, phone.accessToken)).find(({ current }) => current)?.id,
      phone.sessionId,
    );
  },
);

eachWorld(
  "AU-05 a session that moves is shown where it was last, and one that has ended is not shown",
  async (world) => {
    const user = await world.user();
    const [one, two] = [await world.signIn(user), await world.signIn(user)];
    world.clock.advance(30);
    const moved = await world.request<typeof one>("POST", "/v1/sessions/refresh", {
      body: { refreshToken: two.refreshToken },
      address: "203.0.113.9",
      headers: { "user-agent": "Train/3.0" },
    });
    assert.equal(moved.status, 200);
    const [first] = await list(world, moved.body.accessToken);
    assert.deepEqual(
      [first?.id, first?.address, first?.userAgent, first?.lastUsedAt],
      [two.sessionId, "203.0.113.9", "Train/3.0", world.clock.now()],
    );
    await end(world, "/v1/sessions/current", one.accessToken);
    assert.deepEqual(
      (await list(world, moved.body.accessToken)).map(({ id }) => id),
      [two.sessionId],
    );
  },
);

eachWorld(
  "RV-08 ending one device leaves the others, twice is as once, and what is unknown or somebody else's is nothing",
  async (world) => {
    const [user, stranger] = [await world.user(), await world.user()];
    const [here, there, third] = [
      await world.signIn(user),
      await world.signIn(user),
      await world.signIn(user),
    ];
    const theirs = await world.signIn(stranger);
    for (let twice = 0; twice < 2; twice += 1)
      assert.equal(await end(world, `/v1/sessions/${there.sessionId}`, here.accessToken), 204);
    assert.deepEqual(
      [
        await isAccepted(world, there.accessToken),
        await isAccepted(world, here.accessToken),
        await isAccepted(world, third.accessToken),
      ],
      [false, true, true],
    );

    const before = [await countRows(world, "revocations"), await countRows(world, "audit_events")];
    assert.equal(await end(world, `/v1/sessions/${theirs.sessionId}`, here.accessToken), 204);
    assert.equal(
      await end(world, "/v1/sessions/00000000-0000-7000-8000-000000000000", here.accessToken),
      204,
    );
    assert.deepEqual(
      [await countRows(world, "revocations"), await countRows(world, "audit_events")],
      before,
      "nothing was written",
    );
    assert.ok(await isAccepted(world, theirs.accessToken));
    assert.equal((await refresh(world, theirs.refreshToken)).status, 200);
    assert.equal(await end(world, "/v1/sessions/not-an-id", here.accessToken), 422);
  },
);

eachWorld(
  "RV-08 logging out ends this session, and a client that comes again with its token is told so",
  async (world) => {
    const user = await world.user();
    const { accessToken, refreshToken } = await world.signIn(user);
    assert.equal(await end(world, "/v1/sessions/current", accessToken), 204);
    const again = await world.request("DELETE", "/v1/sessions/current", { token: accessToken });
    assert.deepEqual(
      [again.status, again.body.code, again.body["cause"]],
      [401, "session_ended", "logout"],
    );
    const refreshed = await refresh(world, refreshToken);
    assert.deepEqual(
      [refreshed.status, refreshed.body.code, refreshed.body["cause"], refreshed.body["endedAt"]],
      [401, "session_ended", "logout", world.clock.now()],
    );
  },
);

eachWorld(
  "RV-09 a client whose access token has expired logs out with its refresh token, which may be an old one",
  async (world) => {
    const user = await world.user();
    const session = await world.signIn(user);
    world.clock.advance(30);
    const next = (await refresh(world, session.refreshToken)).body;
    world.clock.advance(3600);
    assert.equal(await end(world, "/v1/sessions/current", next.accessToken), 401);
    for (let twice = 0; twice < 2; twice += 1) {
      assert.equal(
        (
          await world.request("POST", "/v1/sessions/logout", {
            body: { refreshToken: session.refreshToken },
          })
        ).status,
        204,
      );
    }
    assert.equal((await refresh(world, next.refreshToken)).body["cause"], "logout");
  },
);

eachWorld(
  "RV-09 a text that is no refresh token logs no user out and is answered the same",
  async (world) => {
    const { accessToken, refreshToken } = await world.signIn(await world.user());
    const forged = `${refreshToken.slice(0, -4)}AAAA`;
    for (const token of [forged, accessToken.slice(0, 512), "x".repeat(64)]) {
      assert.equal(
        (await world.request("POST", "/v1/sessions/logout", { body: { refreshToken: token } }))
          .status,
        204,
      );
    }
    assert.ok(await isAccepted(world, accessToken));
  },
);

eachWorld(
  "RF-10 a user who is disabled or deleted, or has logged out everywhere, cannot refresh any more",
  async (world) => {
    const [disabled, deleted, everywhere] = [
      await world.user(),
      await world.user(),
      await world.user(),
    ];
    const tokens = await Promise.all(
      [disabled, deleted, everywhere].map(async (user) => world.signIn(user)),
    );
    world.clock.advance(30);
    await disableUser(world.rules, disabled.id, operator);
    await removeUser(world.rules, deleted.id, operator);
    await end(world, "/v1/sessions", tokens[2]?.accessToken ?? "");
    const told = [];
    for (const { refreshToken } of tokens) {
      const { status, body } = await refresh(world, refreshToken);
      told.push([status, body.code, body["cause"]]);
    }
    assert.deepEqual(told, [
      [401, "session_ended", "user_disabled"],
      [401, "invalid_refresh_token", undefined],
      [401, "session_ended", "logout_everywhere"],
    ]);
  },
);

eachWorld(
  "RF-10 a session whose user's hard epoch has moved on is over, whatever its own row says",
  async (world) => {
    const user = await world.user();
    const { refreshToken } = await world.signIn(user);
    await world.rules.db
      .updateTable("users")
      .set((eb) => ({ hard_epoch: eb("hard_epoch", "+", 1) }))
      .where("id", "=", user.id)
      .execute();
    assert.equal((await refresh(world, refreshToken)).body.code, "session_ended");
  },
);

eachWorld("RF-10 a refresh takes over what the account has become", async (world) => {
  const user = await world.user();
  const { refreshToken } = await world.signIn(user);
  world.clock.advance(30);
  await world.rules.db
    .updateTable("users")
    .set({ authorization_epoch: 4 })
    .where("id", "=", user.id)
    .execute();
  const { accessToken } = (await refresh(world, refreshToken)).body;
  assert.equal(
    JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString()).aep,
    4,
  );
});

eachWorld(
  "RF-11 a session that is not used for two weeks ends as idle; each refresh puts that off",
  async (world) => {
    const user = await world.user();
    const used = await world.signIn(user);
    const unused = await world.signIn(user);
    world.clock.advance(14 * DAY - 1);
    const { refreshToken } = (await refresh(world, used.refreshToken)).body;
    world.clock.advance(1);
    const told = await refresh(world, unused.refreshToken);
    assert.deepEqual(
      [told.body.code, told.body["cause"], told.body["endedAt"]],
      ["session_ended", "idle", world.clock.now()],
    );
    assert.equal(
      (await list(world, (await refresh(world, refreshToken)).body.accessToken)).length,
      1,
    );
  },
);

eachWorld(
  "RF-11 no refresh moves the absolute end: after ninety days the session is over",
  async (world) => {
    const user = await world.user();
    const opened = await world.signIn(user);
    const { sessionId } = opened;
    let { refreshToken } = opened;
    const endOf = async () =>
      await world.rules.db
        .selectFrom("sessions")
        .select(["ends_at", "idle_ends_at", "auth_time"])
        .where("id", "=", sessionId)
        .executeTakeFirstOrThrow();
    const before = await endOf();
    for (let i = 0; i < 8; i += 1) {
      world.clock.advance(11 * DAY);
      const answered = await refresh(world, refreshToken);
      assert.equal(answered.status, 200);
      ({ refreshToken } = answered.body);
    }
    const after = await endOf();
    assert.deepEqual(
      [after.ends_at, after.auth_time, after.idle_ends_at <= after.ends_at],
      [before.ends_at, before.auth_time, true],
    );
    world.clock.advance(2 * DAY);
    const told = await refresh(world, refreshToken);
    assert.deepEqual([told.body.code, told.body["cause"]], ["session_ended", "expired"]);
  },
);

eachWorld(
  "RF-17 one more session than allowed ends the one used longest ago, dead tokens, cause and event included",
  async (world) => {
    const user = await world.user();
    const first = await world.signIn(user);
    world.clock.advance(20);
    const second = await world.signIn(user);
    world.clock.advance(20);
    assert.equal(
      (await refresh(world, first.refreshToken)).status,
      200,
      "so that the second is now used longest ago",
    );
    world.clock.advance(20);
    const third = await world.signIn(user);
    world.clock.advance(20);
    const fourth = await world.signIn(user);
    assert.deepEqual(
      await Promise.all(
        [first, second, third, fourth].map(async ({ accessToken }) =>
          isAccepted(world, accessToken),
        ),
      ),
      [true, false, true, true],
    );
    const told = await refresh(world, second.refreshToken);
    assert.deepEqual([told.body.code, told.body["cause"]], ["session_ended", "session_limit"]);
    assert.equal((await list(world, fourth.accessToken)).length, 3);
    const events = await world.rules.db
      .selectFrom("audit_events")
      .select(["session_id", "actor_kind", "details"])
      .where("event", "=", "session.ended")
      .execute();
    assert.deepEqual(events, [
      { session_id: second.sessionId, actor_kind: "system", details: '{"cause":"session_limit"}' },
    ]);
  },
  { PORTCULLIS_MAX_SESSIONS: "3" },
);

eachWorld(
  "RF-17 twenty sign-ins at once leave as many sessions as allowed",
  async (world) => {
    const user = await world.user();
    const opened = await par(
      20,
      async () => (await attempt(world, user.email, user.password)).body,
    );
    const alive = await Promise.all(
      opened.map(async ({ accessToken }) => isAccepted(world, accessToken)),
    );
    assert.equal(alive.filter(Boolean).length, 3);
  },
  { PORTCULLIS_MAX_SESSIONS: "3" },
);

eachWorld(
  "every end of a session has its cause: in the row, in the event, and in what its client is told",
  async (world) => {
    const user = await world.user();
    const sessions = await par(4, async () => world.signIn(user));
    const [a, b, c, d] = sessions;
    assert.ok(a && b && c && d);
    await end(world, "/v1/sessions/current", a.accessToken);
    await end(world, `/v1/sessions/${b.sessionId}`, c.accessToken);
    await end(world, `/v1/sessions/${c.sessionId}`, c.accessToken);
    await end(world, "/v1/sessions", d.accessToken);
    assert.deepEqual(await causesOf(world, user.id), [
      "logout",
      "logout",
      "logout_everywhere",
      "logout_other_device",
    ]);
    for (const [session, cause] of [
      [a, "logout"],
      [b, "logout_other_device"],
      [c, "logout"],
      [d, "logout_everywhere"],
    ] as const) {
      const byAccess = await world.request("GET", "/v1/token", { token: session.accessToken });
      assert.deepEqual(
        [byAccess.status, byAccess.body.code, byAccess.body["cause"]],
        [401, "session_ended", cause],
      );
      assert.equal((await refresh(world, session.refreshToken)).body["cause"], cause);
    }
    const events = await world.rules.db
      .selectFrom("audit_events")
      .select("details")
      .where("event", "in", ["session.ended", "sessions.ended"])
      .orderBy("position")
      .execute();
    assert.deepEqual(
      events.map((event) => JSON.parse(event.details).cause),
      ["logout", "logout_other_device", "logout", "logout_everywhere"],
    );
  },
);

eachWorld("no other user can see or end a user's sessions", async (world) => {
  const [user, eve] = [await world.user(), await world.user()];
  const theirs = await world.signIn(user);
  const own = await world.signIn(eve);
  assert.deepEqual(
    (await list(world, own.accessToken)).map(({ id }) => id),
    [own.sessionId],
  );
  await end(world, "/v1/sessions", own.accessToken);
  assert.ok(await isAccepted(world, theirs.accessToken));
  for (const path of ["/v1/sessions", "/v1/token", "/v1/me"])
    assert.equal((await world.request("GET", path)).status, 401);
});
