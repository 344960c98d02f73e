import { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import test from "node:test";
import { manualClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { createApp } from "./app.ts";
import { createMetrics } from "./metrics.ts";
import type { Elsewhere } from "./page.ts";
import { answer, serve } from "./serve.ts";
import { noCookies } from "../../../test/no-cookies.ts";

const elsewhere: Elsewhere = {
  find: (path) => ({
    page: {
      name: path.startsWith("/face/") ? "face" : "none",
      visit: ({ request, target, params }) => {
        if (path === "/face/broken/") throw new Error("no");
        return {
          kind: "page",
          status: 200,
          body: `${request.method} ${target} ${params["id"]}`,
          headers: { "content-type": "text/plain" },
        };
      },
    },
    params: { id: "7" },
  }),
};
const metrics = createMetrics();
const app = createApp({
  routes: [serve(endpoints.getKeys, () => answer(200, { keys: [] }))],
  pages: [
    {
      name: "page",
      method: "GET",
      path: "/page",
      visit: () => ({ kind: "page", status: 200, body: "native", headers: {} }),
    },
  ],
  elsewhere,
  cookies: noCookies,
  authenticate: () => ({ kind: "refused", code: "invalid_token" }),
  authorize: () => undefined,
  verifySignature: async () => ({ kind: "verified" }),
  allow: async () => ({ ok: true }),
  isUnavailable: () => false,
  allowedOrigins: ["https://app.example"],
  trustedProxies: [],
  publicUrl: "https://id.example",
  log: silentLog,
  clock: manualClock(),
  random: systemRandom,
  metrics,
});
const send = async (
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Response> => app.fetch(new Request(`https://id.example${path}`, { method, headers }));

test("elsewhere answers at every path where nothing else is served, with any method", async () => {
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
    assert.equal(
      await (await send(method, "/face/x/?a=%20b")).text(),
      `${method} /face/x/?a=%20b 7`,
    );
  const head = await send("HEAD", "/face/x/");
  assert.deepEqual(
    [head.status, head.headers.get("content-type"), await head.text()],
    [200, "text/plain", ""],
  );
  assert.equal((await send("GET", "/fa%63e/x/")).status, 200);
});

test("the server answers at its own paths itself, even at those under /v1/ that do not exist", async () => {
  assert.equal(await (await send("GET", "/page")).text(), "native");
  assert.equal((await send("POST", "/page")).status, 405);
  for (const path of ["/v1/", "/v1/nothing", "/v1/%6dе", "/v1/users?x"]) {
    const missing = await send("GET", path);
    assert.deepEqual(
      [missing.status, missing.headers.get("content-type")],
      [404, "application/problem+json"],
      path,
    );
  }
});

test("answers from elsewhere carry the headers of every answer and those for listed origins", async () => {
  const { headers } = await send("GET", "/face/x/", { origin: "https://app.example" });
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.match(headers.get("x-request-id") ?? "", /^[\w-]{12}$/);
  assert.equal(headers.get("access-control-allow-origin"), "https://app.example");
  assert.equal(
    (await send("GET", "/face/x/", { origin: "https://evil.example" })).headers.get(
      "access-control-allow-origin",
    ),
    null,
  );
});

test("a preflight of a listed origin is answered before elsewhere is asked; elsewhere answers any other OPTIONS request", async () => {
  const asking = { "access-control-request-method": "PATCH" };
  const preflight = await send("OPTIONS", "/face/x/", { ...asking, origin: "https://app.example" });
  assert.equal(preflight.status, 204);
  assert.equal(
    preflight.headers.get("access-control-allow-methods"),
    "GET, POST, PUT, PATCH, DELETE",
  );
  assert.equal(
    preflight.headers.get("access-control-allow-headers"),
    "Accept, Authorization, Content-Type, Portcullis-Cookies, User-Agent, X-CSRF-Token, X-CSRFToken, X-Requested-With",
  );
  for (const headers of [
    { ...asking, origin: "https://evil.example" },
    asking,
    { origin: "https://app.example" },
  ]) {
    const other = await send("OPTIONS", "/face/x/", headers);
    assert.deepEqual(
      [other.status, other.headers.get("access-control-allow-methods")],
      [200, null],
    );
  }
});

test("a fault elsewhere is a fault like any other and is counted under the name of its page", async () => {
  const broken = await send("GET", "/face/broken/");
  assert.deepEqual(
    [broken.status, broken.headers.get("content-type")],
    [500, "application/problem+json"],
  );
  assert.match(
    await metrics.text(),
    /portcullis_http_requests_total\{endpoint="face",status="5xx"\} 1/,
  );
});
