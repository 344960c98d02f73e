import { endpoints, failures, type AccessClaims } from "@portcullis/contract";
import assert from "node:assert/strict";
import test from "node:test";
import { manualClock } from "../kernel/clock.ts";
import type { Facts, Log } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { hostileBodies, hostileTargets } from "../../../test/hostile-patterns.ts";
import { createApp, type AppDeps } from "./app.ts";
import { createMetrics } from "./metrics.ts";
import { answer, refuse, serve, type AnyCall, type Route } from "./serve.ts";
import { noCookies } from "../../../test/no-cookies.ts";

const id = "018f2c5e-7d3a-7b1c-9a4e-2f6b8c0d1e2f";
const superuserId = "018f2c5e-7d3a-7b1c-9a4e-000000000001";
const at = 1_800_000_000;
const claimsOf = (sub: string): AccessClaims => ({
  iss: "https://id.example",
  aud: "https://id.example",
  sub,
  sid: id,
  jti: id,
  iat: at,
  exp: at + 600,
  hep: 0,
  aep: 0,
  gen: 0,
  auth_time: at,
  amr: ["pwd"],
  acr: "aal1",
});
const tokens = {
  accessToken: "a",
  tokenType: "Bearer",
  expiresInSeconds: 600,
  refreshToken: "r",
  sessionId: id,
} as const;
const credentials = { identifier: "anna@example.com", password: "correct horse" };

interface Line {
  readonly level: string;
  readonly event: string;
  readonly facts: Facts | undefined;
  readonly cause: unknown;
}

/** A small server over real endpoints; `handled` remembers the calls that reached a handler. */
function world(options: Partial<AppDeps> = {}, more: readonly Route[] = []) {
  const handled: AnyCall[] = [];
  const lines: Line[] = [];
  const line =
    (level: string) =>
    (event: string, facts?: Facts, cause?: unknown): void => {
      lines.push({ level, event, facts, cause });
    };
  const log: Log = {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
  const metrics = createMetrics();
  const routes = [
    serve(endpoints.signIn, (call) => {
      handled.push(call);
      return answer(201, { ...tokens, deviceToken: "d" });
    }),
    serve(endpoints.getToken, (call) => {
      handled.push(call);
      const { userId, sessionId, claims } = call.caller;
      return answer(200, {
        userId,
        sessionId,
        issuedAt: at,
        expiresAt: at,
        authenticatedAt: at,
        amr: claims.amr,
        acr: claims.acr,
      });
    }),
    serve(endpoints.endSession, (call) => {
      handled.push(call);
      return answer(204);
    }),
    serve(endpoints.endCurrentSession, () => answer(204)),
    serve(endpoints.endAllSessions, () => answer(204)),
    serve(endpoints.registerUser, () => refuse("email_taken")),
    serve(endpoints.confirmPasswordReset, () => answer(204)),
    serve(endpoints.adminListUsers, (call) => {
      handled.push(call);
      return answer(200, { items: [], nextCursor: null });
    }),
    serve(endpoints.adminGetUser, () => refuse("not_found")),
    serve(endpoints.getKeys, () => answer(200, { keys: [] })),
    ...more,
  ];
  const app = createApp({
    routes,
    pages: [],
    cookies: noCookies,
    authenticate: (token) => {
      if (token === "good") return { kind: "verified", claims: claimsOf(id) };
      if (token === "super")
        return Promise.resolve({ kind: "verified", claims: claimsOf(superuserId) });
      if (token === "ended")
        return { kind: "refused", code: "session_ended", cause: "logout_other_device" };
      if (token === "stale-view") return { kind: "refused", code: "revocation_view_stale" };
      return { kind: "refused", code: "invalid_token" };
    },
    authorize: ({ access }, { userId }) =>
      access === "superuser" && userId !== superuserId ? refuse("forbidden") : undefined,
    allow: async () => ({ ok: true }),
    verifySignature: async () => refuse("invalid_signature"),
    isUnavailable: () => false,
    checkAnswers: true,
    trustedProxies: [],
    publicUrl: "https://id.example",
    log,
    clock: manualClock(at),
    random: systemRandom,
    metrics,
    ...options,
  });
  const send = async (
    method: string,
    path: string,
    init: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } = {},
  ) =>
    app.fetch(new Request(`http://id.example${path}`, { method, ...init }), {
      remoteAddress: "198.51.100.7",
    });
  const post = async (
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ) => send("POST", path, { body, headers: { "content-type": "application/json", ...headers } });
  return { app, send, post, handled, lines, metrics };
}
function never(): never {
  throw new Error("not called");
}

const as = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
});

