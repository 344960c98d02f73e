import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { attempt, dump, isAccepted } from "../../../test/steps.ts";
import { begunReset, finishReset } from "../../../test/recovery.ts";
import { answerChallenge, challenge, enrolTotp, totpCode } from "../../../test/second-factor.ts";
import {
  eachWorld,
  type AnswerOf,
  type TestUser,
  type World,
  type WorldOptions,
} from "../../../test/world.ts";

const allowed: WorldOptions = { PORTCULLIS_REMEMBER_DEVICE: "14d" };
type Token = AnswerOf<typeof endpoints.getToken>;
type Devices = AnswerOf<typeof endpoints.listRememberedDevices>;

async function remembered(
  world: World,
  user: TestUser,
): Promise<{
  readonly rememberToken: string;
  readonly accessToken: string;
  readonly secret: string;
}> {
  const { secret } = await enrolTotp(world, user);
  const proof = { factor: "totp", code: totpCode(world, secret) } as const;
  const opened = await answerChallenge(world, await challenge(world, user), proof, {
    rememberDevice: true,
  });
  assert.equal(opened.status, 201, opened.text);
  assert.ok(opened.body.rememberToken);
  return { rememberToken: opened.body.rememberToken, accessToken: opened.body.accessToken, secret };
}

const signIn = async (world: World, user: TestUser, rememberToken: string) =>
  world.request<{ readonly accessToken: string }>("POST", "/v1/sessions", {
    body: { identifier: user.email, password: user.password, rememberToken },
  });

eachWorld("no device is remembered unless the operator allows it", async (world) => {
  const user = await world.user();
  const { secret } = await enrolTotp(world, user);
  const proof = { factor: "totp", code: totpCode(world, secret) } as const;
  const opened = await answerChallenge(world, await challenge(world, user), proof, {
    rememberDevice: true,
  });
  assert.deepEqual([opened.status, opened.body.rememberToken], [201, null]);
});

eachWorld(
  "MF-10 a remembered device signs in by the password alone, which is one factor and says so",
  async (world) => {
    const user = await world.user();
    const { rememberToken } = await remembered(world, user);
    const opened = await signIn(world, user, rememberToken);
    assert.equal(opened.status, 201);
    const token = await world.request<Token>("GET", "/v1/token", {
      token: opened.body.accessToken,
    });
    assert.deepEqual([token.body.amr, token.body.acr], [["pwd"], "aal1"]);
    const refused = await world.request("POST", "/v1/me/factors/totp", {
      token: opened.body.accessToken,
      body: {},
    });
    assert.equal(refused.body.code, "insufficient_user_authentication");
    assert.equal(
      (await attempt(world, user.email, user.password)).status,
      202,
      "another device is asked",
    );
    world.clock.advance(14 * 86_400);
    assert.equal(
      (await signIn(world, user, rememberToken)).status,
      202,
      "two weeks later it is asked again",
    );
  },
  allowed,
);

eachWorld(
  "MF-10 its token is good for its user alone, letter by letter, and not to be read from the database",
  async (world) => {
    const [user, other] = [await world.user(), await world.user()];
    const { rememberToken } = await remembered(world, user);
    await enrolTotp(world, other);
    assert.equal((await signIn(world, other, rememberToken)).status, 202);
    const [header = "", payload = "", mac = ""] = rememberToken.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: other.id })).toString("base64url");
    for (const token of [
      `${header}.${forged}.${mac}`,
      `${header}.${payload}.${"A".repeat(mac.length)}`,
      "x".repeat(100),
      `${rememberToken}x`,
    ])
      for (const one of [user, other]) assert.equal((await signIn(world, one, token)).status, 202);
    for (let at = 0; at < rememberToken.length; at += 7) {
      const flipped = `${rememberToken.slice(0, at)}${rememberToken[at] === "A" ? "B" : "A"}${rememberToken.slice(at + 1)}`;
      assert.equal((await signIn(world, user, flipped)).status, 202, `byte ${at}`);
      await world.rules.db.deleteFrom("attempts").execute();
    }
    assert.ok(!Object.values(await dump(world)).some((text) => text.includes(mac)));
    assert.equal((await signIn(world, user, rememberToken)).status, 201);
  },
  allowed,
);

eachWorld(
  "MF-10 it dies with the password, with a factor that is removed, and when its user forgets it",
  async (world) => {
    const user = await world.user();
    const first = await remembered(world, user);
    const list = await world.request<Devices>("GET", "/v1/me/remembered-devices", {
      token: first.accessToken,
    });
    assert.equal(list.body.items.length, 1);
    const stranger = await world.signIn(await world.user());
    const id = list.body.items[0]?.id ?? "";
    await world.request("DELETE", `/v1/me/remembered-devices/${id}`, {
      token: stranger.accessToken,
    });
    assert.equal(
      (await signIn(world, user, first.rememberToken)).status,
      201,
      "a stranger forgets nothing of it",
    );
    await world.request("DELETE", `/v1/me/remembered-devices/${id}`, { token: first.accessToken });
    assert.equal((await signIn(world, user, first.rememberToken)).status, 202);
    assert.ok(await isAccepted(world, first.accessToken));

    const other = await world.user();
    const second = await remembered(world, other);
    const { token } = await begunReset(world, other);
    assert.equal((await finishReset(world, { token }, "nine grey geese fly")).status, 204);
    assert.equal(
      (await signIn(world, { ...other, password: "nine grey geese fly" }, second.rememberToken))
        .status,
      202,
    );

    const third = await world.user();
    const kept = await remembered(world, third);
    world.clock.advance(30);
    const factors = await world.request<AnswerOf<typeof endpoints.getFactors>>(
      "GET",
      "/v1/me/factors",
      { token: kept.accessToken },
    );
    const removed = await world.request(
      "DELETE",
      `/v1/me/factors/totp/${factors.body.totp[0]?.id}`,
      { token: kept.accessToken },
    );
    assert.equal(removed.status, 204, removed.text);
    await enrolTotp(world, third);
    assert.equal((await signIn(world, third, kept.rememberToken)).status, 202);
  },
  allowed,
);
