import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { keyring, UnsealError } from "./keyring.ts";
import { systemRandom } from "./random.ts";
import { Secret } from "./secret.ts";

const one = Buffer.alloc(32, "one");
const two = Buffer.alloc(32, "two");
const ring = keyring([one], systemRandom);

test("a sealed value opens in its own context and for its own purpose only", () => {
  const sealed = ring.seal("password-seal", "user-1", Buffer.from("hash"));
  assert.equal(ring.open("password-seal", "user-1", sealed).toString(), "hash");
  assert.throws(() => ring.open("password-seal", "user-2", sealed), UnsealError);
  assert.throws(() => ring.open("signing-key-seal", "user-1", sealed), UnsealError);
});

test("PW-10 nothing opens without the master secret, and every changed byte is noticed", () => {
  const sealed = ring.seal("password-seal", "user-1", Buffer.from("hash"));
  assert.throws(
    () => keyring([two], systemRandom).open("password-seal", "user-1", sealed),
    UnsealError,
  );
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => ring.open("password-seal", "user-1", changed), UnsealError);
  }
});

test("KY-04 an older master secret opens what it sealed; the current one seals", () => {
  const rotated = keyring([two, one], systemRandom);
  assert.equal(
    rotated
      .open("password-seal", "u", ring.seal("password-seal", "u", Buffer.from("hash")))
      .toString(),
    "hash",
  );
  assert.throws(
    () => ring.open("password-seal", "u", rotated.seal("password-seal", "u", Buffer.from("hash"))),
    UnsealError,
  );
  assert.ok(rotated.verifyMac("cursor", "data", ring.mac("cursor", "data")));
});

test("KY-05 a MAC for one purpose is not valid for another", () => {
  assert.ok(ring.verifyMac("cursor", "data", ring.mac("cursor", "data")));
  assert.ok(!ring.verifyMac("refresh-token", "data", ring.mac("cursor", "data")));
  assert.ok(!ring.verifyMac("cursor", "data", Buffer.alloc(0)));
});

test("KY-01 a master secret of fewer than 32 bytes is refused", () => {
  assert.throws(() => keyring([Buffer.alloc(31)], systemRandom), RangeError);
});

test("a secret is shown only if it is revealed on purpose", () => {
  const secret = new Secret("hunter2");
  assert.equal(
    `${secret.toString()} ${JSON.stringify({ secret })} ${inspect(secret)} ${inspect({ secret })}`.includes(
      "hunter2",
    ),
    false,
  );
  assert.equal(secret.reveal(), "hunter2");
});
