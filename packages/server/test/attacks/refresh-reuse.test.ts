import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import fc from "fast-check";
import { sql } from "kysely";
import { composeApp, composeRules } from "../../src/process/compose.ts";
import { keyring } from "../../src/platform/kernel/keyring.ts";
import { systemRandom } from "../../src/platform/kernel/random.ts";
import type { SessionTokens } from "../../src/accounts/users/ports.ts";
import { eachWorld, whileTimePasses, type AnswerOf, type World } from "../world.ts";

type Tokens = AnswerOf<typeof endpoints.refreshSession>;
const GRACE = 10;

const refresh = async (world: World, refreshToken: string, attemptId?: string) =>
  world.request<Tokens & { readonly code?: string; readonly cause?: string }>(
    "POST",
    "/v1/sessions/refresh",
    {
      body: { refreshToken, ...(attemptId !== undefined && { attemptId }) },
    },
  );
const accepted = async (world: World, token: string) =>
  (await world.request("GET", "/v1/token", { token })).status === 200;
const signedIn = async (world: World): Promise<SessionTokens> => {
  const tokens = await world.signIn(await world.user());
  world.clock.advance(GRACE);
  return tokens;
};
const events = async (world: World, event: string) =>
  (
    await world.rules.db
      .selectFrom("audit_events")
      .select("position")
      .where("event", "=", event)
      .execute()
  ).length;

eachWorld(
  "RF-01 a refresh token that is used again after the window ends the session, including its access tokens",
  async (world) => {
    const first = await signedIn(world);
    const second = (await refresh(world, first.refreshToken)).body;
    assert.ok(await accepted(world, second.accessToken));
    world.clock.advance(GRACE);

    const replay = await refresh(world, first.refreshToken);
    assert.deepEqual(
      [replay.status, replay.body.code, replay.body.cause],
      [401, "session_ended", "refresh_reused"],
    );
    for (const token of [first.accessToken, second.accessToken])
      assert.equal(await accepted(world, token), false);
    assert.equal((await refresh(world, second.refreshToken)).body.cause, "refresh_reused");
    assert.equal(await events(world, "session.refresh_reused"), 1);
  },
);

eachWorld(
  "RF-02 two uses inside the window give the same successor, and the second is audited",
  async (world) => {
    const first = await signedIn(world);
    const one = (await refresh(world, first.refreshToken)).body;
    const two = (await refresh(world, first.refreshToken)).body;
    assert.equal(one.refreshToken, two.refreshToken);
    assert.notEqual(one.refreshToken, first.refreshToken);
    assert.equal(await events(world, "session.refresh_grace"), 1);
    world.clock.advance(GRACE);
    assert.equal((await refresh(world, one.refreshToken)).status, 200);
  },
);

for (const wait of [1, 60, 3600]) {
  eachWorld(
    `RF-03 if an answer is lost for ${wait} s, the request with its attempt id can be repeated until the successor has been used`,
    async (world) => {
      const first = await signedIn(world);
      const lost = (await refresh(world, first.refreshToken, "attempt-0123456789")).body;
      world.clock.advance(wait);
      const again = await refresh(world, first.refreshToken, "attempt-0123456789");
      assert.deepEqual([again.status, again.body.refreshToken], [200, lost.refreshToken]);
      world.clock.advance(GRACE);
      assert.equal((await refresh(world, lost.refreshToken, "attempt-9876543210")).status, 200);
      world.clock.advance(GRACE);
      assert.equal(
        (await refresh(world, first.refreshToken, "attempt-0123456789")).body.cause,
        "refresh_reused",
      );
    },
  );
}

eachWorld(
  "RF-04 a thief is noticed no later than the second party's first refresh outside the window",
  async (world) => {
    const step = fc.record({
      who: fc.constantFrom("victim", "thief"),
      wait: fc.integer({ min: 0, max: 3 * GRACE }),
    });
    const user = await world.user();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
        const stolen = await world.signIn(user);
        const holds = { victim: stolen.refreshToken, thief: stolen.refreshToken };
        let rotatedAt = world.clock.now();
        let dead = false;
        for (const { who, wait } of steps) {
          world.clock.advance(wait);
          const other = who === "victim" ? "thief" : "victim";
          const behind = holds[who] !== holds[other];
          const answer = await refresh(world, holds[who]);
          if (dead) {
            assert.equal(answer.status, 401);
            continue;
          }
          if (answer.status === 401) {
            assert.equal(answer.body.cause, "refresh_reused");
            assert.ok(behind, "an undisturbed holder was taken for a thief");
            dead = true;
            continue;
          }
          if (behind && answer.body.refreshToken !== holds[who])
            assert.ok(
              world.clock.now() - rotatedAt < GRACE || holds[other] !== answer.body.refreshToken,
              "a second successor, or one after the window",
            );
          if (answer.body.refreshToken !== holds[who] && answer.body.refreshToken !== holds[other])
            rotatedAt = world.clock.now();
          holds[who] = answer.body.refreshToken;
        }
      }),
      { numRuns: 25 },
    );
  },
);

