import { transact } from "../../../platform/db/transact.ts";
import assert from "node:assert/strict";
import { claimsIn, obtain } from "../../../../test/jwt.ts";
import { held, eventsOf, isAccepted, par, statuses } from "../../../../test/steps.ts";
import { eachWorld, type World } from "../../../../test/world.ts";
import { removeUser } from "../../../accounts/users/delete-user.ts";
import { disableUser, enableUser } from "../../../accounts/users/disable-user.ts";
import {
  findByAddress,
  findUser,
  setUnconfirmedEmail,
} from "../../../accounts/users/users.store.ts";
import {
  bearing,
  djoser,
  finished,
  logIn,
  NO_LOGIN,
  PASSWORD,
  post,
  see,
  UNDECODABLE,
  type Said,
} from "./testing.ts";
import { operator } from "../../../records/audit/origin.ts";

const QUARTER_HOUR = 900;
const DISABLED = "User account is disabled.";

const onDjosersPaths = { PORTCULLIS_TAG1_PATHS: "djoser" } as const;
const byUsername = {
  ...onDjosersPaths,
  PORTCULLIS_LOGIN_FIELD: "username",
  PORTCULLIS_USERNAMES: "django",
} as const;

async function refreshed(world: World, token: string): Promise<string> {
  const answered = await post(world, finished.refresh, { token });
  assert.equal(answered.status, 200, answered.text);
  return String(answered.body["token"]);
}

async function pass(world: World, seconds: number): Promise<void> {
  world.clock.advance(seconds);
  await world.rules.feed.refresh(250);
}

eachWorld("a token names its user in the original's claims, under the word JWT", async (world) => {
  const user = await world.user({ email: "ann@example.com" });
  const token = await logIn(world, user.email, user);
  const seen = await see(world, token);
  assert.deepEqual([seen.status, seen.body["email"]], [200, "ann@example.com"]);
  const { exp, orig_iat, ...claims } = claimsIn(token);
  assert.equal(orig_iat, world.clock.now());
  assert.equal(exp, world.clock.now() + QUARTER_HOUR);
  assert.equal(claims["user_id"], seen.body["id"]);
  assert.deepEqual(
    [claims["username"], claims["email"], claims["otp_device_id"]],
    ["ann@example.com", "ann@example.com", null],
  );
  assert.equal(claims["token_type"], undefined);
});

eachWorld(
  "the word before a token and the id in it follow the settings",
  async (world) => {
    const user = await world.user();
    const token = await logIn(world, user.email, user);
    assert.equal(claimsIn(token)["user_id"], user.id);
    assert.equal((await see(world, token)).headers.get("www-authenticate"), 'Token realm="api"');
    const seen = await world.request<Said>("GET", finished.view, {
      headers: bearing(token, "token"),
    });
    assert.deepEqual(seen.body, { id: user.id, email: user.email });
  },
  { PORTCULLIS_JWT_AUTH_HEADER_PREFIX: "Token", PORTCULLIS_USER_ID_FIELD: "id" },
);

eachWorld(
  "a refresh returns a later token of the same login, and earlier ones stay valid until they expire",
  async (world) => {
    const user = await world.user();
    const first = await logIn(world, user.email, user);
    await pass(world, 600);
    const second = await refreshed(world, first);
    assert.equal(claimsIn(second)["orig_iat"], claimsIn(first)["orig_iat"]);
    assert.equal(Number(claimsIn(second)["exp"]), world.clock.now() + QUARTER_HOUR);
    assert.equal((await see(world, first)).status, 200);
    assert.equal(
      (await post(world, finished.refresh, { token: first })).status,
      200,
      "again and again",
    );
    await pass(world, 300);
    assert.deepEqual((await see(world, first)).body, { detail: "Signature has expired." });
    assert.deepEqual((await post(world, finished.refresh, { token: first })).body, {
      non_field_errors: ["Signature has expired."],
    });
    assert.equal((await see(world, second)).status, 200);
  },
);

