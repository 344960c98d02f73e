import assert from "node:assert/strict";
import { sql } from "kysely";
import {
  attempt,
  countRows,
  eventsOf,
  isAccepted,
  par,
  refresh,
  servedBy,
  statuses,
} from "../../../test/steps.ts";
import { eachWorld, type TestUser, type World } from "../../../test/world.ts";
import { createHasher, type Hasher } from "../../platform/hashing/pool.ts";
import { systemClock } from "../../platform/kernel/clock.ts";
import { silentLog } from "../../platform/kernel/log.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { disableUser } from "../users/disable-user.ts";

const operator = { address: null, requestId: null, actor: { kind: "operator" } } as const;

/** The world with something happening right after each password has been compared. */
function afterTheCheck(world: World, happen: () => Promise<unknown>): World {
  const { hasher } = world.rules;
  const verify: Hasher["verify"] = async (phc, password) => {
    const outcome = await hasher.verify(phc, password);
    await happen();
    return outcome;
  };
  return servedBy(world, { ...world.rules, hasher: { ...hasher, verify } });
}

const changePassword = async (
  world: World,
  token: string,
  currentPassword: string,
  newPassword: string,
) => world.request("POST", "/v1/me/password", { token, body: { currentPassword, newPassword } });

eachWorld(
  "signing in by address or username opens a session on one proof and says how long its token lives",
  async (world) => {
    const user = await world.user({ username: "anna" });
    for (const identifier of [user.email, "anna", user.email.toUpperCase(), "ANNA"]) {
      const answered = await attempt(world, identifier, user.password);
      assert.deepEqual(
        [answered.status, answered.body.tokenType, answered.body.expiresInSeconds],
        [201, "Bearer", 600],
      );
      const token = await world.request<{
        readonly userId: string;
        readonly amr: readonly string[];
        readonly acr: string;
      }>("GET", "/v1/token", { token: answered.body.accessToken });
      assert.deepEqual(
        [token.body.userId, token.body.amr, token.body.acr],
        [user.id, ["pwd"], "aal1"],
      );
    }
  },
);

eachWorld(
  "EN-01 unknown, wrong, disabled, unconfirmed and without a password are one refusal",
  async (world) => {
    const [wrong, disabled, unconfirmed, passwordless] = await Promise.all([
      world.user(),
      world.user(),
      world.user(),
      world.user(),
    ]);
    const set = async (user: TestUser, values: object) =>
      world.rules.db.updateTable("users").set(values).where("id", "=", user.id).execute();
    await disableUser(world.rules, disabled.id, operator);
    await set(unconfirmed, { email_verified_at: null });
    await set(passwordless, { password_sealed: null });
    const told = new Set<string>();
    for (const [identifier, password] of [
      [wrong.email, "wrong"],
      ["nobody@example.com", "wrong"],
      ["not a name at all", "wrong"],
      [disabled.email, disabled.password],
      [unconfirmed.email, unconfirmed.password],
      [passwordless.email, passwordless.password],
    ] as const) {
      const answered = await attempt(world, identifier, password);
      const { instance: _, ...body } = answered.body;
      const headers = [...answered.headers].filter(
        ([name]) => !["x-request-id", "date"].includes(name),
      );
      told.add(JSON.stringify([answered.status, body, headers]));
    }
    assert.equal(told.size, 1, [...told].join("\n"));
    assert.equal(await countRows(world, "sessions"), 0);
  },
);

eachWorld(
  "LG-13 every sign-in is a session of its own, whatever the client brings along",
  async (world) => {
    const user = await world.user();
    const first = (await attempt(world, user.email, user.password)).body;
    const headers = {
      cookie: `sid=${first.sessionId}; __Host-session=${first.sessionId}`,
      authorization: `Bearer ${first.accessToken}`,
    };
    const second = (
      await attempt(world, user.email, user.password, { headers, deviceToken: first.deviceToken })
    ).body;
    assert.notEqual(second.sessionId, first.sessionId);
    assert.equal(await countRows(world, "sessions"), 2);
    for (const planted of ["sessionId", "sid", "session_id"]) {
      const body = { identifier: user.email, password: user.password, [planted]: first.sessionId };
      assert.equal((await world.request("POST", "/v1/sessions", { body })).status, 422);
    }
  },
);

eachWorld(
  "LG-11 a user who is disabled between the password and the session gets none",
  async (world) => {
    const user = await world.user();
    const racing = afterTheCheck(world, async () => disableUser(world.rules, user.id, operator));
    const answered = await attempt(racing, user.email, user.password);
    assert.deepEqual([answered.status, answered.body.code], [401, "invalid_credentials"]);
    assert.equal(await countRows(world, "sessions"), 0);
  },
);

