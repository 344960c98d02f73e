import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import type { Algorithm, Authenticator, Made, Wrong } from "../../../../test/authenticator.ts";
import {
  add,
  addPasskey,
  enrolPasskey,
  enter,
  newAuthenticator,
  prepare,
  prepareStepUp,
  start,
  type Begun,
  finishSignIn,
  startSignIn,
} from "../../../../test/passkeys.ts";
import {
  answerChallenge,
  challenge,
  enrolTotp,
  stepUp,
  type Challenge,
} from "../../../../test/second-factor.ts";
import { countRows, eventsOf, isAccepted, mailsTo, par, statuses } from "../../../../test/steps.ts";
import {
  eachWorld,
  publicUrl,
  type AnswerOf,
  type TestUser,
  type World,
} from "../../../../test/world.ts";
import { listPasskeys } from "./passkeys.store.ts";

type Token = AnswerOf<typeof endpoints.getToken>;
type Renamed = AnswerOf<typeof endpoints.renamePasskey>;

async function claims(world: World, token: string): Promise<Pick<Token, "amr" | "acr">> {
  const { amr, acr } = (await world.request<Token>("GET", "/v1/token", { token })).body;
  return { amr, acr };
}

/** Password, then passkey; what happens in between, if anything. */
async function signIn(
  world: World,
  user: TestUser,
  authenticator: Authenticator,
  wrong: Wrong = {},
) {
  const pending = await challenge(world, user);
  const { ceremonyId, options } = await prepare(world, pending);
  return answerChallenge(world, pending, {
    factor: "passkey",
    ceremonyId,
    credential: authenticator.get(options, wrong),
  });
}

eachWorld(
  "a passkey is registered, told its user and recorded; with the first one come recovery codes",
  async (world) => {
    const user = await world.user();
    const { accessToken } = await world.signIn(user);
    const { ceremonyId, options } = await start(world, accessToken);
    const { challenge: asked, user: entity, ...others } = options;
    assert.equal(typeof asked, "string");
    const id = Buffer.from(user.id.replaceAll("-", ""), "hex").toString("base64url");
    assert.deepEqual(entity, { id, name: user.email, displayName: user.email });
    assert.deepEqual(others, {
      rp: { id: "accounts.example.com", name: "Portcullis" },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      timeout: 300_000,
      excludeCredentials: [],
      authenticatorSelection: {
        residentKey: "required",
        requireResidentKey: true,
        userVerification: "preferred",
      },
      attestation: "none",
    });

    const authenticator = newAuthenticator();
    const added = await add(world, accessToken, {
      ceremonyId,
      credential: authenticator.create(options),
      name: "Laptop",
    });
    assert.equal(added.status, 201, added.text);
    assert.equal(added.body.recoveryCodes?.length, 10);
    assert.equal(
      await isAccepted(world, accessToken),
      false,
      "the session has gone on under another id",
    );
    const token = added.body.tokens.accessToken;
    assert.deepEqual(await claims(world, token), {
      amr: ["pwd", "hwk", "user", "mfa"],
      acr: "aal2",
    });
    const [passkey] = await listPasskeys(world.rules.db, user.id);
    assert.deepEqual(
      [passkey?.id, passkey?.name, passkey?.transports],
      [added.body.id, "Laptop", ["internal"]],
    );
    assert.ok((await mailsTo(world, user.email)).length > 0);
    assert.ok((await eventsOf(world)).includes("factor.added"));

    const next = await start(world, token);
    const credentials = [
      { type: "public-key", id: passkey?.credentialId, transports: ["internal"] },
    ];
    assert.deepEqual(next.options["excludeCredentials"], credentials);
    const second = await add(world, token, {
      ceremonyId: next.ceremonyId,
      credential: newAuthenticator().create(next.options),
    });
    assert.equal(second.body.recoveryCodes, null);
  },
);

const kinds: readonly (readonly [Partial<Made>, amr: readonly string[]])[] = [
  ...(["ES256", "EdDSA", "RS256"] satisfies Algorithm[]).map(
    (algorithm) => [{ algorithm }, ["pwd", "hwk", "user", "mfa"]] as const,
  ),
  [{ synced: true, counts: false }, ["pwd", "swk", "user", "mfa"]],
  [{ verifies: false }, ["pwd", "hwk", "user", "mfa"]],
];

