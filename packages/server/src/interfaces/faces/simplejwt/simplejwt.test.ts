import assert from "node:assert/strict";
import {
  claimsIn,
  complaint,
  headerOf,
  isGoodAtFace,
  obtain,
  post,
  refreshPair,
  rotating,
  shared,
  statusAtFace,
  type Pair,
} from "../../../../test/jwt.ts";
import {
  addressOf,
  anotherNode,
  attempt,
  eventsOf,
  isAccepted,
  mailsTo,
  par,
  statuses,
} from "../../../../test/steps.ts";
import { eachWorld, whileTimePasses, type TestUser, type World } from "../../../../test/world.ts";
import { removeUser } from "../../../accounts/users/delete-user.ts";
import { disableUser, enableUser } from "../../../accounts/users/disable-user.ts";
import { operator } from "../../../records/audit/origin.ts";

const BLACKLISTED = { detail: "Token is blacklisted", code: "token_not_valid" };
const INVALID = { detail: "Token is invalid or expired", code: "token_not_valid" };
const NO_ACCOUNT = {
  detail: "No active account found for the given token.",
  code: "no_active_account",
};
const GRACE = 10;

const logOut = async (world: World, token: string, body: object) =>
  post(world, "/logout_token/", body, { token });

for (const [under, options] of [
  ["the server's own key", rotating],
  ["a shared key", shared],
] as const) {
  eachWorld(
    `under ${under} a face's tokens carry SimpleJWT's claims beside ours and are accepted at the face`,
    async (world) => {
      const user = await world.user();
      const { access, refresh } = await obtain(world, user);
      const { number } = await world.rules.db
        .selectFrom("users")
        .select("number")
        .where("id", "=", user.id)
        .executeTakeFirstOrThrow();
      const claims = claimsIn(access);
      assert.deepEqual(
        [claims["token_type"], claims["user_id"], claims["sub"]],
        ["access", number, user.id],
      );
      assert.match(String(claims["jti"]), /^[0-9a-f]{32}$/);
      assert.equal(Number(claims["exp"]) - Number(claims["iat"]), 300);
      const ours = claimsIn(refresh);
      assert.deepEqual(
        [ours["token_type"], ours["user_id"], Number(ours["exp"]) - Number(ours["iat"])],
        ["refresh", number, 86_400],
      );
      assert.match(String(ours["jti"]), /^[0-9a-f]{32}$/);
      assert.ok(await isGoodAtFace(world, access));
      assert.deepEqual((await post(world, "/api/token/verify/", { token: access })).body, {});
      assert.deepEqual((await post(world, "/api/token/verify/", { token: refresh })).body, {});
    },
    options,
  );

  eachWorld(
    `under ${under} an access token and a refresh token cannot stand in for each other, and the refusal says why`,
    async (world) => {
      const { access, refresh } = await obtain(world, await world.user());
      for (const path of ["/api/token/refresh/", "/api/token/blacklist/"])
        assert.deepEqual(
          (await post(world, path, { refresh: access })).body,
          { detail: "Token has wrong type", code: "token_not_valid" },
          path,
        );
      assert.deepEqual(await complaint(world, refresh), {
        detail: "Given token not valid for any token type",
        code: "token_not_valid",
        messages: [
          { token_class: "AccessToken", token_type: "access", message: "Token has wrong type" },
        ],
      });
      assert.ok(await isGoodAtFace(world, access));
    },
    options,
  );
}

eachWorld(
  "with rotation a refresh token works once: its successor works, and it is blacklisted itself",
  async (world) => {
    const first = await obtain(world, await world.user());
    const second = (await refreshPair(world, first.refresh)).body;
    assert.deepEqual((await refreshPair(world, first.refresh)).body, BLACKLISTED);
    assert.deepEqual((await post(world, "/api/token/verify/", { token: first.refresh })).body, {
      non_field_errors: ["Token is blacklisted"],
    });
    assert.ok(await isGoodAtFace(world, second.access), "a replay within the grace is no theft");
    const third = await refreshPair(world, second.refresh);
    assert.equal(third.status, 200);
    assert.notEqual(third.body.refresh, second.refresh);
  },
  rotating,
);

eachWorld(
  "with rotation a predecessor that comes back after the grace period ends the session, and its user is told",
  async (world) => {
    const user = await world.user();
    const first = await obtain(world, user);
    const second = (await refreshPair(world, first.refresh)).body;
    world.clock.advance(GRACE);
    assert.deepEqual((await refreshPair(world, first.refresh)).body, BLACKLISTED);
    assert.equal(await isGoodAtFace(world, second.access), false);
    assert.deepEqual((await refreshPair(world, second.refresh)).body, BLACKLISTED);
    assert.equal((await mailsTo(world, user.email)).length, 1);
    assert.ok((await eventsOf(world)).includes("session.refresh_reused"));
  },
  rotating,
);

