import assert from "node:assert/strict";
import {
  activate,
  activating,
  askFor,
  byEmail,
  byToken,
  call,
  crowd,
  djoser,
  loggedIn,
  logIn,
  mailedLink,
  mailedLinks,
  me,
  NEXT,
  reset,
  resetUsername,
  rowOf,
  signUp,
  user,
  withToken,
} from "../../../../test/djoser.ts";
import {
  linkTo,
  startReset,
  finishReset,
  mailedTo,
  undoChange,
} from "../../../../test/recovery.ts";
import {
  attempt,
  countRows,
  dump,
  eventsOf,
  isAccepted,
  mailsTo,
  par,
  PASSWORD,
  refresh,
  statuses,
} from "../../../../test/steps.ts";
import { eachWorld } from "../../../../test/world.ts";
import { composeApp } from "../../../process/compose.ts";
import { readConfig } from "../../../process/config.ts";
import { removeUser } from "../../../accounts/users/delete-user.ts";
import { disableUser, enableUser } from "../../../accounts/users/disable-user.ts";
import { endAllSessions } from "../../../accounts/sessions/revoke.ts";
import { operator } from "../../../records/audit/origin.ts";

const INVALID_TOKEN = { token: ["Invalid token for given user."] };
const STALE = { detail: "Stale token for given user." };
const INACTIVE = { detail: "User is inactive", code: "user_inactive" };

// ── defects of the original that are not copied

eachWorld(
  "the caller's own account answers HEAD and OPTIONS",
  async (world) => {
    await user(world, "ada");
    const { access: token } = await loggedIn(world, "ada");
    assert.equal((await call(world, "HEAD", "users/me/", undefined, { token })).status, 200);
    const options = await call(world, "OPTIONS", "users/me/", undefined, { token });
    assert.deepEqual([options.status, options.body["name"]], [200, "User"]);
  },
  djoser,
);

eachWorld(
  "a deleted or disabled user cannot refresh",
  async (world) => {
    const ada = await user(world, "ada");
    await user(world, "berta");
    const [first, second] = [await loggedIn(world, "ada"), await loggedIn(world, "berta")];
    await disableUser(world.rules, ada.id, operator);
    assert.equal(
      (
        await call(
          world,
          "DELETE",
          "users/me/",
          { current_password: PASSWORD },
          { token: second.access },
        )
      ).status,
      204,
    );
    for (const pair of [first, second])
      assert.equal(
        (await call(world, "POST", "jwt/refresh/", { refresh: pair.refresh })).status,
        401,
      );
  },
  djoser,
);

eachWorld(
  "a password close to the user's name is refused with a mailed link, too, and the link stays valid",
  async (world) => {
    await user(world, "vandermolen");
    const link = await askFor(world, "password", "vandermolen@example.com");
    const refused = await reset(world, link, "vandermolen9");
    assert.deepEqual(
      [refused.status, refused.body],
      [400, { new_password: ["The password is too similar to the username."] }],
    );
    assert.equal((await reset(world, link)).status, 204);
  },
  djoser,
);

eachWorld(
  "RS-05 a link for one act is refused for every other",
  async (world) => {
    await signUp(world, "ada");
    const activation = await mailedLink(world, "ada@example.com");
    assert.deepEqual((await reset(world, activation)).body, INVALID_TOKEN);
    assert.deepEqual((await resetUsername(world, activation, "other")).body, INVALID_TOKEN);
    assert.equal((await activate(world, activation)).status, 204);

    const password = await askFor(world, "password", "ada@example.com");
    const name = await askFor(world, "username", "ada@example.com");
    for (const link of [password, name])
      assert.deepEqual((await activate(world, link)).body, INVALID_TOKEN);
    assert.deepEqual((await reset(world, name)).body, INVALID_TOKEN);
    assert.deepEqual((await resetUsername(world, password, "other")).body, INVALID_TOKEN);
    const native = (await startReset(world, "ada@example.com")).body;
    const { token } = await mailedTo(world, "ada@example.com", "/reset");
    assert.deepEqual((await reset(world, { ...password, token })).body, INVALID_TOKEN);
    assert.equal(
      (await finishReset(world, { resetId: native.resetId, token: password.token })).status,
      422,
    );
  },
  activating,
);

