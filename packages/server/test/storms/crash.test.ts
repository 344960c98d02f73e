import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sql } from "kysely";
import { checkChain } from "../../src/records/audit/check.ts";
import { databaseFile, readConfig } from "../../src/process/config.ts";
import { openDatabase, type Db } from "../../src/platform/db/open.ts";
import { systemClock } from "../../src/platform/kernel/clock.ts";
import type { Keyring } from "../../src/platform/kernel/keyring.ts";
import { silentLog } from "../../src/platform/kernel/log.ts";
import { systemRandom } from "../../src/platform/kernel/random.ts";
import { openKeyring } from "../../src/process/master-secret.ts";
import type { SessionTokens } from "../../src/accounts/users/ports.ts";
import { size } from "../../../../tools/size.ts";
import { startServer, type ServerProcess } from "../process.ts";

const ROUNDS = size({ small: 12, full: 100 });
const DIRECTORIES = size({ small: 1, full: 2 });
const CHAIN_EVERY = 10;
const PASSWORD = "seven quiet herons";

test(`DU-01, DU-02, RV-20 no acknowledged change is lost or half done in ${ROUNDS} rounds of kill -9`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-crash-"));
  try {
    const ledgers = await Promise.all(
      Array.from({ length: DIRECTORIES }, async (_, n) =>
        campaign(join(folder, String(n)), join(folder, "compiled")),
      ),
    );
    const total = (count: (ledger: Ledger) => number): number =>
      ledgers.reduce((sum, ledger) => sum + count(ledger), 0);
    const acknowledged = {
      registrations: total((ledger) => ledger.registered.size),
      signIns: total((ledger) => ledger.sessions.length),
      refreshes: total((ledger) =>
        ledger.sessions.reduce((sum, session) => sum + session.generation - 1, 0),
      ),
      logouts: total((ledger) => ledger.sessions.filter(({ state }) => state === "ended").length),
      lostAnswers: total((ledger) => ledger.lostAnswers),
    };
    t.diagnostic(JSON.stringify(acknowledged));
    for (const [what, count] of Object.entries(acknowledged))
      assert.ok(count > 0, `the storm was none: no ${what}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/**
 * The state that the client knows. Everything in it was answered, except as `asked` and the states
 * say.
 */
interface Ledger {
  readonly registered: Set<string>;
  /** Registrations whose answer is pending or was lost. */
  readonly asked: Set<string>;
  readonly sessions: KnownSession[];
  lostAnswers: number;
}

interface KnownSession {
  readonly email: string;
  tokens: SessionTokens;
  generation: number;
  /** In the states `refreshing` and `ending`, the answer is pending or was lost. */
  state: "live" | "refreshing" | "ending" | "ended";
  attemptId: string;
  /** Whether a restarted server has confirmed the end. */
  proven: boolean;
}

async function campaign(directory: string, compiled: string): Promise<Ledger> {
  const ledger: Ledger = { registered: new Set(), asked: new Set(), sessions: [], lostAnswers: 0 };
  const settings = {
    PORTCULLIS_DATA_DIR: directory,
    PORTCULLIS_PUBLIC_URL: "https://accounts.example.com",
    PORTCULLIS_REGISTRATION: "immediate",
    PORTCULLIS_REFRESH_GRACE: "0",
    PORTCULLIS_TRUSTED_PROXIES: "127.0.0.1",
    PORTCULLIS_LOG: "error",
    NODE_COMPILE_CACHE: compiled,
  };
  for (let round = 1; round <= ROUNDS / DIRECTORIES; round += 1) {
    const server = await startServer(settings);
    try {
      await examine(server, ledger);
      await storm(server, ledger);
    } finally {
      await server.kill();
    }
    assert.equal(server.said.stderr, "");
    await autopsy(directory, ledger, { chain: round % CHAIN_EVERY === 0 || round === 1 });
  }
  const server = await startServer(settings);
  try {
    await examine(server, ledger);
  } finally {
    await server.stop();
  }
  await autopsy(directory, ledger, { chain: true });
  return ledger;
}

// ── the storm

async function storm(server: ServerProcess, ledger: Ledger): Promise<void> {
  const cut = new AbortController();
  const workers = [
    signingUp(server, ledger, cut.signal),
    ...Array.from({ length: 5 }, async () => working(server, ledger, cut.signal)),
  ];
  await systemClock.sleep(50 + randomBelow(200));
  const killed = server.kill();
  cut.abort();
  await Promise.all([killed, ...workers]);
}

/** Signs users up until the first request without an answer. */
async function signingUp(server: ServerProcess, ledger: Ledger, cut: AbortSignal): Promise<void> {
  while (!cut.aborted) {
    const email = `${systemRandom.bytes(8).toString("hex")}@example.com`;
    ledger.asked.add(email);
    const registered = await ask(server, "POST", "/v1/users", {
      body: { email, password: PASSWORD },
    });
    if (registered === undefined) return;
    assert.equal(registered.status, 201, registered.text);
    ledger.asked.delete(email);
    ledger.registered.add(email);
    if (!(await signingIn(server, ledger, email))) return;
  }
}

async function signingIn(server: ServerProcess, ledger: Ledger, email: string): Promise<boolean> {
  const answered = await ask(server, "POST", "/v1/sessions", {
    body: { identifier: email, password: PASSWORD },
  });
  if (answered === undefined) return false;
  assert.equal(answered.status, 201, answered.text);
  ledger.sessions.push({
    email,
    tokens: JSON.parse(answered.text) as SessionTokens,
    generation: 1,
    state: "live",
    attemptId: "",
    proven: false,
  });
  return true;
}

async function working(server: ServerProcess, ledger: Ledger, cut: AbortSignal): Promise<void> {
  while (!cut.aborted) {
    const live = ledger.sessions.filter(({ state }) => state === "live");
    const session = live[randomBelow(Math.max(1, live.length))];
    if (session === undefined) await systemClock.sleep(5);
    else if (live.length > 3 && randomBelow(5) === 0) await loggingOut(server, ledger, session);
    else await refreshing(server, session);
  }
}

async function refreshing(server: ServerProcess, session: KnownSession): Promise<void> {
  session.state = "refreshing";
  session.attemptId = systemRandom.bytes(16).toString("base64url");
  const { attemptId, tokens } = session;
  const answered = await ask(server, "POST", "/v1/sessions/refresh", {
    body: { refreshToken: tokens.refreshToken, attemptId },
  });
  if (answered === undefined) return;
  assert.equal(answered.status, 200, answered.text);
  succeed(session, answered.text);
}

async function loggingOut(
  server: ServerProcess,
  ledger: Ledger,
  session: KnownSession,
): Promise<void> {
  session.state = "ending";
  const isAlone = ledger.sessions.every(
    (other) => other === session || other.email !== session.email || other.state === "ended",
  );
  const { accessToken: token, refreshToken, sessionId } = session.tokens;
  const ways = [
    async () => ask(server, "DELETE", "/v1/sessions/current", { token }),
    async () => ask(server, "DELETE", isAlone ? "/v1/sessions" : "/v1/sessions/current", { token }),
    async () => ask(server, "DELETE", `/v1/sessions/${sessionId}`, { token }),
    async () => ask(server, "POST", "/v1/sessions/logout", { body: { refreshToken } }),
  ];
  const answered = await ways[randomBelow(ways.length)]?.();
  if (answered === undefined) return;
  assert.equal(answered.status, 204, answered.text);
  session.state = "ended";
}

function succeed(session: KnownSession, text: string): void {
  const tokens = JSON.parse(text) as SessionTokens;
  const claims = JSON.parse(
    Buffer.from(tokens.refreshToken.split(".")[1] ?? "", "base64url").toString(),
  ) as { readonly gen: number };
  assert.equal(claims.gen, session.generation + 1);
  Object.assign(session, { tokens, generation: claims.gen, state: "live" });
}

// ── after the restart

/** Asks the restarted server about the last round, and about some of the earlier ones. */
async function examine(server: ServerProcess, ledger: Ledger): Promise<void> {
  for (const email of ledger.asked) await settleRegistration(server, ledger, email);
  for (const session of ledger.sessions) {
    if (session.state === "refreshing") await repeatRefresh(server, ledger, session);
    if (session.state === "ending") await settleEnd(server, ledger, session);
    if (session.state === "ended" && (!session.proven || randomBelow(20) === 0))
      await assertEnded(server, session);
  }
  const live = ledger.sessions.filter(({ state }) => state === "live");
  for (const session of live.slice(-5)) {
    assert.equal(
      (await answerOf(server, "GET", "/v1/token", { token: session.tokens.accessToken })).status,
      200,
    );
    await refreshing(server, session);
    assert.equal(session.state, "live");
  }
  const newest = [...ledger.registered].at(-1);
  if (newest !== undefined) assert.ok(await signingIn(server, ledger, newest));
}

/** Checks that the whole account exists or nothing of it. */
async function settleRegistration(
  server: ServerProcess,
  ledger: Ledger,
  email: string,
): Promise<void> {
  ledger.lostAnswers += 1;
  const signedIn = await answerOf(server, "POST", "/v1/sessions", {
    body: { identifier: email, password: PASSWORD },
  });
  if (signedIn.status !== 201) {
    assert.equal(signedIn.status, 401, signedIn.text);
    const again = await answerOf(server, "POST", "/v1/users", {
      body: { email, password: PASSWORD },
    });
    assert.equal(again.status, 201, again.text);
  }
  ledger.asked.delete(email);
  ledger.registered.add(email);
}

/**
 * Repeats a refresh whose answer was lost. The same attempt gets the same successor, whether or not
 * the rotation was committed.
 */
async function repeatRefresh(
  server: ServerProcess,
  ledger: Ledger,
  session: KnownSession,
): Promise<void> {
  ledger.lostAnswers += 1;
  const { attemptId, tokens } = session;
  const answered = await answerOf(server, "POST", "/v1/sessions/refresh", {
    body: { refreshToken: tokens.refreshToken, attemptId },
  });
  assert.equal(answered.status, 200, answered.text);
  succeed(session, answered.text);
}

/** Checks that the session has ended for access and refresh alike, or is as alive as before. */
async function settleEnd(
  server: ServerProcess,
  ledger: Ledger,
  session: KnownSession,
): Promise<void> {
  ledger.lostAnswers += 1;
  const { status } = await answerOf(server, "GET", "/v1/token", {
    token: session.tokens.accessToken,
  });
  if (status === 401) return assertEnded(server, session);
  assert.equal(status, 200);
  await refreshing(server, session);
  assert.equal(session.state, "live");
}

async function assertEnded(server: ServerProcess, session: KnownSession): Promise<void> {
  const { accessToken, refreshToken } = session.tokens;
  const access = await answerOf(server, "GET", "/v1/token", { token: accessToken });
  assert.deepEqual([access.status, codeOf(access)], [401, "session_ended"]);
  const refreshed = await answerOf(server, "POST", "/v1/sessions/refresh", {
    body: { refreshToken },
  });
  assert.deepEqual([refreshed.status, codeOf(refreshed)], [401, "session_ended"]);
  Object.assign(session, { state: "ended", proven: true });
}

// ── the remains of the dead server on the disk

/** Examines a copy, so that the restarted server recovers the file and the test does not. */
async function autopsy(
  directory: string,
  ledger: Ledger,
  options: { readonly chain: boolean },
): Promise<void> {
  const config = readConfig({ PORTCULLIS_DATA_DIR: directory });
  const [file, copy] = [databaseFile(config), join(directory, "copy.sqlite3")];
  for (const part of ["", "-wal"])
    if (existsSync(file + part)) copyFileSync(file + part, copy + part);
  const { db, close } = await openDatabase({ file: copy, log: silentLog });
  try {
    await assertSound(db);
    await assertNothingLost(db, ledger);
    await assertNothingHalfDone(db);
    if (options.chain) await assertChain(db, openKeyring(config, systemRandom));
  } finally {
    await close();
    for (const part of ["", "-wal", "-shm"]) rmSync(copy + part, { force: true });
  }
}

async function assertSound(db: Db): Promise<void> {
  const integrity = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db);
  assert.deepEqual(
    integrity.rows.map((row) => row.integrity_check),
    ["ok"],
  );
  assert.deepEqual((await sql`pragma foreign_key_check`.execute(db)).rows, []);
}

async function assertNothingLost(db: Db, ledger: Ledger): Promise<void> {
  const users = new Set(
    (await db.selectFrom("users").select("email").execute()).map(({ email }) => email),
  );
  assert.deepEqual(
    [...ledger.registered].filter((email) => !users.has(email)),
    [],
  );
  const stored = new Map(
    (await db.selectFrom("sessions").select(["id", "generation", "revoked_at"]).execute()).map(
      (row) => [row.id, row],
    ),
  );
  for (const { tokens, generation, state } of ledger.sessions) {
    const row = stored.get(tokens.sessionId);
    assert.ok(row !== undefined, `session ${tokens.sessionId} is gone`);
    if (state === "ended") assert.notEqual(row.revoked_at, null);
    if (state === "live" || state === "refreshing") assert.equal(row.revoked_at, null);
    const possible = state === "refreshing" ? [generation, generation + 1] : [generation];
    assert.ok(
      possible.includes(row.generation),
      `${state}: generation ${row.generation} is stored, ${generation} was answered`,
    );
  }
}

/**
 * Checks that all rows of a transaction exist or none: the cause, its revocation, its audit event.
 */
async function assertNothingHalfDone(db: Db): Promise<void> {
  const { rows } = await sql<Record<string, number>>`
    select (select count(*) from users) as users,
           (select count(*) from audit_events where event = 'user.registered') as "registrationsAudited",
           (select count(*) from sessions) as sessions,
           (select count(*) from audit_events where event = 'session.opened') as "openingsAudited",
           (select count(*) from sessions where revoked_cause in ('logout', 'logout_other_device')) as "loggedOut",
           (select count(*) from revocations where scope = 'session') as "sessionRevocations",
           (select count(*) from audit_events where event = 'session.ended') as "endsAudited",
           (select count(*) from revocations where scope = 'user') as "userRevocations",
           (select count(*) from audit_events where event = 'sessions.ended') as "logoutsEverywhereAudited",
           (select count(*) from sessions join users on users.id = sessions.user_id
             where (revoked_at is null) <> (sessions.hard_epoch = users.hard_epoch)
               and coalesce(revoked_cause, 'logout_everywhere') = 'logout_everywhere') as "halfLoggedOut"`.execute(
    db,
  );
  const [count] = rows;
  assert.ok(count !== undefined);
  assert.equal(count["registrationsAudited"], count["users"]);
  assert.equal(count["openingsAudited"], count["sessions"]);
  assert.deepEqual(
    [count["sessionRevocations"], count["endsAudited"]],
    [count["loggedOut"], count["loggedOut"]],
  );
  assert.equal(count["logoutsEverywhereAudited"], count["userRevocations"]);
  assert.equal(count["halfLoggedOut"], 0);
}

async function assertChain(db: Db, keyring: Keyring): Promise<void> {
  const checked = await checkChain(db, keyring);
  assert.equal(checked.kind, "intact", JSON.stringify(checked));
}

// ── the client

interface Said {
  readonly status: number;
  readonly text: string;
}

interface Asked {
  readonly token?: string;
  readonly body?: unknown;
}

/**
 * Returns `undefined` if the server stopped before the answer was complete, so that nothing was
 * acknowledged.
 */
async function ask(
  server: ServerProcess,
  method: string,
  path: string,
  asked: Asked,
): Promise<Said | undefined> {
  try {
    return await answerOf(server, method, path, asked);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

async function answerOf(
  server: ServerProcess,
  method: string,
  path: string,
  { token, body }: Asked,
): Promise<Said> {
  const address = [10, randomBelow(256), randomBelow(256), randomBelow(256)].join(".");
  const headers = {
    "x-forwarded-for": address,
    "content-type": "application/json",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const response = await fetch(server.url + path, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

function codeOf({ text }: Said): unknown {
  return (JSON.parse(text) as { readonly code?: unknown }).code;
}

function randomBelow(bound: number): number {
  return systemRandom.bytes(4).readUInt32BE(0) % bound;
}