async function codeOf(response: Response): Promise<string> {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const body: unknown = await response.json();
  assert(
    typeof body === "object" && body !== null && "code" in body && typeof body.code === "string",
  );
  return body.code;
}

test("a call that passes every check reaches its handler with typed parts", async () => {
  const { post, handled } = world();
  const answered = await post("/v1/sessions", JSON.stringify(credentials), {
    "user-agent": "Test\u0007/1",
  });
  assert.equal(answered.status, 201);
  assert.equal(answered.headers.get("content-type"), "application/json");
  assert.deepEqual(await answered.json(), { ...tokens, deviceToken: "d" });
  assert.deepEqual(handled[0]?.input, credentials);
  assert.equal(handled[0]?.client.address, "198.51.100.7");
  assert.equal(handled[0]?.client.userAgent, "Test\uFFFD/1");
});

test("a refusal is a problem with a stable code and has the request id in its body and header", async () => {
  const { post } = world();
  const refused = await post(
    "/v1/users",
    JSON.stringify({ email: "anna@example.com", password: "correct horse" }),
  );
  assert.equal(refused.status, 409);
  assert.deepEqual(await refused.json(), {
    type: "urn:portcullis:email_taken",
    title: failures.email_taken.title,
    status: 409,
    code: "email_taken",
    instance: `urn:request:${refused.headers.get("x-request-id")}`,
  });
});

test("the server makes the request id itself, even if the client sends one", async () => {
  const { send } = world();
  const ids = await Promise.all(
    Array.from({ length: 300 }, async () =>
      (
        await send("GET", "/.well-known/jwks.json", { headers: { "x-request-id": "mine" } })
      ).headers.get("x-request-id"),
    ),
  );
  assert.equal(new Set(ids).size, 300);
  assert(ids.every((requestId) => /^[\w-]{12}$/.test(requestId ?? "")));
});

test("JW-11: a malformed Authorization header is answered with 401 and reaches no handler", async () => {
  const { send, handled } = world({
    cookies: noCookies,
    authenticate: (token) =>
      /^[\w.-]+$/.test(token)
        ? { kind: "verified", claims: claimsOf(id) }
        : { kind: "refused", code: "invalid_token" },
  });
  const corpus: readonly (readonly [string | undefined, string, string | undefined])[] = [
    [undefined, "unauthenticated", undefined],
    ["", "unauthenticated", undefined],
    ["good", "unauthenticated", undefined],
    ["Basic Z29vZDpnb29k", "unauthenticated", undefined],
    ["Token good", "unauthenticated", undefined],
    ["Bearergood", "unauthenticated", undefined],
    ["Bearer", "invalid_token", "invalid_token"],
    ["Bearer good good", "invalid_token", "invalid_token"],
    ["Bearer  good", "invalid_token", "invalid_token"],
    ["Bearer good, Bearer good", "invalid_token", "invalid_token"],
    ["Bearer good,good", "invalid_token", "invalid_token"],
    ["Bearer g\u00f6\u00f6d", "invalid_token", "invalid_token"],
    [`Bearer ${"a".repeat(102_400)}`, "invalid_token", "invalid_token"],
  ];
  for (const [authorization, code, error] of corpus) {
    const refused = await send(
      "GET",
      "/v1/token",
      authorization === undefined ? {} : { headers: { authorization } },
    );
    assert.equal(refused.status, 401, authorization);
    assert.equal(await codeOf(refused), code, authorization);
    const challenge = refused.headers.get("www-authenticate") ?? "";
    assert(
      error === undefined
        ? challenge === "Bearer"
        : challenge.startsWith(`Bearer error="${error}"`),
      `${authorization}: ${challenge}`,
    );
  }
  const twice = new Headers([
    ["authorization", "Bearer good"],
    ["authorization", "Bearer good"],
  ]);
  assert.equal(
    (await send("GET", "/v1/token", { headers: Object.fromEntries(twice) })).status,
    401,
  );
  assert.equal(handled.length, 0);
  assert.equal(
    (await send("GET", "/v1/token", { headers: { authorization: "bearer good" } })).status,
    200,
    "the scheme is case-insensitive (RFC 9110 §11.1)",
  );
});

test("JW-16: a token in the query, a cookie or a body is not read", async () => {
  const { send, handled } = world();
  assert.equal(
    await codeOf(await send("GET", "/v1/token?access_token=good&token=good")),
    "unauthenticated",
  );
  assert.equal(
    await codeOf(
      await send("GET", "/v1/token", { headers: { cookie: "access_token=good; token=good" } }),
    ),
    "unauthenticated",
  );
  assert.equal(handled.length, 0);
  assert.equal((await send("GET", "/v1/token?access_token=bad", as("good"))).status, 200);
});

