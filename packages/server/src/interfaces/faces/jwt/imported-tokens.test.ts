import assert from "node:assert/strict";
import {
  hs256,
  isGoodAtFace,
  obtain,
  post,
  refreshPair,
  rotating,
  shared,
  type Pair,
} from "../../../../test/jwt.ts";
import { countRows, eventsOf, par, servedBy, statuses } from "../../../../test/steps.ts";
import { eachWorld, type TestUser, type World } from "../../../../test/world.ts";
import type { Factor } from "../../../accounts/sign-in/factor.ts";
import { disableUser } from "../../../accounts/users/disable-user.ts";

const operator = { address: null, requestId: null, actor: { kind: "operator" } } as const;
const BLACKLISTED = { detail: "Token is blacklisted", code: "token_not_valid" };
const INVALID = { detail: "Token is invalid or expired", code: "token_not_valid" };
const NO_ACCOUNT = {
  detail: "No active account found for the given token.",
  code: "no_active_account",
};
const FACTOR_NEEDED = {
  detail: "A second factor is needed to sign in.",
  code: "second_factor_required",
};
const withoutRotation = {
  PORTCULLIS_SIMPLEJWT_SIGNING_KEY: shared.PORTCULLIS_SIMPLEJWT_SIGNING_KEY,
};

/** Signs a refresh token as Django did before the move, and imports it. */
async function givenByDjango(
  world: World,
  user: Pick<TestUser, "id">,
  jti = "0123456789abcdef0123456789abcdef",
): Promise<string> {
  const expiresAt = world.clock.now() + 86_400;
  await world.rules.db
    .insertInto("imported_tokens")
    .values({ jti, user_id: user.id, expires_at: expiresAt, used_at: null })
    .execute();
  return djangoToken(world, jti);
}

const djangoToken = (world: World, jti: string, more: object = {}): string =>
  hs256({
    token_type: "refresh",
    exp: world.clock.now() + 86_400,
    iat: world.clock.now() - 60,
    jti,
    user_id: 1,
    ...more,
  });

for (const [under, options] of [
  ["with rotation", shared],
  ["without rotation", withoutRotation],
] as const)
  eachWorld(
    `${under} a refresh token of Django is exchanged once, for a pair that can be refreshed`,
    async (world) => {
      const token = await givenByDjango(world, await world.user());
      assert.deepEqual((await post(world, "/api/token/verify/", { token })).body, {});
      const exchanged = await refreshPair(world, token);
      assert.deepEqual(
        [exchanged.status, Object.keys(exchanged.body)],
        [200, ["refresh", "access"]],
      );
      assert.ok(await isGoodAtFace(world, exchanged.body.access));
      assert.deepEqual((await refreshPair(world, token)).body, BLACKLISTED);
      assert.deepEqual((await post(world, "/api/token/verify/", { token })).body, {
        non_field_errors: ["Token is blacklisted"],
      });
      assert.equal((await refreshPair(world, exchanged.body.refresh)).status, 200);
      assert.equal((await eventsOf(world)).filter((event) => event === "session.opened").length, 1);
    },
    options,
  );

eachWorld(
  "if one token is exchanged fifty times at once, one session opens",
  async (world) => {
    const token = await givenByDjango(world, await world.user());
    const answers = await par(50, async () => refreshPair(world, token));
    assert.deepEqual(statuses(answers), { 200: 1, 401: 49 });
    for (const { status, body } of answers) if (status === 401) assert.deepEqual(body, BLACKLISTED);
    assert.equal(await countRows(world, "sessions"), 1);
  },
  shared,
);

eachWorld(
  "a token of Django opens nothing if it was not imported, has expired, is no refresh token or has another signature",
  async (world) => {
    const user = await world.user();
    const jti = "abcdef0123456789abcdef0123456789";
    await givenByDjango(world, user, jti);
    const wrongType = { detail: "Token has wrong type", code: "token_not_valid" };
    const odd: readonly (readonly [token: string, answer: object])[] = [
      [djangoToken(world, "ffffffffffffffffffffffffffffffff"), INVALID],
      [djangoToken(world, jti, { exp: world.clock.now() }), INVALID],
      [djangoToken(world, jti, { token_type: "access" }), wrongType],
      [djangoToken(world, jti, { token_type: "sliding" }), wrongType],
      [
        hs256(
          { token_type: "refresh", exp: world.clock.now() + 60, jti, user_id: 1 },
          "some other key, as long as the one we share",
        ),
        INVALID,
      ],
    ];
    for (const [token, answer] of odd)
      assert.deepEqual((await refreshPair(world, token)).body, answer);
    assert.equal(await countRows(world, "sessions"), 0);
  },
  shared,
);

