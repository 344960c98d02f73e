import assert from "node:assert/strict";
import { Agent, request as httpRequest } from "node:http";
import { composeApp, composeRules } from "../../src/process/compose.ts";
import { openDatabase } from "../../src/platform/db/open.ts";
import { listen } from "../../src/platform/http/node.ts";
import { systemClock } from "../../src/platform/kernel/clock.ts";
import { silentLog } from "../../src/platform/kernel/log.ts";
import { systemRandom } from "../../src/platform/kernel/random.ts";
import { refresh } from "../../src/accounts/sessions/refresh.ts";
import type { SessionTokens } from "../../src/accounts/users/ports.ts";
import { size } from "../../../../tools/size.ts";
import { eachWorld, type Answered, type Refused, type World } from "../world.ts";

const GRACE_SECONDS = 10;
const BURST = size({ small: 1000, full: 10_000 });
const CONNECTIONS = size({ small: 100, full: 500 });
const GENERATIONS = size({ small: 5, full: 20 });
const TRANSACTIONS = size({ small: 100, full: 500 });
const STRICT_TRANSACTIONS = size({ small: 50, full: 200 });
const RACES = size({ small: 10, full: 50 });
const LOGOUTS = size({ small: 12, full: 40 });
const RELOGINS = size({ small: 20, full: 100 });
/** A token, and the policy of the world that it is from. */
const presentedOf = ({ rules }: World, token: string) => ({
  token,
  attemptId: undefined,
  policy: rules.sessionPolicy,
});

const origin = {
  address: "192.0.2.1",
  userAgent: "storm",
  requestId: null,
  actor: { kind: "anonymous" },
} as const;

eachWorld(
  `RF-02 if ${BURST} refreshes of one token arrive over ${CONNECTIONS} connections, one rotates and all get its successor`,
  async (world) => {
    const { refreshToken, sessionId } = await world.signIn(await world.user());
    world.clock.advance(GRACE_SECONDS);
    const answers = await withNodes(world, async (ports) =>
      overSockets(ports, BURST, refreshToken),
    );

    const strange = answers.filter(({ status }) => ![200, 429, 503].includes(status));
    assert.deepEqual(strange.slice(0, 3), []);
    const tokens = answers
      .filter(({ status }) => status === 200)
      .map(({ text }) => JSON.parse(text) as SessionTokens);
    assert.ok(tokens.length > 0.9 * BURST, `only ${tokens.length} of ${BURST} were answered`);
    await assertOneSuccessor(world, sessionId, { generation: 2, presented: refreshToken, tokens });
  },
);

eachWorld(
  `RF-02 the session moves on by one generation in each of ${GENERATIONS} rounds of 200 refreshes at once`,
  async (world) => {
    const { refreshToken, sessionId } = await world.signIn(await world.user());
    let current = refreshToken;
    for (let round = 1; round <= GENERATIONS; round += 1) {
      world.clock.advance(GRACE_SECONDS);
      const presented = current;
      const answers = await Promise.all(
        Array.from({ length: 200 }, async () => askToRefresh(world, { refreshToken: presented })),
      );
      assert.deepEqual(
        countBy(answers, ({ status }) => status),
        { 200: 200 },
      );
      const successors = new Set(answers.map(({ body }) => tokensOf(body).refreshToken));
      assert.equal(successors.size, 1);
      current = [...successors].join("");
      assert.equal(await generationOf(world, sessionId), 1 + round);
    }
  },
);

eachWorld(
  `RF-02 if ${TRANSACTIONS} separate transactions refresh one token, the database lets one rotate`,
  async (world) => {
    const { refreshToken, sessionId } = await world.signIn(await world.user());
    world.clock.advance(GRACE_SECONDS);
    const asked = presentedOf(world, refreshToken);
    const outcomes = await Promise.all(
      Array.from({ length: TRANSACTIONS }, async () => refresh(world.rules, asked, origin)),
    );
    const tokens = outcomes.flatMap((outcome) =>
      outcome.kind === "refreshed" ? [outcome.tokens] : [],
    );
    assert.equal(tokens.length, TRANSACTIONS);
    await assertOneSuccessor(world, sessionId, { generation: 2, presented: refreshToken, tokens });
  },
);

eachWorld(
  `RF-01 in the strict profile one of ${STRICT_TRANSACTIONS} transactions gets tokens, the others count as theft, and the tokens are dead`,
  async (world) => {
    const { refreshToken, sessionId } = await world.signIn(await world.user());
    const asked = presentedOf(world, refreshToken);
    const outcomes = await Promise.all(
      Array.from({ length: STRICT_TRANSACTIONS }, async () => refresh(world.rules, asked, origin)),
    );
    assert.deepEqual(
      countBy(outcomes, (outcome) => (outcome.kind === "ended" ? outcome.cause : outcome.kind)),
      { refreshed: 1, refresh_reused: STRICT_TRANSACTIONS - 1 },
    );
    assert.equal(await generationOf(world, sessionId), 2);
    const tokens = outcomes.flatMap((outcome) =>
      outcome.kind === "refreshed" ? [outcome.tokens] : [],
    );
    await assertAllDead(world, tokens, "refresh_reused");
  },
  { PORTCULLIS_REFRESH_GRACE: "0" },
);