eachWorld(
  "after the password a passkey of any kind is a second factor, with or without its user verified",
  async (world) => {
    for (const [made, amr] of kinds) {
      const [user, authenticator] = [await world.user(), newAuthenticator(made)];
      await enrolPasskey(world, user, authenticator);
      const pending = await challenge(world, user);
      assert.ok(pending.factors.includes("passkey"));
      const { ceremonyId, options } = await prepare(world, pending);
      const [passkey] = await listPasskeys(world.rules.db, user.id);
      const allowCredentials = [
        { type: "public-key", id: passkey?.credentialId, transports: ["internal"] },
      ];
      const { challenge: _, ...others } = options;
      assert.deepEqual(others, {
        rpId: "accounts.example.com",
        timeout: 300_000,
        userVerification: "preferred",
        allowCredentials,
      });
      const proof = {
        factor: "passkey",
        ceremonyId,
        credential: authenticator.get(options),
      } as const;
      const answered = await answerChallenge(world, pending, proof);
      assert.equal(answered.status, 201, answered.text);
      assert.deepEqual(await claims(world, answered.body.accessToken), { amr, acr: "aal2" });
    }
  },
);

eachWorld(
  "an authenticator that does not say whose passkey it is will do where that has been said",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator()];
    await enrolPasskey(world, user, authenticator);
    assert.equal((await signIn(world, user, authenticator, { userHandle: null })).status, 201);
    assert.equal(
      (await signIn(world, user, authenticator, { userHandle: "AAAA" })).body.code,
      "invalid_passkey",
      "PK-04",
    );
  },
);

eachWorld(
  "PK-02 PK-03 every fault of a second factor gets the same refusal, and counts as a guess",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator()];
    await enrolPasskey(world, user, authenticator);
    const wrongs: readonly Wrong[] = [
      { origin: "https://evil.example" },
      { domain: "evil.example" },
      { type: "webauthn.create" },
      { challenge: "AAAA" },
      { crossOrigin: true },
      { up: false },
      { signature: Buffer.alloc(70) },
      { id: "AAAA" },
    ];
    for (const wrong of wrongs) {
      const answered = await signIn(world, user, authenticator, wrong);
      assert.equal(answered.body.code, "invalid_passkey", JSON.stringify(wrong));
    }
    assert.equal((await signIn(world, user, authenticator)).status, 201);
    assert.ok((await eventsOf(world)).includes("second_factor.failed"));
  },
);

eachWorld(
  "PK-04 a credential belongs to one user, even if another presents it next",
  async (world) => {
    const [anna, ben, annas] = [await world.user(), await world.user(), newAuthenticator()];
    await enrolPasskey(world, anna, annas);
    const [{ credentialId } = { credentialId: "" }] = await listPasskeys(world.rules.db, anna.id);
    const stolen = { credentialId: Buffer.from(credentialId, "base64url"), id: credentialId };

    for (const user of [ben, anna]) {
      const token =
        user === ben
          ? (await world.signIn(ben)).accessToken
          : (await enter(world, annas)).body.accessToken;
      assert.equal(
        (await addPasskey(world, token, newAuthenticator(), stolen)).body.code,
        "invalid_passkey",
      );
    }
    assert.equal((await enter(world, annas)).status, 201, "hers works as before");

    const bens = newAuthenticator();
    await enrolPasskey(world, ben, bens);
    const pending = await challenge(world, ben);
    const { ceremonyId, options } = await prepare(world, pending);
    const answered = await answerChallenge(world, pending, {
      factor: "passkey",
      ceremonyId,
      credential: annas.get(options, { userHandle: null }),
    });
    assert.equal(answered.body.code, "invalid_passkey");
  },
);

eachWorld("PK-04 if several users register one credential at once, one succeeds", async (world) => {
  const id = Buffer.alloc(32, 7);
  const wrong = { credentialId: id, id: id.toString("base64url") };
  const tokens = await par(5, async () => (await world.signIn(await world.user())).accessToken);
  const begun = await par(5, async (index) => ({
    token: tokens[index] ?? "",
    ...(await start(world, tokens[index] ?? "")),
  }));
  const answers = await par(5, async (index) => {
    const { token, ceremonyId, options } = begun[index] ?? assert.fail();
    return add(world, token, { ceremonyId, credential: newAuthenticator().create(options, wrong) });
  });
  assert.deepEqual(statuses(answers), { 201: 1, 401: 4 });
});

