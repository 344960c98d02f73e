import assert from "node:assert/strict";
import type { Wrong } from "../../../../test/authenticator.ts";
import {
  add,
  addPasskey,
  enrolPasskey,
  enter,
  finishSignIn,
  newAuthenticator,
  prepare,
  prepareStepUp,
  start,
  startSignIn,
} from "../../../../test/passkeys.ts";
import { answerChallenge, challenge, stepUp } from "../../../../test/second-factor.ts";
import { countRows, isAccepted, par, statuses } from "../../../../test/steps.ts";
import { eachWorld, type TestUser, type World } from "../../../../test/world.ts";
import { uuidv4 } from "../../../platform/kernel/ids.ts";
import { systemRandom } from "../../../platform/kernel/random.ts";
import { pruneCeremonies } from "./ceremonies.store.ts";
import { removeUser } from "../../users/delete-user.ts";
import { fingerprintOf } from "../../users/hold-unchanged.ts";
import { findUser } from "../../users/users.store.ts";
import { beginCeremony, endCeremony, type Purpose } from "./ceremonies.ts";

eachWorld(
  "PK-01 every challenge is 32 random bytes of its own, and is kept for five minutes",
  async (world) => {
    const user = await world.user();
    const { accessToken } = await world.signIn(user);
    const begun = [
      await start(world, accessToken),
      await start(world, accessToken),
      await startSignIn(world),
      await startSignIn(world),
    ];
    assert.equal(new Set(begun.map(({ options }) => options["challenge"])).size, 4);
    for (const { options, expiresAt } of begun) {
      assert.match(JSON.stringify(options["challenge"]), /^"[\w-]{43}"$/);
      assert.deepEqual([expiresAt, options["timeout"]], [world.clock.now() + 300, 300_000]);
    }
  },
);

eachWorld("PK-01 if 20 requests register with one ceremony, one succeeds", async (world) => {
  const { accessToken: token } = await world.signIn(await world.user());
  const { ceremonyId, options } = await start(world, token);
  const credentials = Array.from({ length: 20 }, () => newAuthenticator().create(options));
  const answers = await par(20, async (index) =>
    add(world, token, { ceremonyId, credential: credentials[index] }),
  );
  assert.equal(statuses(answers)[201], 1);
  assert.equal(await countRows(world, "passkeys"), 1);
});

eachWorld("PK-01 if 20 requests sign in with one ceremony, one succeeds", async (world) => {
  const authenticator = newAuthenticator();
  await enrolPasskey(world, await world.user(), authenticator);
  const { ceremonyId, options } = await startSignIn(world);
  const credentials = Array.from({ length: 20 }, () => authenticator.get(options));
  const answers = await par(20, async (index) =>
    finishSignIn(world, { ceremonyId, credential: credentials[index] }),
  );
  assert.deepEqual(statuses(answers), { 201: 1, 401: 19 });
});

eachWorld(
  "PK-01 if 20 requests answer a challenge with one ceremony, one succeeds",
  async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator()];
    await enrolPasskey(world, user, authenticator);
    const pending = await challenge(world, user);
    const { ceremonyId, options } = await prepare(world, pending);
    const credential = authenticator.get(options);
    const answers = await par(20, async () =>
      answerChallenge(world, pending, { factor: "passkey", ceremonyId, credential }),
    );
    assert.equal(statuses(answers)[201], 1);
  },
);