test("an ended session is refused with its cause, and a stale view with the time to try again", async () => {
  const { send } = world();
  const ended = await send("GET", "/v1/token", as("ended"));
  assert.equal(ended.status, 401);
  const body: unknown = await ended.json();
  assert(typeof body === "object" && body !== null && "cause" in body && "code" in body);
  assert.deepEqual([body.code, body.cause], ["session_ended", "logout_other_device"]);
  const stale = await send("GET", "/v1/token", as("stale-view"));
  assert.equal(stale.status, 503);
  assert.equal(stale.headers.get("retry-after"), "1");
});

test("a call for superusers is refused to a user before any part of it is parsed", async () => {
  const { send, handled } = world();
  const refused = await send("GET", "/v1/admin/users?limit=nonsense", as("good"));
  assert.equal(refused.status, 403);
  assert.equal(await codeOf(refused), "forbidden");
  assert.equal((await send("GET", "/v1/admin/users", as("super"))).status, 200);
  assert.deepEqual(handled[0]?.query, { limit: 50 });
});

test("a spent budget is refused before the body is read, with the time to try again", async () => {
  const { send } = world({
    allow: async (budget, client) => ({
      ok: false,
      retryAfterSeconds: budget === "registration" && client.address === "198.51.100.7" ? 17.2 : 0,
    }),
  });
  const refused = await send("POST", "/v1/users", { body: "not json" });
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("retry-after"), "18");
  assert.equal(await codeOf(refused), "rate_limited");
});

test("CK-04: a body is accepted only if its type is exactly application/json", async () => {
  const { send, handled } = world();
  const hostile = [
    undefined,
    "",
    "text/plain",
    "text/plain; application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json\ta",
    "application/json x",
    "application/json;",
    "application/json, text/plain",
    "application/json, application/json",
    "Application/JSON",
    "application/JSON; charset=utf-8",
    "application/json ; charset=utf-8",
    "application/json;  charset=utf-8",
    "application/json; charset=utf-16",
    "application/json; charset=utf-8; x=y",
    'application/json; charset="utf-8"',
    "application/json; x=y",
    "application/jsonx",
    "application/json+x",
    "application/problem+json",
    "xapplication/json",
    "application/json%00",
  ];
  for (const contentType of hostile) {
    const headers: Record<string, string> =
      contentType === undefined ? {} : { "content-type": contentType };
    const refused = await send("POST", "/v1/sessions", {
      headers,
      body: Buffer.from(JSON.stringify(credentials)),
    });
    assert.equal(refused.status, 415, contentType);
  }
  assert.equal(handled.length, 0);
  for (const contentType of [
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=utf-8",
  ]) {
    const taken = await send("POST", "/v1/sessions", {
      headers: { "content-type": contentType },
      body: JSON.stringify(credentials),
    });
    assert.equal(taken.status, 201, contentType);
  }
});

test("IN-01: a body is refused if it is compressed or exceeds 64 KiB, and is then read no further", async () => {
  const { post, send } = world();
  const padded = (length: number) => JSON.stringify(credentials).padEnd(length, " ");
  assert.equal((await post("/v1/sessions", padded(65_536))).status, 201);
  assert.equal((await post("/v1/sessions", padded(65_537))).status, 413);
  const announced = await send("POST", "/v1/sessions", {
    headers: { "content-type": "application/json", "content-length": "65537" },
    body: "{}",
  });
  assert.equal(announced.status, 413);

  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent += 16_384;
      controller.enqueue(new Uint8Array(16_384).fill(0x20));
    },
  });
  const { app } = world();
  const streamed = await app.fetch(
    new Request("http://id.example/v1/sessions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: endless,
      duplex: "half",
    }),
  );
  assert.equal(streamed.status, 413);
  assert(sent < 262_144, `${sent} bytes were drawn`);
  for (const encoding of ["gzip", "deflate", "br", "identity", "zstd"])
    assert.equal(
      (await post("/v1/sessions", "{}", { "content-encoding": encoding })).status,
      415,
      encoding,
    );
});