eachWorld(
  "PK-05 a passkey is renamed and removed by its owner alone, at once, with a fresh proof",
  async (world) => {
    const keys = { anna: newAuthenticator(), ben: newAuthenticator() };
    const anna = await enrolPasskey(world, await world.user(), keys.anna);
    const ben = await enrolPasskey(world, await world.user(), keys.ben);
    const path = `/v1/me/factors/passkeys/${anna.id}`;
    const rename = async (token: string, name: string) =>
      world.request<Renamed>("PATCH", path, { token, body: { name } });
    const remove = async (token: string) => world.request("DELETE", path, { token });

    const others = [
      await rename(ben.tokens.accessToken, "Mine"),
      await remove(ben.tokens.accessToken),
    ];
    assert.deepEqual(
      others.map(({ status }) => status),
      [404, 404],
    );
    assert.equal((await enter(world, keys.anna)).status, 201);

    const { accessToken } = anna.tokens;
    const renamed = await rename(accessToken, "Old phone");
    const at = world.clock.now();
    const shown = {
      id: anna.id,
      name: "Old phone",
      createdAt: at,
      lastUsedAt: at,
      synced: false,
      suspectSince: null,
    };
    assert.deepEqual([renamed.status, renamed.body], [200, shown]);
    world.clock.advance(301);
    for (const late of [await rename(accessToken, "New"), await remove(accessToken)])
      assert.equal(late.text.includes("insufficient_user_authentication"), true, late.text);

    const fresh = (await enter(world, keys.anna)).body.accessToken;
    const waiting = await challenge(world, await ownerOf(world, anna.id));
    const begun = await prepare(world, waiting);
    assert.equal((await remove(fresh)).status, 204);
    assert.equal((await enter(world, keys.anna)).body.code, "invalid_passkey");
    const proof = {
      factor: "passkey",
      ceremonyId: begun.ceremonyId,
      credential: keys.anna.get(begun.options),
    } as const;
    assert.equal(
      (await answerChallenge(world, waiting, proof)).body.code,
      "invalid_passkey",
      "what was under way",
    );
    assert.equal((await remove(fresh)).status, 404);
    const events = await eventsOf(world);
    assert.deepEqual(
      [events.includes("factor.renamed"), events.includes("factor.removed")],
      [true, true],
    );
  },
);

async function ownerOf(world: World, passkeyId: string): Promise<TestUser> {
  const { user_id } = await world.rules.db
    .selectFrom("passkeys")
    .select("user_id")
    .where("id", "=", passkeyId)
    .executeTakeFirstOrThrow();
  const { email } = await world.rules.db
    .selectFrom("users")
    .select("email")
    .where("id", "=", user_id)
    .executeTakeFirstOrThrow();
  return { id: user_id, email: email ?? "", username: null, password: "seven quiet herons" };
}

eachWorld(
  "MF-07 a user who signed in with an authenticator app neither adds nor removes a passkey, which is stronger",
  async (world) => {
    const { tokens } = await enrolTotp(world, await world.user());
    const added = await addPasskey(world, tokens.accessToken, newAuthenticator());
    assert.equal(added.status, 201, added.text);
    const { id } = added.body;
    await world.rules.db
      .updateTable("sessions")
      .set({ amr: '["pwd","otp","mfa"]', acr: "aal2" })
      .execute();
    const refreshed = await world.request<{ readonly accessToken: string }>(
      "POST",
      "/v1/sessions/refresh",
      {
        body: { refreshToken: added.body.tokens.refreshToken },
      },
    );
    const token = refreshed.body.accessToken;
    const [more, less] = [
      await addPasskey(world, token, newAuthenticator()),
      await world.request("DELETE", `/v1/me/factors/passkeys/${id}`, { token }),
    ];
    for (const refused of [more, less]) {
      assert.equal(refused.body.code, "insufficient_user_authentication", refused.text);
      assert.deepEqual((refused.body as Record<string, unknown>)["factors"], [
        "passkey",
        "recovery_codes",
      ]);
    }
  },
);

