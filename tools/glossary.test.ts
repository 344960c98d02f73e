import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openApiDocument } from "../packages/contract/src/index.ts";
import { filesOfTree } from "./tree.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const GLOSSARY = "docs/glossary.md";

/**
 * Words that have a meaning of their own here, or a narrower one than elsewhere. A new word that a
 * page uses in such a way belongs in this list.
 */
const houseWords = [
  "access token",
  "account",
  "assurance",
  "attempt",
  "attempt id",
  "audit event",
  "authorization epoch",
  "barrier",
  "budget",
  "cause",
  "ceremony",
  "challenge",
  "channel",
  "claim",
  "dead letter",
  "demand",
  "device token",
  "face",
  "factor",
  "fault",
  "generation",
  "grace",
  "guess",
  "hard epoch",
  "held",
  "lease",
  "letter",
  "master secret",
  "node",
  "operator",
  "outbox",
  "passkey",
  "paused",
  "policy",
  "proof",
  "recovery code",
  "refresh",
  "refresh token",
  "refusal",
  "remembered device",
  "requirement",
  "reuse",
  "revocation",
  "revocation view",
  "rotation",
  "sealed",
  "second factor",
  "session",
  "settle",
  "stale",
  "standing",
  "step-up",
  "superuser",
  "suppression",
  "theft",
  "trusted device",
  "user",
  "verifier",
  "void",
];

interface Entry {
  readonly word: string;
  readonly meaning: string;
}

function entriesOf(glossary: string): readonly Entry[] {
  return [...glossary.matchAll(/^- \*\*([^*]+)\*\*: ((?:.+\n?(?:^ {2}.+\n?)*))/gm)].map(
    ([, word = "", meaning = ""]) => ({ word, meaning: meaning.replace(/\s+/g, " ").trim() }),
  );
}

/** The pages for users, operators and engineers, without decisions, which are history. */
const pages = filesOfTree(root).filter(
  (path) =>
    /^([A-Z]+\.md|docs\/.+\.md)$/.test(path) &&
    path !== GLOSSARY &&
    !path.startsWith("docs/decisions/"),
);

function textsIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    typeof member === "string" && ["summary", "description", "title"].includes(name)
      ? [member]
      : textsIn(member),
  );
}

const entries = entriesOf(read(GLOSSARY));
const defined = new Set(entries.map(({ word }) => word));
const openApi = textsIn(openApiDocument({ publicUrl: "https://example.com", version: "1" }));
const prose = [...pages.map(read), ...openApi].join("\n").replace(/```[\s\S]*?```|`[^`]*`/g, "");
const isUsed = (word: string) =>
  new RegExp(`\\b${word.replace(/[ -]/g, "[ -]")}(s|es)?\\b`, "i").test(prose);

test("every house word that a page or the OpenAPI document uses is in the glossary", () => {
  assert.ok(pages.length >= 20 && openApi.length >= 100, "too few pages or texts seen");
  assert.deepEqual(
    houseWords.filter((word) => isUsed(word) && !defined.has(word)),
    [],
  );
});

test("the glossary has each word once, in order, with a sentence, and no word that is not used", () => {
  const words = entries.map(({ word }) => word);
  assert.ok(words.length >= 40);
  assert.deepEqual(words, [...new Set(words)].toSorted());
  for (const { word, meaning } of entries) assert.match(meaning, /^[A-Z].+\.$/, word);
  assert.deepEqual(
    words.filter((word) => !houseWords.includes(word)),
    [],
    "words that the list of this test does not have",
  );
  assert.deepEqual(
    words.filter((word) => !isUsed(word)),
    [],
    "words that no page uses",
  );
});

test("a word in italics within the glossary has an entry", () => {
  const cited = entries.flatMap(({ meaning }) =>
    [...meaning.matchAll(/(?<!\*)\*([a-z -]+)\*/g)].map(([, word = ""]) => word),
  );
  assert.ok(cited.length >= 30);
  const isDefined = (word: string) =>
    [word, word.replace(/s$/, "")].some((form) => defined.has(form));
  assert.deepEqual(
    cited.filter((word) => !isDefined(word)),
    [],
  );
});

test("the glossary check reads entries of several lines, and finds a word that is missing", () => {
  assert.deepEqual(entriesOf("- **a b**: One\n  two.\n- **c**: Three.\n"), [
    { word: "a b", meaning: "One two." },
    { word: "c", meaning: "Three." },
  ]);
  assert.ok(isUsed("session") && isUsed("step-up"));
  assert.ok(!isUsed("portcullises"));
});