test("a signature is checked over the bytes that were sent, before they are parsed", async () => {
  const judged: { readonly signature: string | undefined; readonly text: string }[] = [];
  const { post } = world(
    {
      verifySignature: async (signature, body) => {
        judged.push({ signature, text: Buffer.from(body).toString() });
        return signature === "good"
          ? { kind: "verified" }
          : refuse(signature === "often" ? "rate_limited" : "invalid_signature");
      },
    },
    [serve(endpoints.reportMail, () => answer(204))],
  );
  const body = ' {"reports" : [{"kind":"complaint","address":"anna@example.com"}]}\n';
  const send = async (signature: string, sent = body) =>
    post("/v1/mail-reports", sent, { "portcullis-signature": signature });
  assert.equal((await send("good")).status, 204);
  assert.deepEqual(judged, [{ signature: "good", text: body }]);
  assert.equal(await codeOf(await send("wrong")), "invalid_signature");
  assert.equal(await codeOf(await send("often")), "rate_limited");
  assert.equal(await codeOf(await send("wrong", "{")), "invalid_signature");
  assert.equal(await codeOf(await send("good", "{")), "malformed_json");
  assert.equal(await codeOf(await send("good", `"${"x".repeat(65_536)}"`)), "body_too_large");
  assert.equal(judged.length, 5);
  assert.equal(await codeOf(await post("/v1/mail-reports", body)), "invalid_signature");
});

test("IN-02, IN-04: a body that is not strict JSON in strict UTF-8 is answered with 400, and prototypes do not change", async () => {
  const { post, handled } = world();
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  const texts = [
    "",
    " ",
    "{",
    "{'identifier':'a'}",
    '{"identifier":"a","password":"b",}',
    '{"identifier":"a","password":"b"} x',
    '{"identifier":"a","identifier":"b","password":"c"}',
    '{"identifier":"a","identif\\u0069er":"b","password":"c"}',
    '{"__proto__":{"polluted":true},"identifier":"a","password":"b"}',
    '{"\\u005f_proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"prototype":{}}',
    `${"[".repeat(17)}${"]".repeat(17)}`,
    `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
    '{"identifier":"\\ud800","password":"b"}',
    '{"identifier":"a\\u0000","password":"b"}',
    '{"identifier":"a\u0000","password":"b"}',
    '{"identifier":"a\nb","password":"b"}',
    `\uFEFF${JSON.stringify(credentials)}`,
    "NaN",
  ];
  for (const text of texts)
    assert.equal(
      await codeOf(await post("/v1/sessions", text)),
      "malformed_json",
      text.slice(0, 60),
    );
  for (const bytes of [
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xc3],
  ]) {
    const body = Buffer.concat([
      Buffer.from('{"identifier":"'),
      Buffer.from(bytes),
      Buffer.from('","password":"b"}'),
    ]);
    assert.equal(await codeOf(await post("/v1/sessions", body)), "malformed_json", bytes.join());
  }
  assert.equal(
    await codeOf(await post("/v1/sessions", Buffer.from(JSON.stringify(credentials), "utf16le"))),
    "malformed_json",
  );
  assert.equal(handled.length, 0);
  assert.equal(Object.getOwnPropertyNames(Object.prototype).join(), before);
});

test("IN-03: nothing is coerced, and findings never repeat what was sent", async () => {
  const { post, handled } = world();
  const values: readonly unknown[] = [
    1,
    0,
    true,
    false,
    null,
    [],
    ["anna@example.com"],
    {},
    { toString: "anna@example.com" },
    1e308,
    "",
    "s".repeat(2000),
  ];
  for (const field of ["identifier", "password", "deviceToken"])
    for (const value of values) {
      const refused = await post(
        "/v1/sessions",
        JSON.stringify({ ...credentials, [field]: value }),
      );
      assert.equal(refused.status, 422, `${field}: ${String(JSON.stringify(value)).slice(0, 40)}`);
      const body: unknown = await refused.json();
      assert(
        typeof body === "object" && body !== null && "errors" in body && Array.isArray(body.errors),
      );
      assert.equal(body.errors.length, 1);
      assert.equal(body.errors[0].path, `/${field}`);
      assert(!JSON.stringify(body).includes("anna@") && !JSON.stringify(body).includes("ssss"));
    }
  for (const body of ["[]", '"text"', "1", "true", "null"])
    assert.equal((await post("/v1/sessions", body)).status, 422, body);
  assert.equal(handled.length, 0);
});

test("an unknown member is refused by its name, in our own words", async () => {
  const { post } = world();
  const refused = await post(
    "/v1/sessions",
    JSON.stringify({ ...credentials, "user/Id": id, ["k".repeat(5000)]: 1, password: undefined }),
  );
  assert.equal(refused.status, 422);
  const text = await refused.text();
  assert(text.length < 1200, `${text.length} characters`);
  assert(text.includes('{"path":"/password","message":"is required"}'), text);
  assert(text.includes('{"path":"/user~1Id","message":"is not known here"}'), text);
});

test("the number of findings is limited, even if very many members are wrong", async () => {
  const { post } = world();
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`m${i}`, 1]));
  const refused = await post("/v1/sessions", JSON.stringify(many));
  assert((await refused.text()).length < 2000);
  const union = await post("/v1/password-resets/confirm", JSON.stringify({ resetId: "x" }));
  assert.equal(union.status, 422);
});

test("IN-06: hostile text of 64 KiB is refused, in a body, a path and a query", async () => {
  const { post, send, handled } = world();
  for (const text of hostileBodies) {
    const { status } = await post("/v1/sessions", text);
    assert([400, 422].includes(status), `${text.slice(0, 20)}: ${status}`);
  }
  for (const target of hostileTargets) {
    const { status } = await send("GET", target, as("super"));
    assert([400, 404, 422].includes(status), `${target.slice(0, 20)}: ${status}`);
  }
  assert.equal(handled.length, 0);
});

test("a call without input refuses a body", async () => {
  const { send, handled } = world();
  assert.equal(
    await codeOf(await send("DELETE", `/v1/sessions/${id}`, { ...as("good"), body: "{}" })),
    "malformed_request",
  );
  assert.equal(
    await codeOf(await send("DELETE", "/v1/sessions/current", { ...as("good"), body: "x" })),
    "malformed_request",
  );
  assert.equal(
    await codeOf(
      await send("GET", "/v1/token", {
        headers: { authorization: "Bearer good", "content-length": "2" },
      }),
    ),
    "malformed_request",
  );
  assert.equal(
    await codeOf(
      await send("GET", "/v1/token", {
        headers: { authorization: "Bearer good", "transfer-encoding": "chunked" },
      }),
    ),
    "malformed_request",
  );
  assert.equal(handled.length, 0);
});

test("IN-15: a path has one spelling", async () => {
  const { send, handled } = world();
  const spellings = [
    "/v1/token/",
    "//v1/token",
    "/v1//token",
    "/v1/token//",
    "/V1/token",
    "/v1/Token",
    "/v1/%74oken",
    "/v1%2ftoken",
    "/v1%2Ftoken",
    "/v1/token%2f",
    "/v1/token%00",
    "/v1/token%20",
    "/v1/token;a=b",
    "/v1;x/token",
    "/v1/token.json",
    "/v1/token/.",
    "/v1/./token/x",
    "/v1/%",
    "/v1/%zz",
    "/v1/%c3%28",
    "/v1/%ff",
    "/%2e%2e/v1/token",
    "/v1/sessions/",
    `/v1/sessions/${id}/`,
    `/v1/sessions//${id}`,
    `/v1/sessions/current%2f..`,
  ];
  const dotted = new Set(["/v1/token/.", "/v1/./token/x", "/%2e%2e/v1/token"]);
  for (const path of spellings) {
    const { app } = world();
    // A target arrives through a socket as it was sent; a URL has already lost its dot segments.
    const incoming = {
      url: path,
      headers: { authorization: "Bearer good", host: "id.example" },
      socket: { remoteAddress: "198.51.100.7" },
    };
    assert.equal(
      (await app.fetch(new Request("http://id.example/v1/token"), { incoming })).status,
      404,
      path,
    );
    if (!dotted.has(path)) assert.equal((await send("GET", path, as("good"))).status, 404, path);
  }
  assert.equal(handled.length, 0);
  assert.equal(
    (await send("DELETE", "/v1/sessions/current;x", as("good"))).status,
    422,
    "a parameter is judged by its schema",
  );
  assert.equal((await send("DELETE", "/v1/sessions/CURRENT", as("good"))).status, 422);
});

