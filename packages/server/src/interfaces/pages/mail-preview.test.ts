import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "../../platform/kernel/random.ts";
import { previewPages } from "./mail-preview.ts";
import { createLetters } from "../../records/mail/templates/templates.ts";
import { allTemplates } from "../../process/letters.ts";
import { publicUrl, served } from "../../records/mail/testing.ts";

const letters = createLetters({
  serviceName: "<A&B>",
  publicUrl,
  fallbackLocale: "en",
  templates: allTemplates,
});
const get = served(previewPages({ letters, random: systemRandom }));
const linksOf = (page: string, from: string) =>
  [...page.matchAll(/(?:href|src)="([^"#]+)"/g)].map(
    ([, link]) => new URL(link ?? "", publicUrl + from).pathname,
  );

test("the preview lists every letter in every language by its subject, with a link to it", async () => {
  const list = await (await get("/dev/mails")).text();
  assert.ok(list.includes(">Neue Anmeldung bei &lt;A&amp;B&gt;</a> (de)"));
  const links = linksOf(list, "/dev/mails");
  assert.equal(links.length, letters.names.length * letters.locales.length);
  for (const link of links) {
    const shown = await get(link);
    assert.equal(shown.status, 200, link);
    const framed = linksOf(await shown.text(), link);
    assert.deepEqual(framed, ["/dev/mails", `${link}/html`, `${link}/html`]);
    assert.match(
      await (await get(`${link}/html`)).text(),
      /^<!doctype html>\n<html lang="(en|de)">/,
    );
  }
});

test("a letter is shown as text and in a sandboxed frame, and nothing in it runs", async () => {
  const shown = await get("/dev/mails/de/password_reset");
  const page = await shown.text();
  assert.match(page, /<h1>Neues Passwort für &lt;A&amp;B&gt;<\/h1>/);
  assert.match(page, /<pre>Um ein neues Passwort[^<]* 01234567\n/);
  assert.match(page, /<iframe src="password_reset\/html" sandbox title="HTML"><\/iframe>/);
  assert.match(
    shown.headers.get("content-security-policy") ?? "",
    /^default-src 'none'; style-src 'nonce-[^']+'; frame-src 'self'; .*frame-ancestors 'none'$/,
  );
  const framed = await get("/dev/mails/de/password_reset/html");
  assert.match(
    framed.headers.get("content-security-policy") ?? "",
    /^default-src 'none'; style-src 'unsafe-inline'; .*frame-ancestors 'self'$/,
  );
});

test("an unknown letter or language is not found", async () => {
  for (const path of [
    "/fr/test",
    "/en/welcome",
    "/en/constructor",
    "/__proto__/test",
    "/en/welcome/html",
  ])
    assert.equal((await get(`/dev/mails${path}`)).status, 404, path);
});
