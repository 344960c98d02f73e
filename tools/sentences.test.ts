import assert from "node:assert/strict";
import { test } from "node:test";
import { faultsOf } from "./prose.ts";
import { sentencesOf } from "./sentences.ts";

const found = (source: string, path = "packages/server/src/a.ts") =>
  sentencesOf(path, source).map(({ line, kind, words }) => `${line} ${kind}: ${words}`);

test("comments are found with their first line, and lines that follow one another are one", () => {
  assert.deepEqual(
    found(
      [
        "/**",
        " * Opens a session. See `whoever`.",
        " *",
        " * ```ts",
        " * nobody(lest);",
        " * ```",
        " * @example whom()",
        " */",
        "const a = 1; // The first.",
        "// Two lines",
        "// of one comment.",
        "",
        "// Another one.",
      ].join("\n"),
    ),
    [
      "1 comment: Opens a session. See …. …",
      "9 comment: The first.",
      "10 comment: Two lines of one comment.",
      "13 comment: Another one.",
    ],
  );
});

test("code, directives, licences and SQL are no sentences", () => {
  const source = [
    "// oxlint-disable-next-line no-console -- nobody reads it",
    "// @ts-expect-error -- whoever",
    "// Copyright of nobody",
    "const whoever = sql`whom has ${nobody} lest`;",
    'run("select nobody from users where lest = 1");',
    `const policy = "default-src 'none'; nobody 'self'";`,
    'const code = "invalid_input";',
    "const text = '\"// of a string\"';",
  ].join("\n");
  assert.deepEqual(found(source), ['8 text: "// of a string"']);
});

test("texts are strings, templates and their sums, and short ones if people are shown them", () => {
  const source = [
    'const meta = { title: "Sign in", name: "sign in" };',
    "throw new Error(`The user ${id} has gone; sign in`);",
    'log("The first half " +',
    '  "of the sentence.");',
  ].join("\n");
  assert.deepEqual(found(source), [
    "1 text: Sign in",
    "2 text: The user … has gone; sign in",
    "3 text: The first half of the sentence.",
  ]);
});

test("a test file has the names of its tests as texts, and not what they try", () => {
  const source = [
    'test("RV-08 a logout ends one session", async () => {',
    '  assert.equal(await send("whatever nobody would say"), "of no use here");',
    "});",
    "eachDatabase(`of ${n} callers one wins`, () => {});",
  ].join("\n");
  assert.deepEqual(found(source, "packages/server/src/a.test.ts"), [
    "1 text: RV-08 a logout ends one session",
    "4 text: of … callers one wins",
  ]);
});

test("fragments and marker words are found", () => {
  for (const words of [
    "Of the client.",
    "Whose address it is.",
    "RV-08, RV-10: with a stale token nothing opens",
    "— who is asking",
    "as the original has it",
    "“What it says”",
  ])
    assert.deepEqual(faultsOf(words), ["fragment"], words);
  for (const words of [
    "It waits for nobody.",
    "The user who has lost it may ask, lest it be lost.",
    "A code that is none.",
    "Meanwhile it runs.",
  ])
    assert.deepEqual(faultsOf(words), ["marker"], words);
  assert.deepEqual(faultsOf("Whoever asks"), ["fragment", "marker"]);
});

test("plain sentences pass", () => {
  for (const words of [
    "Returns `undefined` if there is none.",
    "Asks the user for a second factor.",
    "RV-08: a logout ends one session",
    "Offers what the user needs, as RFC 9470 asks.",
    "Byte order marks are refused.",
    "With-clauses come first.",
    "The latest of all blest.",
  ])
    assert.deepEqual(faultsOf(words), [], words);
});
