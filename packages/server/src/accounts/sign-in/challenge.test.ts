import { size } from "../../../../../tools/size.ts";
import { transact } from "../../platform/db/transact.ts";
import assert from "node:assert/strict";
import { endpoints, type Endpoint } from "@portcullis/contract";
import {
  addressOf,
  attempt,
  countRows,
  eventsOf,
  isAccepted,
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
  signInWithTotp,
  stepUp,
  totpCode,
  type Challenge,
} from "../../../test/second-factor.ts";
import { eachWorld, type AnswerOf, type TestUser, type World } from "../../../test/world.ts";
import { hashToken } from "../../platform/kernel/codes.ts";
import { disableUser, enableUser } from "../users/disable-user.ts";
import { fingerprintOf } from "../users/hold-unchanged.ts";
import { findUser } from "../users/users.store.ts";
import { insertChallenge } from "./challenges.store.ts";

const operator = { address: null, requestId: null, actor: { kind: "operator" } } as const;

type Token = AnswerOf<typeof endpoints.getToken>;
const tokenOf = async (world: World, token: string): Promise<Token> =>
  (await world.request<Token>("GET", "/v1/token", { token })).body;

/**
 * A pending sign-in put straight into the store: opening a thousand by password would meet the
 * budget for passwords first.
 */
async function pending(world: World, user: TestUser, index = 0): Promise<Challenge> {
  const [challengeId, challengeSecret] = [
    `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`,
    `${index}`.padStart(43, "s"),
  ];
  const now = world.clock.now();
  const held = await findUser(world.rules.db, user.id);
  assert.ok(held);
  await transact(world.rules, async (tx) =>
    insertChallenge(tx, {
      id: challengeId,
      userId: user.id,
      secretHash: hashToken(challengeSecret),
      standing: fingerprintOf(held),
      enrols: false,
      triesLeft: 5,
      address: "192.0.2.1",
      trustedDevice: null,
      createdAt: now,
      expiresAt: now + 300,
    }),
  );
  return { challengeId, challengeSecret, expiresAt: now + 300, factors: ["totp"], enrol: [] };
}

eachWorld(
  "a sign-in with a second factor opens one session on two proofs, and says so in its token",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    const asked = await challenge(world, user);
    assert.deepEqual(
      [asked.factors, asked.enrol, asked.expiresAt],
      [["totp", "recovery_codes"], [], world.clock.now() + 300],
    );
    assert.equal(
      (await attempt(world, user.email, "wrong")).body.code,
      "invalid_credentials",
      "a factor shows to the right password only",
    );
    const before = await countRows(world, "sessions");
    const opened = await answerChallenge(world, asked, {
      factor: "totp",
      code: totpCode(world, secret),
    });
    assert.deepEqual(
      [opened.status, opened.body.recoveryCodesLeft, opened.body.rememberToken],
      [201, null, null],
    );
    const token = await tokenOf(world, opened.body.accessToken);
    assert.deepEqual(
      [token.amr, token.acr, token.authenticatedAt],
      [["pwd", "otp", "mfa"], "aal2", world.clock.now()],
    );
    assert.equal(await countRows(world, "sessions"), before + 1);
    assert.ok((await eventsOf(world)).includes("sign_in.challenged"));
  },
);

eachWorld("another factor may be tried after one has failed", async (world) => {
  const user = await world.user();
  const { secret, recoveryCodes } = await enrolTotp(world, user);
  const asked = await challenge(world, user);
  const wrong = await answerChallenge(world, asked, {
    factor: "totp",
    code: otherCode(totpCode(world, secret)),
  });
  assert.deepEqual([wrong.status, wrong.body.code], [422, "invalid_code"]);
  const right = await answerChallenge(world, asked, {
    factor: "recovery_codes",
    code: recoveryCodes[0] ?? "",
  });
  assert.deepEqual([right.status, right.body.recoveryCodesLeft], [201, 9]);
  assert.deepEqual((await tokenOf(world, right.body.accessToken)).amr, ["pwd", "rec", "mfa"]);
});

// ── MF-04

