import assert from "node:assert/strict";
import {
  activating,
  askFor,
  byToken,
  call,
  djoser,
  loggedIn,
  rowOf,
  user,
  withToken,
} from "../djoser.ts";
import type { Said } from "../jwt.ts";
import { PASSWORD, servedBy } from "../steps.ts";
import { resetFactors } from "../../src/accounts/factors/reset-factors.ts";
import { operator } from "../../src/records/audit/origin.ts";
import { enrolTotp, stepUp, totpCode } from "../second-factor.ts";
import { eachWorld, type Answered, type World } from "../world.ts";

// A password alone opens Djoser's sessions, so the session of a user with a second factor is older
// than the factor. It may do only what it may do natively.

const byEmail = { ...djoser, PORTCULLIS_LOGIN_FIELD: "email" } as const;

/** Opens a face session for a user who sets up an authenticator app afterwards. */
async function olderSession(world: World, field: "username" | "email" = "username") {
  const anna = await user(world, "anna");
  const name = field === "email" ? anna.email : anna.username;
  const { access: token } = await loggedIn(world, name, PASSWORD, field);
  const { secret } = await enrolTotp(world, anna);
  return { anna, token, secret };
}

function assertAsksForFactor({ status, body, text }: Answered<Said>): void {
  assert.deepEqual(
    [status, body],
    [
      403,
      {
        detail: "Show your second factor to do this: sign in with it again.",
        code: "insufficient_user_authentication",
      },
    ],
    text,
  );
}

eachWorld(
  "a Djoser session from before the second factor does not delete the account, and reads it as before",
  async (world) => {
    const { anna, token } = await olderSession(world);
    const body = { current_password: PASSWORD };
    assertAsksForFactor(await call(world, "DELETE", "users/me/", body, { token }));
    assertAsksForFactor(await call(world, "DELETE", `users/${anna.number}/`, body, { token }));
    const natively = await world.request("DELETE", "/v1/me", {
      token,
      body: { password: PASSWORD },
    });
    assert.equal(natively.body.code, "insufficient_user_authentication");
    assert.equal((await call(world, "GET", "users/me/", undefined, { token })).status, 200);
  },
  djoser,
);

eachWorld(
  "a Djoser session from before the second factor does not change the username",
  async (world) => {
    const { token } = await olderSession(world);
    const body = { current_password: PASSWORD, new_username: "berta" };
    assertAsksForFactor(await call(world, "POST", "users/set_username/", body, { token }));
    await rowOf(world, "anna");
  },
  djoser,
);

eachWorld(
  "a Djoser session from before the second factor does not change the address that users log in by",
  async (world) => {
    const { token } = await olderSession(world, "email");
    const body = { current_password: PASSWORD, new_email: "thief@example.com" };
    assertAsksForFactor(await call(world, "POST", "users/set_email/", body, { token }));
    assert.equal((await rowOf(world, "anna")).email, "anna@example.com");
  },
  byEmail,
);

const resets = [
  { what: "username", deployment: djoser, next: "thief" },
  { what: "email", deployment: byEmail, next: "thief@example.com" },
] as const;

for (const { what, deployment, next } of resets) {
  eachWorld(
    `AD-14: a mailed link of Djoser's reset_${what} changes nothing for a user with a second factor, and works again without the factor`,
    async (world) => {
      const { anna } = await olderSession(world, what);
      const link = await askFor(world, what, anna.email);
      const path = `users/reset_${what}_confirm/`;
      const follow = async (token: string) =>
        call(world, "POST", path, { ...link, token, [`new_${what}`]: next });
      const forged = await follow(`${link.token.slice(0, -2)}xx`);
      assert.deepEqual(forged.body, { token: ["Invalid token for given user."] });
      const refused = await follow(link.token);
      assert.deepEqual(
        [refused.status, refused.body.code],
        [403, "insufficient_user_authentication"],
        refused.text,
      );
      const row = await rowOf(world, "anna");
      assert.deepEqual([row.username, row.email], ["anna", "anna@example.com"]);

      await resetFactors(world.rules, anna.id, operator);
      assert.equal((await follow(link.token)).status, 204, "the refused link was not used up");
      assert.equal((await follow(link.token)).status, 400, "a link works once");
    },
    deployment,
  );
}