eachWorld(
  "PK-06 a counter that goes back, or stands still, is refused and marks the passkey once",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator()];
    await enrolPasskey(world, user, authenticator);
    const state = async () => {
      const [passkey] = await listPasskeys(world.rules.db, user.id);
      return [passkey?.signCount, passkey?.suspectSince];
    };
    assert.equal((await enter(world, authenticator, { counter: 7 })).status, 201);
    assert.deepEqual(await state(), [7, null]);
    assert.equal(
      (await enter(world, authenticator, { counter: 6, signature: Buffer.alloc(70) })).status,
      401,
    );
    assert.deepEqual(await state(), [7, null], "who cannot sign cannot bring it into suspicion");

    const since = world.clock.now();
    assert.equal((await enter(world, authenticator, { counter: 7 })).body.code, "invalid_passkey");
    world.clock.advance(10);
    assert.equal((await enter(world, authenticator, { counter: 0 })).body.code, "invalid_passkey");
    assert.equal(
      (await signIn(world, user, authenticator, { counter: 3 })).body.code,
      "invalid_passkey",
    );
    assert.deepEqual(await state(), [7, since]);
    assert.equal((await eventsOf(world)).filter((event) => event === "factor.suspect").length, 1);
    assert.equal((await enter(world, authenticator, { counter: 8 })).status, 201);
    assert.deepEqual(await state(), [8, since]);
  },
);

eachWorld("PK-06 if ten sign-ins show the same count at once, one succeeds", async (world) => {
  const authenticator = newAuthenticator();
  await enrolPasskey(world, await world.user(), authenticator);
  const begun = await par(10, async () => startSignIn(world));
  const answers = await Promise.all(
    begun.map(async ({ ceremonyId, options }) =>
      finishSignIn(world, { ceremonyId, credential: authenticator.get(options, { counter: 5 }) }),
    ),
  );
  assert.deepEqual(statuses(answers), { 201: 1, 401: 9 });
});

eachWorld("PK-06 a passkey without a counter says 0 each time", async (world) => {
  const [user, authenticator] = [await world.user(), newAuthenticator({ counts: false })];
  await enrolPasskey(world, user, authenticator);
  for (const _ of [1, 2]) assert.equal((await enter(world, authenticator)).status, 201);
  assert.equal((await signIn(world, user, authenticator)).status, 201);
});

eachWorld(
  "PK-06 whether it can be copied never changes; whether it has been, does",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator({ synced: true })];
    await enrolPasskey(world, user, authenticator);
    const backedUpAt = async () => (await listPasskeys(world.rules.db, user.id))[0]?.backedUpAt;
    const first = world.clock.now();
    assert.equal(await backedUpAt(), first);
    for (const wrong of [
      { be: false, bs: false },
      { be: false, bs: true },
    ])
      assert.equal(
        (await enter(world, authenticator, wrong)).body.code,
        "invalid_passkey",
        JSON.stringify(wrong),
      );
    world.clock.advance(10);
    assert.equal((await enter(world, authenticator)).status, 201);
    assert.equal(await backedUpAt(), first);
    assert.equal((await enter(world, authenticator, { bs: false })).status, 201);
    assert.equal(await backedUpAt(), null);
    assert.equal((await enter(world, authenticator, { bs: true })).status, 201);
    assert.equal(await backedUpAt(), first + 10);

    const bound = newAuthenticator();
    await enrolPasskey(world, await world.user(), bound);
    assert.equal((await enter(world, bound, { be: true })).body.code, "invalid_passkey");
  },
);

eachWorld(
  "a passkey stands for two factors from the day it has verified its user",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator({ verifies: false })];
    await enrolPasskey(world, user, authenticator);
    const verifiedAt = async () => (await listPasskeys(world.rules.db, user.id))[0]?.verifiedAt;
    assert.equal(await verifiedAt(), null);
    assert.equal((await signIn(world, user, authenticator)).status, 201);
    assert.equal(await verifiedAt(), null);
    assert.equal((await signIn(world, user, authenticator, { uv: true })).status, 201);
    assert.equal(await verifiedAt(), world.clock.now());
  },
);