eachWorld("RF-08 a refresh that fails at the commit consumes nothing", async (world) => {
  const first = await signedIn(world);
  const { db } = world.rules;
  if (world.database.dialect === "sqlite") {
    await sql`create trigger broken before update on sessions begin select raise(abort, 'broken'); end`.execute(
      db,
    );
  } else {
    await sql`create function broken() returns trigger language plpgsql as 'begin raise exception ''broken''; end'`.execute(
      db,
    );
    await sql`create trigger broken before update on sessions for each row execute function broken()`.execute(
      db,
    );
  }
  for (let round = 0; round < 5; round += 1)
    assert.equal((await refresh(world, first.refreshToken)).status, 500);
  await (
    world.database.dialect === "sqlite"
      ? sql`drop trigger broken`
      : sql`drop trigger broken on sessions`
  ).execute(db);
  const after = await refresh(world, first.refreshToken);
  assert.equal(after.status, 200);
  assert.notEqual(after.body.refreshToken, first.refreshToken);
});

eachWorld("RF-09 a restart does not make a rotated token valid", async (world) => {
  const first = await signedIn(world);
  await refresh(world, first.refreshToken);
  world.clock.advance(GRACE);
  const rules = await composeRules(world.parts);
  const app = composeApp(world.parts, rules, () => "ready");
  const body = JSON.stringify({ refreshToken: first.refreshToken });
  const request = new Request("https://x.test/v1/sessions/refresh", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  // The first node still has its lease, so the revocation waits for it.
  const answer = await whileTimePasses(world, Promise.resolve(app.fetch(request, {})));
  assert.equal(answer.status, 401);
});

eachWorld(
  "RF-12 forged tokens for a live session are counted against their sender and do not touch the session",
  async (world) => {
    const mine = await signedIn(world);
    const [header, payload] = mine.refreshToken.split(".");
    const forged = `${header}.${payload}.${Buffer.alloc(32, 1).toString("base64url")}`;
    const statuses = new Map<number, number>();
    for (let round = 0; round < 150; round += 1) {
      const { status } = await world.request("POST", "/v1/sessions/refresh", {
        body: { refreshToken: forged },
        address: "198.51.100.7",
      });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    assert.deepEqual(Object.fromEntries(statuses), { 401: 100, 429: 50 });
    assert.equal((await refresh(world, mine.refreshToken)).status, 200);
  },
);

eachWorld(
  "RF-14 a copy of the database without the master secret cannot make a token this server accepts",
  async (world) => {
    const mine = await signedIn(world);
    const thief = {
      ...world.parts,
      keyring: keyring([Buffer.from("what somebody guesses instead of the secret")], systemRandom),
    };
    await assert.rejects(async () => composeRules(thief), /PORTCULLIS_SECRET is not the secret/);
    assert.equal((await refresh(world, mine.refreshToken)).status, 200);
  },
);

eachWorld(
  "RF-16 a token issued after the restored backup ends the session, and the audit records it",
  async (world) => {
    const first = await signedIn(world);
    const second = (await refresh(world, first.refreshToken)).body;
    await world.rules.db
      .updateTable("sessions")
      .set({ generation: 1 })
      .where("id", "=", first.sessionId)
      .execute();
    assert.equal((await refresh(world, second.refreshToken)).body.cause, "refresh_ahead");
    assert.equal(await events(world, "session.refresh_ahead"), 1);
  },
);

eachWorld(
  "a second use is theft at once if the grace is 0",
  async (world) => {
    const first = await world.signIn(await world.user());
    assert.equal((await refresh(world, first.refreshToken)).status, 200);
    assert.equal((await refresh(world, first.refreshToken)).body.cause, "refresh_reused");
  },
  { PORTCULLIS_REFRESH_GRACE: "0" },
);

eachWorld(
  "JW-14 an access token is not accepted as a refresh token, nor the other way round",
  async (world) => {
    const tokens = await signedIn(world);
    assert.equal((await refresh(world, tokens.accessToken.slice(0, 512))).status, 401);
    assert.equal(await accepted(world, tokens.refreshToken), false);
  },
);
