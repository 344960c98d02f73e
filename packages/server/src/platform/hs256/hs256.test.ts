import assert from "node:assert/strict";
import { test } from "node:test";
import { jwtVerify } from "jose";
import { keyring } from "../kernel/keyring.ts";
import { systemRandom } from "../kernel/random.ts";
import { Secret } from "../kernel/secret.ts";
import { keyFor, readHs256, sharedKey, signHs256 } from "./hs256.ts";

const ring = keyring([Buffer.alloc(32, "secret one")], systemRandom);
const key = keyFor(ring, "device-token");
const shared = sharedKey(new Secret("a key that two services share, 32 bytes"));
const payload = { sub: "anna", n: 1 };

test("a token is read with the key and type that it was signed with, and with no other", () => {
  for (const one of [key, shared]) {
    const token = signHs256(one, "dt+jwt", payload);
    assert.deepEqual({ ...readHs256(one, "dt+jwt", token) }, payload);
    assert.equal(readHs256(one, "rt+jwt", token), undefined);
    for (const other of [
      keyFor(ring, "refresh-token"),
      sharedKey(new Secret("some other key, as long as the one we share")),
    ])
      assert.equal(readHs256(other, "dt+jwt", token), undefined);
  }
});

test("a token by an older master secret is still read", () => {
  const both = keyring([Buffer.alloc(32, "newer"), Buffer.alloc(32, "secret one")], systemRandom);
  const token = signHs256(key, "dt+jwt", payload);
  assert.deepEqual({ ...readHs256(keyFor(both, "device-token"), "dt+jwt", token) }, payload);
  assert.notEqual(signHs256(keyFor(both, "device-token"), "dt+jwt", payload), token);
});

test("every truncation, changed bit and other spelling of a token is refused", () => {
  const token = signHs256(key, "dt+jwt", payload);
  for (let at = 0; at < token.length; at += 1) {
    assert.equal(readHs256(key, "dt+jwt", token.slice(0, at)), undefined);
    for (let bit = 0; bit < 8; bit += 1) {
      const bytes = Buffer.from(token);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      assert.equal(readHs256(key, "dt+jwt", bytes.toString("latin1")), undefined, `${at}.${bit}`);
    }
  }
  // The last character carries two unused bits: other spellings of the same bytes are refused.
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(token.at(-1) ?? "");
  for (const spelling of [last + 1, last + 2, last + 3])
    assert.equal(
      readHs256(key, "dt+jwt", token.slice(0, -1) + (alphabet[spelling] ?? "")),
      undefined,
    );
  for (const odd of [`${token}=`, ` ${token}`, `${token}\n`, `${token}.`, ""])
    assert.equal(readHs256(key, "dt+jwt", odd), undefined);
});

test("another library verifies a token that is signed with a shared key", async () => {
  const token = signHs256(shared, "JWT", payload);
  const { payload: read, protectedHeader } = await jwtVerify(
    token,
    Buffer.from("a key that two services share, 32 bytes"),
  );
  assert.deepEqual(read, payload);
  assert.deepEqual(protectedHeader, { alg: "HS256", typ: "JWT" });
});