eachWorld(
  "two users with one address each get a link of their own",
  async (world) => {
    for (const name of ["twin1", "twin2"])
      assert.equal((await signUp(world, name, "twins@example.com")).status, 201);
    await mailedLinks(world, "twins@example.com");
    assert.equal(
      (await call(world, "POST", "users/resend_activation/", { email: "twins@example.com" }))
        .status,
      204,
    );
    const links = (await mailedLinks(world, "twins@example.com")).slice(0, 2);
    assert.deepEqual(
      statuses(await Promise.all(links.map(async (link) => activate(world, link)))),
      { 204: 2 },
    );

    assert.equal(
      (await call(world, "POST", "users/reset_password/", { email: "twins@example.com" })).status,
      204,
    );
    const [latest] = await mailsTo(world, "twins@example.com");
    const holder = (await rowOf(world, "twin1")).email_canonical === null ? "twin2" : "twin1";
    assert.ok(
      latest?.text.includes(holder),
      "the fifth mail of the hour, and the last, is the holder's",
    );
    world.clock.advance(3601);
    await call(world, "POST", "users/reset_password/", { email: "twins@example.com" });
    const named = (await mailsTo(world, "twins@example.com"))
      .slice(0, 2)
      .map(({ text }) => /twin\d/.exec(text)?.[0]);
    assert.deepEqual(new Set(named), new Set(["twin1", "twin2"]));
  },
  activating,
);

eachWorld(
  "a mailed link does not let a disabled user in",
  async (world) => {
    await signUp(world, "ada");
    const link = await mailedLink(world, "ada@example.com");
    const { id } = await rowOf(world, "ada");
    await disableUser(world.rules, id, operator);
    assert.deepEqual((await activate(world, link)).body, STALE);
    assert.equal(
      (await call(world, "POST", "users/resend_activation/", { email: "ada@example.com" })).status,
      400,
    );
    await enableUser(world.rules, id, operator);
    assert.equal(
      (await logIn(world, "ada")).status,
      200,
      "an operator's word is as good as the link",
    );
  },
  activating,
);

eachWorld(
  "login paths end exactly where they should, and a uid that is a number matches no user",
  async (world) => {
    await user(world, "ada");
    for (const path of ["jwt/create/anything", "jwt/createanything"])
      assert.equal(
        (await call(world, "POST", path, { username: "ada", password: PASSWORD })).status,
        404,
      );
    const refused = await activate(world, { uid: 1, token: "x" });
    assert.deepEqual(
      [refused.status, refused.body],
      [400, { uid: ["Invalid user id or user doesn't exist."] }],
    );
  },
  djoser,
);

// ── activation

eachWorld(
  "RG-04 if one link is used fifty times at once, one call activates the account",
  async (world) => {
    await signUp(world, "ada");
    const link = await mailedLink(world, "ada@example.com");
    assert.deepEqual(statuses(await par(50, async () => activate(world, link))), {
      204: 1,
      403: 49,
    });
    assert.equal((await eventsOf(world)).filter((event) => event === "user.confirmed").length, 1);
  },
  activating,
);

eachWorld(
  "an address that awaits confirmation pauses the account, natively too, but ends no session",
  async (world) => {
    const ada = await user(world, "ada");
    const pair = await loggedIn(world, "ada");
    const native = await world.signIn(ada);
    await call(world, "PATCH", "users/me/", { email: "new@example.com" }, { token: pair.access });
    const link = await mailedLink(world, "new@example.com");

    assert.deepEqual((await me(world, pair.access)).body, INACTIVE);
    assert.equal((await logIn(world, "ada")).status, 401);
    assert.equal(
      (await call(world, "POST", "jwt/refresh/", { refresh: pair.refresh })).status,
      401,
    );
    assert.equal((await attempt(world, "ada", PASSWORD)).body.code, "invalid_credentials");
    assert.equal((await refresh(world, native.refreshToken)).body.code, "account_paused");
    assert.equal(
      (await world.request("GET", "/v1/me", { token: native.accessToken })).body.code,
      "account_paused",
    );
    const patch = await world.request("PATCH", "/v1/me", {
      token: native.accessToken,
      body: { locale: "de" },
    });
    assert.equal(patch.body.code, "account_paused");

    assert.equal((await activate(world, link)).status, 204);
    assert.equal((await me(world, pair.access)).body["email"], "new@example.com");
    assert.equal(
      (await call(world, "POST", "jwt/refresh/", { refresh: pair.refresh })).status,
      200,
    );
    assert.equal((await refresh(world, native.refreshToken)).status, 200);
    assert.ok((await rowOf(world, "ada")).email_verified_at !== null);
  },
  activating,
);