for (const method of ["PATCH", "PUT"]) {
  eachWorld(
    `${method} of Djoser's users/me/ does not move the address of a user with a second factor, with login by username`,
    async (world) => {
      const { anna, token } = await olderSession(world);
      for (const path of ["users/me/", `users/${anna.number}/`])
        assertAsksForFactor(await call(world, method, path, { email: "x@example.com" }, { token }));
      assert.equal((await rowOf(world, "anna")).email, "anna@example.com");
      const berta = await loggedIn(world, (await user(world, "berta")).username);
      const asked = { token: berta.access };
      const moved = await call(world, method, "users/me/", { email: "b@example.com" }, asked);
      assert.equal(moved.status, 200, "a user without a factor moves it as in the original");
    },
    djoser,
  );
}

eachWorld(
  "an opaque token of Djoser's token login asks for the second factor, too",
  async (world) => {
    const anna = await user(world, "anna");
    const login = { username: "anna", password: PASSWORD };
    const { body: said } = await call(world, "POST", "token/login/", login);
    await enrolTotp(world, anna);
    const token = withToken(String(said["auth_token"]));
    const body = { current_password: PASSWORD };
    assertAsksForFactor(await call(world, "DELETE", "users/me/", body, token));
    assert.equal((await call(world, "GET", "users/me/", undefined, token)).status, 200);
  },
  byToken,
);

eachWorld(
  "a face's token steps up natively, and the native twin of the call then does it",
  async (world) => {
    const { token, secret } = await olderSession(world);
    const raised = await stepUp(world, token, { factor: "totp", code: totpCode(world, secret) });
    assert.equal(raised.status, 200, raised.text);
    const deleted = await world.request("DELETE", "/v1/me", {
      token: raised.body.accessToken,
      body: { password: PASSWORD },
    });
    assert.equal(deleted.status, 204);
  },
  djoser,
);

/** Calls Djoser's staff functions. */
async function administer(world: World, token: string, number: number) {
  const password = { current_password: PASSWORD };
  return [
    await call(world, "GET", "users/", undefined, { token }),
    await call(world, "GET", `users/${number}/`, undefined, { token }),
    await call(world, "PATCH", `users/${number}/`, { email: "x@example.com" }, { token }),
    await call(world, "PUT", `users/${number}/`, { email: "x@example.com" }, { token }),
    await call(world, "DELETE", `users/${number}/`, password, { token }),
  ];
}

eachWorld(
  "Djoser's staff functions ask for the superuser's own second factor",
  async (world) => {
    const root = await user(world, "root", { superuser: true });
    const victim = await user(world, "victim");
    const { access } = await loggedIn(world, "root");
    await enrolTotp(world, root);
    for (const answered of await administer(world, access, victim.number))
      assertAsksForFactor(answered);
    assert.equal((await rowOf(world, "victim")).email, victim.email);
  },
  djoser,
);

const policies = [
  ["off", false],
  ["optional", false],
  ["superusers", true],
  ["required", true],
] as const;
for (const [mfaPolicy, isDemanded] of policies) {
  eachWorld(
    `Djoser's staff functions ${isDemanded ? "are refused to" : "serve"} a superuser without a factor under the policy ${mfaPolicy}`,
    async (world) => {
      await user(world, "root", { superuser: true });
      const victim = await user(world, "victim");
      const { access } = await loggedIn(world, "root");
      // The session is older than the policy, under which it could not be opened.
      const later = servedBy(world, { ...world.rules, mfaPolicy });
      const answers = await administer(later, access, victim.number);
      if (!isDemanded)
        return assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200, 200, 200, 204],
        );
      for (const { status, body } of answers)
        assert.deepEqual([status, body.code], [403, "factor_required"]);
    },
    djoser,
  );
}

