import assert from "node:assert/strict";
import { test } from "node:test";
import { filesWithColumns, wideLinesOf, wideLinesOfCode, wideLinesOfDocument } from "./columns.ts";
import { lineOf, sources, survey, table, type Count, type Fault } from "./prose.ts";

/** Highest shares of comments and of public texts, each for itself. */
const MOST: Readonly<Record<Fault, number>> = { fragment: 0.02, marker: 0.005 };

const found = survey(sources());
const whole = found.counts.get("");

for (const kind of ["comment", "text"] as const)
  for (const [fault, most] of [
    ["fragment", MOST.fragment],
    ["marker", MOST.marker],
  ] as const)
    test(`at most ${most * 100} % of every ${kind} in the tree is a ${fault}`, () => {
      assert.ok(whole !== undefined);
      const { sentences, ...counts }: Count = whole[kind];
      const share = (fault === "fragment" ? counts.fragments : counts.markers) / sentences;
      const hits = found.hits.filter((hit) => hit.kind === kind && hit.fault === fault);
      assert.ok(
        share <= most,
        `${(share * 100).toFixed(2)} % are:\n${hits.map(lineOf).join("\n")}\n\n${table(found)}`,
      );
    });

test("the prose check is awake: it sees the comments and texts of the whole tree", () => {
  assert.ok(whole !== undefined);
  assert.ok(whole.comment.sentences > 2000, `only ${whole.comment.sentences} comments seen`);
  assert.ok(whole.text.sentences > 2000, `only ${whole.text.sentences} texts seen`);
  for (const folder of [
    "packages/contract/src",
    "packages/verifier/src",
    "packages/server/src/process",
    "packages/server/test",
    "bench",
    "tools",
  ])
    assert.ok(found.counts.has(folder), folder);
});

test("lines of code and documents have at most 100 columns", () => {
  const files = filesWithColumns();
  assert.ok(files.length >= 500, `only ${files.length} files seen`);
  assert.deepEqual(
    files.flatMap(wideLinesOf).map(({ path, line, columns }) => `${path}:${line}: ${columns}`),
    [],
  );
});

test("wide lines are found, but not what cannot be broken", () => {
  const words = "word ".repeat(25).trim();
  const long = "x".repeat(120);
  const linesOf = (lines: readonly { readonly line: number }[]) => lines.map(({ line }) => line);
  const code = [
    `// ${words}`,
    `const a = "${words}";`,
    `const b = ${"call(".repeat(25)}${")".repeat(25)};`,
    `// https://example.com/${long}`,
    "const c = `",
    words,
    "`;",
    "/**",
    ` * ${words}`,
    ` * @see https://example.com/${long}`,
    " */",
    `test("${words}", () => {});`,
    `const d = /${long}/;`,
  ].join("\n");
  assert.deepEqual(linesOf(wideLinesOfCode("a.ts", code)), [1, 3, 9]);
  const document = [words, `| ${words} |`, "```", words, "```", `- https://a.test/${long}`].join(
    "\n",
  );
  assert.deepEqual(linesOf(wideLinesOfDocument("a.md", document)), [1]);
});