eachWorld(
  "MF-04 one of 20 simultaneous right answers opens a session, and the challenge is used up",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    const asked = await challenge(world, user);
    const before = await countRows(world, "sessions");
    const code = totpCode(world, secret);
    const answers = await par(20, async () =>
      answerChallenge(world, asked, { factor: "totp", code }),
    );
    assert.equal(statuses(answers)[201], 1, JSON.stringify(statuses(answers)));
    assert.equal(await countRows(world, "sessions"), before + 1);
    world.clock.advance(30);
    const again = await answerChallenge(world, asked, {
      factor: "totp",
      code: totpCode(world, secret),
    });
    assert.deepEqual([again.status, again.body.code], [401, "invalid_challenge"]);
  },
);

eachWorld(
  "MF-04 a challenge is its client's, has five tries, and lives five minutes",
  async (world) => {
    const [user, other] = [await world.user(), await world.user()];
    const { secret } = await enrolTotp(world, user);
    await enrolTotp(world, other);
    const [mine, others] = [await challenge(world, user), await challenge(world, other)];
    const code = totpCode(world, secret);
    for (const stolen of [
      { ...mine, challengeSecret: others.challengeSecret },
      { ...mine, challengeId: others.challengeId },
      { ...mine, challengeId: "00000000-0000-4000-8000-000000000000" },
      { ...mine, challengeSecret: `${mine.challengeSecret.slice(0, -1)}!` },
    ]) {
      const refused = await answerChallenge(world, stolen, { factor: "totp", code });
      assert.deepEqual([refused.status, refused.body.code], [401, "invalid_challenge"]);
    }
    for (let time = 0; time < 5; time += 1)
      assert.equal(
        (await answerChallenge(world, mine, { factor: "totp", code: otherCode(code) })).body.code,
        "invalid_code",
      );
    assert.equal(
      (await answerChallenge(world, mine, { factor: "totp", code })).body.code,
      "invalid_challenge",
    );

    const late = await challenge(world, user);
    world.clock.advance(300);
    const refused = await answerChallenge(world, late, {
      factor: "totp",
      code: totpCode(world, secret),
    });
    assert.deepEqual([refused.status, refused.body.code], [401, "invalid_challenge"]);
  },
);

eachWorld(
  "MF-04, JW-14 the secret of a challenge opens nothing but the second step",
  async (world) => {
    const user = await world.user();
    await enrolTotp(world, user);
    const asked = await challenge(world, user);
    const guarded: readonly Endpoint[] = Object.values(endpoints).filter(
      ({ access }) => access === "user" || access === "superuser",
    );
    assert.ok(guarded.length > 30);
    for (const { method, path } of guarded) {
      for (const token of [asked.challengeSecret, asked.challengeId]) {
        const refused = await world.request(
          method,
          path.replaceAll(/\{\w+\}/g, asked.challengeId),
          { token },
        );
        assert.deepEqual(
          [refused.status, refused.body.code],
          [401, "invalid_token"],
          `${method} ${path}`,
        );
      }
    }
    assert.equal((await refresh(world, asked.challengeSecret)).body.code, "invalid_refresh_token");
  },
);

// ── MF-03

const GUESSES = 10;
const CHALLENGES = size({ small: 150, full: 1000 });

eachWorld(
  `MF-03 no more guesses than the account's budget are evaluated, at ${CHALLENGES} challenges from as many places`,
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    const wrong = otherCode(totpCode(world, secret));
    const challenges = await par(CHALLENGES, async (index) => pending(world, user, index));
    const answers = await par(CHALLENGES, async (index) =>
      answerChallenge(
        world,
        challenges[index] ?? assert.fail(),
        { factor: "totp", code: wrong },
        { address: addressOf(index) },
      ),
    );
    const { 422: evaluated = 0, 429: refused = 0, 503: unanswered = 0 } = statuses(answers);
    assert.ok(evaluated <= GUESSES, `${evaluated} evaluated`);
    // So many at once may be more than a small database answers in time.
    assert.equal(evaluated + refused + unanswered, CHALLENGES, JSON.stringify(statuses(answers)));
    assert.ok(Number(answers.find(({ status }) => status === 429)?.headers.get("retry-after")) > 0);

    world.clock.advance(600);
    const [fresh] = await par(1, async () => pending(world, user, 1000));
    assert.equal(
      (
        await answerChallenge(world, fresh ?? assert.fail(), {
          factor: "totp",
          code: totpCode(world, secret),
        })
      ).status,
      201,
    );
  },
);