eachWorld(
  "RF-06 no token of any refresh is accepted after the concurrent revocation has been answered",
  async (world) => {
    const user = await world.user();
    for (let round = 0; round < RACES; round += 1) {
      const { accessToken, refreshToken } = await world.signIn(user);
      world.clock.advance(GRACE_SECONDS);
      const given: SessionTokens[] = [];
      const refreshing = async (n: number): Promise<number> => {
        // Each call has its own attempt id and thus its own transaction.
        const answered = await askToRefresh(world, {
          refreshToken,
          attemptId: `attempt-${round}-${n}-${"x".repeat(16)}`,
        });
        if (answered.status === 200) given.push(tokensOf(answered.body));
        return answered.status;
      };
      const revoking = async (): Promise<void> => {
        const answered =
          round % 2 === 0
            ? await world.request("DELETE", "/v1/sessions/current", { token: accessToken })
            : await world.request("POST", "/v1/sessions/logout", { body: { refreshToken } });
        assert.equal(answered.status, 204);
        await assertAllDead(world, [...given], "logout");
      };
      const before = randomBelow(25);
      const racing = Array.from({ length: 50 }, (_, n) =>
        n === before ? [revoking(), refreshing(n)] : [refreshing(n)],
      ).flat();
      const statuses = (await Promise.all(racing)).filter((status) => status !== undefined);
      assert.ok(
        statuses.every((status) => status === 200 || status === 401),
        JSON.stringify(countBy(statuses, (status) => status)),
      );
      await assertAllDead(world, given, "logout");
    }
  },
);

eachWorld(
  "RV-10 logging out everywhere ends the sessions opened before its commit, and none opened after",
  async (world) => {
    const seen = { before: 0, after: 0, refused: 0 };
    for (let round = 0; round < LOGOUTS; round += 1) {
      const user = await world.user();
      const address = `10.0.${round}.1`;
      const [asking, refreshing] = [
        await world.signIn(user, { address }),
        await world.signIn(user, { address }),
      ];
      world.clock.advance(GRACE_SECONDS);
      const given: SessionTokens[] = [];
      const opened: SessionTokens[] = [];
      const loggingIn = async (): Promise<void> => {
        await systemClock.sleep(randomBelow(60));
        const body = { identifier: user.email, password: user.password };
        const answered = await world.request<SessionTokens>("POST", "/v1/sessions", {
          body,
          address,
        });
        if (answered.status === 201) opened.push(answered.body);
        // The epoch was raised while the password was being checked.
        else seen.refused += 1;
        assert.ok(answered.status === 201 || answered.status === 401, answered.text);
      };
      const rotating = async (): Promise<void> => {
        await systemClock.sleep(randomBelow(30));
        const answered = await askToRefresh(world, { refreshToken: refreshing.refreshToken });
        if (answered.status === 200) given.push(tokensOf(answered.body));
        assert.ok(answered.status === 200 || answered.status === 401, answered.text);
      };
      const loggingOut = async (): Promise<void> => {
        await systemClock.sleep(randomBelow(30));
        assert.equal(
          (await world.request("DELETE", "/v1/sessions", { token: asking.accessToken })).status,
          204,
        );
      };
      await Promise.all([
        loggingIn(),
        loggingIn(),
        rotating(),
        loggingOut(),
        loggingIn(),
        rotating(),
        loggingIn(),
      ]);

      await assertAllDead(world, [asking, refreshing, ...given], "logout_everywhere");
      const order = await positions(world, user.id);
      for (const tokens of opened) {
        const wasBefore = (order.opened.get(tokens.sessionId) ?? Number.NaN) < order.ended;
        seen[wasBefore ? "before" : "after"] += 1;
        if (wasBefore) await assertAllDead(world, [tokens], "logout_everywhere");
        else assert.equal(await statusOf(world, tokens), 200);
      }
    }
    assert.ok(seen.before > 0 && seen.after > 0, `the race was none: ${JSON.stringify(seen)}`);
  },
);

eachWorld(
  "RV-06 signing in within the second of a logout everywhere works, and sessions from just before are dead",
  async (world) => {
    const user = await world.user();
    let last = await world.signIn(user);
    for (let round = 0; round < RELOGINS; round += 1) {
      assert.equal(
        (await world.request("DELETE", "/v1/sessions", { token: last.accessToken })).status,
        204,
      );
      const next = await world.signIn(user);
      await assertAllDead(world, [last], "logout_everywhere");
      assert.equal(await statusOf(world, next), 200);
      last = next;
    }
  },
);