eachWorld(
  "a user has ten passkeys at most, also where two are registered at once",
  async (world) => {
    const first = newAuthenticator();
    let { accessToken: token } = (await enrolPasskey(world, await world.user(), first)).tokens;
    for (let count = 1; count < 9; count++)
      token = (await addPasskey(world, token, newAuthenticator())).body.tokens.accessToken;
    const other = await enter(world, first);
    const begun = await par(2, async (index) => {
      const session = index === 0 ? token : other.body.accessToken;
      return { session, ...(await start(world, session)) };
    });
    const answers = await Promise.all(
      begun.map(async ({ session, ceremonyId, options }) =>
        add(world, session, { ceremonyId, credential: newAuthenticator().create(options) }),
      ),
    );
    assert.deepEqual(statuses(answers), { 201: 1, 401: 1 });
    const eleventh = await world.request("POST", "/v1/me/factors/passkeys/start", {
      token: (await enter(world, first)).body.accessToken,
    });
    assert.equal(eleventh.body.code, "too_many_factors");
    assert.equal(await countRows(world, "passkeys"), 10);
  },
);

eachWorld(
  "who must have a second factor and has none registers a passkey on the way in",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator()];
    const pending: Challenge = await challenge(world, user);
    assert.ok(pending.enrol.includes("passkey"));
    const body = { challengeSecret: pending.challengeSecret, factor: "passkey" };
    const begun = await world.request<Begun>(
      "POST",
      `/v1/challenges/${pending.challengeId}/enrol`,
      { body },
    );
    assert.equal(begun.status, 200, begun.text);
    const { ceremonyId, options } = begun.body;
    const credential = authenticator.create(options);
    const entered = await answerChallenge(world, pending, {
      factor: "passkey",
      ceremonyId,
      credential,
    });
    assert.equal(entered.status, 201, entered.text);
    assert.deepEqual(await claims(world, entered.body.accessToken), {
      amr: ["pwd", "hwk", "user", "mfa"],
      acr: "aal2",
    });
    assert.equal((await signIn(world, user, authenticator)).status, 201);
  },
  { PORTCULLIS_MFA_POLICY: "required" },
);

eachWorld(
  "where second factors are off nobody registers a passkey",
  async (world) => {
    const { accessToken: token } = await world.signIn(await world.user());
    assert.equal(
      (await world.request("POST", "/v1/me/factors/passkeys/start", { token })).body.code,
      "factors_off",
    );
    const credential = newAuthenticator().create({ challenge: "AAAA" });
    assert.equal(
      (await add(world, token, { ceremonyId: "00000000-0000-4000-8000-000000000000", credential }))
        .body.code,
      "factors_off",
    );
  },
  { PORTCULLIS_MFA_POLICY: "off" },
);

eachWorld("a session is stepped up with a passkey, and what it shows is fresh", async (world) => {
  const [user, authenticator] = [await world.user(), newAuthenticator()];
  const { tokens } = await enrolPasskey(world, user, authenticator);
  world.clock.advance(301);
  const late = await world.request("POST", "/v1/me/factors/passkeys/start", {
    token: tokens.accessToken,
  });
  assert.equal(late.body.code, "insufficient_user_authentication");
  const { ceremonyId, options } = await prepareStepUp(world, tokens.accessToken);
  const raised = await stepUp(world, tokens.accessToken, {
    factor: "passkey",
    ceremonyId,
    credential: authenticator.get(options),
  });
  assert.equal(raised.status, 200, raised.text);
  await start(world, raised.body.accessToken);
});

eachWorld(
  "a passkey of the domain above works at every origin that was named, and at no other",
  async (world) => {
    const authenticator = newAuthenticator({
      domain: "example.com",
      origin: "https://app.example.com",
    });
    await enrolPasskey(world, await world.user(), authenticator);
    for (const [origin, status] of [
      [publicUrl, 201],
      ["https://app.example.com", 201],
      ["https://other.example.com", 401],
    ] as const)
      assert.equal((await enter(world, authenticator, { origin })).status, status, origin);
    assert.equal(
      (await enter(world, authenticator, { domain: "accounts.example.com" })).status,
      401,
    );
  },
  {
    PORTCULLIS_PASSKEY_DOMAIN: "example.com",
    PORTCULLIS_PASSKEY_ORIGINS: "https://app.example.com",
  },
);
