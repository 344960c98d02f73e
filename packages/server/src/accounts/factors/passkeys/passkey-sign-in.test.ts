import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import type { Wrong } from "../../../../test/authenticator.ts";
import {
  enrolPasskey,
  enter,
  finishSignIn,
  newAuthenticator,
  startSignIn,
} from "../../../../test/passkeys.ts";
import { stepUp, totpCode } from "../../../../test/second-factor.ts";
import { attempt, eventsOf, mailsTo, servedBy } from "../../../../test/steps.ts";
import { eachWorld, type AnswerOf, type TestUser, type World } from "../../../../test/world.ts";
import { disableUser } from "../../users/disable-user.ts";

type Token = AnswerOf<typeof endpoints.getToken>;

const operator = { address: null, requestId: null, actor: { kind: "operator" } } as const;

/** Returns the same world, except that no password can be hashed. */
function withoutHashing(world: World): World {
  const hashing = async () => assert.fail("a password was hashed");
  const hasher = {
    ...world.rules.hasher,
    hash: hashing,
    verify: hashing,
    reserve: () => assert.fail("a password was to be hashed"),
  };
  return servedBy(world, { ...world.rules, hasher });
}

async function set(world: World, user: TestUser, values: object): Promise<void> {
  await world.rules.db.updateTable("users").set(values).where("id", "=", user.id).execute();
}

eachWorld(
  "a passkey that verifies its user opens a session of two factors by itself, without a password or a name",
  async (world) => {
    for (const [made, method] of [
      [{}, "hwk"],
      [{ synced: true }, "swk"],
    ] as const) {
      const [user, authenticator] = [await world.user(), newAuthenticator(made)];
      await enrolPasskey(world, user, authenticator);
      const entered = await enter(withoutHashing(world), authenticator);
      assert.equal(entered.status, 201, entered.text);
      const { body } = await world.request<Token>("GET", "/v1/token", {
        token: entered.body.accessToken,
      });
      assert.deepEqual(
        [body.userId, body.amr, body.acr],
        [user.id, [method, "user", "mfa"], "aal2"],
      );
    }
  },
);

eachWorld(
  "EN-07 the options that begin a sign-in name no credential and no user",
  async (world) => {
    const before = (await startSignIn(world)).options;
    await enrolPasskey(world, await world.user(), newAuthenticator());
    for (const { challenge: _, ...options } of [before, (await startSignIn(world)).options])
      assert.deepEqual(options, {
        rpId: "accounts.example.com",
        timeout: 300_000,
        userVerification: "required",
      });
  },
);

const wrongs: Readonly<Record<string, Wrong>> = {
  "PK-02 another type": { type: "webauthn.create" },
  "PK-02 another challenge": { challenge: "AAAA" },
  "PK-02 another origin": { origin: "https://evil.example" },
  "PK-02 another domain": { domain: "evil.example" },
  "PK-02 a frame": { crossOrigin: true },
  "PK-02 a page around it": { topOrigin: "https://evil.example" },
  "PK-03 nobody present": { up: false },
  "PK-03 a user who was not verified": { uv: false },
  "PK-04 another user's name": { userHandle: "AAAAAAAAAAAAAAAAAAAAAA" },
  "PK-04 nobody's name": { userHandle: null },
  "PK-04 an unknown credential": { id: "AAAA" },
  "PK-06 a copy of what cannot be copied": { bs: true },
  "a signature of nothing": { signature: Buffer.alloc(70) },
};

eachWorld("PK-02 PK-03 PK-04 whatever is wrong is one refusal", async (world) => {
  const authenticator = newAuthenticator();
  await enrolPasskey(world, await world.user(), authenticator);
  const told = new Set<string>();
  for (const [what, wrong] of Object.entries(wrongs)) {
    const refused = await enter(world, authenticator, wrong);
    assert.equal(refused.status, 401, what);
    const { instance: _, ...body } = refused.body;
    told.add(JSON.stringify(body));
  }
  const ceremonyId = "00000000-0000-4000-8000-000000000000";
  const { instance: _, ...body } = (
    await finishSignIn(world, { ceremonyId, credential: authenticator.get({ challenge: "AAAA" }) })
  ).body;
  told.add(JSON.stringify(body));
  assert.equal(told.size, 1, [...told].join("\n"));
  assert.equal((await enter(world, authenticator)).status, 201);
});

eachWorld("PK-04 a passkey that names another user as its owner is refused", async (world) => {
  const [anna, ben] = [newAuthenticator(), newAuthenticator()];
  const users = [await world.user(), await world.user()];
  for (const [index, authenticator] of [anna, ben].entries())
    await enrolPasskey(world, users[index] ?? assert.fail(), authenticator);
  const { ceremonyId, options } = await startSignIn(world);
  const { response } = ben.get(options);
  const credential = anna.get(options, { userHandle: response.userHandle ?? null });
  assert.equal(
    (await finishSignIn(world, { ceremonyId, credential })).body.code,
    "invalid_passkey",
  );
});

