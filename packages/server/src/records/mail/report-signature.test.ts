import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test from "node:test";
import { readSignature } from "./report-signature.ts";

const secret = "a webhook secret of this test, 44 characters";
const body = Buffer.from('{"reports":[{"kind":"complaint","address":"anna@example.com"}]}');
const at = 1_800_000_000;

function digestOf(t: number | string, over: Uint8Array = body, under = secret): string {
  return createHmac("sha256", under).update(`${t}.`).update(over).digest("hex");
}
const good = `t=${at},v1=${digestOf(at)}`;
const read = (header: string, now = at, over: Uint8Array = body): string | undefined =>
  readSignature(secret, header, over, now);

test("a signature is computed as the documentation says: HMAC-SHA-256 over the time, a full stop and the body", () => {
  // echo -n '1800000000.{}' | openssl dgst -sha256 -hmac 'a webhook secret of this test, 44
  // characters'
  const known = "9e1d2832854d0cc023601641da1880acb276095f2ef99a5bfcfad5c4973243b6";
  assert.equal(readSignature(secret, `t=1800000000,v1=${known}`, Buffer.from("{}"), at), known);
});

test("a signature is good for five minutes before and after its time, and not a second longer", () => {
  for (const now of [at - 300, at, at + 300]) assert.equal(read(good, now), digestOf(at));
  for (const now of [at - 301, at + 301, 0, at * 1000])
    assert.equal(read(good, now), undefined, String(now));
});

test("one of two digests must be good, either of them, and both identify the same report", () => {
  const foreign = digestOf(at, body, "another secret");
  assert.equal(read(`t=${at},v1=${foreign},v1=${digestOf(at)}`), read(good));
  assert.equal(read(`t=${at},v1=${digestOf(at)},v1=${foreign}`), read(good));
  assert.equal(read(`t=${at},v1=${foreign},v1=${foreign}`), undefined);
});

test("a signature with a changed, removed or added character is refused", () => {
  for (let index = 0; index < good.length; index += 1) {
    const other = good[index] === "1" ? "2" : "1";
    assert.equal(
      read(good.slice(0, index) + other + good.slice(index + 1)),
      undefined,
      `${other} at ${index}`,
    );
    assert.equal(read(good.slice(0, index)), undefined, `cut at ${index}`);
  }
  const digest = digestOf(at);
  const others = [
    `${good},`,
    `${good}0`,
    ` ${good}`,
    `${good}\n`,
    `${good},v2=${digest}`,
    `v1=${digest},t=${at}`,
    `t=${at},t=${at},v1=${digest}`,
    `t=${at}, v1=${digest}`,
    `t=${at},v1=${digest.toUpperCase()}`,
    `t=0${at},v1=${digest}`,
    `t=+${at},v1=${digest}`,
    `t=${at}.0,v1=${digest}`,
    `t=1.8e9,v1=${digestOf("1.8e9")}`,
    `t=${at}${`,v1=${digest}`.repeat(5)}`,
  ];
  for (const header of others) assert.equal(read(header), undefined, header);
});

test("a signature is good for its own body and secret only", () => {
  const flipped = Buffer.from(body);
  flipped[10] = (flipped[10] ?? 0) ^ 1;
  for (const other of [
    flipped,
    body.subarray(1),
    body.subarray(0, -1),
    Buffer.concat([body, Buffer.from(" ")]),
    Buffer.alloc(0),
  ])
    assert.equal(read(good, at, other), undefined);
  assert.equal(readSignature(`${secret} `, good, body, at), undefined);
  assert.equal(read(`t=${at},v1=${digestOf("")}`), undefined);
});
