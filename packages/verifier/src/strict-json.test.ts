import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findJsonDefect, type JsonDefect } from "./strict-json.ts";

const defect = (text: string): JsonDefect | undefined => findJsonDefect(text, { maxDepth: 8 });

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("every text that JSON.stringify writes is sound, with and without white space", () => {
  const sound = fc
    .jsonValue({ maxDepth: 5 })
    .filter((value) => defect(JSON.stringify(value)) !== "forbidden_key");
  fc.assert(
    fc.property(sound, fc.constantFrom(undefined, 1, "\t", "\n\r "), (value, space) => {
      assert.equal(defect(JSON.stringify(value, null, space)), undefined);
    }),
  );
});

test("a text has a syntax defect exactly if JSON.parse refuses it, after any change to it", () => {
  const alphabet = [
    ...'{ } [ ] : , " \\ \t \n - + . e E 0 1 9 a f t n u /'.split(" "),
    " ",
    "true",
    "false",
    "null",
    "\\u0041",
    '"a"',
    '"b":',
    "\u0001",
    "\u00a0",
    "\ufeff",
    "\u2028",
  ];
  const soup = fc
    .array(fc.constantFrom(...alphabet), { maxLength: 14 })
    .map((parts) => parts.join(""));
  const damaged = fc
    .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.nat({ max: 2 }), fc.constantFrom("", ...alphabet))
    .map(
      ([text, place, cut, insert]) =>
        text.slice(0, place % (text.length + 1)) +
        insert +
        text.slice((place % (text.length + 1)) + cut),
    );
  fc.assert(
    fc.property(fc.oneof(soup, damaged), (text) => {
      const found = defect(text);
      if (found === undefined)
        assert.ok(parses(text), "The text passed, but JSON.parse refuses it.");
      if (found === "syntax")
        assert.ok(!parses(text), "The text was refused for its syntax, but JSON.parse accepts it.");
    }),
    { numRuns: 4000 },
  );
});

test("JW-09 a name that an object has twice is found at any depth and in any spelling", () => {
  assert.equal(defect('{"a":1,"a":2}'), "duplicate_key");
  assert.equal(defect('{"a":1,"\\u0061":2}'), "duplicate_key");
  assert.equal(defect('{"":1,"":2}'), "duplicate_key");
  assert.equal(defect('[[{"x":{"b":1,"c":2,"b":3}}]]'), "duplicate_key");
  const many = Array.from({ length: 40 }, (_, i) => `"k${i}":${i}`);
  assert.equal(defect(`{${many.join(",")}}`), undefined);
  for (const i of [0, 11, 12, 13, 39])
    assert.equal(defect(`{${many.join(",")},"k${i}":0}`), "duplicate_key");
  assert.equal(
    defect('{"a":{"a":[{"a":1},{"a":2}]},"A":1}'),
    undefined,
    "the same name in two objects is not a duplicate",
  );
});

test("strings that reach a prototype are found as names and accepted as values", () => {
  for (const name of ["__proto__", "constructor", "prototype", "\\u005f_proto__"]) {
    assert.equal(defect(`{"x":[{"${name}":1}]}`), "forbidden_key");
    assert.equal(defect(`["${name}"]`), undefined);
  }
});

test("halves of surrogate pairs and NUL are found, written out and escaped", () => {
  const high = "\ud83d";
  const low = "\ude00";
  for (const text of [
    high,
    low,
    `${high}x`,
    low + high,
    high + high + low,
    "\\ud83d",
    "\\uDE00",
    "\\ud83d\\n",
    `${high}\\u0041`,
    "\\u0000",
  ]) {
    assert.equal(defect(`"${text}"`), "bad_text");
    assert.equal(defect(`{"${text}":1}`), "bad_text");
  }
  for (const text of [
    "😀",
    "\\ud83d\\ude00",
    `${high}\\ude00`,
    `\\ud83d${low}`,
    "\\\\u0000",
    "\ufffd",
  ])
    assert.equal(defect(`"${text}"`), undefined);
});

test("the depth is limited for texts of any depth", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  assert.equal(defect(nested(8)), undefined);
  assert.equal(defect(nested(9)), "too_deep");
  assert.equal(defect('{"a":'.repeat(100_000)), "too_deep");
  assert.equal(findJsonDefect(nested(100_000), { maxDepth: 100_000 }), undefined);
});

test("numbers that JSON does not have are refused", () => {
  for (const text of [
    "01",
    "+1",
    ".5",
    "1.",
    "1e",
    "1e+",
    "-",
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "--1",
  ])
    assert.equal(defect(text), "syntax", text);
  for (const text of ["0", "-0", "10", "1.50", "1e400", "-1E-7"])
    assert.equal(defect(text), undefined, text);
});