eachWorld(
  "LG-11 a disabled, paused or unconfirmed account is refused as a wrong passkey is, and that is recorded",
  async (world) => {
    const changes: Readonly<Record<string, (user: TestUser) => Promise<unknown>>> = {
      disabled: async (user) => disableUser(world.rules, user.id, operator),
      paused: async (user) => set(world, user, { paused_at: 1 }),
      unverified: async (user) => set(world, user, { email_verified_at: null }),
    };
    for (const [reason, change] of Object.entries(changes)) {
      const [user, authenticator] = [await world.user(), newAuthenticator()];
      await enrolPasskey(world, user, authenticator);
      await change(user);
      assert.equal((await enter(world, authenticator)).body.code, "invalid_passkey", reason);
      const rows = await world.rules.db
        .selectFrom("audit_events")
        .select("details")
        .where("user_id", "=", user.id)
        .where("event", "=", "sign_in.failed")
        .execute();
      assert.deepEqual(
        rows.map(({ details }) => JSON.parse(details)),
        [{ reason, countThisHour: 1 }],
      );
    }
  },
);

eachWorld(
  "LG-14 a new device is told once; its token says it is known, and dies with the password",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator()];
    await enrolPasskey(world, user, authenticator);
    const notices = async () =>
      (await mailsTo(world, user.email)).filter(({ subject }) =>
        /sign-in|signed in|device/i.test(subject),
      ).length;
    const before = await notices();
    const first = await enter(world, authenticator);
    assert.equal(await notices(), before + 1);
    const again = async () => {
      const { ceremonyId, options } = await startSignIn(world);
      return finishSignIn(world, {
        ceremonyId,
        credential: authenticator.get(options),
        deviceToken: first.body.deviceToken,
      });
    };
    assert.equal((await again()).status, 201);
    assert.equal(await notices(), before + 1);
    const known = await attempt(world, user.email, "wrong", {
      deviceToken: first.body.deviceToken,
    });
    assert.equal(known.status, 401);
  },
);

eachWorld(
  "a sign-in by passkey is recorded with what was shown, and its failures are counted",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator()];
    await enrolPasskey(world, user, authenticator);
    await enter(world, authenticator, { origin: "https://evil.example" });
    await enter(world, authenticator);
    const [opened] = await world.rules.db
      .selectFrom("audit_events")
      .select("details")
      .where("event", "=", "session.opened")
      .orderBy("position", "desc")
      .limit(1)
      .execute();
    assert.deepEqual(JSON.parse(opened?.details ?? ""), { method: "hwk user mfa" });
    assert.ok((await eventsOf(world)).includes("sign_in.failed"));
  },
);

eachWorld(
  "MF-07 a user who signed in by passkey alone goes on with two factors when another is added or shown, and it gets no younger",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator()];
    await enrolPasskey(world, user, authenticator);
    const { accessToken } = (await enter(world, authenticator)).body;
    const signedInAt = world.clock.now();
    world.clock.advance(60);
    const begun = await world.request<AnswerOf<typeof endpoints.startTotp, 201>>(
      "POST",
      "/v1/me/factors/totp",
      {
        token: accessToken,
        body: {},
      },
    );
    const { id, secret } = begun.body;
    const path = `/v1/me/factors/totp/${id}/confirm`;
    const body = { code: totpCode(world, secret) };
    const added = await world.request<AnswerOf<typeof endpoints.confirmTotp>>("POST", path, {
      token: accessToken,
      body,
    });
    const said = async (token: string) =>
      (await world.request<AnswerOf<typeof endpoints.getToken>>("GET", "/v1/token", { token }))
        .body;
    const after = await said(added.body.tokens.accessToken);
    assert.deepEqual(
      [after.acr, after.amr.includes("otp"), after.authenticatedAt],
      ["aal2", true, signedInAt],
    );

    world.clock.advance(60);
    const raised = await stepUp(world, added.body.tokens.accessToken, {
      factor: "totp",
      code: totpCode(world, secret),
    });
    assert.equal(raised.status, 200, raised.text);
    const now = await said(raised.body.accessToken);
    assert.deepEqual(
      [now.acr, now.amr, now.authenticatedAt],
      ["aal2", ["otp", "mfa"], world.clock.now()],
    );
    const again = await world.request("POST", "/v1/me/factors/totp", {
      token: raised.body.accessToken,
      body: {},
    });
    assert.equal(
      again.status,
      201,
      "an app that is set up takes a session, a passkey's strength is asked for when it is confirmed",
    );
    const refused = await world.request("POST", "/v1/me/factors/recovery-codes", {
      token: raised.body.accessToken,
    });
    assert.deepEqual(
      [refused.body.code, refused.body["factors"]],
      ["insufficient_user_authentication", ["passkey", "recovery_codes"]],
    );
  },
);
