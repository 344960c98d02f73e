import { size } from "../../../../../tools/size.ts";
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { openBlockList } from "./block-list.ts";
import {
  growingPasswords,
  hostileContext,
  hostilePasswords,
} from "../../../test/hostile-patterns.ts";
import {
  checkPassword,
  minimumLengths,
  normalizePassword,
  type PasswordContext,
  type PasswordPolicy,
} from "./password-policy.ts";

const scratch = await mkdtemp(join(tmpdir(), "portcullis-"));
after(async () => rm(scratch, { recursive: true }));

const blockList = await openBlockList();
const standard: PasswordPolicy = { minimumLength: minimumLengths.standard, blockList };
const nist: PasswordPolicy = { ...standard, minimumLength: minimumLengths.nist };
const nobody: PasswordContext = { serviceName: "Portcullis" };
const anna: PasswordContext = {
  ...nobody,
  email: "anna.bell@x.test",
  username: "seagull77",
  displayName: "Anna Bell",
};

/** One in so many of the common passwords is tried. */
const EVERY = size({ small: 10, full: 1 });
const some = (words: readonly string[]) => words.filter((_, index) => index % EVERY === 0);

async function listed(minimumLength: number): Promise<readonly string[]> {
  const path = fileURLToPath(import.meta.resolve("@zxcvbn-ts/language-common/src/passwords.json"));
  const list: unknown = JSON.parse(await readFile(path, "utf8"));
  assert.ok(Array.isArray(list));
  return list.filter(
    (entry): entry is string => typeof entry === "string" && entry.length >= minimumLength,
  );
}

test("PW-01: the minimum counts code points: 8 by default, 15 in the nist profile, astral characters as one each", () => {
  assert.equal(checkPassword(standard, "xq7-wol", nobody), "too_short");
  assert.equal(checkPassword(standard, "xq7-wolf", nobody), undefined);
  assert.equal(checkPassword(nist, "xq7-wolf-under1", nobody), undefined);
  assert.equal(checkPassword(nist, "xq7-wolf-under", nobody), "too_short");
  assert.equal(checkPassword(standard, "🦊🐻🐼🐨🐯🦁🐮", nobody), "too_short");
  assert.equal(checkPassword(standard, "🦊🐻🐼🐨🐯🦁🐮🐷", nobody), undefined);
});

test("PW-02: 256 code points and 1024 bytes are accepted whole, one more of either is refused", () => {
  const longest = "0123456789abcdef".repeat(16);
  assert.deepEqual(normalizePassword(longest), { kind: "normalized", password: longest });
  assert.deepEqual(normalizePassword(`${longest}x`), { kind: "refused", reason: "too_long" });
  const widest = "🦊".repeat(256);
  assert.deepEqual(normalizePassword(widest), { kind: "normalized", password: widest });
  assert.deepEqual(normalizePassword(`${widest}🦊`), { kind: "refused", reason: "too_long" });
});

test("PW-03: control characters and lone surrogates are refused, never cut off", () => {
  for (const bad of [
    "good-password\0tail",
    "\0",
    "tab\tinside",
    "line\nbreak",
    "line\r",
    "bell\u0007",
    "\u007f-delete",
    "\u0085-next",
    "\ud83d-half",
    "half-\udc00",
  ]) {
    assert.deepEqual(
      normalizePassword(bad),
      { kind: "refused", reason: "forbidden_character" },
      JSON.stringify(bad),
    );
  }
});

test("PW-03: any well-formed text without control characters is accepted, spaces and emoji included", () => {
  const text = fc
    .string({ unit: "grapheme", minLength: 8, maxLength: 20 })
    .filter((s) => !/\p{Cc}/u.test(s));
  fc.assert(
    fc.property(text, (raw) => normalizePassword(raw).kind === "normalized"),
    { numRuns: 200 },
  );
  assert.equal(checkPassword(standard, "  spaces at both ends  ", nobody), undefined);
  assert.equal(checkPassword(standard, "пароль из четырёх слов", nobody), undefined);
});

test("PW-04: NFKC is the only transformation: forms of one text are one password, case and spaces are kept", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (raw) => {
      const outcome = normalizePassword(raw);
      if (outcome.kind === "refused") return;
      assert.equal(outcome.password, raw.normalize("NFKC"));
      for (const form of ["NFC", "NFD", "NFKC", "NFKD"])
        assert.deepEqual(normalizePassword(raw.normalize(form)), outcome);
    }),
    { numRuns: 300 },
  );
  assert.deepEqual(normalizePassword(" Ｐass ﬁsh "), {
    kind: "normalized",
    password: " Pass fish ",
  });
});