eachWorld(
  "RG-05 an activation link is valid only for the address and the pause that it was mailed for",
  async (world) => {
    await signUp(world, "ada");
    const first = await mailedLink(world, "ada@example.com");
    await activate(world, first);
    const token = (await loggedIn(world, "ada")).access;
    const move = async (email: string) => call(world, "PATCH", "users/me/", { email }, { token });
    world.clock.advance(1);
    await move("b@example.com");
    assert.deepEqual((await activate(world, first)).body, INVALID_TOKEN);
    await activate(world, await mailedLink(world, "b@example.com"));
    world.clock.advance(1);
    await move("ada@example.com");
    assert.deepEqual((await activate(world, first)).body, INVALID_TOKEN, "it was another pause");
    assert.equal((await activate(world, await mailedLink(world, "ada@example.com"))).status, 204);
  },
  activating,
);

eachWorld(
  "the previous confirmed address is told and can undo the change, which ends the pause and every session",
  async (world) => {
    await user(world, "ada");
    const { access } = await loggedIn(world, "ada");
    await call(world, "PATCH", "users/me/", { email: "thief@example.com" }, { token: access });
    const { token } = await linkTo(world, "ada@example.com", "/undo");
    assert.equal((await undoChange(world, token)).status, 204);
    const row = await rowOf(world, "ada");
    assert.deepEqual(
      [row.email, row.paused_at, row.password_sealed],
      ["ada@example.com", null, null],
    );
    assert.equal((await me(world, access)).status, 401);
  },
  activating,
);

eachWorld(
  "the previous confirmed address can be taken back from users who share or register it, without confirming it",
  async (world) => {
    for (const [name, isEarly] of [
      ["ada", true],
      ["bob", false],
    ] as const) {
      await user(world, name);
      if (isEarly) await signUp(world, `thief-of-${name}`, `${name}@example.com`);
      const { access } = await loggedIn(world, name);
      await call(
        world,
        "PATCH",
        "users/me/",
        { email: `thief-of-${name}@example.net` },
        { token: access },
      );
      if (!isEarly) await signUp(world, `thief-of-${name}`, `${name}@example.com`);
      assert.equal((await rowOf(world, `thief-of-${name}`)).email_canonical, `${name}@example.com`);

      const { token } = await linkTo(world, `${name}@example.com`, "/undo");
      assert.equal((await undoChange(world, token)).status, 204);
      assert.equal((await rowOf(world, name)).email_canonical, `${name}@example.com`);
      const thief = await rowOf(world, `thief-of-${name}`);
      assert.deepEqual(
        [thief.email_canonical, thief.shared_email_canonical],
        [null, `${name}@example.com`],
      );
    }
  },
  djoser,
);

eachWorld(
  "if many users share an address, the one who holds or has confirmed it gets a link first",
  async (world) => {
    const sharers = ["s1", "s2", "s3", "s4", "s5", "s6"];
    for (const name of sharers) await signUp(world, name);
    await user(world, "ada");
    for (const name of sharers) {
      const { access: token } = await loggedIn(world, name);
      assert.equal(
        (await call(world, "PATCH", "users/me/", { email: "ada@example.com" }, { token })).status,
        200,
      );
    }
    await call(world, "POST", "users/reset_password/", { email: "ada@example.com" });
    const uidOfAda = Buffer.from(String((await rowOf(world, "ada")).number)).toString("base64url");
    const links = await mailedLinks(world, "ada@example.com");
    assert.deepEqual([links.length, links.some(({ uid }) => uid === uidOfAda)], [5, true]);
  },
  djoser,
);

eachWorld(
  "RG-15 an unconfirmed address gets five mails an hour about changes, too",
  async (world) => {
    await signUp(world, "mallory", "victim@example.com");
    const { access: token } = await loggedIn(world, "mallory");
    for (let index = 0; index < 4; index += 1) {
      const name = { current_password: PASSWORD, new_username: `mallory${index}` };
      assert.equal((await call(world, "POST", "users/set_username/", name, { token })).status, 204);
      const same = { current_password: PASSWORD, new_password: PASSWORD };
      assert.equal((await call(world, "POST", "users/set_password/", same, { token })).status, 204);
    }
    assert.equal((await mailsTo(world, "victim@example.com")).length, 5);
  },
  {
    ...djoser,
    PORTCULLIS_DJOSER_PASSWORD_CHANGED_EMAIL_CONFIRMATION: "on",
    PORTCULLIS_DJOSER_USERNAME_CHANGED_EMAIL_CONFIRMATION: "on",
  },
);