eachWorld(
  "if one token is refreshed fifty times at once, one call succeeds and its pair works",
  async (world) => {
    const { refresh } = await obtain(world, await world.user());
    const answers = await par(50, async () => refreshPair(world, refresh));
    assert.deepEqual(statuses(answers), { 200: 1, 401: 49 });
    const won = answers.find(({ status }) => status === 200) ?? assert.fail();
    assert.ok(await isGoodAtFace(world, won.body.access));
    assert.equal((await refreshPair(world, won.body.refresh)).status, 200);
  },
  rotating,
);

eachWorld(
  "a refresh without rotation returns only an access token, again and again, until the refresh token expires",
  async (world) => {
    const { refresh } = await obtain(world, await world.user());
    for (let time = 0; time < 3; time += 1) {
      const answered = await refreshPair(world, refresh);
      assert.deepEqual([answered.status, Object.keys(answered.body)], [200, ["access"]]);
      assert.ok(await isGoodAtFace(world, answered.body.access));
      world.clock.advance(8 * 3600 - 1);
      // A poll that began before the jump of the clock proves nothing after it.
      await world.rules.feed.refresh(250);
    }
    world.clock.advance(3);
    assert.deepEqual((await refreshPair(world, refresh)).body, INVALID);
  },
);

eachWorld("an access token is refused from the second in which it expires", async (world) => {
  const { access } = await obtain(world, await world.user());
  world.clock.advance(299);
  await world.rules.feed.refresh(250);
  assert.ok(await isGoodAtFace(world, access));
  world.clock.advance(1);
  assert.equal((await complaint(world, access)).code, "token_not_valid");
  assert.deepEqual((await post(world, "/api/token/verify/", { token: access })).body, INVALID);
});

eachWorld(
  "a logout through a face ends the access token at once, on another node too",
  async (world) => {
    const ways: Readonly<Record<string, (pair: Pair) => Promise<{ readonly status: number }>>> = {
      "one session": async ({ access, refresh }) =>
        logOut(world, access, { refresh_token: refresh }),
      "every session": async ({ access }) => logOut(world, access, { all: "1" }),
      blacklist: async ({ refresh }) => post(world, "/api/token/blacklist/", { refresh }),
      "the third tutorial": async ({ access, refresh }) =>
        post(world, "/api/auth/logout/", { refresh }, { token: access }),
    };
    const node = await anotherNode(world);
    await node.rules.feed.start();
    try {
      for (const [way, logOutBy] of Object.entries(ways)) {
        const pair = await obtain(world, await world.user());
        assert.ok(await isGoodAtFace(node, pair.access), way);
        const { status } = await whileTimePasses(world, logOutBy(pair));
        assert.ok(status < 300, way);
        assert.deepEqual(
          [await statusAtFace(node, pair.access), await statusAtFace(world, pair.access)],
          [401, 401],
          way,
        );
        assert.equal(await isAccepted(node, pair.access), false, way);
        assert.deepEqual((await refreshPair(node, pair.refresh)).body, BLACKLISTED, way);
      }
    } finally {
      await node.rules.feed.stop();
    }
  },
);

eachWorld(
  "a logout of everything ends refreshed tokens and native sessions of the user, and of no other user",
  async (world) => {
    const user = await world.user();
    const stranger = await obtain(world, await world.user());
    const refreshed = (await refreshPair(world, (await obtain(world, user)).refresh)).body;
    const native = await world.signIn(user);
    assert.deepEqual(
      (await logOut(world, (await obtain(world, user)).access, { all: true })).body,
      {
        status: "OK, goodbye, all refresh tokens blacklisted",
      },
    );
    assert.deepEqual((await refreshPair(world, refreshed.refresh)).body, BLACKLISTED);
    assert.equal(await isGoodAtFace(world, refreshed.access), false);
    assert.equal(await isAccepted(world, native.accessToken), false);
    assert.ok(await isGoodAtFace(world, stranger.access));
  },
  rotating,
);

