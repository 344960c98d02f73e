import { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import test, { type TestContext } from "node:test";
import { systemClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { createApp } from "./app.ts";
import { createMetrics } from "./metrics.ts";
import { listen, type Limits, type Listening } from "./node.ts";
import { answer, refuse, serve, type AnyCall } from "./serve.ts";
import { noCookies } from "../../../test/no-cookies.ts";

const tokens = {
  accessToken: "a",
  tokenType: "Bearer",
  expiresInSeconds: 600,
  refreshToken: "r".repeat(40),
  sessionId: "018f2c5e-7d3a-7b1c-9a4e-2f6b8c0d1e2f",
  deviceToken: "d",
} as const;
const credentials = JSON.stringify({ identifier: "anna@example.com", password: "correct horse" });

interface Served extends Listening {
  readonly handled: readonly AnyCall[];
  /** Lets sign-ins finish. Until then they wait if `held` was set. */
  readonly release: () => void;
}

async function served(t: TestContext, limits: Partial<Limits> = {}, held = false): Promise<Served> {
  const handled: AnyCall[] = [];
  const gate = Promise.withResolvers<void>();
  if (!held) gate.resolve();
  const app = createApp({
    routes: [
      serve(endpoints.getHealth, () => answer(200, { status: "ok" })),
      serve(endpoints.signIn, async (call) => {
        handled.push(call);
        await gate.promise;
        return answer(201, tokens);
      }),
      serve(endpoints.endCurrentSession, () => answer(204)),
    ],
    pages: [],
    cookies: noCookies,
    authenticate: (token) => ({
      kind: "refused",
      code: token === "expired" ? "token_expired" : "invalid_token",
    }),
    authorize: () => undefined,
    allow: async () => ({ ok: true }),
    verifySignature: async () => refuse("invalid_signature"),
    isUnavailable: () => false,
    trustedProxies: [],
    publicUrl: "https://id.example",
    log: silentLog,
    clock: systemClock,
    random: systemRandom,
    metrics: createMetrics(),
  });
  const listening = await listen({
    ...app,
    host: "127.0.0.1",
    port: 0,
    log: silentLog,
    clock: systemClock,
    limits,
  });
  t.after(async () => {
    gate.resolve();
    await listening.close(0);
  });
  return { ...listening, handled, release: gate.resolve };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Returns everything that the server sends until it closes the connection. */
async function untilClosed(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (!socket.closed) await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}

async function exchange(port: number, raw: string | Buffer): Promise<string> {
  const socket = await open(port);
  socket.write(raw);
  return untilClosed(socket);
}

const statusOf = (answered: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answered)?.[1]);
const healthy = "GET /healthz HTTP/1.1\r\nHost: id.example\r\nConnection: close\r\n\r\n";

test("an answer through a socket carries what the app put on it", async (t) => {
  const { port, handled } = await served(t);
  const health = await exchange(port, healthy);
  assert.equal(statusOf(health), 200);
  assert.match(health, /\r\nx-content-type-options: nosniff\r\n/i);
  assert.match(health, /\r\n\r\n\{"status":"ok"\}$/);
  const signedIn = await fetch(`http://127.0.0.1:${port}/v1/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: credentials,
  });
  assert.equal(signedIn.status, 201);
  assert.deepEqual(await signedIn.json(), tokens);
  assert.equal(handled[0]?.client.address, "127.0.0.1");
});

test("a body in chunks is accepted like a whole one, up to the same limit", async (t) => {
  const { port } = await served(t);
  const head =
    "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  const half = Math.floor(credentials.length / 2);
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
  const taken = await exchange(
    port,
    `${head}${chunk(credentials.slice(0, half))}${chunk(credentials.slice(half))}0\r\n\r\n`,
  );
  assert.equal(statusOf(taken), 201);
  const cut = await exchange(
    port,
    `${head}${chunk(" ".repeat(65_000))}${chunk(" ".repeat(65_000))}0\r\n\r\n`,
  );
  assert.equal(statusOf(cut), 413);
});

test("IN-01: ten megabytes are refused without being kept", async (t) => {
  const { port, handled } = await served(t);
  const before = process.memoryUsage().arrayBuffers;
  const socket = await open(port);
  const answered = untilClosed(socket);
  socket.write(
    `POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${10 * 1024 * 1024}\r\nConnection: close\r\n\r\n`,
  );
  const [first] = await once(socket, "data");
  assert.equal(statusOf(String(first)), 413, "the refusal comes before the body");
  socket.end();
  await answered;
  assert(process.memoryUsage().arrayBuffers - before < 5 * 1024 * 1024);
  assert.equal(handled.length, 0);
});

test("IN-01: a client that asks before it sends its body is answered first", async (t) => {
  const { port } = await served(t);
  const head =
    "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nConnection: close\r\n";
  const socket = await open(port);
  socket.write(`${head}Content-Length: ${credentials.length}\r\n\r\n`);
  const [first] = await once(socket, "data");
  assert.match(String(first), /^HTTP\/1\.1 100 /);
  socket.write(credentials);
  assert.equal(statusOf(await untilClosed(socket)), 201);
  const large = await open(port);
  large.write(`${head}Content-Length: 65537\r\n\r\n`);
  const [refused] = await once(large, "data");
  assert.equal(statusOf(String(refused)), 413);
  large.destroy();
});

test("IN-01: headers of more than 16 KiB are answered with 431, as a problem", async (t) => {
  const { port } = await served(t);
  const refused = await exchange(
    port,
    `GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${"a".repeat(102_400)}\r\n\r\n`,
  );
  assert.equal(statusOf(refused), 431);
  assert.match(refused, /content-type: application\/problem\+json/);
  assert.match(refused, /"code":"headers_too_large"/);
  assert.match(refused, /x-content-type-options: nosniff/);
  assert.match(refused, /x-request-id: [\w-]{12}/);
  assert.equal(statusOf(await exchange(port, healthy)), 200);
});

test("IN-09: ambiguous framing is answered with 400 and ends the connection", async (t) => {
  const { port, handled } = await served(t);
  const body = `${credentials.length.toString(16)}\r\n${credentials}\r\n0\r\n\r\n`;
  const post = "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
  const corpus = {
    "length and chunks": `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
    "chunks and length": `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${body}`,
    "two lengths": `${post}Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}`,
    "two equal lengths": `${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
    "a list of lengths": `${post}Content-Length: 2, 2\r\n\r\n{}`,
    "a signed length": `${post}Content-Length: +2\r\n\r\n{}`,
    "a hexadecimal length": `${post}Content-Length: 0x2\r\n\r\n{}`,
    "a negative length": `${post}Content-Length: -1\r\n\r\n{}`,
    "an unknown coding": `${post}Transfer-Encoding: gzip\r\n\r\n${body}`,
    "a disguised coding": `${post}Transfer-Encoding: xchunked\r\n\r\n${body}`,
    "two codings": `${post}Transfer-Encoding: chunked, identity\r\n\r\n${body}`,
    "a space before the colon": `${post}Content-Length : 2\r\n\r\n{}`,
    "a folded header": `${post}X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}`.replace(
      "\r\n c",
      "\n c",
    ),
    "bare line feeds": "GET /healthz HTTP/1.1\nHost: x\n\n",
    "a bare carriage return": "GET /healthz HTTP/1.1\r\nHost: x\rX-A: b\r\n\r\n",
    "NUL in a header": "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n",
    "a bad chunk size": `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n${credentials}\r\n0\r\n\r\n`,
    "an invalid method": "G\u00c4T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": "GET /healthz\r\n\r\n",
    "another protocol": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "two hosts": "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n",
    "no host": "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "a host that is none": "GET /healthz HTTP/1.1\r\nHost: a b@c/d\r\nConnection: close\r\n\r\n",
    "a backslash": "GET \\healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  };
  for (const [name, raw] of Object.entries(corpus)) {
    const refused = await exchange(port, Buffer.from(raw, "latin1"));
    assert.equal(statusOf(refused), 400, `${name}: ${refused.slice(0, 200)}`);
    assert.match(refused, /"code":"malformed_request"/, name);
    assert.match(refused, /x-content-type-options: nosniff/i, name);
    assert.equal(refused.match(/HTTP\/1\.1/g)?.length, 1, name);
  }
  assert.equal(handled.length, 0);
  assert.equal(statusOf(await exchange(port, healthy)), 200);
});

test("JW-11: neither of two Authorization headers counts, and a malformed one causes no fault", async (t) => {
  const { port } = await served(t);
  const corpus = [
    "Authorization: Bearer expired\r\nAuthorization: Bearer expired\r\n",
    "Authorization: Bearer g\u00f6\u00f6d\r\n",
    "Authorization: Bearer\r\n",
    "Authorization:\r\n",
    "Authorization: Bearer \xff\xfe\r\n",
  ];
  for (const header of corpus) {
    const raw = `DELETE /v1/sessions/current HTTP/1.1\r\nHost: x\r\n${header}Connection: close\r\n\r\n`;
    const refused = await exchange(port, Buffer.from(raw, "latin1"));
    assert.equal(statusOf(refused), 401, header);
    assert(!refused.includes("token_expired"), header);
  }
});

test("IN-15: dot segments and the absolute form give a path no second spelling", async (t) => {
  const { port } = await served(t);
  const get = async (target: string): Promise<number> =>
    statusOf(
      await exchange(port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
    );
  for (const target of [
    "/v1/../healthz",
    "/./healthz",
    "/%2e/healthz",
    "//healthz",
    "/healthz/",
    "/healthz%20",
    "/healthz#x",
  ])
    assert.equal(await get(target), 404, target);
  assert.equal(
    await get("http://x/healthz"),
    200,
    "the absolute form must be accepted (RFC 9112 §3.2.2)",
  );
  assert.equal(await get("*"), 400);
});

test("HD-03: TRACE and CONNECT are refused", async (t) => {
  const { port } = await served(t);
  assert.equal(
    statusOf(
      await exchange(port, "TRACE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ),
    405,
  );
  assert.doesNotMatch(
    await exchange(port, "CONNECT id.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
    /HTTP\/1\.1 2/,
  );
});

test("IN-08: a client that never finishes its headers or its body is cut off with 408", async (t) => {
  const { port, handled } = await served(t, { headerSeconds: 0.2, requestSeconds: 0.4 });
  const slowHeaders = await exchange(port, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  assert.equal(statusOf(slowHeaders), 408);
  assert.match(slowHeaders, /"code":"request_timeout"/);
  const slowBody = await exchange(
    port,
    "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
  );
  assert.equal(statusOf(slowBody), 408);
  assert.equal(handled.length, 0);
});

test("IN-08: a connection that stays idle is closed", async (t) => {
  const { port } = await served(t, { keepAliveSeconds: 0.1 });
  const answered = await exchange(port, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.equal(statusOf(answered), 200);
});

test("IN-08: connections beyond the limit are dropped, and the others go on", async (t) => {
  const { port } = await served(t, { connections: 2 });
  const first = await open(port);
  const second = await open(port);
  const third = connect(port, "127.0.0.1");
  third.on("error", () => {});
  third.resume();
  await once(third, "close");
  first.write(healthy);
  assert.equal(statusOf(await untilClosed(first)), 200);
  second.destroy();
});

test("garbage after a request gets no answer that could be taken for the answer to the request", async (t) => {
  const { port, release, handled } = await served(t, {}, true);
  const socket = await open(port);
  socket.write(
    `POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${credentials.length}\r\n\r\n${credentials}`,
  );
  while (handled.length === 0) await systemClock.sleep(5);
  socket.write("garbage\r\n\r\n");
  const answered = await untilClosed(socket);
  release();
  assert((answered.match(/HTTP\/1\.1/g)?.length ?? 0) <= 1, answered);
});

test("a client that leaves before its body is complete causes no fault", async (t) => {
  const { port, handled } = await served(t);
  const socket = await open(port);
  socket.write(
    "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
  );
  await systemClock.sleep(20);
  socket.destroy();
  await systemClock.sleep(20);
  assert.equal(handled.length, 0);
  assert.equal(statusOf(await exchange(port, healthy)), 200);
});

test(
  "closing lets what is under way finish, and accepts nothing new",
  { timeout: 60_000 },
  async (t) => {
    const { port, release, handled, close } = await served(t, {}, true);
    const idle = await open(port);
    const pending = fetch(`http://127.0.0.1:${port}/v1/sessions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: credentials,
    });
    while (handled.length === 0) await systemClock.sleep(5);
    // An idle connection is not waited for: the limit would end the wait after an hour.
    const closing = close(3600);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`));
    release();
    assert.equal((await pending).status, 201);
    await closing;
    idle.destroy();
  },
);

test("closing cuts requests that are not done after the grace period", async (t) => {
  const { port, handled, close } = await served(t, {}, true);
  const pending = fetch(`http://127.0.0.1:${port}/v1/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: credentials,
  });
  while (handled.length === 0) await systemClock.sleep(5);
  const cut = assert.rejects(pending);
  await close(0.1);
  await cut;
});