eachWorld(
  "if accounts wait for activation, another face without activation creates none",
  async (world) => {
    const account = { email: "ada@example.com", username: "ada", password: PASSWORD };
    for (const path of ["/api/auth/register/", "/api/user/create/"])
      assert.equal((await world.request("POST", path, { body: account })).status, 403, path);
    assert.equal((await call(world, "POST", "users/", account)).status, 201);
    assert.equal((await logIn(world, "ada")).status, 401);
  },
  activating,
);

eachWorld(
  "RG-15 an address gets five mails an hour in all, and the answers do not reveal it",
  async (world) => {
    await user(world, "ada");
    const asked = await par(8, async () =>
      call(world, "POST", "users/reset_password/", { email: "ada@example.com" }),
    );
    assert.deepEqual(statuses(asked), { 204: 8 });
    assert.equal((await mailsTo(world, "ada@example.com")).length, 5);
  },
  djoser,
);

eachWorld(
  "EN-04 asking for a reset costs the same and gets the same answer whether or not a user has the address",
  async (world) => {
    await user(world, "ada");
    const ask = async (email: string) => {
      const before = [world.queries(), await countRows(world, "outbox")] as const;
      const answered = await call(world, "POST", "users/reset_password/", { email });
      const rows = (await countRows(world, "outbox")) - before[1];
      return [answered.status, answered.text, rows];
    };
    assert.deepEqual(await ask("ada@example.com"), [204, "", 1]);
    assert.deepEqual(await ask("nobody@example.com"), [204, "", 1]);
  },
  djoser,
);

// ── passwords

eachWorld(
  "PW-07 a password set through the face ends every other session at once, but the caller's tokens stay valid",
  async (world) => {
    const ada = await user(world, "ada");
    const [mine, other] = [await loggedIn(world, "ada"), await loggedIn(world, "ada")];
    const native = await world.signIn(ada);
    const opaque = (
      await call(world, "POST", "token/login/", { username: "ada", password: PASSWORD })
    ).body["auth_token"];
    const link = await askFor(world, "password", "ada@example.com");
    const set = await call(
      world,
      "POST",
      "users/set_password/",
      { current_password: PASSWORD, new_password: NEXT },
      { token: mine.access },
    );
    assert.equal(set.status, 204, set.text);

    assert.equal((await me(world, mine.access)).status, 200);
    assert.equal(
      (await call(world, "POST", "jwt/refresh/", { refresh: mine.refresh })).status,
      200,
    );
    assert.equal((await me(world, other.access)).status, 401);
    assert.equal(
      (await call(world, "POST", "jwt/refresh/", { refresh: other.refresh })).status,
      401,
    );
    assert.equal(await isAccepted(world, native.accessToken), false);
    assert.equal(
      (await call(world, "GET", "users/me/", undefined, withToken(String(opaque)))).status,
      401,
    );
    assert.deepEqual((await reset(world, link)).body, INVALID_TOKEN, "RS-09");
    assert.deepEqual(
      [(await logIn(world, "ada")).status, (await logIn(world, "ada", NEXT)).status],
      [401, 200],
    );
    assert.match(
      (await mailsTo(world, "ada@example.com"))[0]?.subject ?? "",
      /has been changed/,
      "LG-14",
    );
  },
  byToken,
);

eachWorld(
  "if two sessions change the password at once, one wins and the other session ends",
  async (world) => {
    await user(world, "ada");
    const pairs = [await loggedIn(world, "ada"), await loggedIn(world, "ada")];
    const answers = await par(2, async (index) =>
      call(
        world,
        "POST",
        "users/set_password/",
        { current_password: PASSWORD, new_password: `${NEXT} ${index}` },
        { token: pairs[index]?.access ?? "" },
      ),
    );
    assert.equal(statuses(answers)[204], 1, JSON.stringify(statuses(answers)));
    const alive = await Promise.all(
      pairs.map(async ({ access }) => (await me(world, access)).status),
    );
    assert.deepEqual(new Set(alive), new Set([200, 401]));
  },
  djoser,
);

