import assert from "node:assert/strict";
import { createLocalJWKSet, jwtVerify } from "jose";
import {
  anotherNode,
  countRows,
  eventsOf,
  isAccepted,
  par,
  refresh,
  servedBy,
} from "../../../test/steps.ts";
import { composeRules } from "../../process/compose.ts";
import { keyring } from "../../platform/kernel/keyring.ts";
import { eachWorld, publicUrl, secret, type World } from "../../../test/world.ts";
import { advanceKeys, keyState, openKeys, removeKeyNow, rotateKeys } from "./keys.ts";
import { listKeys } from "./keys.store.ts";

const operator = { address: null, requestId: null, actor: { kind: "operator" } } as const;
const DAY = 86_400;

const ages = ["removed", "retiring", "active", "announced"];
/** The states, oldest key first. */
const states = async (world: World) =>
  (await listKeys(world.rules.db))
    .map(keyState)
    .toSorted((a, b) => ages.indexOf(a) - ages.indexOf(b));
const kidOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid;
const published = async (world: World) =>
  (
    await world.request<{ readonly keys: readonly Record<string, string>[] }>(
      "GET",
      "/.well-known/jwks.json",
    )
  ).body.keys;

async function advance(world: World, seconds: number): Promise<void> {
  world.clock.advance(seconds);
  await advanceKeys(world.rules);
  await world.rules.keys.reload();
}

async function active(world: World): Promise<string> {
  const found = (await listKeys(world.rules.db)).filter((key) => keyState(key) === "active");
  assert.equal(found.length, 1, "one key signs");
  return found[0]?.kid ?? "";
}

eachWorld(
  "the first key is made at the first start and signs at once; a restart makes no other",
  async (world) => {
    assert.deepEqual(await states(world), ["active"]);
    await composeRules(world.parts);
    assert.deepEqual(await states(world), ["active"]);
    assert.deepEqual(
      (await eventsOf(world)).filter((event) => event.startsWith("key.")),
      ["key.announced", "key.activated"],
    );
  },
);

eachWorld(
  "KY-02 a key is announced, then signs, then only verifies, then is removed, and no token is refused in between",
  async (world) => {
    const user = await world.user();
    const first = await active(world);
    const old = await world.signIn(user);
    await advance(world, 90 * DAY - 1);
    assert.deepEqual(await states(world), ["active"]);
    await advance(world, 1);
    assert.deepEqual(await states(world), ["active", "announced"]);
    assert.equal(
      await active(world),
      first,
      "nobody signs with a key that others may not know yet",
    );
    assert.equal((await published(world)).length, 2);

    await advance(world, 599);
    assert.equal(await active(world), first);
    const justBefore = await world.signIn(user);
    await advance(world, 1);
    const second = await active(world);
    assert.notEqual(second, first);
    assert.deepEqual(await states(world), ["retiring", "active"]);
    assert.ok(await isAccepted(world, justBefore.accessToken));
    assert.equal(kidOf((await world.signIn(user)).accessToken), second);
    assert.notEqual(kidOf(old.accessToken), second);

    await advance(world, 3609);
    assert.equal((await published(world)).length, 2, "longer than any token of it lives");
    await advance(world, 1);
    assert.deepEqual(await states(world), ["removed", "active"]);
    assert.deepEqual(
      (await published(world)).map((key) => key["kid"]),
      [second],
    );
    const gone = (await listKeys(world.rules.db)).find((key) => key.kid === first);
    assert.equal(gone?.privateSealed, null, "its private half is forgotten");
    assert.deepEqual(
      (await eventsOf(world)).filter((event) => event.startsWith("key.")),
      [
        "key.announced",
        "key.activated",
        "key.announced",
        "key.activated",
        "key.retired",
        "key.removed",
      ],
    );
  },
);

eachWorld(
  "KY-02 if several nodes advance the keys at once, they make one successor and activate it once",
  async (world) => {
    world.clock.advance(90 * DAY);
    await par(6, async () => advanceKeys(world.rules));
    assert.deepEqual(await states(world), ["active", "announced"]);
    await par(6, async () => rotateKeys(world.rules, operator, { atOnce: false }));
    assert.deepEqual(await states(world), ["active", "announced"]);
    world.clock.advance(600);
    await par(6, async () => advanceKeys(world.rules));
    assert.deepEqual(await states(world), ["retiring", "active"]);
    world.clock.advance(3610);
    await par(6, async () => advanceKeys(world.rules));
    assert.deepEqual(await states(world), ["removed", "active"]);
    const events = (await eventsOf(world)).filter((event) => event.startsWith("key."));
    assert.deepEqual(events.slice(2), [
      "key.announced",
      "key.activated",
      "key.retired",
      "key.removed",
    ]);
  },
);

