import assert from "node:assert/strict";
import { attempt, mailsTo, par, refresh } from "../../../test/steps.ts";
import { eachWorld, type TestUser, type World } from "../../../test/world.ts";

const NEXT = "nine grey geese fly";

interface Queued {
  readonly recipient: string;
  readonly template: string;
}

/** Templates of the mails queued or sent so far, in alphabetical order. */
async function templatesTo(world: World, { email }: TestUser): Promise<readonly string[]> {
  const rows: readonly Queued[] = await world.rules.db
    .selectFrom("outbox")
    .select(["recipient", "template"])
    .orderBy("template")
    .execute();
  return rows.filter(({ recipient }) => recipient === email).map(({ template }) => template);
}

async function unverified(world: World): Promise<TestUser> {
  const user = await world.user();
  await world.rules.db
    .updateTable("users")
    .set({ email_verified_at: null })
    .where("id", "=", user.id)
    .execute();
  return user;
}

async function enter(world: World, user: TestUser, deviceToken?: string): Promise<string> {
  const answered = await attempt(
    world,
    user.email,
    user.password,
    deviceToken === undefined ? {} : { deviceToken },
  );
  assert.equal(answered.status, 201, answered.text);
  return answered.body.deviceToken;
}

const changePassword = async (world: World, token: string, currentPassword: string) =>
  world.request("POST", "/v1/me/password", { token, body: { currentPassword, newPassword: NEXT } });

/** Has the session's first refresh token come back after its successor was used. */
async function reuse(world: World, user: TestUser): Promise<void> {
  const { refreshToken } = await world.signIn(user);
  world.clock.advance(60);
  const next = await refresh(world, refreshToken);
  world.clock.advance(60);
  await refresh(world, next.body.refreshToken);
  assert.equal((await refresh(world, refreshToken)).body["cause"], "refresh_reused");
}

eachWorld("LG-14: a returning user is told of a new client and of its address", async (world) => {
  const user = await world.user();
  const laptop = await enter(world, user);
  assert.deepEqual(await templatesTo(world, user), [], "the first sign-in is no news to anybody");
  await enter(world, user, laptop);
  assert.deepEqual(
    await templatesTo(world, user),
    [],
    "nor is that of a client which has been here",
  );

  await attempt(world, user.email, user.password, {
    address: "198.51.100.7",
    headers: { "user-agent": "Phone/2.0" },
  });
  assert.deepEqual(await templatesTo(world, user), ["new_device"]);
  const [mail] = await mailsTo(world, user.email);
  assert.match(mail?.text ?? "", /198\.51\.100\.7/);
  assert.match(mail?.text ?? "", /Phone\/2\.0/);
});

eachWorld(
  "LG-14: the device token of another account, a forged one and one from before a change of the password do not count",
  async (world) => {
    const [user, other] = [await world.user(), await world.user()];
    const own = await enter(world, user);
    for (const token of [await enter(world, other), `${own.slice(0, -2)}AA`])
      await enter(world, user, token);
    const { accessToken } = (await attempt(world, user.email, user.password, { deviceToken: own }))
      .body;
    assert.equal((await changePassword(world, accessToken, user.password)).status, 200);
    await enter(world, { ...user, password: NEXT }, own);
    assert.deepEqual(await templatesTo(world, user), [
      "new_device",
      "new_device",
      "new_device",
      "password_changed",
    ]);
    assert.deepEqual(await templatesTo(world, other), []);
  },
);

eachWorld(
  "LG-14: a thief of the password cannot flood its owner with mail: five notices of new devices an hour",
  async (world) => {
    const user = await world.user();
    await enter(world, user);
    await par(12, async () => enter(world, user));
    assert.equal((await templatesTo(world, user)).length, 5);
    world.clock.advance(3600);
    await enter(world, user);
    assert.equal((await templatesTo(world, user)).length, 6);
  },
);

eachWorld("EN-01: a refused sign-in causes no mail, whatever the reason", async (world) => {
  const [user, disabled] = [await world.user(), await world.user()];
  await enter(world, user);
  await enter(world, disabled);
  await world.rules.db
    .updateTable("users")
    .set({ disabled_at: world.clock.now() })
    .where("id", "=", disabled.id)
    .execute();
  const answers = [
    await attempt(world, user.email, "not the password at all"),
    await attempt(world, disabled.email, disabled.password),
    await attempt(world, "nobody@example.com", user.password),
  ];
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.code]),
    answers.map(() => [401, "invalid_credentials"]),
  );
  assert.deepEqual(await templatesTo(world, user), []);
  assert.deepEqual(await templatesTo(world, disabled), []);
});

eachWorld(
  "LG-14: the user is told once of a session that ends because a refresh token came back, however often it does",
  async (world) => {
    const user = await world.user();
    const { refreshToken } = await world.signIn(user);
    world.clock.advance(60);
    await refresh(world, refreshToken);
    world.clock.advance(60);
    const answers = await par(10, async () =>
      refresh(world, refreshToken, { address: "198.51.100.9" }),
    );
    assert.ok(answers.every(({ body }) => body["cause"] === "refresh_reused"));
    assert.deepEqual(await templatesTo(world, user), ["refresh_reused"]);
    assert.match((await mailsTo(world, user.email))[0]?.text ?? "", /198\.51\.100\.9/);
  },
);

eachWorld(
  "LG-14: the user is told five times an hour of reused refresh tokens of many sessions",
  async (world) => {
    const user = await world.user();
    for (let n = 0; n < 7; n += 1) await reuse(world, user);
    assert.equal(
      (await templatesTo(world, user)).filter((template) => template === "refresh_reused").length,
      5,
    );
  },
);

eachWorld(
  "LG-14: the user is told of a changed password, and not of a refused change",
  async (world) => {
    const user = await world.user();
    const { accessToken } = await world.signIn(user);
    assert.notEqual(
      (await changePassword(world, accessToken, "not the password at all")).status,
      200,
    );
    assert.deepEqual(await templatesTo(world, user), []);
    assert.equal((await changePassword(world, accessToken, user.password)).status, 200);
    assert.deepEqual(await templatesTo(world, user), ["password_changed"]);
  },
);

eachWorld(
  "LG-14: an unconfirmed address is told nothing, because it may be a stranger's",
  async (world) => {
    const user = await unverified(world);
    await enter(world, user);
    await enter(world, user);
    await reuse(world, user);
    const { accessToken } = await world.signIn(user);
    const changed = await changePassword(world, accessToken, user.password);
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual(await templatesTo(world, user), []);
    assert.deepEqual(await world.mails(), []);
  },
  { PORTCULLIS_REGISTRATION: "immediate" },
);
