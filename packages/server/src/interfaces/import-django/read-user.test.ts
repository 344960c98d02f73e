import assert from "node:assert/strict";
import { test } from "node:test";
import type { SourceTable, SourceValue } from "./sources/source.ts";
import { mapColumns } from "./columns.ts";
import { readFlag, readKey, readMoment, schemeOf, userReader } from "./read-user.ts";
import { HASH, movingDay } from "./testing.ts";

test("a moment is read as Django writes it, to the second and in UTC", () => {
  const read: readonly (readonly [SourceValue, number | undefined])[] = [
    ["2024-01-01 12:00:00.123456", 1_704_110_400],
    ["2024-01-01 12:00:00", 1_704_110_400],
    ["2024-01-01T12:00:00Z", 1_704_110_400],
    ["2024-01-01 14:00:00+02:00", 1_704_110_400],
    ["2024-01-01 06:30:00-0530", 1_704_110_400],
    ["2024-01-01 12:00", 1_704_110_400],
    ["2024-01-01", 1_704_067_200],
    ["2024-02-29", 1_709_164_800],
    ["1970-01-01", 0],
    [1_704_110_400n, 1_704_110_400],
    ["2023-02-29", undefined],
    ["1900-02-29", undefined],
    ["2024-13-01", undefined],
    ["2024-01-01 24:00:00", undefined],
    ["1969-12-31 23:59:59", undefined],
    ["1970-01-01 00:00:00+01:00", undefined],
    ["0001-01-01", undefined],
    ["infinity", undefined],
    ["", undefined],
    [-1n, undefined],
    [2n ** 60n, undefined],
    [new Uint8Array([50]), undefined],
  ];
  for (const [value, seconds] of read) assert.equal(readMoment(value), seconds, String(value));
});

test("a key is a number, a UUID in either spelling, or any other text", () => {
  const read: readonly (readonly [SourceValue, string, string, number | undefined])[] = [
    [7n, "number", "7", 7],
    [2n ** 52n, "number", "4503599627370496", 2 ** 52],
    [2n ** 52n + 1n, "number", "4503599627370497", undefined],
    [0n, "number", "0", undefined],
    [-7n, "number", "-7", undefined],
    [1.5, "number", "1.5", undefined],
    ["0f8fad5bd9cb469fa16570867728950e", "uuid", "0f8fad5b-d9cb-469f-a165-70867728950e", undefined],
    [
      "0F8FAD5B-D9CB-469F-A165-70867728950E",
      "uuid",
      "0f8fad5b-d9cb-469f-a165-70867728950e",
      undefined,
    ],
    ["0f8fad5bd9cb069fa16570867728950e", "text", "0f8fad5bd9cb069fa16570867728950e", undefined],
    ["7", "text", "7", undefined],
    [null, "missing", "", undefined],
    ["", "missing", "", undefined],
    ["x".repeat(5000), "missing", "", undefined],
    [new Uint8Array([7]), "missing", "", undefined],
  ];
  for (const [value, kind, text, number] of read)
    assert.deepEqual(readKey(value), { kind, text, number }, String(value));
});

test("a flag that is neither true nor false is not guessed", () => {
  assert.deepEqual(
    [readFlag(1n), readFlag(0n), readFlag(null), readFlag("t"), readFlag(2n)],
    [true, false, false, undefined, undefined],
  );
});

const table: SourceTable = {
  schema: "main",
  name: "people",
  label: "people",
  columns: ["id", "password", "email", "is_active"].map((name) => ({
    name,
    kind: "text" as const,
  })),
  primaryKey: "id",
};

function kindsOf(password: SourceValue): readonly [string | undefined, readonly string[]] {
  const mapping = mapColumns(table, { column: [], profile: [] });
  const row: Readonly<Record<string, SourceValue>> = {
    id: 1n,
    email: "anna@example.com",
    password,
    is_active: 1n,
  };
  const user = userReader(mapping, movingDay)(mapping.columns.map(({ name }) => row[name] ?? null));
  return [user.hash, user.findings.map(({ kind }) => kind)];
}

const argon2id = `$argon2id$v=19$m=102400,t=2,p=8$${"A".repeat(22)}$${"A".repeat(43)}`;

test("a password hash keeps Django's meaning, and one that cannot be checked is listed", () => {
  assert.deepEqual(kindsOf(HASH), [HASH, []]);
  assert.deepEqual(kindsOf(`argon2${argon2id}`), [`argon2${argon2id}`, []]);
  assert.deepEqual(
    kindsOf(argon2id),
    [`argon2${argon2id}`, []],
    "a bare one would be taken for ours, which is over another text",
  );
  for (const none of ["!", "!abc", "", null]) assert.deepEqual(kindsOf(none), [undefined, []]);
  for (const unknown of [
    "crypt$$ab1JvO1",
    "md5_twice$salt$abc",
    "pbkdf2_sha256$99999999$salt$AAAA",
    "$6$salt$abc",
  ])
    assert.deepEqual(kindsOf(unknown), [undefined, ["hash_unknown"]]);
  for (const garbage of ["secret", "not a hash at all", "\0", new Uint8Array([1, 2])])
    assert.deepEqual(kindsOf(garbage), [undefined, ["no_hash"]]);
});

test("hashes are counted by Django's names for them", () => {
  assert.deepEqual(
    [
      HASH,
      `argon2${argon2id}`,
      "bcrypt_sha256$$2b$12$x",
      "$2b$12$x",
      "5f4dcc3b5aa765d61d8327deb882cf99",
    ].map(schemeOf),
    ["pbkdf2_sha256", "argon2", "bcrypt_sha256", "bcrypt", "unsalted_md5"],
  );
});