test("IN-15: a repeated, unknown or undecodable query parameter is refused", async () => {
  const { send, handled } = world();
  const cases: readonly (readonly [string, number])[] = [
    ["limit=1&limit=2", 422],
    ["limit=1&%6cimit=2", 422],
    ["limit=1&Limit=2", 422],
    ["limit[]=1", 422],
    ["sort=id;drop", 422],
    ["__proto__=1", 422],
    ["limit=0", 422],
    ["limit=201", 422],
    ["limit=abc", 422],
    ["status=enabled", 422],
    ["search=%00", 400],
    ["search=%ff", 400],
    ["search=%", 400],
    ["search=%ed%a0%80", 400],
  ];
  for (const [query, status] of cases)
    assert.equal(
      (await send("GET", `/v1/admin/users?${query}`, as("super"))).status,
      status,
      query,
    );
  assert.equal(handled.length, 0);
  assert.equal(
    (await send("GET", "/v1/admin/users?limit=5&search=a+b%20c", as("super"))).status,
    200,
  );
  assert.deepEqual(handled[0]?.query, { limit: 5, search: "a b c" });
});

test("a parameter that cannot be an id is answered with 404 if the endpoint lists it, otherwise with 422", async () => {
  const { send } = world();
  assert.equal(await codeOf(await send("GET", "/v1/admin/users/1", as("super"))), "not_found");
  assert.equal(await codeOf(await send("DELETE", "/v1/sessions/1", as("good"))), "invalid_input");
});