eachWorld("PK-01 a ceremony is good once, whether it came to anything or not", async (world) => {
  const authenticator = newAuthenticator();
  const { tokens } = await enrolPasskey(world, await world.user(), authenticator);
  const tries: readonly (readonly [Wrong, status: number])[] = [
    [{}, 201],
    [{ origin: "https://evil.example" }, 401],
    [{ clientDataJSON: Buffer.from("{") }, 401],
  ];
  for (const [wrong, status] of tries) {
    const { ceremonyId, options } = await startSignIn(world);
    assert.equal(
      (await finishSignIn(world, { ceremonyId, credential: authenticator.get(options, wrong) }))
        .status,
      status,
    );
    const again = await finishSignIn(world, { ceremonyId, credential: authenticator.get(options) });
    assert.equal(again.body.code, "invalid_passkey");
  }
  const { ceremonyId, options } = await start(world, tokens.accessToken);
  for (const wrong of [{ up: false }, {}]) {
    const credential = newAuthenticator().create(options, wrong);
    assert.equal(
      (await add(world, tokens.accessToken, { ceremonyId, credential })).body.code,
      "invalid_passkey",
    );
  }
  world.clock.advance(300);
  assert.equal(
    await pruneCeremonies(world.rules.db, world.clock.now(), 10),
    3,
    "of the sign-ins, that they are over is kept for a while",
  );
  assert.equal(await countRows(world, "ceremonies"), 0);
});

eachWorld(
  "PK-01 a sign-in is not stored until it is finished, and none can be made up",
  async (world) => {
    const authenticator = newAuthenticator();
    await enrolPasskey(world, await world.user(), authenticator);
    const before = world.queries();
    const { ceremonyId, options } = await startSignIn(world);
    assert.deepEqual([world.queries(), await countRows(world, "ceremonies")], [before, 0]);
    const credential = authenticator.get(options);
    const later = `${(Number.parseInt(ceremonyId.slice(0, 8), 16) + 1_000_000).toString(16).padStart(8, "0")}${ceremonyId.slice(8)}`;
    for (const madeUp of [
      `${ceremonyId.slice(0, -1)}${ceremonyId.endsWith("0") ? "1" : "0"}`,
      later,
      uuidv4(systemRandom),
    ])
      assert.equal(
        (await finishSignIn(world, { ceremonyId: madeUp, credential })).body.code,
        "invalid_passkey",
      );
    assert.ok(
      (await countRows(world, "ceremonies")) <= 1,
      "nor is one remembered that cannot have been begun",
    );
    assert.equal(
      (await finishSignIn(world, { ceremonyId: ceremonyId.toUpperCase(), credential })).status,
      201,
    );
    assert.equal(
      (await finishSignIn(world, { ceremonyId, credential: authenticator.get(options) })).status,
      401,
    );
  },
);

eachWorld(
  "PK-01 a ceremony is over after five minutes, and a newer one of its flow takes its place",
  async (world) => {
    const authenticator = newAuthenticator();
    const user = await world.user();
    const { tokens } = await enrolPasskey(world, user, authenticator);

    const slow = await startSignIn(world);
    world.clock.advance(300);
    assert.equal(
      (
        await finishSignIn(world, {
          ceremonyId: slow.ceremonyId,
          credential: authenticator.get(slow.options),
        })
      ).status,
      401,
    );

    const pending = await challenge(world, user);
    const overtaken = await prepare(world, pending);
    const { ceremonyId } = await prepare(world, pending);
    assert.equal(await countRows(world, "ceremonies"), 1);
    const late = authenticator.get(overtaken.options);
    for (const id of [overtaken.ceremonyId, ceremonyId])
      assert.equal(
        (
          await answerChallenge(world, pending, {
            factor: "passkey",
            ceremonyId: id,
            credential: late,
          })
        ).body.code,
        "invalid_passkey",
      );
    assert.ok(await isAccepted(world, tokens.accessToken));
  },
);

/** Makes two users with a passkey each. Anna's session has shown hers. */
async function two(world: World) {
  const users = { anna: await world.user(), ben: await world.user() };
  const keys = { anna: newAuthenticator(), ben: newAuthenticator() };
  const { tokens } = await enrolPasskey(world, users.anna, keys.anna);
  await enrolPasskey(world, users.ben, keys.ben);
  return { ...users, keys, token: tokens.accessToken };
}