eachWorld(
  "a login can be refreshed for as long as the setting says, and its last token lasts as long as any",
  async (world) => {
    const user = await world.user();
    let token = await logIn(world, user.email, user);
    for (let time = 0; time < 3; time += 1) {
      await pass(world, 800);
      token = await refreshed(world, token);
    }
    assert.equal(Number(claimsIn(token)["exp"]), world.clock.now() + QUARTER_HOUR);
    await pass(world, 1);
    assert.deepEqual((await post(world, finished.refresh, { token })).body, {
      non_field_errors: ["Refresh has expired."],
    });
    assert.equal((await see(world, token)).status, 200);
  },
  { PORTCULLIS_JWT_REFRESH_EXPIRATION_DELTA: "2400s" },
);

eachWorld(
  "logging out everywhere ends this face's tokens, a simplejwt pair and a native session at once",
  async (world) => {
    const user = await world.user();
    const [one, other] = [
      await logIn(world, user.email, user),
      await logIn(world, user.email, user),
    ];
    const pair = await obtain(world, user);
    const native = await world.signIn(user);
    assert.equal((await post(world, "/api/user/logout/all/", {}, one)).status, 204);
    for (const token of [one, other]) {
      assert.deepEqual((await see(world, token)).body, UNDECODABLE);
      assert.deepEqual((await post(world, finished.refresh, { token })).body, {
        non_field_errors: ["Error decoding signature."],
      });
    }
    assert.equal(await isAccepted(world, native.accessToken), false);
    assert.equal(await isAccepted(world, pair.access), false);
    assert.equal((await see(world, await logIn(world, user.email, user))).status, 200);
  },
);

eachWorld("a native logout of one device ends that device's token and no other", async (world) => {
  const user = await world.user();
  const [one, other] = [await logIn(world, user.email, user), await logIn(world, user.email, user)];
  assert.ok(await isAccepted(world, one), "native endpoints take it for what it is");
  assert.equal((await world.request("DELETE", "/v1/sessions/current", { token: one })).status, 204);
  assert.deepEqual((await see(world, one)).body, UNDECODABLE);
  assert.equal((await see(world, other)).status, 200);
});

eachWorld(
  "no other access token is accepted here or can be made to last by a refresh",
  async (world) => {
    const user = await world.user();
    const native = await world.signIn(user);
    const pair = await obtain(world, user);
    for (const token of [native.accessToken, native.refreshToken, pair.access, pair.refresh]) {
      assert.deepEqual((await see(world, token)).body, UNDECODABLE);
      assert.deepEqual((await post(world, finished.refresh, { token })).body, {
        non_field_errors: ["Error decoding signature."],
      });
    }
    const token = await logIn(world, user.email, user);
    assert.equal(
      (await world.request("GET", "/logout_token/", { token })).status,
      401,
      "nor is this one simplejwt's",
    );
    assert.equal((await post(world, "/api/token/refresh/", { refresh: token })).status, 401);
    assert.notEqual(
      (await world.request("POST", "/v1/sessions/refresh", { body: { refreshToken: token } }))
        .status,
      200,
    );
  },
);

eachWorld(
  "a disabled user is told so, and their tokens stay dead when they are enabled again",
  async (world) => {
    const user = await world.user();
    const token = await logIn(world, user.email, user);
    await disableUser(world.rules, user.id, operator);
    assert.deepEqual((await see(world, token)).body, { detail: DISABLED });
    assert.deepEqual((await post(world, finished.refresh, { token })).body, {
      non_field_errors: [DISABLED],
    });
    assert.deepEqual(
      (await post(world, finished.login, { email: user.email, password: user.password })).body,
      NO_LOGIN,
    );
    await enableUser(world.rules, user.id, operator);
    assert.equal((await see(world, token)).status, 401);
    assert.equal((await post(world, finished.refresh, { token })).status, 400);
  },
);

