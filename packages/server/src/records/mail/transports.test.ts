import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { manualClock } from "../../platform/kernel/clock.ts";
import { compose, parseSender } from "./message.ts";
import type { Message } from "./message.ts";
import { createTransport } from "./transports.ts";

const clock = manualClock();
const never = new AbortController().signal;

const message: Message = {
  id: "018f0000-0000-7000-8000-000000000001",
  messageId: "<018f0000-0000-7000-8000-000000000001@accounts.example.com>",
  at: 1_800_000_000,
  from: { name: "Acme", address: "accounts@example.com" },
  to: "anna@example.com",
  subject: "Grüße",
  text: "Your code: 01234567\n.\nFrom here on\n",
  html: "<p>01234567</p>",
};

/** Header fields by lower-case name, folded lines joined. */
function headers(raw: string): Map<string, string[]> {
  const head = raw.slice(0, raw.indexOf("\r\n\r\n")).replaceAll(/\r\n[ \t]/g, " ");
  const fields = new Map<string, string[]>();
  for (const line of head.split("\r\n")) {
    const name = line.slice(0, line.indexOf(":")).toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), line.slice(line.indexOf(":") + 1).trim()]);
  }
  return fields;
}

test("dir: writes one whole file per mail, readable by its owner only, in the order of sending", async (t) => {
  const path = await mkdtemp(join(tmpdir(), "portcullis-mail-"));
  t.after(async () => rm(path, { recursive: true }));
  const transport = createTransport(`dir:${join(path, "new", "mail")}`, { clock });
  await transport.send(message, never);
  await transport.send({ ...message, to: "bob@example.com" }, never);
  clock.advance(1);
  await transport.send({ ...message, to: "carl@example.com" }, never);

  const names = (await readdir(join(path, "new", "mail"))).toSorted();
  const files = await Promise.all(
    names.map(async (name) => readFile(join(path, "new", "mail", name), "utf8")),
  );
  assert.deepEqual(
    files.map((raw) => headers(raw).get("to")),
    [["anna@example.com"], ["bob@example.com"], ["carl@example.com"]],
  );
  for (const name of names) {
    assert.match(name, /^\d{15}-\d{6}-[0-9a-f-]{36}\.eml$/);
    assert.equal((await stat(join(path, "new", "mail", name))).mode & 0o777, 0o600);
  }
});

test("dir: tells when its directory is gone, and goes on once it is back", async (t) => {
  const path = await mkdtemp(join(tmpdir(), "portcullis-mail-"));
  t.after(async () => rm(path, { recursive: true }));
  const transport = createTransport(`dir:${join(path, "mail")}`, { clock });
  await rm(join(path, "mail"), { recursive: true });
  assert.deepEqual(await transport.send(message, never), {
    kind: "unavailable",
    cause: "storage",
    error: "ENOENT",
  });
  await mkdir(join(path, "mail"));
  assert.deepEqual(await transport.send(message, never), { kind: "sent" });
  assert.equal((await readdir(join(path, "mail"))).length, 1);
});

test("a mail carries each header once, the same bytes whenever it is sent", async () => {
  const raw = await compose(message);
  assert.deepEqual(await compose(message), raw);
  const fields = headers(raw.toString("utf8"));
  assert.deepEqual(
    [...fields.values()].map((values) => values.length),
    [...fields.values()].map(() => 1),
  );
  assert.deepEqual(fields.get("from"), ["Acme <accounts@example.com>"]);
  assert.deepEqual(fields.get("date"), ["Fri, 15 Jan 2027 08:00:00 +0000"]);
  assert.deepEqual(fields.get("message-id"), [message.messageId]);
  assert.deepEqual(fields.get("auto-submitted"), ["auto-generated"]);
  assert.match(raw.toString("utf8"), /\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
  assert.match(raw.toString("utf8"), /\r\nContent-Type: text\/html; charset=utf-8\r\n/);
  assert.doesNotMatch(raw.toString("utf8"), /[^\r]\n/);
});

test("IN-12: nothing in a name, subject or text becomes a header or a recipient", async () => {
  const injected = "x\r\nBcc: all@x.test\r\n\r\nbody";
  const raw = await compose({
    ...message,
    from: { ...message.from, name: injected },
    subject: injected,
    text: injected,
  });
  const fields = headers(raw.toString("utf8"));
  assert.deepEqual(
    [...fields.keys()].toSorted(),
    [...headers((await compose(message)).toString("utf8")).keys()].toSorted(),
  );
  assert.deepEqual(fields.get("to"), ["anna@example.com"]);
});

for (const to of [
  "a@x.test, b@x.test",
  "a@x.test\r\nBcc: b@x.test",
  "A <a@x.test>",
  '"a b"@x.test',
  "a@b@x.test",
  "a",
  "a@x.test;b@x.test",
  "",
]) {
  test(`IN-12: ${JSON.stringify(to)} is no recipient`, async () => {
    await assert.rejects(compose({ ...message, to }), RangeError);
  });
}

test("a sender is one address with or without a name", () => {
  assert.deepEqual(parseSender("Acme Accounts <accounts@example.com>"), {
    name: "Acme Accounts",
    address: "accounts@example.com",
  });
  assert.deepEqual(parseSender("accounts@example.com"), {
    name: "",
    address: "accounts@example.com",
  });
  for (const text of ["", "Acme", "a@x.test, b@x.test"])
    assert.throws(() => parseSender(text), RangeError);
});

test("mailbox: keeps the last 200, newest first", async () => {
  const transport = createTransport("mailbox:", { clock });
  for (let n = 1; n <= 201; n += 1) await transport.send({ ...message, subject: String(n) }, never);
  const subjects = transport.messages?.().map((m) => m.subject) ?? [];
  assert.equal(subjects.length, 200);
  assert.deepEqual([subjects[0], subjects[199]], ["201", "2"]);
});

for (const setting of [
  "smtp://localhost:2525",
  "smtps://anna:p%40ss@mail.example.com",
  "smtps://mail.example.com?tls=unverified",
  "smtp://[::1]:25?tls=required",
  "smtp://anna:p%40ss@mail.example.com?tls=optional",
]) {
  test(`${setting} is a transport`, () => createTransport(setting, { clock }).close());
}

for (const setting of [
  "",
  "dir:",
  "sendmail:",
  "mailbox",
  "smtp:",
  "smtp://",
  "smtp://h/path",
  "smtp://u:hunter2%@h",
  "smtp://u:hunter2@h?tls=maybe",
  "smtp://u:hunter2@h?tls=required&tls=optional",
  "smtps://u:hunter2@h?tls=optional",
  "https://u:hunter2@h",
]) {
  test(`"${setting}" is no transport, and the sentence quotes no password`, () => {
    assert.throws(
      () => createTransport(setting, { clock }),
      (error) =>
        error instanceof RangeError &&
        error.message.startsWith("PORTCULLIS_MAIL must") &&
        !error.message.includes("hunter2"),
    );
  });
}