eachWorld(
  "PK-01 a ceremony proves nothing in another flow, for another purpose or for another user",
  async (world) => {
    const { anna, ben, keys, token } = await two(world);
    const begun = {
      "sign-in": async () => startSignIn(world),
      "another challenge": async () => prepare(world, await challenge(world, anna)),
      "the other's challenge": async () => prepare(world, await challenge(world, ben)),
      "a step-up": async () => prepareStepUp(world, token),
      "a registration": async () => start(world, token),
    };
    const asked = async (name: keyof typeof begun) => {
      world.clock.advance(601);
      const { ceremonyId, options } = await begun[name]();
      return { ceremonyId, credential: keys.anna.get(options) };
    };

    // These ceremonies are still fresh, so that only their purpose is at fault.
    for (const name of ["sign-in", "another challenge", "the other's challenge"] as const) {
      const proof = { factor: "passkey" as const, ...(await asked(name)) };
      assert.equal(
        (await answerChallenge(world, await challenge(world, anna), proof)).body.code,
        "invalid_passkey",
        `second factor with ${name}`,
      );
    }
    for (const name of ["another challenge", "the other's challenge"] as const)
      assert.equal(
        (await finishSignIn(world, await asked(name))).body.code,
        "invalid_passkey",
        `sign-in with ${name}`,
      );

    const entered = await enter(world, keys.anna);
    const fresh = entered.body.accessToken;
    const stepping = { factor: "passkey", ...(await registeredIn(world, fresh, keys.anna)) };
    assert.equal(
      (await stepUp(world, fresh, stepping)).body.code,
      "invalid_passkey",
      "step-up with a registration",
    );
    for (const { ceremonyId, options } of [
      await startSignIn(world),
      await prepareStepUp(world, fresh),
    ]) {
      const credential = newAuthenticator().create({ ...options, user: { id: "AAAA" } });
      assert.equal(
        (await add(world, fresh, { ceremonyId, credential })).body.code,
        "invalid_passkey",
        "registration with an assertion's ceremony",
      );
    }
    const { ceremonyId, options } = await start(world, fresh);
    const other = await enter(world, keys.ben);
    const credential = newAuthenticator().create(options);
    assert.equal(
      (await add(world, other.body.accessToken, { ceremonyId, credential })).body.code,
      "invalid_passkey",
      "the other's registration",
    );
    assert.equal(await countRows(world, "passkeys"), 2);
  },
);

/** An assertion over a challenge that was meant for a registration. */
async function registeredIn(
  world: World,
  token: string,
  authenticator: ReturnType<typeof newAuthenticator>,
) {
  const { ceremonyId, options } = await start(world, token);
  return { ceremonyId, credential: authenticator.get(options) };
}

eachWorld(
  "PK-01 PK-08 a ceremony ends for what it was begun for: this kind, user, flow and standing, and the first time",
  async (world) => {
    const [{ id: userId }, { id: other }] = [await world.user(), await world.user()];
    const user = (await findUser(world.rules.db, userId)) ?? assert.fail();
    const purpose = {
      kind: "second_factor",
      userId,
      flowId: "flow",
      standing: fingerprintOf(user),
    } as const;
    const wrongs: readonly Partial<Purpose>[] = [
      { kind: "registration" },
      { kind: "sign_in" },
      { userId: other },
      { userId: null },
      { flowId: "another" },
      { standing: "another" },
    ];
    for (const wrong of wrongs) {
      const id = (await beginCeremony(world.rules, purpose))?.id ?? "";
      assert.equal(
        await endCeremony(world.rules, id, { ...purpose, ...wrong }),
        undefined,
        JSON.stringify(wrong),
      );
      assert.equal(await endCeremony(world.rules, id, purpose), undefined, "it was consumed");
    }
    assert.equal(await beginCeremony(world.rules, { ...purpose, standing: "another" }), undefined);
    const begun = await beginCeremony(world.rules, purpose);
    assert.ok(begun);
    assert.deepEqual(await endCeremony(world.rules, begun.id, purpose), begun);
    assert.equal(await endCeremony(world.rules, begun.id, purpose), undefined);
    await removeUser(world.rules, userId, {
      address: null,
      requestId: null,
      actor: { kind: "operator" },
    });
    assert.equal(
      await beginCeremony(world.rules, purpose),
      undefined,
      "nor is one begun for a user who is gone",
    );
  },
);