eachWorld(
  "a paused account is shut out, and its tokens work again after the pause",
  async (world) => {
    const user = await world.user({ email: "paused@example.com" });
    const token = await logIn(world, user.email, user);
    const pause = async (pausedAt: number | null): Promise<unknown> =>
      transact(world.rules, async (tx) =>
        setUnconfirmedEmail(tx, await held(tx, user.id), {
          address: { address: user.email, canonical: user.email },
          mayShare: false,
          pausedAt,
        }),
      );
    await pause(world.clock.now());
    assert.deepEqual((await see(world, token)).body, { detail: DISABLED });
    assert.deepEqual((await post(world, finished.refresh, { token })).body, {
      non_field_errors: [DISABLED],
    });
    await pause(null);
    assert.equal((await see(world, token)).status, 200);
  },
);

eachWorld("the token of a deleted user is refused", async (world) => {
  const user = await world.user();
  const token = await logIn(world, user.email, user);
  await removeUser(world.rules, user.id, operator);
  assert.deepEqual((await see(world, token)).body, { detail: "Invalid signature." });
  assert.deepEqual((await post(world, finished.refresh, { token })).body, {
    non_field_errors: ["User doesn't exist."],
  });
});

eachWorld(
  "deleting one's own account takes the password, and the last superuser stays",
  async (world) => {
    const [user, superuser] = [await world.user(), await world.user({ superuser: true })];
    const token = await logIn(world, user.email, user);
    assert.deepEqual(
      (await post(world, "/api/user/delete/", { current_password: "x" }, token)).body,
      {
        current_password: ["Invalid password."],
      },
    );
    assert.equal(
      (await post(world, "/api/user/delete/", { current_password: user.password }, token)).status,
      204,
    );
    assert.equal(await findUser(world.rules.db, user.id), undefined);

    const kept = await logIn(world, superuser.email, superuser);
    const refused = await post(
      world,
      "/api/user/delete/",
      { current_password: superuser.password },
      kept,
    );
    assert.deepEqual(
      [refused.status, refused.body],
      [403, { detail: "The last active superuser cannot be deleted." }],
    );
  },
);

// ── registering

eachWorld(
  "an address in another spelling is another account, and each user logs in by their own spelling only",
  async (world) => {
    for (const [email, password] of [
      ["dup@example.com", "Correct-Horse-7"],
      ["Dup@EXAMPLE.com", "Another-Word-5?"],
    ] as const)
      assert.equal((await post(world, finished.create, { email, password })).status, 201);
    assert.deepEqual(
      (await post(world, finished.create, { email: "Dup@example.com", password: PASSWORD })).body,
      {
        email: ["spa user with this email address already exists."],
      },
    );
    assert.deepEqual(
      (await post(world, finished.create, { email: "Dup@example.COM", password: PASSWORD })).body,
      ["Unable to create account."],
    );
    const token = await logIn(world, "Dup@example.com", { password: "Another-Word-5?" });
    assert.equal((await see(world, token)).body["email"], "Dup@example.com");
    assert.equal(
      (await see(world, await logIn(world, "dup@example.com"))).body["email"],
      "dup@example.com",
    );
    for (const email of ["DUP@example.com", "dup@EXAMPLE.com"])
      assert.deepEqual(
        (await post(world, finished.login, { email, password: PASSWORD })).body,
        NO_LOGIN,
      );
  },
);

eachWorld(
  "if several users register one spelling at once, one wins, whether or not others have the address",
  async (world) => {
    for (const first of ["race@example.com", "Race@example.com"]) {
      const answers = await par(6, async () =>
        post(world, finished.create, { email: first, password: PASSWORD }),
      );
      assert.deepEqual(statuses(answers), { 201: 1, 400: 5 });
    }
    assert.deepEqual(
      (await findByAddress(world.rules.db, "race@example.com")).map(({ email }) => email),
      ["race@example.com", "Race@example.com"],
    );
  },
);

