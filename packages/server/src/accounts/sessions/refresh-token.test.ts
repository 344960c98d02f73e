import assert from "node:assert/strict";
import { test } from "node:test";
import { jwtVerify } from "jose";
import { keyring } from "../../platform/kernel/keyring.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { deviceTokenOf } from "../sign-in/device-token.ts";
import { readRefreshToken, refreshTokenOf } from "./refresh-token.ts";

const ring = keyring([Buffer.alloc(32, "secret one")], systemRandom);
const claims = { sid: "0190a5c1-7e2f-7a33-8d5e-1f2a3b4c5d6e", gen: 41 };

test("the refresh token of a session and generation is the same each time", () => {
  assert.equal(refreshTokenOf(ring, claims), refreshTokenOf(ring, claims));
  assert.deepEqual(readRefreshToken(ring, refreshTokenOf(ring, claims)), claims);
  assert.notEqual(refreshTokenOf(ring, { ...claims, gen: 42 }), refreshTokenOf(ring, claims));
});

test("a refresh token has the bytes that every version has given it, so that a repeated refresh finds it", () => {
  assert.equal(
    refreshTokenOf(ring, claims),
    "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzaWQiOiIwMTkwYTVjMS03ZTJmLTdhMzMtOGQ1ZS0xZjJhM2I0YzVkNmUiLCJnZW4iOjQxfQ.ssMDpR2ceCwzMJ_iZw6_fUfgUV0EvZ2OLbbMTBxaeQo",
  );
  assert.equal(
    deviceTokenOf(ring, { sub: claims.sid, did: "A".repeat(22), pwd: 1_800_000_000 }),
    "eyJhbGciOiJIUzI1NiIsInR5cCI6ImR0K2p3dCJ9.eyJzdWIiOiIwMTkwYTVjMS03ZTJmLTdhMzMtOGQ1ZS0xZjJhM2I0YzVkNmUiLCJkaWQiOiJBQUFBQUFBQUFBQUFBQUFBQUFBQUFBIiwicHdkIjoxODAwMDAwMDAwfQ.dx9BsWeo2PwssLeDbDcZVmHHbWrSaq4e7Zi6Q5NPIFk",
  );
});

test("RF-13 every truncation and every changed bit of a refresh token is refused", () => {
  const token = refreshTokenOf(ring, claims);
  for (let length = 0; length < token.length; length += 1)
    assert.equal(readRefreshToken(ring, token.slice(0, length)), undefined);
  for (let at = 0; at < token.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const bytes = Buffer.from(token);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      assert.equal(readRefreshToken(ring, bytes.toString("latin1")), undefined);
    }
  }
});

test("RF-14 a token made under another master secret is refused, one under an older secret of ours is not", () => {
  const other = keyring([Buffer.alloc(32, "secret two")], systemRandom);
  const both = keyring(
    [Buffer.alloc(32, "secret two"), Buffer.alloc(32, "secret one")],
    systemRandom,
  );
  assert.equal(readRefreshToken(other, refreshTokenOf(ring, claims)), undefined);
  assert.deepEqual(readRefreshToken(both, refreshTokenOf(ring, claims)), claims);
});

test("KY-05, JW-14 a device token, whose form is the same, is no refresh token", () => {
  assert.equal(
    readRefreshToken(ring, deviceTokenOf(ring, { sub: claims.sid, pwd: 0, did: "x" })),
    undefined,
  );
});

test("JW-04 an empty key verifies no refresh token", async () => {
  await assert.rejects(async () => jwtVerify(refreshTokenOf(ring, claims), new Uint8Array(0)));
});
