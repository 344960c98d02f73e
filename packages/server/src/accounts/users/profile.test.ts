import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createProfileRules, standardSchema, type Json, type Profile } from "./profile.ts";

const standard = createProfileRules();
const anything = createProfileRules({ type: "object" });

function parse(json: string): Profile {
  return JSON.parse(json);
}

function nested(levels: number): Json {
  return Array.from({ length: levels }).reduce<Json>((inner) => ({ inner }), "deep");
}

test("a profile is a display name, a locale and a time zone if the operator sets no schema", () => {
  for (const profile of [
    {},
    {
      displayName: "Anna Bell 👩‍🚀",
      locale: "de-CH-1996",
      timezone: "America/Argentina/Buenos_Aires",
    },
    { timezone: "Etc/GMT+5" },
  ]) {
    assert.deepEqual(standard.check(profile), [], JSON.stringify(profile));
  }
  for (const [profile, path] of [
    [{ displayName: "x".repeat(101) }, "/displayName"],
    [{ displayName: 7 }, "/displayName"],
    [{ locale: "not a locale" }, "/locale"],
    [{ timezone: "../../etc/passwd" }, "/timezone"],
    [{ role: "admin" }, "/role"],
    [{ "a/b~c": 1 }, "/a~1b~0c"],
  ] as const) {
    assert.deepEqual(
      standard.check(profile).map((problem) => problem.path),
      [path],
      JSON.stringify(profile),
    );
  }
});

test("the standard schema is one that an operator could name, so it need not be checked at start", () => {
  assert.doesNotThrow(() => createProfileRules(standardSchema));
});

test("RG-10: neither rights nor verification are members of the standard profile", () => {
  for (const member of [
    "id",
    "role",
    "superuser",
    "superuserSince",
    "emailVerifiedAt",
    "verified",
    "hardEpoch",
    "createdAt",
  ]) {
    assert.deepEqual(standard.check({ [member]: 1 }), [
      { path: `/${member}`, message: "is not a member of the profile" },
    ]);
  }
});

test("IN-12: a display name holds no line break, escape sequence or turn of direction", () => {
  for (const name of [
    "a\r\nBcc: x@y.test",
    "a\u001b[31m",
    "a\u0085b",
    "a\u2028b",
    "a\u202eb",
    "a\u2066b",
    "a\u007f",
  ]) {
    assert.deepEqual(
      standard.check({ displayName: name }).map((problem) => problem.path),
      ["/displayName"],
      JSON.stringify(name),
    );
  }
});

test("IN-03: nothing is coerced, defaulted or removed", () => {
  const rules = createProfileRules({
    type: "object",
    properties: { age: { type: "integer", default: 7 }, list: { type: "array" } },
  });
  for (const profile of [{ age: "7" }, { age: true }, { age: null }, { list: "x" }])
    assert.equal(rules.check(profile).length, 1);
  const profile = {};
  assert.deepEqual(rules.check(profile), []);
  assert.deepEqual(profile, {});
});

test("a profile is checked against the operator's schema, 2020-12 keywords and formats included", () => {
  const rules = createProfileRules({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    required: ["team"],
    properties: {
      team: { enum: ["red", "blue"] },
      site: { type: "string", format: "uri" },
      point: { type: "array", prefixItems: [{ type: "number" }], items: false },
    },
    unevaluatedProperties: false,
  });
  assert.deepEqual(rules.check({ team: "red", site: "https://x.test/", point: [1] }), []);
  assert.deepEqual(rules.check({}), [{ path: "", message: "must have required property 'team'" }]);
  assert.deepEqual(rules.check({ team: "green" }), [
    { path: "/team", message: "must be equal to one of the allowed values" },
  ]);
  assert.deepEqual(
    rules.check({ team: "red", site: "not a uri" }).map((problem) => problem.path),
    ["/site"],
  );
  assert.deepEqual(
    rules.check({ team: "red", point: [1, 2] }).map((problem) => problem.path),
    ["/point"],
  );
  assert.deepEqual(rules.check({ team: "red", other: 1 }), [
    { path: "/other", message: "is not a member of the profile" },
  ]);
});

test("a schema that cannot be used is told at boot, in a sentence", () => {
  const broken: readonly unknown[] = [
    "{}",
    [],
    null,
    true,
    { type: "text" },
    { propertis: {} },
    { $ref: "https://x.test/schema.json" },
    { $schema: "http://json-schema.org/draft-07/schema#" },
    { properties: { site: { type: "string", format: "emial" } } },
    { properties: { site: { pattern: "(" } } },
    { $async: true, type: "object" },
  ];
  for (const schema of broken) {
    assert.throws(
      () => createProfileRules(schema),
      { name: "RangeError", message: /^The profile schema / },
      JSON.stringify(schema),
    );
  }
});

test("IN-04: text that one of the databases cannot keep is refused wherever it stands", () => {
  for (const bad of ["a\0b", "\ud800", "\udc00x"]) {
    assert.deepEqual(anything.check({ a: [{ b: bad }] }), [
      { path: "/a/0/b", message: "must be well-formed text without NUL" },
    ]);
    assert.deepEqual(anything.check({ a: { [bad]: 1 } }), [
      { path: "/a", message: "has a member whose name is not acceptable" },
    ]);
  }
  assert.deepEqual(anything.check(parse('{"a":1e400}')), [
    { path: "/a", message: "must be a finite number" },
  ]);
});

test("a profile is at most 8 KiB and 16 levels deep", () => {
  assert.deepEqual(anything.check({ a: "x".repeat(8184) }), []);
  assert.deepEqual(anything.check({ a: "x".repeat(8185) }), [
    { path: "", message: "must not exceed 8192 bytes" },
  ]);
  assert.equal(anything.check({ a: "ä".repeat(4093) }).length, 1);
  assert.deepEqual(anything.check({ a: nested(15) }), []);
  assert.equal(anything.check({ a: nested(16) }).length, 1);
});

test("a patch is merged at any depth as RFC 7396, Appendix A, has it", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ['{"a":[1,2]}', '{"a":{"b":1}}', '{"a":{"b":1}}'],
  ];
  for (const [stored, patch, merged] of cases)
    assert.deepEqual(standard.merge(parse(stored), parse(patch)), parse(merged), patch);
});

test("merging changes neither the stored profile nor the patch, and a patch applied twice is a patch applied once", () => {
  const profile = fc
    .dictionary(fc.string(), fc.jsonValue())
    .map((value) => parse(JSON.stringify(value)));
  fc.assert(
    fc.property(profile, profile, (stored, patch) => {
      const before = JSON.stringify([stored, patch]);
      const merged = standard.merge(stored, patch);
      assert.equal(JSON.stringify([stored, patch]), before);
      assert.deepEqual(standard.merge(merged, patch), merged);
    }),
    { numRuns: 200 },
  );
});

test("IN-02: no member name reaches a prototype", () => {
  const patches = [
    '{"__proto__":{"polluted":true}}',
    '{"a":{"__proto__":{"polluted":true}}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
  ];
  for (const patch of patches) {
    const merged = anything.merge(parse("{}"), parse(patch));
    assert.equal(Reflect.get({}, "polluted"), undefined);
    assert.equal(Object.getPrototypeOf(merged), Object.prototype);
    assert.deepEqual(
      anything.check(merged).map((problem) => problem.message),
      ["has a member whose name is not acceptable"],
      patch,
    );
  }
});