test("a whole path wins over a template", async () => {
  const { send, handled } = world();
  assert.equal((await send("DELETE", "/v1/sessions/current", as("good"))).status, 204);
  assert.equal((await send("DELETE", `/v1/sessions/${id}`, as("good"))).status, 204);
  assert.deepEqual(
    handled.map((call) => call.params),
    [{ id }],
  );
});

test("CK-09, HD-03: other methods are refused, HEAD is authorized like GET, and OPTIONS and overrides change nothing", async () => {
  const { send, app, handled } = world();
  for (const method of ["PUT", "PATCH", "PROPFIND"]) {
    const refused = await send(method, "/v1/sessions", as("good"));
    assert.equal(refused.status, 405, method);
    assert.equal(refused.headers.get("allow"), "POST, DELETE, OPTIONS");
  }
  const traced = new Request("http://id.example/v1/token");
  Object.defineProperty(traced, "method", { value: "TRACE" });
  assert.equal((await app.fetch(traced)).status, 405);

  assert.equal((await send("HEAD", "/v1/token")).status, 401);
  const head = await send("HEAD", "/v1/token", as("good"));
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  assert.equal(head.headers.get("cache-control"), "no-store");
  assert.equal((await send("HEAD", "/v1/sessions")).status, 405);

  const options = await send("OPTIONS", "/v1/token");
  assert.deepEqual([options.status, options.headers.get("allow")], [204, "GET, HEAD, OPTIONS"]);
  assert.equal((await send("OPTIONS", "/nowhere")).status, 404);

  const before = handled.length;
  for (const header of [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "_method",
  ]) {
    const overridden = await send("GET", `/v1/sessions/${id}?_method=DELETE`, {
      headers: { authorization: "Bearer good", [header]: "DELETE" },
    });
    assert.equal(overridden.status, 405, header);
  }
  assert.equal(handled.length, before);
});