eachWorld(
  "servers that start together on an empty database agree on one key that signs",
  async (world) => {
    await world.rules.db.deleteFrom("signing_keys").execute();
    const nodes = await par(5, async () => openKeys(world.rules));
    const signing = await active(world);
    await Promise.all(nodes.map(async (keys) => keys.reload()));
    for (const keys of nodes) assert.equal(keys.signing().kid, signing);
  },
);

eachWorld(
  "keys that are rotated at once sign from then on, and earlier tokens stay valid",
  async (world) => {
    const user = await world.user();
    const before = await world.signIn(user);
    const { kid } = await rotateKeys(world.rules, operator, { atOnce: true });
    await world.rules.keys.reload();
    assert.equal(await active(world), kid);
    assert.equal(kidOf((await world.signIn(user)).accessToken), kid);
    assert.ok(await isAccepted(world, before.accessToken));
  },
);

eachWorld(
  "KY-03 a key removed in an emergency kills its tokens at once, and every session continues with a refresh",
  async (world) => {
    const user = await world.user();
    const sessions = await par(3, async () => world.signIn(user));
    const bad = await active(world);
    const removed = await removeKeyNow(world.rules, bad, operator);
    assert.equal(removed.kind, "removed");
    for (const { accessToken } of sessions) {
      const told = await world.request("GET", "/v1/token", { token: accessToken });
      assert.deepEqual(
        [told.status, told.body.code, told.body["cause"]],
        [401, "token_stale", "key_removed"],
      );
    }
    for (const { accessToken, refreshToken } of sessions) {
      assert.equal(
        (await world.request("GET", "/v1/token", { token: accessToken })).body.code,
        "token_stale",
      );
      const refreshed = await refresh(world, refreshToken);
      assert.equal(refreshed.status, 200);
      assert.ok(await isAccepted(world, refreshed.body.accessToken));
      assert.notEqual(kidOf(refreshed.body.accessToken), bad);
    }
    assert.deepEqual(await states(world), ["removed", "active"]);
    assert.equal((await removeKeyNow(world.rules, bad, operator)).kind, "unknown");
    assert.equal((await removeKeyNow(world.rules, "no such key", operator)).kind, "unknown");
  },
);

eachWorld(
  "KY-03 when the removal of a key returns, no server signs with it any more",
  async (world) => {
    const user = await world.user();
    const { refreshToken } = await world.signIn(user);
    const other = await anotherNode(world);
    await other.rules.feed.start();
    try {
      const bad = await active(world);
      const removed = removeKeyNow(other.rules, bad, operator);
      await untilSettled(world, removed);
      assert.equal((await removed).kind, "removed");
      for (const node of [world, other]) {
        assert.ok(await isAccepted(node, (await node.signIn(user)).accessToken));
        assert.notEqual(node.rules.keys.signing().kid, bad);
      }
      assert.ok(await isAccepted(world, (await refresh(world, refreshToken)).body.accessToken));
    } finally {
      await other.rules.feed.stop();
    }
  },
);