eachWorld(
  "a logout without a refresh token of the caller is refused and ends nothing",
  async (world) => {
    const mine = await obtain(world, await world.user());
    const theirs = await obtain(world, await world.user());
    const spent = await obtain(world, await world.user());
    await refreshPair(world, spent.refresh);
    const answers: readonly (readonly [body: object, status: number, answer: object])[] = [
      [{}, 400, { refresh_token: ["This field is required."] }],
      [{ refresh_token: null }, 400, { refresh_token: ["This field may not be null."] }],
      [{ refresh_token: "" }, 400, { refresh_token: ["This field may not be blank."] }],
      [{ refresh_token: ["x"] }, 400, { refresh_token: ["Not a valid string."] }],
      [{ refresh_token: "nonsense" }, 401, INVALID],
      [
        { refresh_token: mine.access },
        401,
        { detail: "Token has wrong type", code: "token_not_valid" },
      ],
      [
        { refresh_token: theirs.refresh },
        403,
        { detail: "You do not have permission to perform this action." },
      ],
      [{ all: "", refresh_token: `${mine.refresh}x` }, 401, INVALID],
    ];
    for (const [body, status, answer] of answers) {
      const answered = await logOut(world, mine.access, body);
      assert.deepEqual([answered.status, answered.body], [status, answer]);
    }
    for (const { access } of [mine, theirs]) assert.ok(await isGoodAtFace(world, access));
    assert.deepEqual(
      (await logOut(world, spent.access, { refresh_token: spent.refresh })).body,
      BLACKLISTED,
    );
    assert.ok(await isGoodAtFace(world, spent.access));
    assert.equal((await eventsOf(world)).filter((event) => event === "session.ended").length, 0);
  },
  rotating,
);

eachWorld(
  "a disabled user is inactive, and earlier tokens stay dead when they are enabled again",
  async (world) => {
    const user = await world.user();
    const { access, refresh } = await obtain(world, user);
    await disableUser(world.rules, user.id, operator);
    assert.deepEqual(await complaint(world, access), {
      detail: "User is inactive",
      code: "user_inactive",
    });
    assert.deepEqual((await refreshPair(world, refresh)).body, NO_ACCOUNT);
    assert.equal((await post(world, "/api/token/verify/", { token: access })).status, 401);
    const denied = await post(world, "/api/token/", { email: user.email, password: user.password });
    assert.deepEqual(denied.body, { detail: "No active account found with the given credentials" });
    await enableUser(world.rules, user.id, operator);
    assert.equal(await isGoodAtFace(world, access), false);
    assert.equal((await refreshPair(world, refresh)).status, 401);
  },
);

eachWorld("a deleted user is not found, and cannot refresh", async (world) => {
  const user = await world.user();
  const { access, refresh } = await obtain(world, user);
  await removeUser(world.rules, user.id, operator);
  assert.deepEqual(await complaint(world, access), {
    detail: "User not found",
    code: "user_not_found",
  });
  assert.deepEqual((await refreshPair(world, refresh)).body, NO_ACCOUNT);
});

eachWorld(
  "an account that waits for its activation is inactive in the meantime, and loses no session",
  async (world) => {
    const user = await world.user();
    const { access, refresh } = await obtain(world, user);
    const pause = async (at: number | null) =>
      world.rules.db
        .updateTable("users")
        .set({ paused_at: at })
        .where("id", "=", user.id)
        .execute();
    await pause(world.clock.now());
    assert.equal((await complaint(world, access)).code, "user_inactive");
    assert.deepEqual((await refreshPair(world, refresh)).body, NO_ACCOUNT);
    await pause(null);
    assert.ok(await isGoodAtFace(world, access));
    assert.equal((await refreshPair(world, refresh)).status, 200);
  },
);

eachWorld(
  "LG-03 guessing at a face draws on the budget of the native sign-in, and is refused in DRF's words",
  async (world) => {
    const user = await world.user();
    for (let time = 0; time < 10; time += 1) {
      await attempt(world, user.email, "wrong");
      await post(world, "/api/token/", { email: user.email, password: "wrong" });
    }
    const throttled = await post(world, "/api/token/", {
      email: user.email,
      password: user.password,
    });
    const seconds = throttled.headers.get("retry-after") ?? "";
    assert.match(seconds, /^[1-9]\d*$/);
    assert.deepEqual(
      [throttled.status, throttled.body],
      [429, { detail: `Request was throttled. Expected available in ${seconds} seconds.` }],
    );
  },
);

eachWorld(
  "RF-12 refresh tokens with an unknown signature are counted against their sender",
  async (world) => {
    const { refresh } = await obtain(world, await world.user());
    const forged = `${refresh.slice(0, -4)}AAAA`;
    const from = async (index: number) =>
      post(world, "/api/token/refresh/", { refresh: forged }, { address: addressOf(index) });
    for (let time = 0; time < 100; time += 1) assert.equal((await from(1)).status, 401);
    assert.equal((await from(1)).status, 429);
    assert.equal((await from(2)).status, 401);
    assert.equal((await refreshPair(world, refresh)).status, 200);
  },
);

eachWorld(
  "a login through a face mails no notice of a new device, because the face tells nothing about devices",
  async (world) => {
    const user = await world.user();
    for (let time = 0; time < 3; time += 1) await obtain(world, user);
    assert.deepEqual(await mailsTo(world, user.email), []);
  },
);