test("HD-01, HD-02: every answer carries the security headers, errors included", async () => {
  const { send, post } = world({}, [serve(endpoints.getMe, never)]);
  const answers = [
    await send("GET", "/v1/token", as("good")),
    await send("HEAD", "/v1/token", as("good")),
    await send("GET", "/v1/token"),
    await send("GET", "/v1/me", as("good")),
    await send("GET", "/nowhere"),
    await send("PUT", "/v1/token"),
    await send("OPTIONS", "/v1/token"),
    await send("DELETE", "/v1/sessions/current", as("good")),
    await post("/v1/sessions", "{}"),
    await post("/v1/sessions", "{"),
  ];
  for (const { status, headers } of answers) {
    assert.equal(headers.get("x-content-type-options"), "nosniff", String(status));
    assert.match(headers.get("strict-transport-security") ?? "", /max-age=31536000/);
    assert.match(
      headers.get("content-security-policy") ?? "",
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin");
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.match(headers.get("x-request-id") ?? "", /^[\w-]{12}$/);
    assert.equal(headers.get("server"), null);
    assert.equal(headers.get("x-powered-by"), null);
  }
  assert.equal(
    (await send("GET", "/.well-known/jwks.json")).headers.get("cache-control"),
    "public, max-age=300",
  );
  const plain = world({ publicUrl: "http://localhost:8080" });
  assert.equal(
    (await plain.send("GET", "/nowhere")).headers.get("strict-transport-security"),
    null,
  );
});

test("HD-03: a fault is answered with 500 and an id; the details are in the log and not in the answer", async () => {
  const cause = new Error("select * from users where email = 'anna@example.com'");
  const handlers = [
    (): never => {
      throw cause;
    },
    async (): Promise<never> => Promise.reject(cause),
  ];
  for (const handler of handlers) {
    const { send, lines } = world({}, [serve(endpoints.getMe, handler)]);
    const failed = await send("GET", "/v1/me", as("good"));
    assert.equal(failed.status, 500);
    const text = await failed.text();
    assert(!text.includes("select") && !text.includes("at ") && !text.includes(".ts"), text);
    const requestId = failed.headers.get("x-request-id");
    assert(text.includes(`urn:request:${requestId}`));
    assert.deepEqual(lines[0], {
      level: "error",
      event: "http.fault",
      facts: { endpoint: "getMe", requestId },
      cause,
    });
    assert.equal(lines[1]?.level, "warn");
  }
});

test("if the storage cannot be reached, the answer is 503 with the time to try again", async () => {
  const cause = new Error("connection refused");
  const { send } = world({ isUnavailable: (error) => error === cause }, [
    serve(endpoints.getMe, () => {
      throw cause;
    }),
  ]);
  const failed = await send("GET", "/v1/me", as("good"));
  assert.deepEqual(
    [failed.status, failed.headers.get("retry-after"), await codeOf(failed)],
    [503, "1", "unavailable"],
  );
  const asleep = world({
    isUnavailable: () => true,
    authorize: async () => Promise.reject(cause),
    cookies: noCookies,
    authenticate: () => ({ kind: "verified", claims: claimsOf(id) }),
  });
  assert.equal((await asleep.send("GET", "/v1/admin/users", as("good"))).status, 503);
});

test("an answer that its contract does not allow is a fault if answers are checked", async () => {
  const wrong: Route = {
    endpoint: endpoints.getKeys,
    handle: () => answer(200, { keys: [{ d: 1 }] }),
  };
  const { endpoint } = wrong;
  const checked = createAppOf([wrong], true);
  const unchecked = createAppOf([wrong], false);
  const unlisted = createAppOf([{ endpoint, handle: () => answer(202) }], true);
  const request = (): Request => new Request("http://id.example/.well-known/jwks.json");
  assert.equal((await checked.fetch(request())).status, 500);
  assert.equal((await unlisted.fetch(request())).status, 500);
  assert.equal((await unchecked.fetch(request())).status, 200);
});

function createAppOf(routes: readonly Route[], checkAnswers: boolean) {
  return createApp({
    routes,
    pages: [],
    checkAnswers,
    cookies: noCookies,
    authenticate: () => ({ kind: "refused", code: "invalid_token" }),
    authorize: () => undefined,
    allow: async () => ({ ok: true }),
    verifySignature: async () => refuse("invalid_signature"),
    isUnavailable: () => false,
    trustedProxies: [],
    publicUrl: "https://id.example",
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    clock: manualClock(at),
    random: systemRandom,
    metrics: createMetrics(),
  });
}

test("the log names the call and its result, and never its contents", async () => {
  const { send, post, lines, metrics } = world();
  await send("GET", "/v1/token?access_token=secret", as("good"));
  await post("/v1/sessions", JSON.stringify({ ...credentials, secret: "secret" }));
  await send("DELETE", `/v1/sessions/${id}`, as("good"));
  await send("GET", "/secret-path");
  await send("GET", "/v1/token", as("stale-view"));
  assert.deepEqual(
    lines.map(({ level, event, facts }) => [
      level,
      event,
      facts?.["endpoint"],
      facts?.["status"],
      facts?.["address"],
    ]),
    [
      ["debug", "http.request", "getToken", 200, "198.51.100.7"],
      ["debug", "http.request", "signIn", 422, "198.51.100.7"],
      ["debug", "http.request", "endSession", 204, "198.51.100.7"],
      ["debug", "http.request", "none", 404, "198.51.100.7"],
      ["info", "http.request", "getToken", 503, "198.51.100.7"],
    ],
  );
  assert(!/secret|anna|018f2c5e/.test(JSON.stringify(lines)));
  assert.match(
    await metrics.text(),
    /portcullis_http_requests_total\{endpoint="signIn",status="4xx"\} 1/,
  );
});

test("LG-09: handler and log believe a forwarded address only behind a trusted proxy", async () => {
  const spoofed = {
    "content-type": "application/json",
    "x-forwarded-for": "203.0.113.1",
    forwarded: "for=203.0.113.2",
    "x-real-ip": "203.0.113.3",
    x_forwarded_for: "203.0.113.4",
    "true-client-ip": "203.0.113.5",
    "cf-connecting-ip": "203.0.113.6",
    "x-client-ip": "203.0.113.7",
  };
  const direct = world();
  await direct.send("POST", "/v1/sessions", {
    headers: spoofed,
    body: JSON.stringify(credentials),
  });
  assert.equal(direct.handled[0]?.client.address, "198.51.100.7");
  const proxied = world({ trustedProxies: ["198.51.100.0/24"] });
  await proxied.send("POST", "/v1/sessions", {
    headers: spoofed,
    body: JSON.stringify(credentials),
  });
  assert.equal(proxied.handled[0]?.client.address, "203.0.113.1");
  assert.equal(proxied.lines[0]?.facts?.["address"], "203.0.113.1");
});

test("CK-08: only an origin that is listed, letter by letter, may read an answer", async () => {
  const { send } = world({ allowedOrigins: ["https://app.example.com"] });
  const hostile = [
    "null",
    "*",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://app.example.comevil",
    "https://appXexample.com",
    "http://app.example.com",
    "https://app.example.com:443",
    "https://app.example.com:8443",
    "https://app.example.com/",
    "https://APP.example.com",
    "HTTPS://app.example.com",
    "https://sub.app.example.com",
    "https://example.com",
    "https://app.example.com, https://evil.example",
    "https://evil.example, https://app.example.com",
    "https://app.example.com@evil.example",
    "https://evil.example#https://app.example.com",
    "https://evil.example?https://app.example.com",
    "https://app.example.com%60.evil.example",
    "https://app.example.com_.evil.example",
    "https://app_example.com",
    "file://",
    "chrome-extension://app.example.com",
    "data:",
    "https://localhost",
    "__proto__",
    "constructor",
    "",
  ];
  for (const origin of hostile) {
    const answered = await send("GET", "/v1/token", {
      headers: { authorization: "Bearer good", origin },
    });
    assert.equal(answered.headers.get("access-control-allow-origin"), null, origin);
    assert.equal(answered.headers.get("access-control-allow-credentials"), null, origin);
    assert.equal(answered.headers.get("vary"), "Origin");
    const preflight = await send("OPTIONS", "/v1/token", {
      headers: { origin, "access-control-request-method": "GET" },
    });
    assert.equal(preflight.headers.get("access-control-allow-methods"), null, origin);
  }
  const origin = "https://app.example.com";
  const listed = await send("GET", "/v1/token", { headers: { origin } });
  assert.equal(listed.status, 401);
  assert.equal(listed.headers.get("access-control-allow-origin"), origin);
  assert.equal(listed.headers.get("vary"), "Origin");
  assert.equal(listed.headers.get("access-control-allow-credentials"), "true");
  const preflight = await send("OPTIONS", "/v1/sessions", {
    headers: {
      origin,
      "access-control-request-method": "DELETE",
      "access-control-request-headers": "authorization, x-evil",
    },
  });
  assert.equal(preflight.headers.get("access-control-allow-methods"), "POST, DELETE, OPTIONS");
  assert.equal(
    preflight.headers.get("access-control-allow-headers"),
    "Accept, Authorization, Content-Type, Portcullis-Cookies, User-Agent, X-CSRF-Token, X-CSRFToken, X-Requested-With",
  );

  const preview = world({ allowedOrigins: ["https://*.preview.example.com"] });
  const patterned = await preview.send("GET", "/v1/token", {
    headers: { origin: "https://pr-17.preview.example.com" },
  });
  assert.equal(
    patterned.headers.get("access-control-allow-origin"),
    "https://pr-17.preview.example.com",
  );
  assert.equal(patterned.headers.get("access-control-allow-credentials"), null);

  const closed = await world().send("GET", "/v1/token", { headers: { origin } });
  assert.equal(closed.headers.get("access-control-allow-origin"), null);
  for (const wrong of ["*", "null", "https://app.example.com/", "app.example.com"])
    assert.throws(() => world({ allowedOrigins: [wrong] }), RangeError, wrong);
});

test("a refused preflight is one line in the log that names the setting, and a flood of them no more", async () => {
  const allowedOrigins = ["https://app.example.com"];
  for (const options of [{}, { allowedOrigins }]) {
    const clock = manualClock();
    const { send, lines } = world({ ...options, clock });
    const ask = async (headers: Readonly<Record<string, string>>) =>
      send("OPTIONS", "/v1/sessions", {
        headers: { "access-control-request-method": "POST", ...headers },
      });
    const refusals = () => lines.filter(({ event }) => event === "http.preflight_refused");
    for (let i = 0; i < 20; i += 1) await ask({ origin: `https://evil${i}.example\u00e9"` });
    assert.deepEqual(
      refusals().map(({ facts }) => facts),
      [{ setting: "PORTCULLIS_ALLOWED_ORIGINS", origin: "https://evil0.example??" }],
    );
    clock.advance(11);
    await send("OPTIONS", "/v1/sessions", { headers: { origin: "https://evil.example" } });
    await send("OPTIONS", "/v1/sessions", {});
    assert.equal(refusals().length, 1, "these are no preflights");
    await ask({ origin: "https://app.example.com", "access-control-request-headers": "x-trace" });
    assert.deepEqual(
      refusals().at(-1)?.facts,
      options.allowedOrigins === undefined
        ? { setting: "PORTCULLIS_ALLOWED_ORIGINS", origin: "https://app.example.com" }
        : { setting: "PORTCULLIS_ALLOWED_HEADERS", header: "x-trace" },
    );
  }
  const { send, lines } = world({ allowedOrigins, allowedHeaders: ["X-Trace"] });
  const answered = await send("OPTIONS", "/v1/sessions", {
    headers: {
      origin: "https://app.example.com",
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type, x-trace",
    },
  });
  assert.match(answered.headers.get("access-control-allow-headers") ?? "", /, X-Trace$/);
  assert.deepEqual(
    lines.filter(({ event }) => event === "http.preflight_refused"),
    [],
  );
});