test("IN-05: limits hold before and after normalisation, so what grows is refused", () => {
  for (const raw of growingPasswords)
    assert.deepEqual(normalizePassword(raw), { kind: "refused", reason: "too_long" });
});

test("PW-05: at least 3,000 common passwords satisfy the length policy, and every one is refused in any case", async () => {
  const common = await listed(minimumLengths.standard);
  assert.ok(common.length >= 3000, `${common.length} entries`);
  for (const password of some(common))
    assert.equal(checkPassword(standard, password, nobody), "common", password);
  for (const password of some(common.slice(0, 500)))
    assert.equal(checkPassword(standard, password.toUpperCase(), nobody), "common", password);
});

test("PW-05: a longer minimum is not met by repeating a common password", async () => {
  const doubled = (await listed(minimumLengths.standard)).map((password) => password + password);
  assert.ok(doubled.length >= 3000);
  for (const password of some(doubled))
    assert.equal(checkPassword(nist, password, nobody), "common", password);
  for (const password of [
    "aaaaaaaaaaaaaaaa",
    "abcabcabcabcabcabc",
    "ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ",
    "DragonDragonDragon",
  ])
    assert.equal(checkPassword(nist, password, nobody), "common");
});

test("PW-05: the operator's breached set is held locally, as passwords or as SHA-1, with or without counts", async () => {
  const path = join(scratch, "breached.txt");

  const digests = [
    sha1("another one"),
    sha1("Correct-Horse-9").toUpperCase(),
    `${sha1("winter in lisbon")}:1207`,
  ];
  await writeFile(path, ["plain breached entry", "ＷＩＤＥ breached", ...digests, ""].join("\r\n"));
  const policy = { ...standard, blockList: await openBlockList(path) };
  for (const password of [
    "plain breached entry",
    "Plain Breached Entry",
    "wide breached",
    "Correct-Horse-9",
    "winter in lisbon",
    "password1",
  ]) {
    assert.equal(checkPassword(policy, password, nobody), "common", password);
    assert.equal(
      checkPassword(standard, password, nobody),
      password === "password1" ? "common" : undefined,
    );
  }
  assert.equal(checkPassword(policy, "plain breached entr", nobody), undefined);
  assert.equal(policy.blockList.added, 5);
  assert.equal(standard.blockList.added, 0);
});

test("a list of refused passwords that cannot be read is told at boot", async () => {
  await assert.rejects(openBlockList(join(scratch, "missing.txt")), {
    name: "RangeError",
    message: /cannot be read: name a readable text file/u,
  });
});

test("PW-06: passwords made of the service, the address, the names and their simple derivations are refused", () => {
  const refused = [
    "annabell-annabell",
    "AnnaBell!",
    "anna.bell@x.test",
    "4nn4b3ll4nn4",
    "bell bell bell",
    "Ännabéll-1985",
    "annabell2024!",
    "seagull77",
    "Seagull!!!!!!!!!!!!!",
    "portcullis",
    "P0rtcull1s-99",
    "portcullis-anna",
    "p.o.r.t.c.u.l.l.i.s",
    "annabell11111111",
  ];
  for (const password of refused)
    assert.equal(checkPassword(standard, password, anna), "contains_context", password);
  assert.equal(
    checkPassword(standard, "acme-widgets-1", { ...nobody, email: "x@mail.acme-widgets.example" }),
    "contains_context",
  );
  assert.equal(
    checkPassword(standard, "ЖЕНЯ-женя-женя", { ...nobody, displayName: "Женя" }),
    "contains_context",
  );
});

test("PW-06: a password that merely contains a context word is accepted, and short words do not count", () => {
  for (const password of [
    "anna likes to sail in autumn",
    "bell tower under the moon",
    "portcullis: raise it slowly",
    "greatest hits of 1974",
  ]) {
    assert.equal(checkPassword(standard, password, anna), undefined, password);
  }
  assert.equal(
    checkPassword(standard, "eva-0824", { ...nobody, email: "eva@x.test", displayName: "Eva Li" }),
    undefined,
  );
  assert.equal(
    checkPassword(standard, "xq7-wolf", { ...nobody, email: "", username: null, displayName: "…" }),
    undefined,
  );
});

test("IN-06: hostile passwords are judged by the same rules, also beside hostile names", () => {
  const judged = hostilePasswords.map((password) =>
    checkPassword(standard, password, hostileContext),
  );
  assert.deepEqual(judged, [undefined, undefined, "common", "common"]);
});

function sha1(text: string): string {
  return hash("sha1", text, "hex");
}