eachWorld(
  "LG-11 a password that is changed between its check and the session opens none",
  async (world) => {
    const user = await world.user();
    const { accessToken } = await world.signIn(user);
    let changed: number | undefined;
    const racing = afterTheCheck(
      world,
      async () =>
        (changed ??= (
          await changePassword(world, accessToken, user.password, "nine grey geese fly")
        ).status),
    );
    assert.equal((await attempt(racing, user.email, user.password)).status, 401);
    assert.equal(changed, 200);
  },
);

eachWorld(
  "LG-11 a user who is disabled while a refresh is under way gets no tokens that work",
  async (world) => {
    const user = await world.user();
    const { refreshToken } = await world.signIn(user);
    world.clock.advance(30);
    const [refreshed] = await Promise.all([
      refresh(world, refreshToken),
      disableUser(world.rules, user.id, operator),
    ]);
    if (refreshed.status === 200)
      assert.equal(await isAccepted(world, refreshed.body.accessToken), false);
    assert.equal((await refresh(world, refreshToken)).body.code, "session_ended");
  },
);

// ── the price of a guess

eachWorld(
  "PW-11 a full hashing queue answers 503 with Retry-After, and gives the attempt back",
  async (world) => {
    const user = await world.user();
    const hasher = createHasher({
      log: silentLog,
      clock: systemClock,
      random: systemRandom,
      concurrency: 1,
      queueLimit: 0,
      params: { memoryCost: 64, timeCost: 1, parallelism: 1 },
    });
    try {
      const crowded = servedBy(world, { ...world.rules, hasher });
      const answers = await par(25, async () => attempt(crowded, user.email, "wrong"));
      const busy = answers.filter(({ status }) => status === 503);
      assert.ok(busy.length > 0, JSON.stringify(statuses(answers)));
      for (const { body, headers } of busy)
        assert.deepEqual([body.code, headers.get("retry-after")], ["busy", "1"]);
      const { count } = await world.rules.db
        .selectFrom("attempts")
        .select("count")
        .where("bucket", "=", `sign-in:account:${user.id}`)
        .executeTakeFirstOrThrow();
      assert.equal(count, answers.filter(({ status }) => status === 401).length);
    } finally {
      await hasher.close();
    }
  },
);