eachWorld(
  "MF-03 the budget is one for challenges, stepping up and every kind of factor",
  async (world) => {
    const user = await world.user();
    const { secret, tokens, recoveryCodes } = await enrolTotp(world, user);
    const wrong = otherCode(totpCode(world, secret));
    for (let index = 0; index < GUESSES / 2; index += 1) {
      assert.equal(
        (await stepUp(world, tokens.accessToken, { factor: "totp", code: wrong })).status,
        422,
      );
      assert.equal(
        (
          await answerChallenge(world, await pending(world, user, index), {
            factor: "recovery_codes",
            code: "abcdeabcde",
          })
        ).status,
        422,
      );
    }
    const code = totpCode(world, secret);
    assert.equal((await stepUp(world, tokens.accessToken, { factor: "totp", code })).status, 429);
    const last = await pending(world, user, 99);
    assert.equal(
      (
        await answerChallenge(world, last, {
          factor: "recovery_codes",
          code: recoveryCodes[0] ?? "",
        })
      ).status,
      429,
    );
    world.clock.advance(250);
    assert.equal(
      (await answerChallenge(world, last, { factor: "totp", code: totpCode(world, secret) }))
        .status,
      429,
      "and no try was taken",
    );
  },
);

eachWorld(
  "MF-03 after a hundred wrong ones in a row there are no more until an operator or a new password helps",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    for (let round = 0; round < 10; round += 1) {
      const wrong = otherCode(totpCode(world, secret));
      for (let index = 0; index < GUESSES; index += 1)
        assert.equal(
          (
            await answerChallenge(world, await pending(world, user, round * 100 + index), {
              factor: "totp",
              code: wrong,
            })
          ).status,
          422,
        );
      world.clock.advance(600);
    }
    const right = { factor: "totp", code: totpCode(world, secret) } as const;
    assert.equal(
      (await answerChallenge(world, await pending(world, user, 9999), right)).status,
      429,
    );
    await enableUser(world.rules, user.id, operator);
    await signInWithTotp(world, user, secret);
  },
);

eachWorld(
  "LG-07 a right code gives back what its own client had failed, and nothing that other clients have failed",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    const failures = async (): Promise<number> =>
      Number(
        (
          await world.rules.db
            .selectFrom("attempts")
            .select("count")
            .where("bucket", "=", `second-factor:account:${user.id}`)
            .executeTakeFirst()
        )?.count ?? 0,
      );
    const wrong = otherCode(totpCode(world, secret));
    for (let index = 0; index < 3; index += 1)
      await answerChallenge(
        world,
        await pending(world, user, index),
        { factor: "totp", code: wrong },
        { address: "198.51.100.7" },
      );
    await answerChallenge(
      world,
      await pending(world, user, 10),
      { factor: "totp", code: wrong },
      { address: "203.0.113.9" },
    );
    assert.equal(await failures(), 4);
    const right = { factor: "totp", code: totpCode(world, secret) } as const;
    assert.equal(
      (
        await answerChallenge(world, await pending(world, user, 11), right, {
          address: "203.0.113.9",
        })
      ).status,
      201,
    );
    assert.equal(await failures(), 3);
  },
);

// ── LG-11, LG-14

const between: readonly (readonly [
  what: string,
  happen: (world: World, user: TestUser, token: string) => Promise<unknown>,
])[] = [
  ["the user is disabled", async (world, user) => disableUser(world.rules, user.id, operator)],
  [
    "the user is disabled and enabled again",
    async (world, user) => {
      await disableUser(world.rules, user.id, operator);
      await enableUser(world.rules, user.id, operator);
    },
  ],
  [
    "the password is changed",
    async (world, user, token) => {
      const body = { currentPassword: user.password, newPassword: "nine grey geese fly" };
      assert.equal((await world.request("POST", "/v1/me/password", { token, body })).status, 200);
    },
  ],
  [
    "everybody is logged out",
    async (world, _, token) => world.request("DELETE", "/v1/sessions", { token }),
  ],
  [
    "the address is no longer confirmed",
    async (world, user) =>
      world.rules.db
        .updateTable("users")
        .set({ email_verified_at: null })
        .where("id", "=", user.id)
        .execute(),
  ],
  [
    "the address changes",
    async (world, user) =>
      world.rules.db
        .updateTable("users")
        .set({ email: "b@example.com", email_canonical: "b@example.com" })
        .where("id", "=", user.id)
        .execute(),
  ],
];