eachWorld(
  "RS-01 RS-02 if one link is used for twenty resets at once, one succeeds; it ends every session and opens none",
  async (world) => {
    const ada = await user(world, "ada");
    const pair = await loggedIn(world, "ada");
    const native = await world.signIn(ada);
    const other = await startReset(world, "ada@example.com");
    const opaque = (
      await call(world, "POST", "token/login/", { username: "ada", password: PASSWORD })
    ).body["auth_token"];
    const { token } = await mailedTo(world, "ada@example.com", "/reset");
    const link = await askFor(world, "password", "ada@example.com");
    assert.deepEqual(statuses(await par(20, async () => reset(world, link))), { 204: 1, 400: 19 });
    assert.equal((await me(world, pair.access)).status, 401);
    assert.equal(
      (await call(world, "POST", "jwt/refresh/", { refresh: pair.refresh })).status,
      401,
    );
    assert.equal(await isAccepted(world, native.accessToken), false);
    assert.equal(
      (await call(world, "GET", "users/me/", undefined, withToken(String(opaque)))).status,
      401,
    );
    assert.equal((await finishReset(world, { resetId: other.body.resetId, token })).status, 422);
    assert.equal((await logIn(world, "ada", NEXT)).status, 200);
  },
  byToken,
);

eachWorld(
  "RS-09 a reset link is refused if the address has changed or the link is too old",
  async (world) => {
    await user(world, "ada");
    const { access: token } = await loggedIn(world, "ada");
    const link = await askFor(world, "password", "ada@example.com");
    await call(world, "PATCH", "users/me/", { email: "b@example.com" }, { token });
    assert.deepEqual((await reset(world, link)).body, INVALID_TOKEN);
    const late = await askFor(world, "password", "b@example.com");
    world.clock.advance(3 * 86_400 + 1);
    assert.deepEqual((await reset(world, late)).body, INVALID_TOKEN);
  },
  djoser,
);

// ── names

eachWorld(
  "a username link works once, even if the user gets the old name back",
  async (world) => {
    await user(world, "ada");
    const { access: token } = await loggedIn(world, "ada");
    const link = await askFor(world, "username", "ada@example.com");
    assert.deepEqual(
      statuses(await par(10, async (index) => resetUsername(world, link, `ada${index}`))),
      { 204: 1, 400: 9 },
    );
    const back = await call(
      world,
      "POST",
      "users/set_username/",
      { current_password: PASSWORD, new_username: "ada" },
      { token },
    );
    assert.equal(back.status, 204, back.text);
    assert.deepEqual((await resetUsername(world, link, "other")).body, INVALID_TOKEN);
  },
  djoser,
);

eachWorld(
  "RG-14 a username cannot be another user's address, but may be one's own",
  async (world) => {
    await user(world, "victim");
    for (const name of ["victim@example.com", "Victim@Example.com", "nobody@example.com"]) {
      const refused = await signUp(world, name, "mallory@example.com");
      assert.deepEqual([refused.status, Object.keys(refused.body)], [400, ["username"]], name);
    }
    assert.equal((await signUp(world, "own@example.com", "own@example.com")).status, 201);
    const shared = await signUp(world, "victim@example.com", "victim@example.com");
    assert.deepEqual([shared.status, Object.keys(shared.body)], [400, ["username"]], "shared");
    await signUp(world, "mallory", "victim@example.com");
    const sharer = await loggedIn(world, "mallory");
    const rename = { current_password: PASSWORD, new_username: "victim@example.com" };
    assert.equal(
      (await call(world, "POST", "users/set_username/", rename, { token: sharer.access })).status,
      400,
    );
    const { access: token } = await loggedIn(world, "victim");
    const input = { current_password: PASSWORD, new_username: "own@example.com" };
    assert.equal((await call(world, "POST", "users/set_username/", input, { token })).status, 400);
    const renamed = await call(
      world,
      "POST",
      "users/set_username/",
      { ...input, new_username: "victim@example.com" },
      { token },
    );
    assert.equal(renamed.status, 204, renamed.text);
  },
  djoser,
);

