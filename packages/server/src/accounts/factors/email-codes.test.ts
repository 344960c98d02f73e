import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import {
  addressOf,
  attempt,
  codeIn,
  countRows,
  dump,
  mailsTo,
  otherCode,
  par,
  refresh,
  statuses,
} from "../../../test/steps.ts";
import {
  answerChallenge,
  challenge,
  enrolTotp,
  stepUp,
  type Challenge,
} from "../../../test/second-factor.ts";
import {
  eachWorld,
  type AnswerOf,
  type Refused,
  type TestUser,
  type World,
} from "../../../test/world.ts";
import { findUser } from "../users/users.store.ts";
import { createEmailCodes } from "./email-codes.ts";
import { pruneEmailCodes } from "./email-codes.store.ts";

type Prepared = Extract<AnswerOf<typeof endpoints.prepareChallenge>, { factor: "email" }>;
type Started = AnswerOf<typeof endpoints.startEmailCodes, 202>;
type Confirmed = AnswerOf<typeof endpoints.confirmEmailCodes>;

const start = async (world: World, token: string) =>
  world.request<Started & Refused>("POST", "/v1/me/factors/email", { token });
const confirm = async (world: World, token: string, code: string) =>
  world.request<Confirmed & Refused>("POST", "/v1/me/factors/email/confirm", {
    token,
    body: { code },
  });
const codeMails = async (world: World, user: TestUser) =>
  (await mailsTo(world, user.email)).filter(({ text }) => /^ {4}\d{8}$/m.test(text));
const codesMailed = async (world: World, user: TestUser): Promise<number> =>
  (await codeMails(world, user)).length;

async function codeFor(world: World, user: TestUser): Promise<string> {
  const [latest] = await codeMails(world, user);
  assert.ok(latest, "no code was mailed");
  return codeIn(latest);
}

/** The user has codes mailed from now on, and the mails of that no longer count. */
async function enrol(world: World, user: TestUser): Promise<Confirmed> {
  const { accessToken: token } = await world.signIn(user);
  assert.equal((await start(world, token)).status, 202);
  const confirmed = await confirm(world, token, await codeFor(world, user));
  assert.equal(confirmed.status, 200, confirmed.text);
  world.clock.advance(3600);
  return confirmed.body;
}

const prepare = async (world: World, { challengeId, challengeSecret }: Challenge) =>
  world.request<Prepared & Refused>("POST", `/v1/challenges/${challengeId}/prepare`, {
    body: { challengeSecret, factor: "email" },
  });
const prepareStepUp = async (world: World, token: string) =>
  world.request<Prepared & Refused>("POST", "/v1/step-up/prepare", {
    token,
    body: { factor: "email" },
  });
const answerWith = async (world: World, asked: Challenge, code: string) =>
  answerChallenge(world, asked, { factor: "email", code });

/** A session that has shown a mailed code. */
async function signedIn(world: World, user: TestUser) {
  const asked = await challenge(world, user);
  assert.equal((await prepare(world, asked)).status, 200);
  const opened = await answerWith(world, asked, await codeFor(world, user));
  assert.equal(opened.status, 201, opened.text);
  return opened.body;
}

// ── the way it goes

eachWorld("codes by mail are a second factor from the first one that came back", async (world) => {
  const user = await world.user();
  const { accessToken: token } = await world.signIn(user);
  const started = await start(world, token);
  assert.deepEqual(started.body, {
    expiresAt: world.clock.now() + 600,
    resendAt: world.clock.now() + 60,
  });
  assert.equal(
    (await attempt(world, user.email, user.password)).status,
    201,
    "MF-09 what is not confirmed counts for nothing",
  );
  const confirmed = await confirm(world, token, await codeFor(world, user));
  assert.deepEqual([confirmed.status, confirmed.body.recoveryCodes?.length], [200, 10]);
  assert.equal(
    (await start(world, confirmed.body.tokens.accessToken)).body.code,
    "factor_unavailable",
    "it is there already",
  );

  world.clock.advance(60);
  const asked = await challenge(world, user);
  assert.deepEqual(asked.factors, ["email", "recovery_codes"]);
  const prepared = await prepare(world, asked);
  assert.deepEqual(prepared.body, {
    factor: "email",
    expiresAt: asked.expiresAt,
    resendAt: world.clock.now() + 60,
  });
  const opened = await answerWith(
    world,
    asked,
    (await codeFor(world, user)).replace(/^.{4}/, "$& "),
  );
  assert.equal(opened.status, 201, opened.text);
  const { body } = await world.request<AnswerOf<typeof endpoints.getToken>>("GET", "/v1/token", {
    token: opened.body.accessToken,
  });
  assert.deepEqual([body.amr, body.acr], [["pwd", "email", "mfa"], "aal2"]);
});

