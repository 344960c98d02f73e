import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { gzipSync, gunzipSync } from "node:zlib";
import type { PageAnswer, Visit } from "../../platform/http/page.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { accountPages, missingPages, type AccountPagesDeps } from "./account-pages.ts";
import { readBuiltPages, type BuiltPages } from "./built-pages.ts";

const script = new Uint8Array(Buffer.from("start()"));
const built: BuiltPages = {
  script: "assets/account-1.js",
  styles: ["assets/account-2.css"],
  assets: new Map([
    [
      "account-1.js",
      {
        type: "text/javascript; charset=utf-8",
        body: script,
        gzip: new Uint8Array(gzipSync(script)),
      },
    ],
    ["account-2.css", { type: "text/css; charset=utf-8", body: script }],
  ]),
};

const facts: AccountPagesDeps["facts"] = {
  serviceName: '</script><script>alert("1")</script>',
  registration: "confirm",
  minimumPasswordLength: 8,
  usernames: false,
  factors: true,
  emailCodes: true,
  rememberDays: null,
  profileFields: null,
  requiredFields: [],
  brand: { logo: null, color: null, darkColor: null, radius: null, links: [] },
};

const RETURN = "https://app.example.com/signed-in";

function visit(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  publicUrl = "https://id.example.com",
): Extract<PageAnswer, { readonly kind: "page" }> {
  const pages = accountPages({
    random: systemRandom,
    publicUrl,
    built,
    facts,
    returnUrls: [RETURN],
  });
  const [plain = ""] = path.split("?");
  const file = /^\/account\/assets\/(.+)$/.exec(plain)?.[1];
  const page = pages.find((one) =>
    file === undefined
      ? one.path === plain || (one.path === "/account/{page}" && /^\/account\/\w+/.test(plain))
      : one.name === "accountAsset",
  );
  const asked: Visit = {
    request: new Request(`https://id.example.com${path}`),
    target: path,
    header: (name) => headers[name],
    params: file === undefined ? {} : { file },
    client: { address: "192.0.2.1", userAgent: "" },
    requestId: "r",
  };
  const answer = (page ?? assert.fail(`${path} is not served`)).visit(asked);
  assert.ok("kind" in answer && answer.kind === "page", path);
  return answer;
}

const settingsIn = (html: unknown): Record<string, unknown> =>
  JSON.parse(/id="settings">([^<]*)<\/script>/.exec(String(html))?.[1] ?? assert.fail());