eachWorld(
  "without the shared key, every token of Django is refused",
  async (world) => {
    assert.deepEqual(
      (await refreshPair(world, await givenByDjango(world, await world.user()))).body,
      INVALID,
    );
  },
  rotating,
);

eachWorld(
  "a disabled or paused user exchanges no token, and the refused token is not used up",
  async (world) => {
    const user = await world.user();
    const token = await givenByDjango(world, user);
    const pause = async (at: number | null) =>
      world.rules.db
        .updateTable("users")
        .set({ paused_at: at })
        .where("id", "=", user.id)
        .execute();
    await pause(world.clock.now());
    assert.deepEqual((await refreshPair(world, token)).body, NO_ACCOUNT);
    await pause(null);
    assert.equal((await refreshPair(world, token)).status, 200);
    const other = await world.user();
    const theirs = await givenByDjango(world, other, "00000000000000000000000000000001");
    await disableUser(world.rules, other.id, operator);
    assert.deepEqual((await refreshPair(world, theirs)).body, NO_ACCOUNT);
  },
  shared,
);

eachWorld(
  "MF-08 a refresh token of Django opens nothing if the user has a second factor, and is not used up",
  async (world) => {
    const user = await world.user();
    const token = await givenByDjango(world, user);
    const others = await givenByDjango(
      world,
      await world.user(),
      "00000000000000000000000000000003",
    );
    const totp: Factor = {
      name: "totp",
      standsAlone: true,
      isEnrolled: async (_, userId) => userId === user.id,
      check: async () => ({ kind: "mismatched" }),
    };
    const guarded = servedBy(world, { ...world.rules, factors: [totp] });
    const refused = await refreshPair(guarded, token);
    assert.deepEqual([refused.status, refused.body], [401, FACTOR_NEEDED]);
    assert.equal(await countRows(world, "sessions"), 0);
    assert.equal((await refreshPair(guarded, others)).status, 200);
    assert.equal(
      (await refreshPair(world, token)).status,
      200,
      "without the factor it is as good as before",
    );
  },
  shared,
);

eachWorld(
  "MF-08 a refresh token of Django opens nothing if the policy demands a second factor that the superuser lacks",
  async (world) => {
    const superuser = await world.user({ superuser: true });
    assert.deepEqual(
      (await refreshPair(world, await givenByDjango(world, superuser))).body,
      FACTOR_NEEDED,
    );
    assert.equal(await countRows(world, "sessions"), 0);
    const user = await world.user();
    assert.equal(
      (
        await refreshPair(
          world,
          await givenByDjango(world, user, "00000000000000000000000000000004"),
        )
      ).status,
      200,
    );
  },
  { ...shared, PORTCULLIS_MFA_POLICY: "superusers" },
);

eachWorld(
  "everything that ends all sessions of a user also uses up the tokens that Django gave them",
  async (world) => {
    const user = await world.user();
    const [mine, ofAnother] = [
      await givenByDjango(world, user),
      await givenByDjango(world, await world.user(), "00000000000000000000000000000002"),
    ];
    const { access } = await obtain(world, user);
    assert.equal(
      (await post(world, "/logout_token/", { all: "1" }, { token: access })).status,
      200,
    );
    assert.deepEqual((await refreshPair(world, mine)).body, BLACKLISTED);
    const { accessToken } = await world.signIn(await world.user({ superuser: true }));
    await world.request("DELETE", "/v1/admin/sessions", { token: accessToken });
    assert.deepEqual((await refreshPair(world, ofAnother)).body, BLACKLISTED);
  },
  shared,
);

eachWorld(
  "a token of Django can be blacklisted before its exchange, and by its owner only if one is asked for",
  async (world) => {
    const user = await world.user();
    const token = await givenByDjango(world, user);
    const stranger = await obtain(world, await world.user());
    const mine: Pair = await obtain(world, user);
    const logOut = async ({ access }: Pair) =>
      post(world, "/logout_token/", { refresh_token: token }, { token: access });
    assert.equal((await logOut(stranger)).status, 403);
    assert.equal((await logOut(mine)).status, 200);
    assert.deepEqual((await logOut(mine)).body, BLACKLISTED);
    assert.deepEqual((await refreshPair(world, token)).body, BLACKLISTED);
    assert.ok(await isGoodAtFace(world, mine.access), "it was another session's");
  },
  shared,
);

eachWorld(
  "MF-07 a session from a token of Django claims no proof of identity",
  async (world) => {
    await refreshPair(world, await givenByDjango(world, await world.user()));
    const session = await world.rules.db
      .selectFrom("sessions")
      .select(["amr", "auth_time"])
      .executeTakeFirstOrThrow();
    assert.deepEqual(session, { amr: "[]", auth_time: 0 });
  },
  shared,
);
