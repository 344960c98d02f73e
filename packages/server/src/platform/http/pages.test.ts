import { openApiDocument } from "@portcullis/contract";
import assert from "node:assert/strict";
import test from "node:test";
import { manualClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { createApp } from "./app.ts";
import { docsPages } from "../../interfaces/pages/docs.ts";
import { createMetrics, metricsPage } from "./metrics.ts";
import type { Page } from "./page.ts";
import { refuse } from "./serve.ts";
import { noCookies } from "../../../test/no-cookies.ts";

const metrics = createMetrics();
const broken: Page = {
  name: "broken",
  method: "POST",
  path: "/broken",
  visit: () => {
    throw new Error("no");
  },
};
const app = createApp({
  routes: [],
  pages: [
    ...docsPages(() => openApiDocument({ publicUrl: "https://id.example", version: "1.0.0" })),
    metricsPage(metrics, (authorization) => authorization === "Bearer scrape"),
    broken,
  ],
  cookies: noCookies,
  authenticate: () => ({ kind: "refused", code: "invalid_token" }),
  authorize: () => undefined,
  allow: async () => ({ ok: true }),
  verifySignature: async () => refuse("invalid_signature"),
  isUnavailable: () => false,
  trustedProxies: [],
  publicUrl: "https://id.example",
  log: silentLog,
  clock: manualClock(),
  random: systemRandom,
  metrics,
});
const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  app.fetch(new Request(`http://id.example${path}`, { headers }));

test("the documentation is served from this server alone", async () => {
  const page = await get("/docs");
  const html = await page.text();
  const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, source]) => new URL(source ?? "", "http://id.example/docs").pathname,
  );
  assert.equal(sources.length, 4);
  for (const source of sources) {
    const asset = await get(source);
    assert.equal(asset.status, 200, source);
    assert.equal(asset.headers.get("cache-control"), "public, max-age=3600");
    assert.equal(asset.headers.get("x-content-type-options"), "nosniff");
    await asset.arrayBuffer();
  }
  const policy = page.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.doesNotMatch(html + (await (await get("/docs/assets/start.js")).text()), /https?:\/\//);
  assert.match(await (await get("/docs/assets/start.js")).text(), /validatorUrl: null/);
});

test("the documentation serves no file except its own", async () => {
  for (const file of [
    "package.json",
    "index.js",
    "constructor",
    "__proto__",
    "..%2fpackage.json",
    "swagger-ui.css.map",
    "",
  ])
    assert.equal((await get(`/docs/assets/${file}`)).status, 404, file);
});

test("the document is JSON at /openapi.json and is not cached", async () => {
  const document = await get("/openapi.json");
  assert.equal(document.headers.get("content-type"), "application/json");
  assert.equal(document.headers.get("cache-control"), "no-store");
  assert.match(await document.text(), /^\{"openapi":"3\.1\.1"/);
});

test("HD-04: the metrics page exists only for a caller who may read it", async () => {
  for (const headers of [{}, { authorization: "Bearer wrong" }]) {
    const hidden = await get("/metrics", headers);
    assert.equal(hidden.status, 404);
    assert.match(await hidden.text(), /"code":"not_found"/);
  }
  const shown = await get("/metrics", { authorization: "Bearer scrape" });
  assert.equal(shown.status, 200);
  assert.match(shown.headers.get("content-type") ?? "", /^text\/plain/);
  const text = await shown.text();
  assert.match(text, /portcullis_http_requests_total\{endpoint="metrics",status="4xx"\} 2/);
  assert.match(text, /process_resident_memory_bytes \d+/);
});

test("durations are counted in the bucket they fall into and in all buckets above it", async () => {
  const own = createMetrics();
  const series = own.series("getToken");
  for (const milliseconds of [0.4, 1, 30, 20_000]) series.observe(200, milliseconds);
  series.observe(503, 7);
  assert.equal(own.series("getToken"), series);
  const text = await own.text();
  const line = (le: string, status: string): number =>
    Number(
      new RegExp(
        `duration_seconds_bucket\\{le="${le}",endpoint="getToken",status="${status}"\\} (\\d+)`,
      ).exec(text)?.[1],
    );
  assert.deepEqual(
    [
      line("0.001", "2xx"),
      line("0.025", "2xx"),
      line("0.05", "2xx"),
      line("10", "2xx"),
      line("\\+Inf", "2xx"),
    ],
    [2, 2, 3, 3, 4],
  );
  assert.deepEqual([line("0.005", "5xx"), line("0.01", "5xx")], [0, 1]);
  assert.match(text, /duration_seconds_sum\{endpoint="getToken",status="2xx"\} 20\.0314/);
  assert.match(text, /duration_seconds_count\{endpoint="getToken",status="2xx"\} 4/);
  assert.match(text, /# TYPE portcullis_http_request_duration_seconds histogram/);
});

test("a page that throws causes a fault like any other, and other methods are refused", async () => {
  const failed = await app.fetch(new Request("http://id.example/broken", { method: "POST" }));
  assert.equal(failed.status, 500);
  assert.equal(failed.headers.get("content-type"), "application/problem+json");
  const refused = await get("/broken");
  assert.deepEqual([refused.status, refused.headers.get("allow")], [405, "POST, OPTIONS"]);
  assert.equal(
    (await app.fetch(new Request("http://id.example/docs", { method: "HEAD" }))).status,
    200,
  );
});