async function assertOneSuccessor(
  world: World,
  sessionId: string,
  burst: {
    readonly generation: number;
    readonly presented: string;
    readonly tokens: readonly SessionTokens[];
  },
): Promise<void> {
  assert.equal(await generationOf(world, sessionId), burst.generation);
  const successors = [...new Set(burst.tokens.map((tokens) => tokens.refreshToken))];
  assert.equal(successors.length, 1);
  assert.notEqual(successors[0], burst.presented);
  for (const tokens of burst.tokens.slice(-20)) assert.equal(await statusOf(world, tokens), 200);

  world.clock.advance(GRACE_SECONDS);
  const next = await askToRefresh(world, { refreshToken: successors[0] ?? "" });
  assert.equal(next.status, 200, next.text);
  assert.equal(await generationOf(world, sessionId), burst.generation + 1);
}

async function assertAllDead(
  world: World,
  given: readonly SessionTokens[],
  cause: string,
): Promise<void> {
  for (const token of new Set(given.map(({ accessToken }) => accessToken))) {
    const { status, body } = await world.request("GET", "/v1/token", { token });
    assert.deepEqual([status, body.code, body["cause"]], [401, "session_ended", cause]);
  }
  for (const refreshToken of new Set(given.map((tokens) => tokens.refreshToken))) {
    const { status, body } = await world.request("POST", "/v1/sessions/refresh", {
      body: { refreshToken },
    });
    assert.deepEqual([status, body.code, body["cause"]], [401, "session_ended", cause]);
  }
}

async function statusOf(world: World, { accessToken }: SessionTokens): Promise<number> {
  return (await world.request("GET", "/v1/token", { token: accessToken })).status;
}

async function askToRefresh(
  world: World,
  body: { readonly refreshToken: string; readonly attemptId?: string },
): Promise<Answered<SessionTokens | Refused>> {
  return world.request<SessionTokens | Refused>("POST", "/v1/sessions/refresh", { body });
}

function tokensOf(body: SessionTokens | Refused): SessionTokens {
  assert.ok("refreshToken" in body, JSON.stringify(body));
  return body as SessionTokens;
}

async function generationOf(world: World, sessionId: string): Promise<number> {
  const row = await world.rules.db
    .selectFrom("sessions")
    .select("generation")
    .where("id", "=", sessionId)
    .executeTakeFirstOrThrow();
  return row.generation;
}

/**
 * A writer of an event holds the head of the chain until the commit, so positions are in commit
 * order.
 */
async function positions(
  world: World,
  userId: string,
): Promise<{ readonly opened: ReadonlyMap<string, number>; readonly ended: number }> {
  const rows = await world.rules.db
    .selectFrom("audit_events")
    .select(["position", "event", "session_id"])
    .where("user_id", "=", userId)
    .where("event", "in", ["session.opened", "sessions.ended"])
    .execute();
  return {
    opened: new Map(
      rows
        .filter((row) => row.event === "session.opened")
        .map((row) => [row.session_id ?? "", row.position]),
    ),
    ended: rows.find((row) => row.event === "sessions.ended")?.position ?? Number.NaN,
  };
}

function randomBelow(bound: number): number {
  return systemRandom.bytes(2).readUInt16BE(0) % bound;
}

function countBy<Item>(
  items: readonly Item[],
  key: (item: Item) => string | number,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

/** Starts real listeners: three nodes on PostgreSQL, and the only one that SQLite permits. */
async function withNodes<Result>(
  world: World,
  run: (ports: readonly number[]) => Promise<Result>,
): Promise<Result> {
  const closing: (() => Promise<void>)[] = [];
  try {
    const ports: number[] = [];
    for (let node = 0; node < (world.database.dialect === "postgres" ? 3 : 1); node += 1) {
      const database = node === 0 ? world.database : await openDatabase(world.database.options);
      const parts = { ...world.parts, database };
      const rules = node === 0 ? world.rules : await composeRules(parts);
      if (node > 0) {
        await rules.feed.start();
        closing.unshift(async () => rules.feed.stop().then(async () => database.close()));
      }
      const app = composeApp(parts, rules, () => "ready");
      const listening = await listen({
        ...app,
        host: "127.0.0.1",
        port: 0,
        log: silentLog,
        clock: systemClock,
      });
      closing.unshift(async () => listening.close(0));
      ports.push(listening.port);
    }
    return await run(ports);
  } finally {
    for (const close of closing) await close();
  }
}

interface Said {
  readonly status: number;
  readonly text: string;
}

/** Sends all requests at once. Each connection takes the next one as soon as it is free. */
async function overSockets(
  ports: readonly number[],
  count: number,
  refreshToken: string,
): Promise<readonly Said[]> {
  const agent = new Agent({ keepAlive: true, maxTotalSockets: CONNECTIONS });
  const body = JSON.stringify({ refreshToken });
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const ask = async (port: number): Promise<Said> =>
    new Promise((resolve, reject) => {
      const sent = httpRequest(
        { agent, host: "127.0.0.1", port, method: "POST", path: "/v1/sessions/refresh", headers },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (text += chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
          response.on("error", reject);
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  try {
    return await Promise.all(
      Array.from({ length: count }, async (_, n) => ask(ports[n % ports.length] ?? 0)),
    );
  } finally {
    agent.destroy();
  }
}