eachWorld(
  "a sliding token is refreshed while it lives, until the session's end, and a logout ends it",
  async (world) => {
    const { email, password } = await world.user();
    const { token } = (
      await post<{ token: string }>(world, "/api/token/sliding/", { email, password })
    ).body;
    const claims = claimsIn(token);
    assert.deepEqual(
      [
        claims["token_type"],
        Number(claims["exp"]) - Number(claims["iat"]),
        Number(claims["refresh_exp"]) - Number(claims["iat"]),
      ],
      ["sliding", 300, 600],
    );
    assert.ok(await isGoodAtFace(world, token));
    assert.deepEqual(
      (await post(world, "/api/token/refresh/", { refresh: token })).body["detail"],
      "Token has wrong type",
    );

    const slide = async (sliding: string) =>
      post<{ token: string }>(world, "/api/token/sliding/refresh/", { token: sliding });
    world.clock.advance(200);
    const second = await slide(token);
    assert.equal(second.status, 200);
    assert.deepEqual(claimsIn(second.body.token)["refresh_exp"], claims["refresh_exp"]);
    world.clock.advance(200);
    assert.deepEqual((await slide(token)).body, INVALID);
    const third = (await slide(second.body.token)).body.token;
    assert.equal(claimsIn(third)["exp"], claims["refresh_exp"], "no token outlives its session");
    await world.rules.feed.refresh(250);
    assert.equal((await logOut(world, third, { all: 1 })).status, 200);
    assert.deepEqual((await slide(third)).body, BLACKLISTED);
  },
  {
    PORTCULLIS_SIMPLEJWT_AUTH_TOKEN_CLASSES: "AccessToken,SlidingToken",
    PORTCULLIS_SIMPLEJWT_SLIDING_TOKEN_REFRESH_LIFETIME: "10m",
  },
);

eachWorld(
  "requests carry access tokens only, unless sliding tokens are configured",
  async (world) => {
    const { email, password } = await world.user();
    const { token } = (
      await post<{ token: string }>(world, "/api/token/sliding/", { email, password })
    ).body;
    assert.equal(await statusAtFace(world, token), 401);
    const { access } = await obtain(world, { email, password });
    assert.equal(
      (await post(world, "/api/token/sliding/refresh/", { token: access })).body.detail,
      "Token has wrong type",
    );
  },
);

eachWorld(
  "header types, login field and user id follow the settings",
  async (world) => {
    const user: TestUser = await world.user({ username: "grace" });
    const answered = await post<Pair>(world, "/api/token/", {
      username: "grace",
      password: user.password,
    });
    assert.equal(answered.status, 200);
    assert.equal(claimsIn(answered.body.access)["user_id"], user.id);
    const asked = async (type: string) =>
      world.request("GET", "/logout_token/", {
        headers: { authorization: `${type} ${answered.body.access}` },
      });
    assert.deepEqual([(await asked("JWT")).status, (await asked("Token")).status], [405, 405]);
    const refused = await asked("Bearer");
    assert.deepEqual(
      [refused.status, refused.headers.get("www-authenticate")],
      [401, 'JWT realm="api"'],
    );
  },
  {
    PORTCULLIS_LOGIN_FIELD: "username",
    PORTCULLIS_USER_ID_FIELD: "id",
    PORTCULLIS_SIMPLEJWT_AUTH_HEADER_TYPES: "JWT,Token",
  },
);

eachWorld(
  "a face that is not configured has no paths",
  async (world) => {
    assert.equal((await post(world, "/api/token/", {})).status, 404);
    assert.equal((await world.request("GET", "/logout_token/")).status, 404);
  },
  { PORTCULLIS_FACES: "none" },
);

eachWorld("access tokens under the server's own key are like its native ones", async (world) => {
  const { access } = await obtain(world, await world.user());
  assert.deepEqual([headerOf(access)["typ"], headerOf(access)["alg"]], ["at+jwt", "ES256"]);
  assert.ok(await isAccepted(world, access));
});

eachWorld(
  "JW-18 with rotation a chain of refreshes ends at the session's end",
  async (world) => {
    const start = world.clock.now();
    let { refresh } = await obtain(world, await world.user());
    for (let time = 0; time < 3; time += 1) {
      world.clock.advance(20 * 3600);
      ({ refresh } = (await refreshPair(world, refresh)).body);
      assert.ok(Number(claimsIn(refresh)["exp"]) <= start + 3 * 86_400);
    }
    world.clock.advance(12 * 3600);
    assert.deepEqual((await refreshPair(world, refresh)).body, INVALID);
  },
  { ...rotating, PORTCULLIS_SESSION_TTL: "3d", PORTCULLIS_IDLE_TTL: "3d" },
);
