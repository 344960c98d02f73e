import assert from "node:assert/strict";
import { test } from "node:test";
import { write } from "./templates.ts";

const now = 1_800_000_000;
const context = { serviceName: "Acme", publicUrl: "https://accounts.example.com", now };
const reset = { code: "01234567", token: "t".repeat(43), expiresAt: now + 600 };

test("a registration letter says the code and how long it is valid, in text and in HTML", () => {
  const letter = write("confirm_registration", { code: "01234567", expiresAt: now + 599 }, context);
  assert.equal(letter.subject, "Your code for Acme");
  for (const body of [letter.text, letter.html]) {
    assert.match(body, /\b01234567\b/);
    assert.match(body, /valid for 9 minutes\./);
  }
  assert.doesNotMatch(letter.subject, /\d/, "a subject shows on locked screens");
});

test("a reset letter says the short code and the long one", () => {
  const letter = write("password_reset", reset, context);
  for (const body of [letter.text, letter.html]) assert.ok(body.includes(reset.code) && body.includes(reset.token));
});

test("RG-13: a letter links to the configured base URL and to nothing else", () => {
  const letters = [write("already_registered", {}, context), write("password_reset", reset, context)];
  const urls = letters.flatMap(({ text, html }) => `${text}${html}`.match(/https?:[^\s"<]+/g) ?? []);
  assert.deepEqual([...new Set(urls)], [context.publicUrl]);
  for (const { html } of letters) assert.doesNotMatch(html, /<(img|script|link|iframe|object)|url\(|src=/i);
});

test("IN-12: a name with markup or line breaks stays text in the HTML and one line in the subject", () => {
  const hostile = { ...context, serviceName: "<b>A</b>\r\nBcc: all@x.test\u2028&\u0000" };
  const letter = write("already_registered", {}, hostile);
  assert.equal(letter.subject, "You already have an account at <b>A</b> Bcc: all@x.test &");
  assert.ok(letter.html.includes("&lt;b&gt;A&lt;/b&gt; Bcc: all@x.test &amp;"));
  assert.ok(!letter.html.includes("<b>"));
});

test("a letter is not written from data of another shape, or by a template nobody knows", () => {
  assert.throws(() => write("confirm_registration", { code: "<b>", expiresAt: now }, context));
  assert.throws(() => write("confirm_registration", {}, context));
  assert.throws(() => write("toString", {}, context), RangeError);
});