eachWorld(
  "a user who shares an address gets it when its holder leaves, and loses nothing",
  async (world) => {
    for (const name of ["first", "second", "third"])
      await signUp(world, name, "shared@example.com");
    const held = async () => {
      const rows = await Promise.all(
        ["first", "second", "third"].map(async (name) => rowOf(world, name).catch(() => undefined)),
      );
      return rows.map((row) => row?.email_canonical ?? row?.shared_email_canonical?.toUpperCase());
    };
    assert.deepEqual(await held(), [
      "shared@example.com",
      "SHARED@EXAMPLE.COM",
      "SHARED@EXAMPLE.COM",
    ]);
    const outbox = await countRows(world, "outbox");
    await removeUser(world.rules, (await rowOf(world, "first")).id, operator);
    assert.deepEqual(await held(), [undefined, "shared@example.com", "SHARED@EXAMPLE.COM"]);
    const { access: token } = await loggedIn(world, "second");
    assert.equal(
      (await call(world, "PATCH", "users/me/", { email: "own@example.com" }, { token })).status,
      200,
    );
    assert.deepEqual(await held(), [undefined, "own@example.com", "shared@example.com"]);
    assert.equal(await countRows(world, "outbox"), outbox);
  },
  { ...djoser, PORTCULLIS_DJOSER_SEND_CONFIRMATION_EMAIL: "on" },
);

eachWorld(
  "if users log in by address, setting one takes the password, pauses the account and is refused for another user's address",
  async (world) => {
    await call(world, "POST", "users/", { email: "ada@example.com", password: PASSWORD });
    await activate(world, await mailedLink(world, "ada@example.com"));
    await world.user({ email: "taken@example.com" });
    const { access: token } = await loggedIn(world, "ada@example.com", PASSWORD, "email");
    const set = async (email: string, password = PASSWORD) =>
      call(
        world,
        "POST",
        "users/set_email/",
        { current_password: password, new_email: email },
        { token },
      );
    assert.deepEqual((await set("new@example.com", "wrong")).body, {
      current_password: ["Invalid password."],
    });
    assert.deepEqual((await set("taken@example.com")).body, {
      new_email: ["user with this email address already exists."],
    });
    assert.equal((await set("new@example.com")).status, 204);
    assert.deepEqual((await me(world, token)).body, INACTIVE);
    await activate(world, await mailedLink(world, "new@example.com"));

    const link = await askFor(world, "email", "new@example.com");
    const confirmEmail = async (email: string) =>
      call(world, "POST", "users/reset_email_confirm/", { ...link, new_email: email });
    assert.equal((await confirmEmail("newer@example.com")).status, 204);
    assert.deepEqual((await confirmEmail("newest@example.com")).body, INVALID_TOKEN);
    const again = await call(world, "POST", "users/", {
      email: "taken@example.com",
      password: PASSWORD,
    });
    assert.deepEqual(again.body, { email: ["user with this email address already exists."] });
  },
  byEmail,
);

// ── users

eachWorld(
  "a superuser reads, changes and deletes other users, and a long list comes page by page",
  async (world) => {
    const root = await user(world, "root", { superuser: true });
    const ada = await user(world, "ada");
    await crowd(world, 1000);
    const { access: token } = await loggedIn(world, "root");
    const asked = { token };
    const first = await call<readonly { readonly username: string }[]>(
      world,
      "GET",
      "users/",
      undefined,
      asked,
    );
    assert.equal(first.body.length, 1000);
    const next =
      /^<https:\/\/accounts\.example\.com(\/auth\/users\/\?after=\d+)>; rel="next"$/.exec(
        first.headers.get("link") ?? "",
      )?.[1];
    const second = await world.request<readonly { readonly username: string }[]>(
      "GET",
      next ?? "",
      asked,
    );
    assert.deepEqual(
      [second.body.map(({ username }) => username), second.headers.get("link")],
      [["crowd998", "crowd999"], null],
    );

    const detail = `users/${ada.number}/`;
    assert.equal((await call(world, "GET", detail, undefined, asked)).body["username"], "ada");
    assert.equal(
      (await call(world, "PATCH", detail, { email: "ada2@example.com" }, asked)).body["email"],
      "ada2@example.com",
    );
    assert.deepEqual((await call(world, "DELETE", detail, { current_password: "x" }, asked)).body, {
      current_password: ["Invalid password."],
    });
    assert.equal(
      (await call(world, "DELETE", detail, { current_password: PASSWORD }, asked)).status,
      204,
    );
    const last = await call(
      world,
      "DELETE",
      `users/${root.number}/`,
      { current_password: PASSWORD },
      asked,
    );
    assert.deepEqual(
      [last.status, last.body],
      [403, { detail: "The last superuser cannot be deleted." }],
      "AD-04",
    );
  },
  djoser,
);

