import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { codeIn, countRows, eventsOf, isAccepted, mailsTo, servedBy } from "../../../test/steps.ts";
import { enrolTotp, signInWithTotp, stepUp, totpCode } from "../../../test/second-factor.ts";
import {
  eachWorld,
  type AnswerOf,
  type Refused,
  type TestUser,
  type World,
} from "../../../test/world.ts";
import { createHasher } from "../../platform/hashing/pool.ts";
import { systemClock } from "../../platform/kernel/clock.ts";
import { silentLog } from "../../platform/kernel/log.ts";
import { systemRandom } from "../../platform/kernel/random.ts";

type Factors = AnswerOf<typeof endpoints.getFactors>;
type Begun = AnswerOf<typeof endpoints.startTotp, 201>;
type Enrolled = AnswerOf<typeof endpoints.confirmTotp>;

const factorsOf = async (world: World, token: string): Promise<Factors> =>
  (await world.request<Factors>("GET", "/v1/me/factors", { token })).body;

const remove = async (world: World, token: string, which: string) =>
  world.request("DELETE", `/v1/me/factors/${which}`, { token });

/** Counts the mails with this subject that tell of this factor. */
async function timesTold(
  world: World,
  user: TestUser,
  subject: RegExp,
  factor: RegExp,
): Promise<number> {
  return (await mailsTo(world, user.email)).filter(
    (mail) => subject.test(mail.subject) && factor.test(mail.text),
  ).length;
}

async function addEmailCodes(
  world: World,
  user: TestUser,
  token: string,
): Promise<Enrolled["tokens"]> {
  assert.equal((await world.request("POST", "/v1/me/factors/email", { token })).status, 202);
  const mail = (await mailsTo(world, user.email)).find(({ subject }) =>
    subject.startsWith("Your code"),
  );
  assert.ok(mail);
  const body = { code: codeIn(mail) };
  const confirmed = await world.request<Enrolled>("POST", "/v1/me/factors/email/confirm", {
    token,
    body,
  });
  assert.equal(confirmed.status, 200, confirmed.text);
  return confirmed.body.tokens;
}

async function begin(world: World, token: string): Promise<Begun> {
  const begun = await world.request<Begun>("POST", "/v1/me/factors/totp", {
    token,
    body: { name: "Phone" },
  });
  assert.equal(begun.status, 201, begun.text);
  return begun.body;
}

eachWorld(
  "an account shows which factors it has and whether one is demanded of it",
  async (world) => {
    const user = await world.user();
    const { accessToken } = await world.signIn(user);
    const none = { required: false, totp: [], passkeys: [], email: null, recoveryCodes: null };
    assert.deepEqual(await factorsOf(world, accessToken), none);
    const { id, secret } = await begin(world, accessToken);
    assert.deepEqual(
      await factorsOf(world, accessToken),
      none,
      "MF-09 what is not confirmed is not one",
    );
    const now = world.clock.now();
    const confirmed = await world.request<Enrolled>("POST", `/v1/me/factors/totp/${id}/confirm`, {
      token: accessToken,
      body: { code: totpCode(world, secret) },
    });
    const { accessToken: token } = await addEmailCodes(
      world,
      user,
      confirmed.body.tokens.accessToken,
    );
    assert.deepEqual(
      await factorsOf(servedBy(world, { ...world.rules, mfaPolicy: "required" }), token),
      {
        required: true,
        totp: [{ id, name: "Phone", createdAt: now }],
        passkeys: [],
        email: { createdAt: now },
        recoveryCodes: { left: 10, createdAt: now, few: false },
      },
    );
  },
);

eachWorld(
  "MF-12 the user is told of every factor that is added and of every one that is removed",
  async (world) => {
    const user = await world.user();
    const { secret, tokens, id } = await enrolTotp(world, user);
    assert.equal(await timesTold(world, user, /was added/, /authenticator app/), 1);
    const { accessToken: weak } = await addEmailCodes(world, user, tokens.accessToken);
    assert.equal(await timesTold(world, user, /was added/, /codes by e-mail/), 1);
    const { body } = await stepUp(world, weak, { factor: "totp", code: totpCode(world, secret) });
    assert.equal((await remove(world, body.accessToken, "email")).status, 204);
    assert.equal(await timesTold(world, user, /removed/, /codes by e-mail/), 1);
    assert.equal((await remove(world, body.accessToken, `totp/${id}`)).status, 204);
    assert.equal(await timesTold(world, user, /removed/, /authenticator app/), 1);
    const told = (await eventsOf(world)).filter((event) => event.startsWith("factor."));
    assert.deepEqual(told, ["factor.added", "factor.added", "factor.removed", "factor.removed"]);
    assert.equal(
      await countRows(world, "recovery_codes"),
      0,
      "with the last factor go the codes that take its place",
    );
    assert.equal((await world.signIn(user)).tokenType, "Bearer");
  },
);

eachWorld(
  "MF-12 a user who adds or removes a factor may end every other session with it",
  async (world) => {
    const user = await world.user();
    const [kept, ended] = [await world.signIn(user), await world.signIn(user)];
    const { id, secret } = await begin(world, kept.accessToken);
    const body = { code: totpCode(world, secret), endOtherSessions: true };
    const confirmed = await world.request<Enrolled>("POST", `/v1/me/factors/totp/${id}/confirm`, {
      token: kept.accessToken,
      body,
    });
    const { accessToken: token } = confirmed.body.tokens;
    assert.deepEqual(
      [await isAccepted(world, ended.accessToken), await isAccepted(world, token)],
      [false, true],
    );

    world.clock.advance(30);
    const other = await signInWithTotp(world, user, secret);
    assert.equal((await remove(world, token, `totp/${id}?endOtherSessions=true`)).status, 204);
    assert.deepEqual(
      [await isAccepted(world, other.accessToken), await isAccepted(world, token)],
      [false, true],
    );

    const bystander = await world.signIn(user);
    const { accessToken: weak } = await addEmailCodes(world, user, token);
    assert.equal((await remove(world, weak, "email")).status, 204);
    assert.ok(await isAccepted(world, bystander.accessToken), "not unless asked to");
  },
);

