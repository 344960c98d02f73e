import assert from "node:assert/strict";
import { test } from "node:test";
import { createTokenCache } from "./token-cache.ts";

const named = (i: number): string => `head-${i}-${String(i).padStart(30, "0")}`;

test("JW-17 after a million distinct tokens the cache holds no more than its limit", () => {
  const cache = createTokenCache<number>(1000);
  for (let i = 0; i < 1_000_000; i += 1) {
    cache.set(named(i), i);
    if (i % 10_000 === 0) assert.ok(cache.size <= 1000);
  }
  assert.ok(cache.size >= 500 && cache.size <= 1000);
  assert.equal(cache.get(named(999_999)), 999_999);
  assert.equal(cache.get(named(0)), undefined);
});

test("JW-17 a token that is used again stays longer than those that are not", () => {
  const cache = createTokenCache<number>(100);
  cache.set(named(0), 0);
  for (let i = 1; i < 1000; i += 1) {
    cache.set(named(i), i);
    assert.equal(cache.get(named(0)), 0);
  }
  assert.ok(cache.size <= 100);
});

test("JW-17 a token is found only if it is equal as a whole, not only at its end", () => {
  const cache = createTokenCache<string>(10);
  const signature = "s".repeat(86);
  cache.set(`aaaa.bbbb.${signature}`, "genuine");
  assert.equal(cache.get(`aaaa.bbbc.${signature}`), undefined);
  assert.equal(cache.get(signature), undefined);
  cache.set(`aaaa.bbbc.${signature}`, "another");
  assert.equal(cache.get(`aaaa.bbbb.${signature}`), undefined);
  assert.equal(cache.get(`aaaa.bbbc.${signature}`), "another");
});

test("deleted and cleared tokens are gone from both generations", () => {
  const cache = createTokenCache<number>(4);
  for (let i = 0; i < 4; i += 1) cache.set(named(i), i);
  cache.delete(named(1));
  cache.delete(named(3));
  assert.deepEqual(
    [0, 1, 2, 3].map((i) => cache.get(named(i))),
    [0, undefined, 2, undefined],
  );
  cache.clear();
  assert.equal(cache.size, 0);
});

test("a cache with the limit 0 keeps nothing, and a limit that is not a whole number is refused", () => {
  const cache = createTokenCache<number>(0);
  cache.set(named(1), 1);
  assert.equal(cache.get(named(1)), undefined);
  for (const limit of [-1, 1.5, NaN, Infinity])
    assert.throws(() => createTokenCache(limit), RangeError);
});
