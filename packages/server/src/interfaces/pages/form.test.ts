import assert from "node:assert/strict";
import test from "node:test";
import { Script } from "node:vm";
import { manualClock } from "../../platform/kernel/clock.ts";
import { silentLog } from "../../platform/kernel/log.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { createApp } from "../../platform/http/app.ts";
import { chooseLanguage, formPage, type Words } from "./form.ts";
import { createMetrics } from "../../platform/http/metrics.ts";
import { refuse } from "../../platform/http/serve.ts";
import { noCookies } from "../../../test/no-cookies.ts";

const words = (title: string, more: Partial<Words<"newPassword">> = {}): Words<"newPassword"> => ({
  title,
  explanation: 'Tom & Jerry\'s <b>"friends"</b>',
  labels: { newPassword: "Secret" },
  button: "Press",
  done: "</script><script>alert(1)</script>",
  withoutScript: "Type the code instead.",
  refusals: {},
  ...more,
});

const app = createApp({
  routes: [],
  pages: [
    formPage(systemRandom, {
      name: "proof",
      path: "/proof",
      post: { path: "/v1/proofs", tokenMember: "token" },
      fields: { newPassword: "new_password" },
      words: {
        en: words("Proof", { refusals: { link_used: "Used, and how." } }),
        de: words("Beweis"),
      },
    }),
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
  metrics: createMetrics(),
});

async function visit(method = "GET", headers: Record<string, string> = {}) {
  const response = await app.fetch(new Request("http://id.example/proof", { method, headers }));
  return { response, html: await response.text() };
}

test("HD-01 a form is not cached, tells no other site its address, and loads and runs nothing but its own files", async () => {
  const { response, html } = await visit();
  assert.equal(response.status, 200);
  const header = (name: string): string => response.headers.get(name) ?? "";
  assert.deepEqual(
    [header("cache-control"), header("referrer-policy")],
    ["no-store", "no-referrer"],
  );
  const nonce = /script-src 'nonce-([^']+)'/.exec(header("content-security-policy"))?.[1];
  assert.equal(
    header("content-security-policy"),
    `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
  );
  assert.equal(
    html.match(new RegExp(`<(?:script|style) nonce="${nonce?.replaceAll(/[+/=]/g, "\\$&")}">`, "g"))
      ?.length,
    2,
  );
  assert.doesNotMatch(html, /https?:|\ssrc=|\shref=|\son\w+=|url\(|@import/);
  assert.notEqual(
    /nonce-([^']+)/.exec(
      (await visit()).response.headers.get("content-security-policy") ?? "",
    )?.[1],
    nonce,
  );
});

test("RG-07 HEAD answers as GET does, without the page, and POST is refused", async () => {
  const [page, head] = [await visit(), await visit("HEAD")];
  assert.deepEqual([head.response.status, head.html], [200, ""]);
  assert.deepEqual([...head.response.headers.keys()], [...page.response.headers.keys()]);
  assert.equal((await visit("POST")).response.status, 405);
});

test("words of a page are escaped in every place, and the script stays a script", async () => {
  const { html } = await visit();
  assert.ok(html.includes("Tom &amp; Jerry's &lt;b>&quot;friends&quot;&lt;/b>"));
  assert.equal(html.match(/<\/script>/g)?.length, 1);
  const script = /<script[^>]*>([^]*)<\/script>/.exec(html)?.[1] ?? "";
  assert.doesNotThrow(() => new Script(script));
  assert.match(script, /"path":"\/v1\/proofs","tokenMember":"token"/);
});

test("every field has its label, answers are announced, and a browser without script gets instructions", async () => {
  const { html } = await visit();
  assert.match(
    html,
    /<label for="newPassword">Secret<\/label>\s*<input id="newPassword" name="newPassword" type="password" autocomplete="new-password"/,
  );
  assert.match(html, /id="refused" role="alert"/);
  assert.match(html, /id="done" role="status"/);
  assert.match(
    html,
    /<noscript><p>Type the code instead\.<\/p><\/noscript>\s*<form id="form" hidden>/,
  );
});

test("a form uses the language that the browser asks for, and its own words override the common ones", async () => {
  const english = await visit("GET", { "accept-language": "fr" });
  assert.match(english.html, /^<!doctype html>\n<html lang="en">[^]*<h1>Proof<\/h1>/);
  assert.ok(english.html.includes('"link_used":"Used, and how."'));
  assert.equal(english.response.headers.get("vary"), "accept-language");
  const german = await visit("GET", { "accept-language": "de-CH, en;q=0.5" });
  assert.match(german.html, /^<!doctype html>\n<html lang="de">[^]*<h1>Beweis<\/h1>/);
  assert.equal(german.response.headers.get("content-language"), "de");
  assert.ok(german.html.includes('"link_used":"Dieser Link wurde schon benutzt."'));
});

test("the language is the most wanted one that exists (RFC 9110 §12.5.4)", () => {
  for (const [header, language] of [
    [undefined, "en"],
    ["", "en"],
    ["*", "en"],
    ["de", "de"],
    ["DE-at", "de"],
    ["fr-FR,fr;q=0.9,de;q=0.8,en;q=0.7", "de"],
    ["en;q=0.5, de;q=0.9", "de"],
    ["de;q=0.5, en", "en"],
    ["de;q=0, en;q=0.1", "en"],
    ["de;q=nonsense, en;q=0.1", "en"],
    ["den, dex", "en"],
    [`${"xx,".repeat(5000)}de`, "en"],
  ] as const)
    assert.equal(chooseLanguage(header), language, header?.slice(0, 50));
});
