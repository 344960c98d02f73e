import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hostileUsernames } from "../../../test/hostile-patterns.ts";
import { readUsername } from "./username.ts";

function canonical(raw: string): string {
  const read = readUsername(raw);
  assert.equal(read.kind, "username", `${raw}: ${JSON.stringify(read)}`);
  return read.canonical;
}

test("usernames in the scripts people write in are accepted as they were written", () => {
  const names = [
    "anna",
    "Anna.Bell-85",
    "a",
    "7",
    "user_1",
    "Łukasz",
    "Nguyễn",
    "ẹ\u0301bun",
    "Ольга",
    "Ελένη",
    "محمد",
    "דוד",
    "राम",
    "สมชาย",
    "தமிழ்",
    "དབྱངས",
    "አበበ",
  ];
  const writings = [
    "山田タロウ",
    "やまだ",
    "サーバー",
    "김철수",
    "金철수",
    "王小明",
    "王ㄒㄧㄠ",
    "山田99",
  ];
  for (const name of [...names, ...writings]) {
    const read = readUsername(name);
    assert.equal(read.kind, "username", `${name}: ${JSON.stringify(read)}`);
    assert.equal(read.username, name.normalize("NFC"));
  }
});

test("a username is 1 to 64 code points", () => {
  assert.deepEqual(readUsername(""), { kind: "refused", reason: "wrong_length" });
  assert.equal(readUsername("a".repeat(64)).kind, "username");
  assert.deepEqual(readUsername("a".repeat(65)), { kind: "refused", reason: "wrong_length" });
  assert.deepEqual(readUsername("a".repeat(10_000_000)), {
    kind: "refused",
    reason: "wrong_length",
  });
});

test("RG-14: nothing with any form of @ and no text NFKC would change is a username", () => {
  const addresses = ["mike@x.test", "@mike", "mike@", "mike＠x.test", "mike﹫x.test"];
  const changed = ["ｍike", "ﬁsh", "mike²", "mikeⅧ", "\u{1d426}ike", "ªnna"];
  const others = [
    "an na",
    "anna ",
    "an\tna",
    "an\0na",
    "an\nna",
    "anna!",
    "an/na",
    "a+b",
    "<b>",
    "anna🦊",
    "an\u200bna",
    "an\u00adna",
    "an\u202ena",
    "\ud800",
    "a\u3164b",
  ];
  for (const name of [...addresses, ...changed, ...others, `z${"\u0334".repeat(6)}`]) {
    assert.deepEqual(
      readUsername(name),
      { kind: "refused", reason: "forbidden_character" },
      JSON.stringify(name),
    );
  }
});

test("a username begins and ends with a letter or a digit", () => {
  for (const name of [".anna", "anna.", "-anna", "anna-", "_anna", "anna_", ".", "\u0301anna"]) {
    assert.deepEqual(
      readUsername(name),
      { kind: "refused", reason: "edge_punctuation" },
      JSON.stringify(name),
    );
  }
});

test("IN-14: scripts that are not written together are refused, and so are rare ones", () => {
  const mixed = [
    "annа",
    "аnna",
    "pаypal",
    "αnna",
    "anna王",
    "Ольгa",
    "やまだ김",
    "やまだㄒ",
    "user٣",
    "१abc",
    "ᏢᎪᎩ",
    "ⲁⲛⲛⲁ",
  ];
  for (const name of mixed)
    assert.deepEqual(readUsername(name), { kind: "refused", reason: "mixed_scripts" }, name);
});

test("names that differ only in case or in composition are one name", () => {
  for (const [one, other] of [
    ["Anna", "aNNA"],
    ["Straße", "STRASSE"],
    ["Σίσυφος", "ΣΊΣΥΦΟΣ"],
    ["José", "Jose\u0301"],
    ["ıvan", "IVAN"],
    ["mike", "mi\u212ae"],
    ["ОЛЬГА", "ольга"],
    ["ǰan", "J\u030cAN"],
  ] as const) {
    assert.equal(canonical(one), canonical(other), one);
  }
  assert.notEqual(canonical("anna"), canonical("ana"));
});

test("the canonical form is a fixed point", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }),
      fc.integer({ min: 0xc0, max: 0x24f }),
      (text, code) => {
        for (const raw of [text, String.fromCodePoint(code), `a${String.fromCodePoint(code)}s`]) {
          const read = readUsername(raw);
          if (read.kind === "refused") return;
          assert.equal(canonical(read.username), read.canonical);
          assert.equal(canonical(read.canonical), read.canonical);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("IN-06: hostile patterns of 64 KiB are refused, and shorter ones by the rules for names", () => {
  for (const raw of hostileUsernames) {
    const outcome = readUsername(raw);
    const said = `${raw.slice(0, 20)}… of ${raw.length}`;
    if (raw.length > 64) assert.equal(outcome.kind, "refused", said);
    else if (outcome.kind === "username") assert.equal(outcome.username, raw, said);
  }
});
