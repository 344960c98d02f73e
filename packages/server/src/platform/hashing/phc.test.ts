import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "../kernel/random.ts";
import { decoyHash, isOutdated, readArgon2, readArgon2id, standardParameters } from "./phc.ts";

const salt16 = "c29tZXNhbHRzb21lc2FsdA";
const output32 = "l0jXnLPLyzf2bYYmvzmnJ2bFhsfc3tEALOuoPfZPS0I";
const phc = (parameters: string, salt = salt16, output = output32): string =>
  `$argon2id$v=19$${parameters}$${salt}$${output}`;

test("PW-08: a PHC string tells its parameters, salt and output length", () => {
  assert.deepEqual(readArgon2id(phc("m=19456,t=2,p=1")), {
    variant: "argon2id$v=19",
    memoryCost: 19_456,
    timeCost: 2,
    parallelism: 1,
    saltBytes: 16,
    outputBytes: 32,
  });
});

test("anything but Argon2id version 1.3 is not read", () => {
  const foreign = [
    "",
    "!",
    phc("m=19456,t=2,p=1").replace("argon2id", "argon2i"),
    phc("m=19456,t=2,p=1").replace("v=19", "v=16"),
    phc("m=19456,t=2"),
    `${phc("m=19456,t=2,p=1")}\n`,
    "pbkdf2_sha256$600000$salt$hash",
    "$2b$12$abcdefghijklmnopqrstuuDlYd8CqXr1qkF1",
  ];
  for (const other of foreign) assert.equal(readArgon2id(other), undefined, other);
});

test("Argon2 of every kind is read as far as it can be computed within 1 GiB at once and 4 GiB in all", () => {
  for (const variant of ["argon2i", "argon2d", "argon2id"])
    assert.equal(
      readArgon2(phc("m=512,t=2,p=2").replace("argon2id", variant))?.variant,
      `${variant}$v=19`,
    );
  assert.equal(readArgon2(phc("m=512,t=2,p=2").replace("v=19", "v=16"))?.variant, "argon2id$v=16");
  assert.notEqual(readArgon2(phc("m=1048576,t=4,p=1")), undefined);
  for (const parameters of [
    "m=1048577,t=1,p=1",
    "m=1048576,t=5,p=1",
    "m=8,t=4294967295,p=1",
    "m=8,t=1,p=2",
    "m=8,t=0,p=1",
    "m=8,t=1,p=0",
  ])
    assert.equal(readArgon2(phc(parameters)), undefined, parameters);
});

test("PW-09: a hash weaker in any respect, or of another format, is due for an upgrade", () => {
  assert.equal(isOutdated(phc("m=19456,t=2,p=1"), standardParameters), false);
  assert.equal(isOutdated(phc("m=47104,t=3,p=1"), standardParameters), false);
  assert.equal(isOutdated(phc("m=4096,t=2,p=1"), standardParameters), true);
  assert.equal(isOutdated(phc("m=65536,t=1,p=1"), standardParameters), true);
  assert.equal(isOutdated(phc("m=19456,t=2,p=4"), standardParameters), true);
  assert.equal(isOutdated(phc("m=19456,t=2,p=1", "c29tZXNhbHQ"), standardParameters), true);
  assert.equal(
    isOutdated(phc("m=19456,t=2,p=1", salt16, "l0jXnLPLyzf2bYYmvzmnJw"), standardParameters),
    true,
  );
  assert.equal(isOutdated("pbkdf2_sha256$600000$salt$hash", standardParameters), true);
});

test("EN-02: a decoy has the form and parameters of a current hash, and no two are alike", () => {
  const decoy = decoyHash(systemRandom, standardParameters);
  assert.equal(isOutdated(decoy, standardParameters), false);
  assert.notEqual(decoy, decoyHash(systemRandom, standardParameters));
});
