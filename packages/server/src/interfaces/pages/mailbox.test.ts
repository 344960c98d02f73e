import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "../../platform/kernel/random.ts";
import { mailboxPages } from "./mailbox.ts";
import type { Message } from "../../records/mail/message.ts";
import { publicUrl, served } from "../../records/mail/testing.ts";

const message: Message = {
  id: "018f0000-0000-7000-8000-000000000001",
  messageId: "<018f0000-0000-7000-8000-000000000001@localhost>",
  at: 1_800_000_000,
  from: { name: "Acme", address: "accounts@example.com" },
  to: "anna@example.com",
  subject: "First",
  text: "Your code: 01234567\n",
  html: `<p style="margin:0">only in the mail</p>`,
};

const mailbox = (...messages: readonly Message[]) =>
  served(mailboxPages({ messages: () => messages, random: systemRandom, publicUrl }));
const read = async (...messages: readonly Message[]) =>
  (await mailbox(...messages)("/dev/mailbox")).text();

test("the mailbox page shows the mails in the order given, and their text", async () => {
  const page = await read({ ...message, subject: "Second" }, message);
  assert.ok(page.indexOf("<h2>Second</h2>") < page.indexOf("<h2>First</h2>"));
  assert.ok(
    page.includes(
      'To anna@example.com, <time datetime="2027-01-15T08:00:00.000Z">2027-01-15 08:00:00 UTC</time>',
    ),
  );
  assert.ok(page.includes("<pre>Your code: 01234567\n</pre>"));
  assert.ok(!page.includes("only in the mail"));
});

test("a mail's HTML is one click away, without script, and other sites cannot frame it", async () => {
  const get = mailbox(message);
  const link = /href="(mailbox\/[^"]+)"/.exec(await (await get("/dev/mailbox")).text())?.[1] ?? "";
  const shown = await get(new URL(link, `${publicUrl}/dev/mailbox`).pathname);
  assert.deepEqual([shown.status, await shown.text()], [200, message.html]);
  const policy = shown.headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; style-src 'unsafe-inline'; .*frame-ancestors 'self'$/);
  assert.doesNotMatch(policy, /script|connect/);
  assert.equal((await get("/dev/mailbox/018f0000-0000-7000-8000-000000000002")).status, 404);
});

test("IN-12 markup in a mail stays text on the mailbox page, which has no script and one style with the nonce", async () => {
  const markup = `<script>alert("1")</script>'&`;
  const response = await mailbox({ ...message, subject: markup, to: markup, text: markup })(
    "/dev/mailbox",
  );
  const page = await response.text();
  assert.equal(page.match(/<script/gi), null);
  assert.equal(
    page.split("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;").length - 1,
    3,
  );
  assert.doesNotMatch(page, / (style|on\w+)=/);
  const nonce = /<style nonce="([^"]+)">/.exec(page)?.[1] ?? "";
  assert.match(
    response.headers.get("content-security-policy") ?? "",
    new RegExp(`^default-src 'none'; style-src 'nonce-${nonce}'; `.replaceAll("+", "\\+")),
  );
});

test("RG-13 only this server's addresses in a mail can be clicked", async () => {
  const links = [
    `${publicUrl}/reset#t-k_n`,
    `${publicUrl}/`,
    publicUrl,
    `${publicUrl}?a=1&b="`,
    `${publicUrl}#t`,
  ];
  const others = [
    `${publicUrl}.evil.test/reset#t`,
    `${publicUrl}@evil.test/`,
    `${publicUrl}:8443/`,
    "http://accounts.example.com/reset#t",
    "https://evil.test/?https://accounts.example.com/",
    "javascript:alert(1)//https",
    "ftp://accounts.example.com/",
  ];
  const page = await read({ ...message, text: [...links, ...others].join("\n    ") });
  const clickable = [...page.matchAll(/<a href="([^"]*)">([^<]*)<\/a>/g)].filter(([, url]) =>
    /:/.test(url ?? ""),
  );
  assert.deepEqual(
    clickable.map(([, url]) => url),
    [
      `${publicUrl}/reset#t-k_n`,
      `${publicUrl}/`,
      publicUrl,
      `${publicUrl}?a=1&amp;b=`,
      `${publicUrl}#t`,
    ],
  );
  for (const [, url, words] of clickable) assert.equal(url, words);
});

test("an empty mailbox says so", async () => {
  assert.ok((await read()).includes("No mail yet."));
});