eachWorld("only what is one's own and counts can be removed", async (world) => {
  const [anna, ben] = [await world.user(), await world.user()];
  const [hers, his] = [await enrolTotp(world, anna), await enrolTotp(world, ben)];
  const pending = await begin(world, hers.tokens.accessToken);
  for (const which of [
    `totp/${his.id}`,
    `totp/${pending.id}`,
    "totp/0190a0a0-0000-7000-8000-000000000000",
    "email",
  ])
    assert.equal(
      (await remove(world, hers.tokens.accessToken, which)).body.code,
      "not_found",
      which,
    );
  assert.deepEqual((await factorsOf(world, his.tokens.accessToken)).totp.length, 1);
});

eachWorld("the last factor stays where one is demanded", async (world) => {
  const user = await world.user();
  const { tokens, id } = await enrolTotp(world, user);
  const strict = servedBy(world, { ...world.rules, mfaPolicy: "required" });
  const refused = await remove(strict, tokens.accessToken, `totp/${id}`);
  assert.deepEqual([refused.status, refused.body.code], [403, "factor_required"]);
  await world.rules.db
    .insertInto("email_factors")
    .values({ user_id: user.id, created_at: 1 })
    .execute();
  assert.equal((await remove(strict, tokens.accessToken, `totp/${id}`)).status, 204);
});

eachWorld(
  "MF-07 a factor is added and removed on the strength of one at least as strong, shown lately",
  async (world) => {
    const user = await world.user();
    const { id, secret, tokens } = await enrolTotp(world, user);
    const { accessToken: both } = await addEmailCodes(world, user, tokens.accessToken);
    await world.request("POST", "/v1/step-up/prepare", { token: both, body: { factor: "email" } });
    const mail = (await mailsTo(world, user.email)).find(({ subject }) =>
      subject.startsWith("Your code"),
    );
    assert.ok(mail);
    const mailed = codeIn(mail);
    const { accessToken: weak } = (await stepUp(world, both, { factor: "email", code: mailed }))
      .body;
    const isRefused = async (answered: Promise<{ readonly body: Refused }>) =>
      assert.equal((await answered).body.code, "insufficient_user_authentication");
    await isRefused(remove(world, weak, `totp/${id}`));
    const pending = await begin(world, weak);
    const body = { code: totpCode(world, pending.secret) };
    await isRefused(
      world.request("POST", `/v1/me/factors/totp/${pending.id}/confirm`, { token: weak, body }),
    );
    const strong = await stepUp(world, weak, { factor: "totp", code: totpCode(world, secret) });
    world.clock.advance(301);
    const { accessToken: stale } = strong.body;
    for (const [method, path, sent] of [
      ["POST", "totp", {}],
      ["POST", `totp/${pending.id}/confirm`, body],
      ["POST", "recovery-codes", undefined],
      ["POST", "email", undefined],
      ["POST", "email/confirm", { code: "12345678" }],
      ["DELETE", `totp/${id}`, undefined],
      ["DELETE", "email", undefined],
    ] as const)
      await isRefused(
        world.request(method, `/v1/me/factors/${path}`, {
          token: stale,
          ...(sent !== undefined && { body: sent }),
        }),
      );
    assert.equal((await factorsOf(world, stale)).totp.length, 1);
  },
);

eachWorld(
  "under the policy off nobody sets up a factor",
  async (world) => {
    const user = await world.user();
    const { accessToken: token } = await world.signIn(user);
    for (const path of ["totp", "email"])
      assert.equal(
        (
          await world.request("POST", `/v1/me/factors/${path}`, {
            token,
            ...(path === "totp" && { body: {} }),
          })
        ).body.code,
        "factors_off",
      );
    const body = { code: "12345678" };
    assert.equal(
      (await world.request("POST", "/v1/me/factors/email/confirm", { token, body })).body.code,
      "factors_off",
    );
    assert.deepEqual(await mailsTo(world, user.email), []);
  },
  { PORTCULLIS_MFA_POLICY: "off" },
);

eachWorld(
  "PW-11 if the recovery codes cannot be hashed in time, the first factor is not set up, and can be a moment later",
  async (world) => {
    const { accessToken: token } = await world.signIn(await world.user());
    const { id, secret } = await begin(world, token);
    const hasher = createHasher({
      log: silentLog,
      clock: systemClock,
      random: systemRandom,
      concurrency: 1,
      params: { memoryCost: 64, timeCost: 1, parallelism: 1 },
    });
    await hasher.close();
    const busy = servedBy(world, { ...world.rules, hasher });
    const asked = [
      `/v1/me/factors/totp/${id}/confirm`,
      { token, body: { code: totpCode(world, secret) } },
    ] as const;
    const refused = await busy.request("POST", ...asked);
    assert.deepEqual([refused.status, refused.body.code], [503, "busy"]);
    assert.equal((await factorsOf(world, token)).totp.length, 0);
    assert.equal((await world.request("POST", ...asked)).status, 200);
  },
);