/** Lets time pass, so that the other node polls, until all nodes have applied the change. */
async function untilSettled(world: World, settled: Promise<unknown>): Promise<void> {
  let done = false;
  void settled.then(() => (done = true));
  while (!done) {
    world.clock.advance(0.1);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

eachWorld(
  "a retiring or announced key can be removed without touching the one that signs",
  async (world) => {
    const first = await active(world);
    const { kid: second } = await rotateKeys(world.rules, operator, { atOnce: true });
    const { kid: third } = await rotateKeys(world.rules, operator, { atOnce: false });
    for (const kid of [first, third])
      assert.equal((await removeKeyNow(world.rules, kid, operator)).kind, "removed");
    assert.equal(await active(world), second);
    assert.equal(await countRows(world, "signing_keys"), 3);
  },
);

// ── at rest and in public

for (const algorithm of ["ES256", "EdDSA", "RS256"] as const) {
  eachWorld(
    `KY-04 JW-19 a private half of ${algorithm} is stored sealed, and the published set has public members only`,
    async (world) => {
      await rotateKeys(world.rules, operator, { atOnce: false });
      await world.rules.keys.reload();
      const rows = await world.rules.db.selectFrom("signing_keys").selectAll().execute();
      for (const row of rows) {
        const plain = world.rules.keyring.open(
          "signing-key-seal",
          row.kid,
          row.private_sealed ?? new Uint8Array(),
        );
        const stored = Buffer.from(row.private_sealed ?? []);
        for (let at = 0; at + 8 <= plain.length; at += 8)
          assert.ok(!stored.includes(plain.subarray(at, at + 8)));
        for (const member of ["d", "p", "q", "dp", "dq", "qi", "k"])
          assert.equal(JSON.parse(row.public_jwk)[member], undefined);
      }
      const keys = await published(world);
      assert.equal(keys.length, 2);
      assert.equal(new Set(keys.map((key) => key["kid"])).size, 2);
      const members = {
        ES256: "alg crv kid kty use x y",
        EdDSA: "alg crv kid kty use x",
        RS256: "alg e kid kty n use",
      }[algorithm];
      for (const key of keys)
        assert.deepEqual(
          [Object.keys(key).toSorted().join(" "), key["alg"], key["use"]],
          [members, algorithm, "sig"],
        );
      const { headers } = await world.request("GET", "/.well-known/jwks.json");
      assert.equal(
        headers.get("cache-control"),
        "public, max-age=300",
        "shorter than a key is announced before it signs",
      );
    },
    { PORTCULLIS_SIGNING_ALGORITHM: algorithm },
  );

  eachWorld(
    `JW-15 a token of ${algorithm} verifies with another library, and names user, session and methods, and nothing personal`,
    async (world) => {
      const user = await world.user({ username: "anna" });
      const { accessToken, sessionId } = await world.signIn(user);
      const { payload, protectedHeader } = await jwtVerify(
        accessToken,
        createLocalJWKSet({ keys: (await published(world)).map((key) => ({ kty: "", ...key })) }),
        {
          issuer: publicUrl,
          audience: publicUrl,
          typ: "at+jwt",
          currentDate: new Date(world.clock.now() * 1000),
        },
      );
      assert.deepEqual(protectedHeader, {
        alg: algorithm,
        typ: "at+jwt",
        kid: await active(world),
      });
      const now = world.clock.now();
      const { jti, ...claims } = payload;
      assert.match(String(jti), /^[0-9a-f-]{36}$/);
      assert.deepEqual(claims, {
        iss: publicUrl,
        aud: publicUrl,
        sub: user.id,
        sid: sessionId,
        iat: now,
        exp: now + 600,
        hep: now,
        aep: 0,
        gen: 1,
        auth_time: now,
        amr: ["pwd"],
        acr: "aal1",
      });
      const text = Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString();
      for (const personal of [user.email, "anna", "192.0.2.1"]) assert.ok(!text.includes(personal));
    },
    { PORTCULLIS_SIGNING_ALGORITHM: algorithm },
  );
}

eachWorld(
  "KY-04 users do not notice if the master secret is replaced: values sealed with the previous one still open",
  async (world) => {
    const user = await world.user();
    const tokens = await world.signIn(user);
    const parts = {
      ...world.parts,
      keyring: keyring(
        [Buffer.from("another master secret, as long as the first one"), secret],
        world.parts.random,
      ),
    };
    const renewed = servedBy(world, await composeRules(parts), parts);
    try {
      assert.ok(await isAccepted(renewed, tokens.accessToken));
      world.clock.advance(30);
      const refreshed = await refresh(renewed, tokens.refreshToken);
      assert.equal(refreshed.status, 200);
      assert.ok(await isAccepted(renewed, refreshed.body.accessToken));
      assert.equal((await renewed.signIn(user)).tokenType, "Bearer");
    } finally {
      await renewed.rules.feed.stop();
    }
  },
);

eachWorld(
  "KY-04 the keys of a database are worthless without the master secret, and the server does not start",
  async (world) => {
    const parts = {
      ...world.parts,
      keyring: keyring(
        [Buffer.from("another master secret, as long as the first one")],
        world.parts.random,
      ),
    };
    await assert.rejects(
      composeRules(parts),
      /PORTCULLIS_SECRET is not the secret it was sealed with/,
    );
  },
);

eachWorld("JW-18 no token outlives its session, however often it is refreshed", async (world) => {
  const user = await world.user();
  let { refreshToken, sessionId } = await world.signIn(user);
  const { ends_at: end } = await world.rules.db
    .selectFrom("sessions")
    .select("ends_at")
    .where("id", "=", sessionId)
    .executeTakeFirstOrThrow();
  const expiries = [];
  for (;;) {
    world.clock.advance(Math.max(10, Math.min(12 * DAY, end - world.clock.now() - 30)));
    const refreshed = await refresh(world, refreshToken);
    if (refreshed.status !== 200) {
      assert.deepEqual(
        [refreshed.body.code, refreshed.body["cause"]],
        ["session_ended", "expired"],
      );
      break;
    }
    ({ refreshToken, sessionId } = refreshed.body);
    expiries.push(world.clock.now() + refreshed.body.expiresInSeconds);
  }
  assert.ok(world.clock.now() >= end);
  assert.ok(
    expiries.length >= 9 && expiries.every((expiry) => expiry <= end),
    String(expiries.map((expiry) => expiry - end)),
  );
});
