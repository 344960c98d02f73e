import assert from "node:assert/strict";
import { test } from "node:test";
import { claims, es256, forge, headerOf, segment, token } from "../test/world.ts";
import { accessHeader, MAX_TOKEN_BYTES, readCompact, type HeaderShape } from "./syntax.ts";

const refreshHeader: HeaderShape = { typ: "rt+jwt", algorithms: ["HS256"], kid: "absent" };

test("a token is read into its parts", () => {
  const presented = token();
  const compact = readCompact(presented, accessHeader);
  assert.ok(compact);
  assert.deepEqual({ alg: compact.alg, typ: compact.typ, kid: compact.kid }, headerOf(es256));
  assert.deepEqual(compact.payload, claims);
  assert.equal(compact.signingInput.toString(), presented.slice(0, presented.lastIndexOf(".")));
  assert.equal(compact.signature.length, 64);
});

test("JW-06 JW-14 a token is read only with the shape of its own kind", () => {
  const refresh = `${segment({ alg: "HS256", typ: "rt+jwt" })}.${segment({ gen: 1 })}.${segment("x".repeat(32))}`;
  const device = refresh.replace(/^[^.]+/, segment({ alg: "HS256", typ: "dt+jwt" }));
  assert.deepEqual(readCompact(refresh, refreshHeader)?.payload, { gen: 1 });
  assert.equal(readCompact(refresh, refreshHeader)?.kid, "");
  assert.equal(readCompact(refresh, accessHeader), undefined);
  assert.equal(readCompact(device, refreshHeader), undefined);
  assert.equal(readCompact(token(), refreshHeader), undefined);
});

test("JW-05 a kid is refused if the shape has none, and its absence if the shape requires one", () => {
  const payload = segment({});
  const read = (header: unknown, shape: HeaderShape): unknown =>
    readCompact(`${segment(header)}.${payload}.AAAA`, shape);
  assert.ok(read({ alg: "HS256", typ: "rt+jwt" }, refreshHeader));
  assert.equal(read({ alg: "HS256", typ: "rt+jwt", kid: "a" }, refreshHeader), undefined);
  assert.equal(read({ alg: "HS256", typ: "rt+jwt", kid: null }, refreshHeader), undefined);
  assert.equal(read({ alg: "none", typ: "rt+jwt" }, refreshHeader), undefined);
  assert.ok(read({ alg: "ES256", typ: "at+jwt", kid: "a" }, accessHeader));
  assert.equal(read({ alg: "ES256", typ: "at+jwt" }, accessHeader), undefined);
  assert.equal(read({ alg: "ES256", typ: "at+jwt", crit: [] }, accessHeader), undefined);
});

test("JW-09 a token of 4,096 bytes is read, and a longer one is not", () => {
  const bare = JSON.stringify({ ...claims, pad: "" }).length;
  const withPayloadOf = (bytes: number): string =>
    forge({ ...headerOf(es256), kid: "es2" }, { ...claims, pad: "x".repeat(bytes - bare) });
  const longest = withPayloadOf(2964);
  const tooLong = withPayloadOf(2965);
  assert.deepEqual([longest.length, tooLong.length], [MAX_TOKEN_BYTES, MAX_TOKEN_BYTES + 2]);
  assert.ok(readCompact(longest, accessHeader));
  assert.equal(readCompact(tooLong, accessHeader), undefined);
});