/** The storage takes no writes: a full disk, a failover to a standby. Returns what ends it. */
async function stopWriting(world: World): Promise<() => Promise<void>> {
  const { database } = world;
  if (database.dialect === "sqlite") {
    await sql`pragma query_only = on`.execute(database.db);
    return async () => void (await sql`pragma query_only = off`.execute(database.db));
  }
  const admin = await database.connectDirect();
  const { rows } = await admin.query<{ name: string }>("select current_database() as name");
  const elsewhere =
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
  const readOnly = async (state: "on" | "off"): Promise<void> => {
    await admin.query(
      `alter database ${rows[0]?.name} set default_transaction_read_only = ${state}`,
    );
    // A backend ends some time after it was told to, and the pool notices later still.
    while (((await admin.query(elsewhere)).rowCount ?? 0) > 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  await readOnly("on");
  return async () => {
    await readOnly("off");
    await admin.end();
  };
}

eachWorld(
  "LG-15 if failures cannot be counted, no password is compared: 503, and after that nothing is left over",
  async (world) => {
    const user = await world.user();
    const before = world.parts.hasher.figures().evaluations;
    const resume = await stopWriting(world);
    try {
      const answers = [];
      for (let i = 0; i < 20; i += 1)
        answers.push(await attempt(world, user.email, i % 2 === 0 ? "wrong" : user.password));
      assert.deepEqual(statuses(answers), { 503: 20 });
      assert.equal(answers.at(-1)?.body.code, "unavailable");
      assert.equal(world.parts.hasher.figures().evaluations, before);
    } finally {
      await resume();
    }
    assert.equal((await attempt(world, user.email, user.password)).status, 201);
  },
);

// ── hashes that have aged

/** Puts the same password into the row as a hash of weaker parameters. */
async function age(world: World, user: TestUser): Promise<Uint8Array> {
  const weak = createHasher({
    log: silentLog,
    clock: systemClock,
    random: systemRandom,
    concurrency: 1,
    params: { memoryCost: 32, timeCost: 1, parallelism: 1 },
  });
  try {
    const hashed = await weak.hash(user.password);
    assert.ok(hashed.kind === "hashed");
    const sealed = world.rules.keyring.seal("password-seal", user.id, Buffer.from(hashed.phc));
    await world.rules.db
      .updateTable("users")
      .set({ password_sealed: sealed })
      .where("id", "=", user.id)
      .execute();
    return sealed;
  } finally {
    await weak.close();
  }
}

const storedHash = async (world: World, user: TestUser): Promise<string> => {
  const row = await world.rules.db
    .selectFrom("users")
    .select("password_sealed")
    .where("id", "=", user.id)
    .executeTakeFirstOrThrow();
  return world.rules.keyring
    .open("password-seal", user.id, row.password_sealed ?? new Uint8Array())
    .toString();
};

eachWorld(
  "PW-09 a hash of older parameters becomes one of today's at the next sign-in, once",
  async (world) => {
    const user = await world.user();
    await age(world, user);
    assert.equal((await attempt(world, user.email, "wrong")).status, 401);
    assert.match(await storedHash(world, user), /m=32,/, "a wrong password changes nothing");
    assert.equal((await attempt(world, user.email, user.password)).status, 201);
    const upgraded = await storedHash(world, user);
    assert.match(upgraded, /m=64,/);
    assert.equal((await attempt(world, user.email, user.password)).status, 201);
    assert.equal(await storedHash(world, user), upgraded);
  },
);

eachWorld(
  "PW-09 if the password is changed while its old hash is being upgraded, the new password stays",
  async (world) => {
    const user = await world.user();
    const { accessToken } = await world.signIn(user);
    await age(world, user);
    const { hasher } = world.rules;
    const changes: number[] = [];
    const hash: Hasher["hash"] = async (password) => {
      changes.push(
        (await changePassword(world, accessToken, user.password, "nine grey geese fly")).status,
      );
      return hasher.hash(password);
    };
    await attempt(
      servedBy(world, { ...world.rules, hasher: { ...hasher, hash } }),
      user.email,
      user.password,
    );
    assert.deepEqual(changes, [200]);
    assert.equal((await attempt(world, user.email, user.password)).status, 401);
    assert.equal((await attempt(world, user.email, "nine grey geese fly")).status, 201);
  },
);

// ── the record

eachWorld(
  "AU-01 each thing that happens to an account is one event, in its order, with who and from where",
  async (world) => {
    const keysMade = (await eventsOf(world)).length;
    const user = await world.user();
    const at = { address: "198.51.100.9" };
    const first = (await attempt(world, user.email, user.password, at)).body;
    await attempt(world, user.email, "wrong", at);
    const second = (await attempt(world, user.email, user.password, at)).body;
    await world.request("PATCH", "/v1/me", {
      token: second.accessToken,
      body: { profile: { displayName: "Anna" } },
      ...at,
    });
    await world.request("DELETE", `/v1/sessions/${first.sessionId}`, {
      token: second.accessToken,
      ...at,
    });
    const third = await world.request<{ readonly accessToken: string }>("POST", "/v1/me/password", {
      token: second.accessToken,
      body: { currentPassword: user.password, newPassword: "nine grey geese fly" },
      ...at,
    });
    await world.request("DELETE", "/v1/sessions", { token: third.body.accessToken, ...at });
    const fourth = (await attempt(world, user.email, "nine grey geese fly", at)).body;
    await world.request("DELETE", "/v1/sessions/current", { token: fourth.accessToken, ...at });
    const fifth = (await attempt(world, user.email, "nine grey geese fly", at)).body;
    await world.request("DELETE", "/v1/me", {
      token: fifth.accessToken,
      body: { password: "nine grey geese fly" },
      ...at,
    });

    const events = (
      await world.rules.db.selectFrom("audit_events").selectAll().orderBy("position").execute()
    ).slice(keysMade);
    assert.deepEqual(
      events.map((event) => [event.event, event.result, event.actor_kind]),
      [
        ["session.opened", "done", "user"],
        ["sign_in.failed", "refused", "anonymous"],
        ["session.opened", "done", "user"],
        ["user.updated", "done", "user"],
        ["session.ended", "done", "user"],
        ["password.changed", "done", "user"],
        ["sessions.ended", "done", "user"],
        ["session.opened", "done", "user"],
        ["session.ended", "done", "user"],
        ["session.opened", "done", "user"],
        ["user.deleted", "done", "user"],
      ],
    );
    for (const event of events)
      assert.deepEqual(
        [event.address, event.user_id, event.at],
        ["198.51.100.9", user.id, world.clock.now()],
      );
    for (const event of events) assert.match(event.request_id ?? "", /^[\w-]{8,}$/);
    assert.equal(
      new Set(events.map((event) => event.request_id)).size,
      events.length,
      "one request, one event",
    );
  },
);

eachWorld(
  "AU-01 nothing is recorded of what was rolled back, and nothing happens that could not be recorded",
  async (world) => {
    const user = await world.user();
    const tokens = await world.signIn(user);
    // The chain cannot go on: its next position is taken.
    const { position } = await world.rules.db
      .selectFrom("audit_head")
      .select("position")
      .executeTakeFirstOrThrow();
    await world.rules.db
      .updateTable("audit_head")
      .set({ position: position - 1 })
      .execute();
    assert.ok(
      (await world.request("DELETE", "/v1/sessions", { token: tokens.accessToken })).status >= 500,
    );
    assert.ok(await isAccepted(world, tokens.accessToken));
    assert.equal(await countRows(world, "revocations"), 0);
  },
);