for (const [what, happen] of between) {
  eachWorld(`LG-11 a sign-in under way comes to nothing when ${what}`, async (world) => {
    const user = await world.user();
    const { secret, tokens } = await enrolTotp(world, user);
    const asked = await challenge(world, user);
    await happen(world, user, tokens.accessToken);
    const before = await countRows(world, "sessions");
    const refused = await answerChallenge(world, asked, {
      factor: "totp",
      code: totpCode(world, secret),
    });
    assert.deepEqual([refused.status, refused.body.code], [401, "invalid_challenge"]);
    assert.equal(await countRows(world, "sessions"), before);
  });
}

eachWorld(
  "LG-14 the right password and then a wrong factor is told the user, a few times an hour",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    const wrong = otherCode(totpCode(world, secret));
    for (let index = 0; index < GUESSES; index += 1)
      await answerChallenge(world, await pending(world, user, index), {
        factor: "totp",
        code: wrong,
      });
    const told = (await mailsTo(world, user.email)).filter(({ subject }) =>
      /entered your password/.test(subject),
    );
    assert.equal(
      told.length,
      5,
      (await mailsTo(world, user.email)).map(({ subject }) => subject).join("\n"),
    );
  },
);

// ── MF-08

const opensSession = (endpoint: Endpoint): boolean =>
  Object.values(endpoint.answers).some(
    (schema) =>
      schema !== null && JSON.stringify(schema.toJSONSchema?.() ?? {}).includes('"accessToken"'),
  );

/**
 * Every endpoint that gives out tokens, and its answer to the password alone for a user with a
 * second factor.
 */
const pathways: Readonly<
  Record<
    string,
    (world: World, user: TestUser) => Promise<{ readonly status: number; readonly text: string }>
  >
> = {
  signIn: async (world, user) => attempt(world, user.email, user.password),
  answerChallenge: async (world, user) => {
    const { challengeId, challengeSecret } = await challenge(world, user);
    return world.request("POST", `/v1/challenges/${challengeId}`, {
      body: { challengeSecret, factor: "totp", code: user.password },
    });
  },
  // The rest takes a session to begin with, or a passkey, which stands for two factors.
  refreshSession: async (world, user) =>
    refresh(world, (await challenge(world, user)).challengeSecret),
  stepUp: async (world, user) =>
    stepUp(world, (await challenge(world, user)).challengeSecret, { password: user.password }),
  changePassword: async (world, user) =>
    world.request("POST", "/v1/me/password", {
      body: { currentPassword: user.password, newPassword: "nine grey geese fly" },
    }),
  confirmTotp: async (world) =>
    world.request("POST", "/v1/me/factors/totp/00000000-0000-4000-8000-000000000000/confirm", {
      body: { code: "123456" },
    }),
  confirmEmailCodes: async (world) =>
    world.request("POST", "/v1/me/factors/email/confirm", { body: { code: "12345678" } }),
  addPasskey: async (world) => world.request("POST", "/v1/me/factors/passkeys", { body: {} }),
  signInWithPasskey: async (world) => world.request("POST", "/v1/sessions/passkey", { body: {} }),
};

eachWorld(
  "MF-08 no endpoint gives out tokens for the password alone if the user has a second factor",
  async (world) => {
    const all: readonly Endpoint[] = Object.values(endpoints);
    assert.deepEqual(
      all
        .filter(opensSession)
        .map(({ name }) => name)
        .toSorted(),
      Object.keys(pathways).toSorted(),
    );
    const user = await world.user();
    await enrolTotp(world, user);
    const before = await countRows(world, "sessions");
    for (const [name, run] of Object.entries(pathways)) {
      const answered = await run(world, user);
      assert.ok(!answered.text.includes("accessToken"), `${name} ${answered.text}`);
    }
    assert.equal(await countRows(world, "sessions"), before);
  },
);

eachWorld(
  "a user who sets up a factor during a sign-in by password is asked for it there",
  async (world) => {
    const user = await world.user();
    const { accessToken } = await world.signIn(user);
    await enrolTotp(world, user);
    assert.equal((await attempt(world, user.email, user.password)).status, 202);
    assert.ok(await isAccepted(world, accessToken), "sessions there were go on");
  },
);
