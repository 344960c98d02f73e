import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { attempt, countRows, otherCode, par, statuses } from "../../../test/steps.ts";
import {
  answerChallenge,
  challenge,
  enrolTotp,
  signInWithTotp,
  totpCode,
  type Challenge,
} from "../../../test/second-factor.ts";
import { eachWorld, type AnswerOf, type World, type WorldOptions } from "../../../test/world.ts";

type Begun = Extract<AnswerOf<typeof endpoints.enrolInChallenge>, { factor: "totp" }>;

async function enrol(world: World, { challengeId, challengeSecret }: Challenge, factor = "totp") {
  return world.request<Begun>("POST", `/v1/challenges/${challengeId}/enrol`, {
    body: { challengeSecret, factor },
  });
}

const policies = ["off", "optional", "superusers", "required"] as const;
const demanded: Readonly<Record<(typeof policies)[number], readonly ("user" | "superuser")[]>> = {
  off: [],
  optional: [],
  superusers: ["superuser"],
  required: ["user", "superuser"],
};

for (const policy of policies) {
  eachWorld(
    `under the policy ${policy} ${demanded[policy].join(" and ") || "nobody"} must set up a factor to sign in`,
    async (world) => {
      for (const kind of ["user", "superuser"] as const) {
        const user = await world.user({ superuser: kind === "superuser" });
        const answered = await attempt(world, user.email, user.password);
        assert.equal(answered.status, demanded[policy].includes(kind) ? 202 : 201, kind);
      }
    },
    { PORTCULLIS_MFA_POLICY: policy },
  );
}

const required: WorldOptions = { PORTCULLIS_MFA_POLICY: "required" };

eachWorld(
  "who must have a factor sets it up at sign-in, and is in with its first proof",
  async (world) => {
    const user = await world.user();
    const asked = await challenge(world, user);
    assert.deepEqual([asked.factors, asked.enrol.toSorted()], [[], ["email", "passkey", "totp"]]);
    const begun = await enrol(world, asked);
    assert.equal(begun.status, 200, begun.text);
    const wrong = await answerChallenge(world, asked, {
      factor: "totp",
      code: otherCode(totpCode(world, begun.body.secret)),
    });
    assert.deepEqual([wrong.status, await countRows(world, "sessions")], [422, 0]);
    const opened = await answerChallenge(world, asked, {
      factor: "totp",
      code: totpCode(world, begun.body.secret),
    });
    assert.equal(opened.status, 201, opened.text);
    assert.equal(opened.body.recoveryCodes?.length, 10);
    world.clock.advance(30);
    assert.equal((await signInWithTotp(world, user, begun.body.secret)).recoveryCodes, null);
    const proof = { factor: "recovery_codes", code: opened.body.recoveryCodes?.[0] ?? "" } as const;
    assert.equal(
      (await answerChallenge(world, await challenge(world, user), proof)).body.recoveryCodesLeft,
      9,
    );
  },
  required,
);

eachWorld(
  "of several who set up the first factor of one account at once one is in, and the others are asked for that one",
  async (world) => {
    const user = await world.user();
    const challenges = [await challenge(world, user), await challenge(world, user)] as const;
    const begun = await enrol(world, challenges[0]);
    const code = totpCode(world, begun.body.secret);
    const answers = await par(2, async (index) =>
      answerChallenge(world, challenges[index] ?? assert.fail(), { factor: "totp", code }),
    );
    assert.deepEqual(statuses(answers)[201], 1, JSON.stringify(answers.map(({ text }) => text)));
    const late = challenges[answers[0]?.status === 201 ? 1 : 0];
    assert.notEqual((await enrol(world, late)).status, 500);
    const second = await answerChallenge(world, late, { factor: "totp", code });
    assert.deepEqual([second.status, second.body.code], [401, "invalid_challenge"]);
    assert.deepEqual(
      [await countRows(world, "totp_devices"), await countRows(world, "sessions")],
      [1, 1],
    );
  },
  required,
);

eachWorld("a challenge that asks for a factor sets none up", async (world) => {
  const user = await world.user();
  await enrolTotp(world, user);
  for (const factor of ["totp", "email", "passkey"]) {
    const refused = await world.request(
      "POST",
      `/v1/challenges/${(await challenge(world, user)).challengeId}/enrol`,
      {
        body: { challengeSecret: "x".repeat(43), factor },
      },
    );
    assert.equal(refused.body.code, "invalid_challenge");
    const mine = await enrol(world, await challenge(world, user), factor);
    assert.equal((mine.body as unknown as { readonly code: string }).code, "factor_unavailable");
  }
});

eachWorld(
  "during the grace period nobody is kept out, and the second after its end everybody without a factor is",
  async (world) => {
    const user = await world.user({ superuser: true });
    assert.equal((await attempt(world, user.email, user.password)).status, 201);
    world.clock.advance(Date.UTC(2027, 1, 1) / 1000 - world.clock.now() - 1);
    assert.equal((await attempt(world, user.email, user.password)).status, 201);
    world.clock.advance(1);
    assert.equal((await attempt(world, user.email, user.password)).status, 202);
  },
  { PORTCULLIS_MFA_POLICY: "superusers", PORTCULLIS_MFA_GRACE_UNTIL: "2027-02-01" },
);

eachWorld(
  "AD-06 a superuser of whom a factor is demanded does nothing without one, whenever the session was opened",
  async (world) => {
    const superuser = await world.user({ superuser: true });
    world.clock.advance(Date.UTC(2027, 1, 1) / 1000 - world.clock.now() - 10);
    const { accessToken: token } = await world.signIn(superuser);
    assert.equal((await world.request("GET", "/v1/admin/users", { token })).status, 200);
    world.clock.advance(10);
    await world.rules.feed.refresh(250);
    const refused = await world.request("GET", "/v1/admin/users", { token });
    assert.deepEqual([refused.status, refused.body.code], [403, "factor_required"]);
  },
  { PORTCULLIS_MFA_POLICY: "superusers", PORTCULLIS_MFA_GRACE_UNTIL: "2027-02-01" },
);

eachWorld(
  "switching second factors off asks whoever has one all the same, and lets nobody set one up",
  async (world) => {
    const user = await world.user();
    const { accessToken: token } = await world.signIn(user);
    const refused = await world.request("POST", "/v1/me/factors/totp", { token, body: {} });
    assert.deepEqual([refused.status, refused.body.code], [403, "factors_off"]);
  },
  { PORTCULLIS_MFA_POLICY: "off" },
);