eachWorld(
  "if the user who holds an address deletes their account, a user who shares it loses nothing",
  async (world) => {
    for (const email of ["heir@example.com", "Heir@example.com"])
      await post(world, finished.create, { email, password: PASSWORD });
    const token = await logIn(world, "heir@example.com");
    assert.equal(
      (await post(world, "/api/user/delete/", { current_password: PASSWORD }, token)).status,
      204,
    );
    assert.equal((await see(world, await logIn(world, "Heir@example.com"))).status, 200);
  },
);

eachWorld(
  "a local part that a mailer might read as another recipient is refused",
  async (world) => {
    for (const email of [
      '"a@evil.example"@example.com',
      "=?utf-8?q?a=40evil.example=3e?=@example.com",
    ]) {
      const refused = await post(world, finished.create, { email, password: PASSWORD });
      assert.deepEqual(
        [refused.status, refused.body],
        [400, { email: ["Enter a valid email address."] }],
      );
    }
  },
);

eachWorld(
  "registration is refused if it is closed",
  async (world) => {
    const refused = await post(world, finished.create, {
      email: "late@example.com",
      password: PASSWORD,
    });
    assert.deepEqual([refused.status, refused.body], [403, { detail: "Registration is closed." }]);
  },
  { PORTCULLIS_REGISTRATION: "closed" },
);

eachWorld("guessing here draws on the budgets of every other sign-in", async (world) => {
  const user = await world.user();
  for (let time = 0; time < 20; time += 1) {
    const wrong = await post(world, finished.login, { email: user.email, password: "wrong" });
    assert.deepEqual(wrong.body, NO_LOGIN);
  }
  const refused = await post(world, finished.login, { email: user.email, password: user.password });
  assert.equal(refused.status, 429);
  assert.match(
    String(refused.body["detail"]),
    /^Request was throttled\. Expected available in \d+ seconds\.$/,
  );
  const native = await world.request("POST", "/v1/sessions", {
    body: { identifier: user.email, password: user.password },
  });
  assert.equal(native.status, 429);
});

// ── Djoser's paths

eachWorld(
  "Djoser's paths and the finished ones are never served together",
  async (world) => {
    const user = await world.user();
    assert.equal(
      (
        await see(
          world,
          await logIn(world, user.email, { ...user, path: djoser.login }),
          djoser.view,
        )
      ).status,
      200,
    );
    assert.equal(
      (await post(world, finished.login, { email: user.email, password: user.password })).status,
      404,
    );
  },
  onDjosersPaths,
);

eachWorld(
  "a new password ends every other session and leaves the caller's token valid",
  async (world) => {
    const user = await world.user();
    const [own, other] = [
      await logIn(world, user.email, { ...user, path: djoser.login }),
      await logIn(world, user.email, { ...user, path: djoser.login }),
    ];
    const change = { current_password: user.password, new_password: "Another-Word-5?" };
    assert.equal((await post(world, "/api/password/", change, own)).status, 204);
    assert.equal((await see(world, own, djoser.view)).status, 200);
    assert.deepEqual((await see(world, other, djoser.view)).body, UNDECODABLE);
    assert.deepEqual(
      (await world.mails()).map(({ to }) => to),
      [user.email],
      "and the user is told",
    );
  },
  onDjosersPaths,
);

