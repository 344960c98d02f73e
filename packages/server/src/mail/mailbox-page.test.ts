import assert from "node:assert/strict";
import { test } from "node:test";
import { mailboxPage } from "./mailbox-page.ts";
import type { Message } from "./message.ts";

const message: Message = {
  id: "018f0000-0000-7000-8000-000000000001",
  messageId: "<018f0000-0000-7000-8000-000000000001@localhost>",
  at: 1_800_000_000,
  from: { name: "Acme", address: "accounts@example.com" },
  to: "anna@example.com",
  subject: "First",
  text: "Your code: 01234567\n",
  html: "<p>only in the mail</p>",
};

test("the mailbox page shows the mails in the order given, their text and no HTML of theirs", () => {
  const page = mailboxPage([{ ...message, subject: "Second" }, message], "n0nce");
  assert.ok(page.indexOf("<h2>Second</h2>") < page.indexOf("<h2>First</h2>"));
  assert.ok(page.includes('To anna@example.com, <time datetime="2027-01-15T08:00:00.000Z">2027-01-15 08:00:00 UTC</time>'));
  assert.ok(page.includes("<pre>Your code: 01234567\n</pre>"));
  assert.ok(!page.includes("only in the mail"));
});

test("IN-12: markup in a mail stays text on the mailbox page, which has no script and one style with the nonce", () => {
  const markup = `<script>alert("1")</script>'&`;
  const page = mailboxPage([{ ...message, subject: markup, to: markup, text: markup }], "n0nce");
  assert.equal(page.match(/<script/gi), null);
  assert.equal(page.split("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;").length - 1, 3);
  assert.deepEqual(page.match(/<style[^>]*>/g), ['<style nonce="n0nce">']);
  assert.doesNotMatch(page, / (style|on\w+)=/);
});

test("an empty mailbox says so", () => {
  assert.ok(mailboxPage([], "n0nce").includes("No mail yet."));
});