eachWorld(
  "PK-01 the mark that a sign-in is over cannot be removed by the use of another ceremony",
  async (world) => {
    const { keys, token } = await two(world);
    const { ceremonyId, options } = await startSignIn(world);
    const signingIn = { ceremonyId, credential: keys.ben.get(options) };
    assert.deepEqual(
      [
        (await finishSignIn(world, signingIn)).status,
        (await finishSignIn(world, signingIn)).status,
      ],
      [201, 401],
    );
    const credential = keys.anna.get((await prepareStepUp(world, token)).options);
    assert.equal(
      (await stepUp(world, token, { factor: "passkey", ceremonyId, credential })).status,
      401,
    );
    assert.equal(
      (await add(world, token, { ceremonyId, credential: newAuthenticator().create(options) }))
        .status,
      401,
    );
    assert.equal((await finishSignIn(world, signingIn)).status, 401);
  },
);

/** Changes of an account between the start and the end of a ceremony. */
const changes: Readonly<
  Record<string, (world: World, user: TestUser, token: string) => Promise<unknown>>
> = {
  "a change of password": async (world, user, token) => {
    const body = { currentPassword: user.password, newPassword: "nine grey geese fly" };
    const changed = await world.request("POST", "/v1/me/password", { token, body });
    assert.equal(changed.status, 200, changed.text);
  },
  "a change of address": async (world, user) => {
    const email = {
      email: "new@example.com",
      email_canonical: "new@example.com",
      email_verified_at: world.clock.now(),
    };
    await world.rules.db.updateTable("users").set(email).where("id", "=", user.id).execute();
  },
  "a logout everywhere": async (world, _, token) => {
    assert.equal((await world.request("DELETE", "/v1/sessions", { token })).status, 204);
  },
};

for (const [what, change] of Object.entries(changes))
  eachWorld(`PK-08 ${what} ends every ceremony that was under way`, async (world) => {
    const [user, authenticator] = [await world.user(), newAuthenticator()];
    const { tokens } = await enrolPasskey(world, user, authenticator);
    const pending = await challenge(world, user);
    const [second, alone] = [await prepare(world, pending), await startSignIn(world)];
    const registration = await start(world, tokens.accessToken);
    world.clock.advance(2);
    await change(world, user, tokens.accessToken);

    const proof = {
      factor: "passkey",
      ceremonyId: second.ceremonyId,
      credential: authenticator.get(second.options),
    } as const;
    assert.equal((await answerChallenge(world, pending, proof)).status, 401);
    const credential = authenticator.get(alone.options);
    assert.equal(
      (await finishSignIn(world, { ceremonyId: alone.ceremonyId, credential })).body.code,
      "invalid_passkey",
    );
    const created = newAuthenticator().create(registration.options);
    const { accessToken } = (await enter(world, authenticator)).body;
    assert.equal(
      (await add(world, accessToken, { ceremonyId: registration.ceremonyId, credential: created }))
        .body.code,
      "invalid_passkey",
    );
    assert.equal(
      (await addPasskey(world, accessToken, newAuthenticator())).status,
      201,
      "a new ceremony is not concerned",
    );
  });

eachWorld("ceremonies that stay unfinished are forgotten", async (world) => {
  const begun = async () => prepare(world, await challenge(world, user));
  const user = await world.user();
  await enrolPasskey(world, user, newAuthenticator());
  for (let time = 0; time < 3; time += 1) await begun();
  assert.equal(await pruneCeremonies(world.rules.db, world.clock.now(), 10), 0);
  world.clock.advance(300);
  await begun();
  assert.equal(await pruneCeremonies(world.rules.db, world.clock.now(), 2), 2);
  assert.equal(await pruneCeremonies(world.rules.db, world.clock.now(), 10), 1);
  assert.equal(await countRows(world, "ceremonies"), 1);
});
