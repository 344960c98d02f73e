import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hostileAddresses } from "../../../test/hostile-patterns.ts";
import { readAddress } from "./address.ts";

const label63 = "a".repeat(63);
const local64 = "l".repeat(64);
const longestDomain = `${label63}.${label63}.${"b".repeat(56)}.test`;

/** Typed, what mail goes to, what it is compared by. */
const accepted: readonly (readonly [string, string, string])[] = [
  ["anna@example.com", "anna@example.com", "anna@example.com"],
  ["Anna.Bell@Example.COM", "Anna.Bell@example.com", "anna.bell@example.com"],
  ["anna+tag@example.com", "anna+tag@example.com", "anna+tag@example.com"],
  ["a@x.test", "a@x.test", "a@x.test"],
  ["1@x.test", "1@x.test", "1@x.test"],
  ["o'brien@x.test", "o'brien@x.test", "o'brien@x.test"],
  ["first-last@x.test", "first-last@x.test", "first-last@x.test"],
  ["_underscore_@x.test", "_underscore_@x.test", "_underscore_@x.test"],
  ["!#$%&'*+/=?^_`{|}~-@x.test", "!#$%&'*+/=?^_`{|}~-@x.test", "!#$%&'*+/=?^_`{|}~-@x.test"],
  ["a.b.c.d.e@x.test", "a.b.c.d.e@x.test", "a.b.c.d.e@x.test"],
  ["anna@sub.domain.example.com", "anna@sub.domain.example.com", "anna@sub.domain.example.com"],
  ["anna@3com.com", "anna@3com.com", "anna@3com.com"],
  ["anna@1.2.3.example", "anna@1.2.3.example", "anna@1.2.3.example"],
  ["anna@ex-ample.com", "anna@ex-ample.com", "anna@ex-ample.com"],
  ["anna@a--b.example", "anna@a--b.example", "anna@a--b.example"],
  ["anna@exämple.de", "anna@xn--exmple-cua.de", "anna@xn--exmple-cua.de"],
  ["anna@EXÄMPLE.de", "anna@xn--exmple-cua.de", "anna@xn--exmple-cua.de"],
  ["anna@XN--EXMPLE-CUA.DE", "anna@xn--exmple-cua.de", "anna@xn--exmple-cua.de"],
  ["anna@faß.de", "anna@xn--fa-hia.de", "anna@xn--fa-hia.de"],
  ["anna@bücher.example", "anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"],
  ["anna@例え.jp", "anna@xn--r8jz45g.jp", "anna@xn--r8jz45g.jp"],
  ["anna@пример.рф", "anna@xn--e1afmkfd.xn--p1ai", "anna@xn--e1afmkfd.xn--p1ai"],
  ["anna@gıthub.com", "anna@xn--gthub-n4a.com", "anna@xn--gthub-n4a.com"],
  ["anna@\u0430pple.com", "anna@xn--pple-43d.com", "anna@xn--pple-43d.com"],
  [`${local64}@x.test`, `${local64}@x.test`, `${local64}@x.test`],
  [`a@${label63}.test`, `a@${label63}.test`, `a@${label63}.test`],
  [`${local64}@${longestDomain}`, `${local64}@${longestDomain}`, `${local64}@${longestDomain}`],
  ...["com", "io", "museum", "photography", "co.uk", "xn--p1ai"].map(
    (end) => [`Mike@x.${end}`, `Mike@x.${end}`, `mike@x.${end}`] as const,
  ),
];

const controls = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code));
const notInLocalPart = [
  '"',
  "(",
  ")",
  ",",
  ":",
  ";",
  "<",
  ">",
  "[",
  "\\",
  "]",
  " ",
  "@",
  "\u00a0",
  "\u2028",
  "\u200b",
  "\u00ad",
  "\u202e",
  "é",
  "ı",
  "ß",
  "日",
  "🦊",
  "\ud800",
];
const notInDomain = [
  '"',
  "(",
  ")",
  ",",
  ":",
  ";",
  "<",
  ">",
  "[",
  "\\",
  "]",
  " ",
  "@",
  "%",
  "/",
  "?",
  "#",
  "_",
  "!",
  "+",
  "&",
  "*",
  "\u00a0",
  "\u200b",
  "\u200d",
  "\u00ad",
  "\u2060",
  "\u3002",
  "🦊",
  "\udc00",
];
/** Characters that NFKC turns into ASCII: a second spelling of somebody else's address. */
const changedByNfkc = [
  "\uff20",
  "\ufe6b",
  "\u212a",
  "\uff41",
  "\u017f",
  "\u2024",
  "\uff0e",
  "\u00aa",
  "\u2460",
  "\ufb01",
  "\u1d43",
  "\u{1d41a}",
];