eachWorld(
  "the mail says how long the code is good for and from where it was asked for, and is not sent after that",
  async (world) => {
    const user = await world.user();
    await enrol(world, user);
    const asked = await challenge(world, user);
    await prepare(world, asked);
    const [{ text, subject } = assert.fail("no code was mailed")] = await codeMails(world, user);
    assert.match(text, /valid for 5 minutes and works once/);
    assert.match(text, /IP address: 192\.0\.2\.1\n/);
    assert.doesNotMatch(subject, /\d/);
    const row = await world.rules.db
      .selectFrom("outbox")
      .select("expires_at")
      .where("template", "=", "second_factor_code")
      .orderBy("id", "desc")
      .executeTakeFirst();
    assert.equal(row?.expires_at, asked.expiresAt);
  },
);

// ── MF-06

eachWorld(
  "MF-06 a code has eight digits and ends after ten minutes, and with its challenge",
  async (world) => {
    const user = await world.user();
    await enrol(world, user);
    const opened = await signedIn(world, user);
    world.clock.advance(60);
    const prepared = await prepareStepUp(world, opened.accessToken);
    assert.deepEqual(prepared.body.expiresAt, world.clock.now() + 600);
    const code = await codeFor(world, user);
    world.clock.advance(599);
    const { body } = await refresh(world, opened.refreshToken);
    world.clock.advance(1);
    assert.equal(
      (await stepUp(world, body.accessToken, { factor: "email", code })).body.code,
      "invalid_code",
    );
    await prepareStepUp(world, body.accessToken);
    const fresh = await codeFor(world, user);
    world.clock.advance(599);
    const again = await refresh(world, body.refreshToken);
    assert.equal(
      (await stepUp(world, again.body.accessToken, { factor: "email", code: fresh })).status,
      200,
    );

    const asked = await challenge(world, user);
    world.clock.advance(200);
    assert.equal((await prepare(world, asked)).body.expiresAt, asked.expiresAt);
    const late = await codeFor(world, user);
    world.clock.advance(100);
    assert.equal((await answerWith(world, asked, late)).body.code, "invalid_challenge");
  },
);

eachWorld("MF-06 a code can be tried five times", async (world) => {
  const user = await world.user();
  await enrol(world, user);
  const { accessToken: token } = await signedIn(world, user);
  world.clock.advance(60);
  await prepareStepUp(world, token);
  const code = await codeFor(world, user);
  for (const malformed of ["1234567", "123456789", "abcdefgh"])
    assert.equal(
      (await stepUp(world, token, { factor: "email", code: malformed })).body.code,
      "invalid_code",
    );
  const wrong = await par(5, async () =>
    stepUp(world, token, { factor: "email", code: otherCode(code) }),
  );
  assert.deepEqual(statuses(wrong), { 422: 5 });
  assert.equal(
    (await stepUp(world, token, { factor: "email", code })).body.code,
    "invalid_code",
    "the sixth",
  );
  world.clock.advance(60);
  await prepareStepUp(world, token);
  assert.equal(
    (await stepUp(world, token, { factor: "email", code: await codeFor(world, user) })).status,
    200,
    "a new code has new tries",
  );
});

eachWorld(
  "MF-06 a code is mailed again after a minute, and voids the one before",
  async (world) => {
    const user = await world.user();
    await enrol(world, user);
    const asked = await challenge(world, user);
    assert.equal((await prepare(world, asked)).status, 200);
    const first = await codeFor(world, user);
    world.clock.advance(45);
    const early = await prepare(world, asked);
    assert.deepEqual(
      [early.status, early.body.code, early.body["retryAfterSeconds"]],
      [429, "rate_limited", 15],
    );
    assert.equal(await codeFor(world, user), first);
    world.clock.advance(15);
    assert.equal((await prepare(world, asked)).status, 200);
    const second = await codeFor(world, user);
    assert.notEqual(first, second);
    assert.equal((await answerWith(world, asked, first)).body.code, "invalid_code");
    assert.equal((await answerWith(world, asked, second)).status, 201);
  },
);

