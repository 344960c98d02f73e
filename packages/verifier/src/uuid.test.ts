import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isUuid, uuidWords } from "./uuid.ts";

test("the four words of an id are its 128 bits", () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      const { a, b, c, d } = uuidWords(id);
      const hex = [a, b, c, d].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
      assert.equal(hex, id.replaceAll("-", ""));
    }),
  );
});

test("an id is converted if and only if it is in its canonical spelling", () => {
  const flawed = fc
    .tuple(
      fc.uuid(),
      fc.nat({ max: 35 }),
      fc.constantFrom("", "0", "f", "g", "A", "`", "/", ":", "-", " ", "é", "\u{1f511}", "00"),
    )
    .map(([id, at, put]) => id.slice(0, at) + put + id.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(flawed, fc.string(), fc.uuid()), (text) => {
      if (isUuid(text)) assert.ok(uuidWords(text));
      else assert.throws(() => uuidWords(text), RangeError);
    }),
    { numRuns: 2000 },
  );
});
