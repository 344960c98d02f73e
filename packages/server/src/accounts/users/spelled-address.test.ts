import assert from "node:assert/strict";
import test from "node:test";
import { readDjangoAddress } from "./spelled-address.ts";

test("an address is kept as Django's managers keep it, and compared as every other", () => {
  assert.deepEqual(readDjangoAddress("Dup@EXAMPLE.com"), {
    address: "Dup@example.com",
    canonical: "dup@example.com",
  });
  assert.deepEqual(readDjangoAddress("A@Ä.Example"), {
    address: "A@ä.example",
    canonical: "a@xn--4ca.example",
  });
});

test("an address at a machine, which gets no mail of ours, still names an account", () => {
  assert.deepEqual(readDjangoAddress("Ann@LOCALHOST"), {
    address: "Ann@localhost",
    canonical: "ann@localhost",
  });
  assert.deepEqual(readDjangoAddress("ann@[127.0.0.1]"), {
    address: "ann@[127.0.0.1]",
    canonical: "ann@[127.0.0.1]",
  });
});

test("a local part that a mailer might read as another recipient is refused", () => {
  for (const raw of [
    '"a@b"@localhost',
    "=?utf-8?q?a=40evil.example=3e?=@example.com",
    "@localhost",
    "localhost",
    `${"a".repeat(400)}@b.example`,
  ])
    assert.equal(readDjangoAddress(raw), undefined, raw);
});
