import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import {
  answerChallenge,
  challenge,
  enrolTotp,
  signInWithTotp,
  stepUp,
  totpCode,
} from "../../../test/second-factor.ts";
import { attempt } from "../../../test/steps.ts";
import { eachWorld, type AnswerOf, type TestUser, type World } from "../../../test/world.ts";

type Factors = AnswerOf<typeof endpoints.adminGetFactors>;
type Report = AnswerOf<typeof endpoints.adminMfaReport>;

const nobody = "0190a0a0-0000-4000-8000-000000000000";

async function operatorOf(world: World): Promise<string> {
  return (await world.signIn(await world.user({ superuser: true }))).accessToken;
}

const resetOf = ({ id }: Pick<TestUser, "id">): string => `/v1/admin/users/${id}/factors/reset`;

eachWorld(
  "a phone is lost: the operator sees what the user has, resets it, and the password alone signs in again",
  async (world) => {
    const [token, anna] = [await operatorOf(world), await world.user()];
    const factorsOf = async () =>
      (await world.request<Factors>("GET", `/v1/admin/users/${anna.id}/factors`, { token })).body;
    assert.deepEqual(await factorsOf(), { factors: [], required: false });
    const { secret, recoveryCodes } = await enrolTotp(world, anna);
    assert.deepEqual(await factorsOf(), { factors: ["totp", "recovery_codes"], required: false });
    const pending = await challenge(world, anna);

    assert.equal((await world.request("POST", resetOf(anna), { token })).status, 204);
    assert.deepEqual(await factorsOf(), { factors: [], required: false });
    assert.equal((await attempt(world, anna.email, anna.password)).status, 201);
    for (const proof of [
      { factor: "totp", code: totpCode(world, secret) },
      { factor: "recovery_codes", code: recoveryCodes[0] ?? "" },
    ] as const)
      assert.equal(
        (await answerChallenge(world, pending, proof)).body.code,
        "invalid_challenge",
        "begun before the reset",
      );
  },
);

eachWorld(
  "AD-06, MF-07: a superuser with a second factor resets factors only after showing it lately",
  async (world) => {
    const [root, anna] = [await world.user({ superuser: true }), await world.user()];
    const { secret } = await enrolTotp(world, root);
    const { accessToken: token } = await signInWithTotp(world, root, secret);
    world.clock.advance(590);
    await world.rules.feed.refresh(5_000);
    assert.equal((await world.request("POST", resetOf(anna), { token })).status, 204);
    world.clock.advance(9);
    const { refreshToken } = await signInWithTotp(world, root, secret);
    world.clock.advance(901);
    await world.rules.feed.refresh(5_000);
    const old = await world.request<{ readonly accessToken: string }>(
      "POST",
      "/v1/sessions/refresh",
      { body: { refreshToken } },
    );
    const refused = await world.request("POST", resetOf(anna), { token: old.body.accessToken });
    assert.deepEqual(
      [refused.status, refused.body.code],
      [401, "insufficient_user_authentication"],
    );
    assert.match(
      refused.headers.get("www-authenticate") ?? "",
      /acr_values="aal2", max_age="900"$/,
    );

    const raised = await stepUp(world, old.body.accessToken, {
      factor: "totp",
      code: totpCode(world, secret),
    });
    assert.equal(
      (await world.request("POST", resetOf(anna), { token: raised.body.accessToken })).status,
      204,
    );
  },
);

eachWorld("the factors of an unknown user can be neither shown nor reset", async (world) => {
  const token = await operatorOf(world);
  assert.equal(
    (await world.request("GET", `/v1/admin/users/${nobody}/factors`, { token })).body.code,
    "not_found",
  );
  assert.equal(
    (await world.request("POST", resetOf({ id: nobody }), { token })).body.code,
    "not_found",
  );
});

eachWorld("PK-09: a reset after which the user could not sign in is refused", async (world) => {
  const [token, anna] = [await operatorOf(world), await world.user({ username: "anna" })];
  const nothing = {
    password_sealed: null,
    email: null,
    email_canonical: null,
    email_verified_at: null,
  };
  await world.rules.db.updateTable("users").set(nothing).where("id", "=", anna.id).execute();
  const refused = await world.request("POST", resetOf(anna), { token });
  assert.deepEqual([refused.status, refused.body.code], [409, "last_credential"]);
});

eachWorld("the report is read before the policy is switched on, page by page", async (world) => {
  const token = await operatorOf(world);
  const people = [await world.user(), await world.user(), await world.user({ superuser: true })];
  const safe = await world.user();
  await enrolTotp(world, safe);
  const read = async (query: string) =>
    world.request<Report>("GET", `/v1/admin/mfa-report?${query}`, { token });

  const first = await read("policy=required&limit=2");
  const { policy, concerned, without, withoutRecoveryCodes, nextCursor } = first.body;
  assert.deepEqual([policy, concerned, without, withoutRecoveryCodes], ["required", 5, 4, 0]);
  const second = await read(`policy=required&limit=2&cursor=${nextCursor}`);
  const items = [...first.body.items, ...second.body.items];
  assert.deepEqual(
    items.map(({ email, superuser }) => [email, superuser]).slice(1),
    people.map(({ email }, index) => [email, index === 2]),
  );
  assert.equal(second.body.nextCursor, null);

  const ofAnother = await world.request("GET", `/v1/admin/mfa-report?cursor=${nextCursor}`, {
    token,
  });
  assert.deepEqual([ofAnother.status, ofAnother.body.code], [422, "invalid_input"]);
  assert.equal((await read("")).body.policy, "optional");
  const unknown = await world.request("GET", "/v1/admin/mfa-report?policy=off", { token });
  assert.equal(unknown.status, 422);
});
