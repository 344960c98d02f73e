import assert from "node:assert/strict";
import type { Authenticator } from "../../../../test/authenticator.ts";
import {
  addPasskey,
  enrolPasskey,
  enter,
  newAuthenticator,
  prepareStepUp,
  start,
} from "../../../../test/passkeys.ts";
import { stepUp } from "../../../../test/second-factor.ts";
import { attempt, eventsOf, isAccepted, mailsTo } from "../../../../test/steps.ts";
import { eachWorld, type TestUser, type World } from "../../../../test/world.ts";
import { listPasskeys } from "./passkeys.store.ts";

const removePassword = async (world: World, token: string) =>
  world.request("DELETE", "/v1/me/password", { token });
const removePasskey = async (world: World, token: string, id: string) =>
  world.request("DELETE", `/v1/me/factors/passkeys/${id}`, { token });

/** Makes a user with a passkey and no password. */
async function passwordless(world: World) {
  const [user, authenticator] = [await world.user(), newAuthenticator()];
  const { id, tokens } = await enrolPasskey(world, user, authenticator);
  const token = tokens.accessToken;
  assert.equal((await removePassword(world, token)).status, 204);
  return { user, authenticator, id, token };
}

async function hasPassword(world: World, { id }: TestUser): Promise<boolean> {
  const row = await world.rules.db
    .selectFrom("users")
    .select("password_sealed")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  return row.password_sealed !== null;
}

eachWorld(
  "EN-01 a user without a password cannot sign in by one, and the refusal is that of a wrong one",
  async (world) => {
    const { user, authenticator, token } = await passwordless(world);
    const [gone, wrong] = [
      await attempt(world, user.email, user.password),
      await attempt(world, (await world.user()).email, "wrong"),
    ];
    const told = [gone, wrong].map(({ status, body }) => [status, { ...body, instance: "" }]);
    assert.deepEqual(told[0], told[1]);
    assert.ok(await isAccepted(world, token), "no session ends");
    assert.equal((await enter(world, authenticator)).status, 201);
    assert.ok((await mailsTo(world, user.email)).some(({ subject }) => /password/i.test(subject)));
    assert.ok((await eventsOf(world)).includes("password.removed"));
    assert.equal((await removePassword(world, token)).status, 204, "once more");
    assert.equal((await eventsOf(world)).filter((event) => event === "password.removed").length, 1);
  },
);

eachWorld("a user without a password steps up by passkey", async (world) => {
  const { authenticator, token } = await passwordless(world);
  world.clock.advance(301);
  const { ceremonyId, options } = await prepareStepUp(world, token);
  const raised = await stepUp(world, token, {
    factor: "passkey",
    ceremonyId,
    credential: authenticator.get(options),
  });
  assert.equal(raised.status, 200, raised.text);
  await start(world, raised.body.accessToken);
});

eachWorld("PK-09 the password stays while no passkey could take its place", async (world) => {
  const { accessToken } = await world.signIn(await world.user());
  assert.equal((await removePassword(world, accessToken)).body.code, "last_credential");
  const user = await world.user();
  const { tokens } = await enrolPasskey(world, user, newAuthenticator({ verifies: false }));
  assert.equal(
    (await removePassword(world, tokens.accessToken)).body.code,
    "last_credential",
    "one that verifies nobody",
  );
  assert.ok(await hasPassword(world, user));
});

eachWorld("MF-07 the password is removed only after a passkey was shown lately", async (world) => {
  const user = await world.user();
  const { tokens } = await enrolPasskey(world, user, newAuthenticator());
  await world.rules.db.updateTable("sessions").set({ amr: '["pwd","otp","mfa"]' }).execute();
  const body = { refreshToken: tokens.refreshToken };
  const weaker = await world.request<{ readonly accessToken: string }>(
    "POST",
    "/v1/sessions/refresh",
    { body },
  );
  const refused = await removePassword(world, weaker.body.accessToken);
  assert.deepEqual(
    [refused.body.code, refused.body["factors"]],
    ["insufficient_user_authentication", ["passkey"]],
  );
  world.clock.advance(301);
  assert.equal(
    (await removePassword(world, tokens.accessToken)).body.code,
    "insufficient_user_authentication",
  );
  assert.ok(await hasPassword(world, user));
});

eachWorld(
  "PK-09 the last passkey that lets its user in without a password cannot be removed",
  async (world) => {
    const { user, authenticator, id, token } = await passwordless(world);
    assert.equal((await removePasskey(world, token, id)).body.code, "last_credential");
    const weak = await addPasskey(world, token, newAuthenticator({ verifies: false }));
    const fresh = (await enter(world, authenticator)).body.accessToken;
    assert.equal(
      (await removePasskey(world, fresh, id)).body.code,
      "last_credential",
      "beside one that verifies nobody",
    );
    assert.equal((await removePasskey(world, fresh, weak.body.id)).status, 204);
    await addPasskey(world, fresh, newAuthenticator());
    assert.equal(
      (await removePasskey(world, (await enter(world, authenticator)).body.accessToken, id)).status,
      204,
    );
    assert.equal((await listPasskeys(world.rules.db, user.id)).length, 1);
  },
);

eachWorld(
  "PK-09 if two clients remove passkey and password at once, one of the two stays",
  async (world) => {
    for (let round = 0; round < 5; round++) {
      const [user, authenticator] = [await world.user(), newAuthenticator()];
      const { id } = await enrolPasskey(world, user, authenticator);
      const [one = "", other = ""] = await tokensOf(world, authenticator);
      const [passkey, password] = await Promise.all([
        removePasskey(world, one, id),
        removePassword(world, other),
      ]);
      const left = [
        (await listPasskeys(world.rules.db, user.id)).length > 0,
        await hasPassword(world, user),
      ];
      assert.deepEqual(left.filter(Boolean).length, 1, `${passkey.status} ${password.status}`);
      assert.ok(
        [passkey, password].some(({ status }) => status === 204) &&
          [passkey, password].some(({ status }) => status !== 204),
      );
    }
  },
);

eachWorld("PK-09 if two clients remove the last two passkeys at once, one stays", async (world) => {
  const { user, authenticator, id, token } = await passwordless(world);
  const second = (await addPasskey(world, token, newAuthenticator())).body.id;
  const [one = "", other = ""] = await tokensOf(world, authenticator);
  await Promise.all([removePasskey(world, one, id), removePasskey(world, other, second)]);
  assert.equal((await listPasskeys(world.rules.db, user.id)).length, 1);
});

async function tokensOf(world: World, authenticator: Authenticator): Promise<readonly string[]> {
  return [
    (await enter(world, authenticator)).body.accessToken,
    (await enter(world, authenticator)).body.accessToken,
  ];
}