const refused = [
  [
    "",
    "@",
    "anna",
    "anna@",
    "@x.test",
    "anna@@x.test",
    "anna@b@x.test",
    "anna@x.test@y.test",
    "x.test",
  ],
  [
    " anna@x.test",
    "anna@x.test ",
    "anna @x.test",
    "anna@ x.test",
    "anna@x.test\n",
    "\tanna@x.test",
    "anna@x.test\r\nBcc: mike@y.test",
  ],
  [
    "anna@x.test,mike@y.test",
    "anna@x.test;mike@y.test",
    "anna@x.test mike@y.test",
    "mike@y.test,anna@x.test",
  ],
  [
    "Anna <anna@x.test>",
    "<anna@x.test>",
    "mailto:anna@x.test",
    '"anna"@x.test',
    '"anna bell"@x.test',
    '"a@b"@x.test',
    '"anna@y.test> x"@x.test',
  ],
  [
    "anna(comment)@x.test",
    "(comment)anna@x.test",
    "anna@x.test(comment)",
    "anna@(comment)x.test",
    "group:anna@x.test;",
  ],
  ["=?utf-8?q?anna?=@x.test", "=?utf-8?Q?anna=40y.test=3E?=@x.test", "a=?utf-8?b?YQ==?=@x.test"],
  [
    ".anna@x.test",
    "anna.@x.test",
    "anna..bell@x.test",
    "anna@.x.test",
    "anna@x.test.",
    "anna@x..test",
    "anna@.",
  ],
  [
    "anna@localhost",
    "anna@test",
    "anna@x.t",
    "anna@-x.test",
    "anna@x-.test",
    "anna@x.-test",
    "anna@x.test-",
    "anna@ab--cd.test",
  ],
  [
    "anna@127.0.0.1",
    "anna@1.2",
    "anna@0x7f.1",
    "anna@x.123",
    "anna@x.0x10",
    "anna@[127.0.0.1]",
    "anna@[IPv6:::1]",
    "anna@::1",
    "anna@2130706433",
  ],
  [
    "anna@x.test:25",
    "anna@x.test/path",
    "anna@x.test?cc=mike@y.test",
    "anna@x.test#y",
    "anna@ex%61mple.com",
    "anna@x_y.test",
  ],
  [
    "anna@xn--a.com",
    "anna@xn--.com",
    "anna@xn--u-ccb.com",
    "anna@xn--a-ecp.ru",
    "anna@xn--1ug.com",
    "anna@x.xn--",
    "anna@xn--strasse-.de",
  ],
  [
    `${local64}l@x.test`,
    `a@${label63}a.test`,
    `${local64}@${label63}.${label63}.${"b".repeat(57)}.test`,
    `a@${"b.".repeat(130)}test`,
  ],
  [
    "m\u0131ke@x.test",
    "mi\u212ae@x.test",
    "mike\uff20x.test",
    "mike@\uff58.test",
    "mike@x\u3002test",
    "jose\u0301@x.test",
    "josé@x.test",
    "e@e\u0301.test",
  ],
  controls.flatMap((control) => [`an${control}na@x.test`, `anna@x${control}y.test`]),
  ["\u007f", "\u0085"].map((control) => `an${control}na@x.test`),
  notInLocalPart.map((bad) => `an${bad}na@x.test`),
  notInDomain.map((bad) => `anna@x${bad}y.test`),
  changedByNfkc.flatMap((look) => [`an${look}na@x.test`, `anna@x${look}y.test`]),
].flat();

test("RG-08: an address has one canonical form: A-label domain, all in lower case", () => {
  for (const [raw, address, canonical] of accepted)
    assert.deepEqual(readAddress(raw), { kind: "address", address, canonical }, raw);
});

test("RG-09: exactly the plain addresses of a corpus of more than 200 are read", () => {
  assert.ok(new Set([...refused, ...accepted.map(([raw]) => raw)]).size >= 200);
  for (const raw of refused)
    assert.deepEqual(readAddress(raw), { kind: "refused" }, JSON.stringify(raw));
});

test("RG-08: look-alikes of a stored address are refused or compare as somebody else", () => {
  const stored = readAddress("mike@x.test");
  for (const look of [
    "m\u0131ke@x.test",
    "mi\u212ae@x.test",
    "mike\uff20x.test",
    "m\u0456ke@x.test",
    "mike@\u0445.test",
    "mike@x.test\u200b",
  ]) {
    assert.notDeepEqual(readAddress(look), stored, JSON.stringify(look));
  }
  assert.deepEqual(readAddress("MIKE@X.TEST"), {
    kind: "address",
    address: "MIKE@x.test",
    canonical: "mike@x.test",
  });
});

test("RG-09: whatever is read is one ASCII address, and reading it again changes nothing", () => {
  const part = fc.string({
    unit: fc.constantFrom(...Array.from('aZ09.-_+ä日@<>,"( )%\u00ad\uff20\u212a\r\n\0')),
    maxLength: 12,
  });
  fc.assert(
    fc.property(part, part, (local, domain) => {
      const read = readAddress(`${local}@${domain}.test`);
      if (read.kind === "refused") return;
      assert.match(read.address, /^[!-?A-~]+@[a-z0-9.-]+$/u);
      assert.deepEqual(readAddress(read.address), read);
      assert.deepEqual(readAddress(read.canonical), {
        kind: "address",
        address: read.canonical,
        canonical: read.canonical,
      });
    }),
    { numRuns: 1000 },
  );
});

test("IN-06: hostile patterns of 64 KiB, or as long as an address may be, are refused", () => {
  for (const raw of hostileAddresses)
    assert.equal(readAddress(raw).kind, "refused", `${raw.slice(0, 20)}… of ${raw.length}`);
});
