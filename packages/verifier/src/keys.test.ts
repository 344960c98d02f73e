import assert from "node:assert/strict";
import { generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { test } from "node:test";
import { eddsa, es256, publicKeys, rs256, token, world } from "../test/world.ts";
import { createKeySet, type Algorithm, type PublicKey } from "./keys.ts";

const ec = (namedCurve: string): JsonWebKey =>
  generateKeyPairSync("ec", { namedCurve }).publicKey.export({ format: "jwk" });
const rsa = (modulusLength: number, publicExponent = 65_537): JsonWebKey =>
  generateKeyPairSync("rsa", { modulusLength, publicExponent }).publicKey.export({ format: "jwk" });

test("keys of all three algorithms are found by their kid", () => {
  const keys = createKeySet();
  keys.replace(publicKeys(es256, eddsa, rs256));
  assert.deepEqual(
    ["es", "ed", "rs"].map((kid) => keys.find(kid)?.alg),
    ["ES256", "EdDSA", "RS256"],
  );
});

test("JW-02 JW-03 an unknown kid finds no key, and nothing is stored for it", () => {
  const keys = createKeySet();
  keys.replace(publicKeys(es256));
  for (const kid of [
    "",
    "__proto__",
    "constructor",
    "toString",
    "ES",
    "es\0",
    "es ",
    "../es",
    "' or 1=1 --",
    "k".repeat(10_240),
  ])
    assert.equal(keys.find(kid), undefined);
  for (let i = 0; i < 100_000; i += 1) keys.find(`unknown-${i}`);
  assert.equal(keys.withdrawals, 0);
  assert.equal(keys.find("es")?.alg, "ES256");
});

test("JW-01 JW-04 JW-12 a key is refused unless it is exactly a public key for its algorithm", () => {
  const unfit: readonly (readonly [string, Algorithm, JsonWebKey])[] = [
    ["another curve", "ES256", ec("P-384")],
    ["the curve of another currency", "ES256", ec("secp256k1")],
    ["another type", "ES256", eddsa.jwk],
    ["another type", "EdDSA", es256.jwk],
    ["another type", "RS256", es256.jwk],
    ["a type and curve that disagree", "ES256", { ...eddsa.jwk, crv: "P-256" }],
    [
      "an agreement curve",
      "EdDSA",
      generateKeyPairSync("x25519").publicKey.export({ format: "jwk" }),
    ],
    ["1024 bits", "RS256", rsa(1024)],
    ["exponent 3", "RS256", rsa(2048, 3)],
    ["private members", "ES256", es256.privateKey.export({ format: "jwk" })],
    ["private members", "RS256", rs256.privateKey.export({ format: "jwk" })],
    ["a symmetric key", "ES256", { kty: "oct", k: "AAAA" }],
    ["an empty symmetric key", "ES256", { kty: "oct", k: "" }],
    ["another algorithm", "ES256", { ...es256.jwk, alg: "ES384" }],
    ["another kid", "ES256", { ...es256.jwk, kid: "other" }],
    ["encryption", "ES256", { ...es256.jwk, use: "enc" }],
    ["signing", "ES256", { ...es256.jwk, key_ops: ["sign", "verify"] }],
    ["no point", "ES256", { kty: "EC", crv: "P-256" }],
    ["a point off the curve", "ES256", { ...es256.jwk, y: es256.jwk.x ?? "" }],
    ["an empty modulus", "RS256", { kty: "RSA", n: "", e: "AQAB" }],
    ["nothing", "ES256", {}],
  ];
  for (const [what, alg, jwk] of unfit) {
    const keys = createKeySet();
    assert.throws(() => keys.replace([{ kid: "k", alg, jwk }]), Error, what);
    assert.equal(keys.find("k"), undefined, what);
  }
});

test("JW-04 the set stays as it was if a key has no kid or an unknown algorithm, or if two keys have the same kid", () => {
  const keys = createKeySet();
  keys.replace(publicKeys(es256));
  const foreign: readonly PublicKey[] = JSON.parse(
    JSON.stringify([{ kid: "x", alg: "HS256", jwk: { kty: "oct", k: "AAAA" } }]),
  );
  assert.throws(() => keys.replace([{ ...es256, kid: "" }]), TypeError);
  assert.throws(() => keys.replace([...publicKeys(es256), ...publicKeys(es256)]), TypeError);
  assert.throws(() => keys.replace(foreign), TypeError);
  assert.equal(keys.find("es")?.alg, "ES256");
});

test("a remembered token is refused after its key was dropped, and not checked again while its key stays", () => {
  const { keys, verdict } = world();
  const presented = token();
  const other = token({}, eddsa);
  assert.equal(verdict(presented), "verified");
  assert.equal(verdict(other), "verified");
  keys.replace(publicKeys(es256, eddsa, rs256));
  assert.equal(keys.withdrawals, 0, "The same keys were given again.");
  keys.replace(publicKeys(eddsa, rs256));
  assert.equal(verdict(presented), "invalid_token");
  assert.equal(verdict(other), "verified");
});

test("a remembered token is refused after its key was replaced under the same kid", () => {
  const { keys, verdict } = world();
  const presented = token();
  assert.equal(verdict(presented), "verified");
  keys.replace([{ kid: "es", alg: "ES256", jwk: ec("P-256") }]);
  assert.equal(verdict(presented), "invalid_token");
});