eachWorld(
  "a paused account does nothing natively but log out, and is told why",
  async (world) => {
    const anna = await user(world, "anna");
    const { accessToken: token } = await world.signIn(anna);
    const { accessToken: other } = await world.signIn(anna);
    const { secret } = await enrolTotp(world, anna);
    await setPaused(world, anna.id, world.clock.now());
    const id = "0190a0a0-0000-4000-8000-000000000000";
    const password = PASSWORD;
    const calls: readonly (readonly [method: string, path: string, body?: object])[] = [
      ["POST", "/v1/step-up", { password }],
      ["POST", "/v1/step-up", { factor: "totp", code: totpCode(world, secret) }],
      ["POST", "/v1/step-up/prepare", { factor: "email" }],
      ["GET", "/v1/me/factors"],
      ["POST", "/v1/me/factors/totp", {}],
      ["DELETE", `/v1/me/factors/totp/${id}`],
      ["POST", "/v1/me/factors/email"],
      ["DELETE", "/v1/me/factors/email"],
      ["POST", "/v1/me/factors/recovery-codes"],
      ["POST", "/v1/me/factors/passkeys/start"],
      ["DELETE", `/v1/me/factors/passkeys/${id}`],
      ["GET", "/v1/sessions"],
      ["GET", "/v1/me/remembered-devices"],
      ["POST", "/v1/me/username", { username: "berta", password }],
      ["POST", "/v1/me/email", { newEmail: "b@example.com", password }],
      ["POST", "/v1/me/password", { currentPassword: password, newPassword: "nine grey geese" }],
      ["DELETE", "/v1/me/password"],
      ["PATCH", "/v1/me", { locale: "de" }],
      ["GET", "/v1/me"],
      ["DELETE", "/v1/me", { password }],
    ];
    for (const [method, path, body] of calls) {
      const answered = await world.request(method, path, { token, ...(body && { body }) });
      assert.equal(answered.body.code, "account_paused", `${method} ${path}: ${answered.text}`);
      assert.equal(answered.status, 403);
    }
    assert.equal((await world.request("GET", "/v1/token", { token })).status, 200);
    assert.equal((await world.request("DELETE", "/v1/sessions/current", { token })).status, 204);
    assert.equal((await world.request("GET", "/v1/token", { token })).status, 401);
    const everywhere = await world.request("DELETE", "/v1/sessions", { token: other });
    assert.equal(everywhere.status, 204);
  },
  djoser,
);

eachWorld(
  "a paused account can log out at a face, but every other call tells it that it is inactive",
  async (world) => {
    const anna = await user(world, "anna");
    const { access: token, refresh } = await loggedIn(world, "anna");
    await setPaused(world, anna.id, world.clock.now());
    const inactive = { detail: "User is inactive", code: "user_inactive" };
    const password = { current_password: PASSWORD };
    for (const [method, path, body] of [
      ["GET", "users/me/", undefined],
      ["DELETE", "users/me/", password],
      ["POST", "users/set_username/", { ...password, new_username: "berta" }],
      ["POST", "users/", { username: "berta", password: PASSWORD }],
      ["OPTIONS", "users/me/", undefined],
      ["PUT", "users/set_username/", password],
    ] as const) {
      const answered = await call(world, method, path, body, { token });
      assert.deepEqual([answered.status, answered.body], [401, inactive], `${method} ${path}`);
    }
    const out = await world.request("POST", "/api/auth/logout/", { token, body: { refresh } });
    assert.equal(out.status, 204, out.text);
    assert.equal((await world.request("GET", "/v1/token", { token })).status, 401);
  },
  activating,
);

async function setPaused(world: World, id: string, at: number | null): Promise<void> {
  const { db } = world.rules;
  await db.updateTable("users").set({ paused_at: at }).where("id", "=", id).execute();
}

eachWorld(
  "IN-07 the check of a paused account costs GET /v1/me no query, and GET /v1/token has none",
  async (world) => {
    const { accessToken: token } = await world.signIn(await world.user());
    const queriesOf = async (path: string): Promise<number> => {
      const before = world.queries();
      assert.equal((await world.request("GET", path, { token })).status, 200);
      return world.queries() - before;
    };
    await queriesOf("/v1/me");
    assert.deepEqual([await queriesOf("/v1/token"), await queriesOf("/v1/me")], [0, 1]);
  },
);