test("every account page has a strict policy: no inline script, no other host, no frame", () => {
  const paths = ["/account", "/account/devices", "/confirm", "/reset", "/email", "/undo", "/setup"];
  const nonces = paths.map((path) => {
    const { body, headers } = visit(path);
    const { nonce } = settingsIn(body);
    assert.equal(
      headers["content-security-policy"],
      `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${String(nonce)}'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    );
    assert.doesNotMatch(String(body), /https?:|\son\w+=|<style|@import/, path);
    return nonce;
  });
  assert.equal(new Set(nonces).size, paths.length, "each answer has a nonce of its own");
});

test("what the operator writes into a setting cannot leave the text that it stands in", () => {
  const html = String(visit("/account").body);
  assert.equal(html.match(/<script/g)?.length, 2);
  assert.ok(
    html.includes("<title>&lt;/script&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"),
  );
  assert.equal(settingsIn(html)["serviceName"], facts.serviceName);
});

test("behind a path prefix the pages and their files stay below it", () => {
  const html = String(visit("/account/devices", {}, "https://example.com/id/").body);
  assert.ok(html.includes('src="/id/account/assets/account-1.js"'));
  assert.ok(html.includes('href="/id/account/assets/account-2.css"'));
  assert.equal(settingsIn(html)["base"], "/id");
});

test("the pages are in the reader's language, with a sentence for browsers without JavaScript", () => {
  const german = visit("/confirm", { "accept-language": "de-AT, en;q=0.5" });
  assert.match(String(german.body), /^<!doctype html>\n<html lang="de">/);
  assert.match(String(german.body), /<noscript><p>Diese Seite braucht JavaScript\. Ohne geben/);
  assert.equal(german.headers["content-language"], "de");
  assert.match(String(visit("/account").body), /<noscript><p>This page needs JavaScript\. Turn/);
});

test("a return address counts only if the operator has listed it", () => {
  const returning = (wanted: string) =>
    settingsIn(visit(`/account/sign-in?return_to=${encodeURIComponent(wanted)}`).body)["returning"];
  for (const good of [RETURN, `${RETURN}?from=1#there`])
    assert.deepEqual(returning(good), { to: good, refused: false });
  for (const bad of [
    "https://app.example.com/",
    `${RETURN}/more`,
    "https://app.example.com.evil.example/signed-in",
    "https://app.example.com@evil.example/signed-in",
    "https://user:pass@app.example.com/signed-in",
    "http://app.example.com/signed-in",
    "https://app.example.com:8443/signed-in",
    "//app.example.com/signed-in",
    "javascript:alert(1)//app.example.com/signed-in",
    "",
  ])
    assert.deepEqual(returning(bad), { to: null, refused: true }, bad);
  assert.deepEqual(settingsIn(visit("/account").body)["returning"], { to: null, refused: false });
});

test("files with a hash in their name are kept for ever, and compressed if the browser can read it", () => {
  const plain = visit("/account/assets/account-1.js");
  assert.equal(plain.headers["cache-control"], "public, max-age=31536000, immutable");
  assert.equal(plain.headers["content-encoding"], undefined);
  assert.deepEqual(plain.body, script);
  for (const accepted of ["gzip, br", "br;q=1, gzip;q=0.5", "GZIP"]) {
    const packed = visit("/account/assets/account-1.js", { "accept-encoding": accepted });
    assert.equal(packed.headers["content-encoding"], "gzip", accepted);
    assert.ok(packed.body instanceof Uint8Array);
    assert.deepEqual(new Uint8Array(gunzipSync(packed.body)), script);
  }
  for (const refused of ["br", "gzip;q=0", "gzip;q=0.000, br", "xgzip"]) {
    const unpacked = visit("/account/assets/account-1.js", { "accept-encoding": refused });
    assert.equal(unpacked.headers["content-encoding"], undefined, refused);
  }
});

test("built pages are read with their files, and without a build there are none", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-pages-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const place = new URL(`${pathToFileURL(folder).href}/`);
  assert.equal(readBuiltPages(place), undefined);
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "assets/account-1.js"), script);
  writeFileSync(join(folder, "assets/account-1.js.gz"), gzipSync(script));
  writeFileSync(join(folder, "assets/notes.txt"), "not served");
  writeFileSync(
    join(folder, "product.json"),
    JSON.stringify({ source: "1", script: "assets/account-1.js", styles: [] }),
  );
  const pages = readBuiltPages(place);
  assert.deepEqual([...(pages?.assets.keys() ?? [])], ["account-1.js"]);
  assert.deepEqual(pages?.assets.get("account-1.js")?.body, script);
});

test("pages that have not been built say how to build them", async () => {
  const asked: Visit = {
    request: new Request("https://id.example.com/account"),
    target: "/account",
    header: () => undefined,
    params: {},
    client: { address: "192.0.2.1", userAgent: "" },
    requestId: "r",
  };
  const answer = await missingPages().visit(asked);
  assert.ok(answer.kind === "page" && answer.status === 503);
  assert.match(String(answer.body), /npm run pages/);
});

test("password managers find the page on which the password is changed, below a path prefix, too", () => {
  for (const [publicUrl, location] of [
    ["https://id.example.com", "/account/profile"],
    ["https://example.com/id", "/id/account/profile"],
  ] as const) {
    const answer = visit("/.well-known/change-password", {}, publicUrl);
    assert.deepEqual([answer.status, answer.headers["location"]], [302, location]);
  }
});