eachWorld("faces that would share paths are refused with the setting to change", async (world) => {
  const config = readConfig({ PORTCULLIS_DJOSER_PREFIX: "/api", PORTCULLIS_TAG1_PATHS: "djoser" });
  assert.throws(() => composeApp({ ...world.parts, config }, world.rules, () => "ready"), {
    name: "ConfigError",
    message:
      "Faces share paths (/api/ is served twice): set another PORTCULLIS_DJOSER_PREFIX or fewer PORTCULLIS_FACES.",
  });
});

eachWorld(
  "RG-12 closed registration is closed here, too",
  async (world) => {
    assert.equal((await signUp(world, "ada")).status, 403);
    assert.equal(await countRows(world, "users"), 0);
  },
  { ...djoser, PORTCULLIS_REGISTRATION: "closed" },
);

// ── token login

const tokenLogin = async (world: Parameters<typeof call>[0], username: string) =>
  (await call(world, "POST", "token/login/", { username, password: PASSWORD })).body["auth_token"];

eachWorld(
  "token login gives a user one token, even if they log in many times at once, and stores only its digest",
  async (world) => {
    await user(world, "ada");
    const tokens = await par(6, async () => tokenLogin(world, "ada"));
    assert.equal(new Set(tokens).size, 1);
    const [token] = tokens;
    assert.match(String(token), /^[0-9a-f]{40}$/);
    assert.equal(
      (await call(world, "GET", "users/me/", undefined, withToken(String(token)))).status,
      200,
    );
    for (const [table, rows] of Object.entries(await dump(world)))
      assert.ok(!rows.includes(String(token)), table);
    const live = await world.rules.db
      .selectFrom("sessions")
      .select("id")
      .where("revoked_at", "is", null)
      .execute();
    assert.equal(live.length, 1);
  },
  byToken,
);

eachWorld(
  "everything that ends a session ends its opaque token, and the next login has another one",
  async (world) => {
    const ada = await user(world, "ada");
    const isGood = async (token: unknown) =>
      (await call(world, "GET", "users/me/", undefined, withToken(String(token)))).status === 200;
    const first = await tokenLogin(world, "ada");
    await endAllSessions(world.rules, ada.id, "logout_everywhere", operator);
    assert.equal(await isGood(first), false);
    const second = await tokenLogin(world, "ada");
    assert.notEqual(second, first);
    await disableUser(world.rules, ada.id, operator);
    await enableUser(world.rules, ada.id, operator);
    assert.equal(await isGood(second), false);
    const third = await tokenLogin(world, "ada");
    assert.equal(
      (await call(world, "POST", "token/logout/", undefined, withToken(String(third)))).status,
      204,
    );
    assert.equal(await isGood(third), false);
    const fourth = await tokenLogin(world, "ada");
    world.clock.advance(90 * 86_400);
    assert.equal(await isGood(fourth), false, "it lives as long as a session");
  },
  byToken,
);

eachWorld(
  "an opaque token of a paused account is refused as inactive, and works again after the activation",
  async (world) => {
    await user(world, "ada");
    const token = withToken(String(await tokenLogin(world, "ada")));
    await call(world, "PATCH", "users/me/", { email: "new@example.com" }, token);
    const paused = await call(world, "GET", "users/me/", undefined, token);
    assert.deepEqual([paused.status, paused.body], [401, { detail: "User inactive or deleted." }]);
    await activate(world, await mailedLink(world, "new@example.com"));
    assert.equal((await call(world, "GET", "users/me/", undefined, token)).status, 200);
  },
  { ...byToken, ...activating, PORTCULLIS_DJOSER_TOKEN_LOGIN: "on" },
);

eachWorld(
  "a user who confirms an address takes it from a stranger, but not from a confirmed holder",
  async (world) => {
    const links: object[] = [];
    for (const name of ["squatter", "owner", "twin"]) {
      await signUp(world, name, "shared@example.com");
      links.push(await mailedLink(world, "shared@example.com"));
    }
    const held = async () =>
      Promise.all(
        ["squatter", "owner", "twin"].map(
          async (name) => (await rowOf(world, name)).email_canonical,
        ),
      );
    assert.deepEqual(await held(), ["shared@example.com", null, null]);
    assert.equal((await activate(world, links[1] ?? {})).status, 204);
    assert.deepEqual(await held(), [null, "shared@example.com", null]);
    assert.equal((await activate(world, links[2] ?? {})).status, 204);
    assert.deepEqual(await held(), [null, "shared@example.com", null]);
  },
  activating,
);