eachWorld(
  "MF-06 if ten clients ask at once for one challenge, one code is mailed",
  async (world) => {
    const user = await world.user();
    await enrol(world, user);
    const before = await codesMailed(world, user);
    const asked = await challenge(world, user);
    assert.deepEqual(statuses(await par(10, async () => prepare(world, asked))), {
      200: 1,
      429: 9,
    });
    assert.equal(await codesMailed(world, user), before + 1);
    assert.equal((await answerWith(world, asked, await codeFor(world, user))).status, 201);
  },
);

eachWorld("MF-06 a code is good for what it was mailed for and for nothing else", async (world) => {
  const user = await world.user();
  const { tokens } = await enrol(world, user);
  const { accessToken: token } = (await refresh(world, tokens.refreshToken)).body;
  const [one, other] = [await challenge(world, user), await challenge(world, user)];
  await prepare(world, one);
  const code = await codeFor(world, user);
  assert.equal(
    (await answerWith(world, other, code)).body.code,
    "invalid_code",
    "of another challenge",
  );
  assert.equal(
    (await stepUp(world, token, { factor: "email", code })).body.code,
    "invalid_code",
    "of a challenge",
  );
  await prepareStepUp(world, token);
  const forStepUp = await codeFor(world, user);
  assert.equal(
    (await answerWith(world, other, forStepUp)).body.code,
    "invalid_code",
    "of a step-up",
  );
  assert.equal((await answerWith(world, one, code)).status, 201);
  assert.equal((await stepUp(world, token, { factor: "email", code: forStepUp })).status, 200);
});

eachWorld(
  "MF-06 the code that sets the factor up proves nothing, and that of a step-up sets nothing up",
  async (world) => {
    const user = await world.user();
    const { accessToken: token, sessionId } = await world.signIn(user);
    await start(world, token);
    const code = await codeFor(world, user);
    assert.equal((await stepUp(world, token, { factor: "email", code })).body.code, "invalid_code");
    const held = await findUser(world.rules.db, user.id);
    assert.ok(held);
    const origin = {
      address: "192.0.2.1",
      userAgent: "",
      requestId: null,
      actor: { kind: "anonymous" },
    } as const;
    const { enrolment } = createEmailCodes(world.rules);
    const elsewhere = {
      flow: { kind: "step_up", id: sessionId },
      user: held,
      origin,
    } as const;
    assert.equal(
      (await enrolment?.check(elsewhere, { factor: "email", code }))?.kind,
      "mismatched",
    );
    assert.equal((await confirm(world, token, code)).status, 200);
  },
);

eachWorld(
  "MF-06 if 20 right answers come at once, one is taken, and no code works twice",
  async (world) => {
    const user = await world.user();
    await enrol(world, user);
    const asked = await challenge(world, user);
    await prepare(world, asked);
    const code = await codeFor(world, user);
    const before = await countRows(world, "sessions");
    const answers = await par(20, async (index) =>
      answerChallenge(world, asked, { factor: "email", code }, { address: addressOf(index) }),
    );
    assert.equal(statuses(answers)[201], 1, JSON.stringify(statuses(answers)));
    assert.equal(await countRows(world, "sessions"), before + 1);
  },
);

eachWorld("if ten requests confirm at once, one sets the factor up", async (world) => {
  const user = await world.user();
  const { accessToken: token } = await world.signIn(user);
  await start(world, token);
  const code = await codeFor(world, user);
  assert.equal(statuses(await par(10, async () => confirm(world, token, code)))[200], 1);
  assert.equal(await countRows(world, "email_factors"), 1);
});

eachWorld(
  "MF-06 a code dies when the address it was mailed to is no longer the account's",
  async (world) => {
    const user = await world.user();
    const { accessToken: token } = await world.signIn(user);
    await start(world, token);
    const code = await codeFor(world, user);
    const moved = { email: "moved@example.com", email_canonical: "moved@example.com" };
    await world.rules.db.updateTable("users").set(moved).where("id", "=", user.id).execute();
    assert.equal((await confirm(world, token, code)).body.code, "invalid_code");
    assert.equal(await countRows(world, "email_factors"), 0);
  },
);