eachWorld(
  "if users log in by address, a new one makes earlier tokens invalid but their session goes on",
  async (world) => {
    const user = await world.user({ email: "before@example.com" });
    const token = await logIn(world, user.email, { ...user, path: djoser.login });
    const change = { current_password: user.password, new_email: "after@example.com" };
    assert.equal((await post(world, "/api/email/", change, token)).status, 204);
    assert.deepEqual((await see(world, token, djoser.view)).body, { detail: "Invalid signature." });
    assert.deepEqual((await post(world, djoser.refresh, { token })).body, {
      non_field_errors: ["User doesn't exist."],
    });
    assert.ok(await isAccepted(world, token), "natively users have no name in their tokens");
    assert.deepEqual(
      (await world.mails()).map(({ to }) => to),
      ["before@example.com"],
      "the old address can take it back",
    );
    const after = await logIn(world, "after@example.com", { ...user, path: djoser.login });
    assert.equal((await see(world, after, djoser.view)).body["email"], "after@example.com");
    assert.ok((await eventsOf(world)).includes("email.changed"));
  },
  onDjosersPaths,
);

eachWorld(
  "a user cannot change to an address or a name that another user has",
  async (world) => {
    const [user, other] = [
      await world.user({ email: "own@example.com" }),
      await world.user({ email: "taken@example.com" }),
    ];
    const token = await logIn(world, user.email, { ...user, path: djoser.login });
    for (const email of [other.email, "TAKEN@example.com"]) {
      const refused = await post(
        world,
        "/api/email/",
        { current_password: user.password, new_email: email },
        token,
      );
      assert.deepEqual(
        refused.body,
        { new_email: ["spa user with this email address already exists."] },
        email,
      );
    }
    const wrong = await post(
      world,
      "/api/email/",
      { current_password: "x", new_email: "free@example.com" },
      token,
    );
    assert.deepEqual(wrong.body, { current_password: ["Invalid password."] });
  },
  onDjosersPaths,
);

eachWorld(
  "with Django's stock user the name is the login, and the address is optional, may be shared and changes freely",
  async (world) => {
    const create = async (body: object) =>
      post(world, djoser.create, { password: PASSWORD, ...body });
    assert.equal((await create({ username: "Anna" })).status, 201);
    assert.deepEqual((await create({ username: "Anna" })).body, {
      username: ["A user with that username already exists."],
    });
    assert.equal(
      (await create({ username: "anna", email: "a@example.com" })).status,
      201,
      "in other letters another user's",
    );
    assert.equal((await create({ username: "filip", email: "a@example.com" })).status, 201);
    assert.deepEqual((await create({ username: "ﬁlip" })).body, ["Unable to create account."]);

    const login = await post(world, djoser.login, { username: "Anna", password: PASSWORD });
    const token = String(login.body["token"]);
    assert.equal(claimsIn(token)["username"], "Anna");
    const patched = await world.request<Said>("PATCH", djoser.view, {
      body: { email: "A@Example.com" },
      headers: bearing(token),
    });
    assert.deepEqual([patched.body["email"], patched.body["username"]], ["A@example.com", "Anna"]);
    const emptied = await world.request<Said>("PUT", djoser.view, {
      body: { email: "" },
      headers: bearing(token),
    });
    assert.equal(emptied.body["email"], "");
    const same = await world.request<Said>("PUT", djoser.view, {
      body: { username: "other" },
      headers: bearing(token),
    });
    assert.equal(same.body["username"], "Anna");

    assert.equal(
      (
        await post(
          world,
          "/api/username/",
          { current_password: PASSWORD, new_username: "Berta" },
          token,
        )
      ).status,
      204,
    );
    assert.deepEqual((await see(world, token, djoser.view)).body, { detail: "Invalid signature." });
    assert.equal(
      (await post(world, djoser.login, { username: "Berta", password: PASSWORD })).status,
      200,
    );
    assert.deepEqual(
      (await post(world, djoser.login, { username: "berta", password: PASSWORD })).body,
      NO_LOGIN,
    );
  },
  byUsername,
);

eachWorld(
  "the root lists its paths under the server's own address",
  async (world) => {
    const { body } = await world.request<Said>("GET", "/api/", {
      headers: { host: "evil.example" },
    });
    assert.equal(body["user"], "https://accounts.example.com/api/me/");
    assert.equal(body["set_username"], "https://accounts.example.com/api/username/");
  },
  byUsername,
);