eachWorld(
  "no code is mailed if the address is missing or has not been confirmed",
  async (world) => {
    const user = await world.user({ username: "anna" });
    const { tokens } = await enrol(world, user);
    const { accessToken: token } = (await refresh(world, tokens.refreshToken)).body;
    for (const lost of [{ email_verified_at: null }, { email: null, email_canonical: null }]) {
      await world.rules.db.updateTable("users").set(lost).where("id", "=", user.id).execute();
      const refused = await prepareStepUp(world, token);
      assert.deepEqual([refused.status, refused.body.code], [409, "no_address"]);
    }
    const bare = await world.user();
    const { accessToken } = await world.signIn(bare);
    await world.rules.db
      .updateTable("users")
      .set({ email_verified_at: null })
      .where("id", "=", bare.id)
      .execute();
    assert.equal((await start(world, accessToken)).body.code, "no_address");
  },
);

eachWorld(
  "five codes an hour are mailed to a user, and the mails that strangers cause count for themselves",
  async (world) => {
    const user = await world.user();
    await enrol(world, user);
    for (let n = 0; n < 6; n += 1)
      await world.request("POST", "/v1/password-resets", {
        body: { identifier: user.email },
        address: addressOf(n),
      });
    const before = await codesMailed(world, user);
    for (let n = 0; n < 5; n += 1)
      assert.equal((await prepare(world, await challenge(world, user))).status, 200);
    const refused = await prepare(world, await challenge(world, user));
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body["retryAfterSeconds"]],
      [429, "rate_limited", 3600],
    );
    assert.equal(await codesMailed(world, user), before + 5);
  },
);

eachWorld(
  "MF-06 where they are switched off nobody sets them up, and who has them is asked for them no more",
  async (world) => {
    const user = await world.user();
    await world.rules.db
      .insertInto("email_factors")
      .values({ user_id: user.id, created_at: 1 })
      .execute();
    const signed = await attempt(world, user.email, user.password);
    assert.equal(signed.status, 201, signed.text);
    const { accessToken: token } = signed.body;
    const refused = await start(world, token);
    assert.deepEqual([refused.status, refused.body.code], [409, "factor_unavailable"]);
    assert.equal((await prepareStepUp(world, token)).body.code, "factor_unavailable");
    assert.equal((await confirm(world, token, "12345678")).body.code, "invalid_code");
    const { body } = await world.request<AnswerOf<typeof endpoints.getFactors>>(
      "GET",
      "/v1/me/factors",
      { token },
    );
    assert.equal(body.email, null);
    assert.equal(await countRows(world, "email_codes"), 0);

    const { accessToken: stronger } = (await enrolTotp(world, user)).tokens;
    assert.equal(
      (await world.request("DELETE", "/v1/me/factors/email", { token: stronger })).status,
      204,
    );
    assert.deepEqual(
      [await countRows(world, "totp_devices"), await countRows(world, "recovery_codes")],
      [1, 10],
      "they were not the last",
    );
  },
  { PORTCULLIS_EMAIL_CODES: "off" },
);

eachWorld(
  "the stored form of a code does not tell it, and goes when its time is over or the factor is removed",
  async (world) => {
    const user = await world.user();
    await enrol(world, user);
    const { accessToken: token } = await signedIn(world, user);
    const asked = await challenge(world, user);
    await prepare(world, asked);
    const code = await codeFor(world, user);
    for (const [table, text] of Object.entries(await dump(world)))
      assert.ok(!text.includes(code), `in ${table}`);
    const { db } = world.rules;
    assert.equal(
      await pruneEmailCodes(db, world.clock.now(), 10),
      1,
      "that of the enrolment, an hour ago",
    );
    assert.equal(await countRows(world, "email_codes"), 2);
    assert.equal((await world.request("DELETE", "/v1/me/factors/email", { token })).status, 204);
    assert.equal(await countRows(world, "email_codes"), 0);
    assert.equal((await answerWith(world, asked, code)).body.code, "invalid_code");
  },
);

eachWorld("ten first codes can be tried in ten minutes", async (world) => {
  const { accessToken: token } = await world.signIn(await world.user());
  const tried = await par(11, async () => confirm(world, token, "12345678"));
  assert.deepEqual(statuses(tried), { 422: 10, 429: 1 });
});
