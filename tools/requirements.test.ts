import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import {
  anchorsOf,
  citationsIn,
  citationsOfTree,
  readRequirements,
  referencesIn,
  requirementsPage,
  strayCitationsIn,
} from "./requirements.ts";
import { filesOfTree } from "./tree.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
/** This file quotes what it forbids. */
const sources = filesOfTree(root).filter(
  (path) => path.endsWith(".ts") && path !== "tools/requirements.test.ts",
);

const requirements = readRequirements();
const ids = new Set(
  [...requirements.requirements, ...requirements.experiments].map(({ id }) => id),
);

test("every requirement that a test or a comment cites exists", () => {
  const { proofs, mentions } = citationsOfTree(requirements);
  assert.ok(proofs.length >= 300 && mentions.length >= 100, "too few citations seen");
  assert.deepEqual(
    [...proofs, ...mentions]
      .filter(({ id }) => !ids.has(id))
      .map(({ path, line, id }) => `${path}:${line}: ${id} is no requirement`),
    [],
  );
});

test("the requirements have ids of a known family, in order and without gaps", () => {
  const numbers = new Map<string, number>();
  for (const { id, says } of requirements.requirements) {
    const [family = "", number] = id.split("-");
    assert.ok(family in requirements.families, id);
    assert.equal(Number(number), (numbers.get(family) ?? 0) + 1, id);
    numbers.set(family, Number(number));
    assert.match(says, /^[A-Z`][^|\n]*\.$/, id);
  }
  assert.equal(numbers.size, Object.keys(requirements.families).length);
});

test("a test proves what its name cites; a comment, and a text in the code, prove nothing", () => {
  const source = 'test("RV-08, RV-10: a logout ends one session", () => {}); // See RF-01.';
  const { proofs, mentions } = citationsIn("a.test.ts", source, requirements);
  assert.deepEqual(
    proofs.map(({ id }) => id),
    ["RV-08", "RV-10"],
  );
  assert.deepEqual(
    mentions.map(({ id }) => id),
    ["RF-01"],
  );
  assert.deepEqual(citationsIn("a.ts", "// CVE-2024-21543, UTF-16, RFC-7519", requirements), {
    proofs: [],
    mentions: [],
  });
});

test("the page links the proofs of a requirement and is honest about what has none", () => {
  const page = requirementsPage(
    {
      families: { AA: "Things", BB: "Others" },
      requirements: [
        { id: "AA-01", tier: "A", says: "It opens.", source: "RFC 1" },
        { id: "AA-02", tier: "B", says: "It closes." },
        { id: "BB-01", tier: "B", says: "It flies.", later: "wings" },
      ],
      experiments: [],
    },
    [{ path: "tools/door.test.ts", line: 1, id: "AA-01" }],
  );
  for (const row of [
    "| AA-01 | A | It opens. | RFC 1 | [door](../tools/door.test.ts) |",
    "| AA-02 | B | It closes. |  | not yet proven |",
    "| BB-01 | B | It flies. |  | comes with wings |",
  ])
    assert.ok(page.includes(row), row);
  assert.match(page, /Of 3 requirements, 1 are proven by tests\. 1 are about features/);
});

test("every document and heading that the code points to exists", () => {
  const references = sources.flatMap((path) => referencesIn(path, read(path)));
  assert.ok(references.length >= 8, `only ${references.length} references seen`);
  const missing = references.filter(({ document, heading }) => {
    // `docs/decisions/0018` is short for the record of that number.
    const [file] = globSync([document, `${document}-*.md`], { cwd: root });
    if (file === undefined) return true;
    return heading !== undefined && !anchorsOf(read(file)).has(heading);
  });
  assert.deepEqual(
    missing.map(({ path, line, document }) => `${path}:${line}: ${document}`),
    [],
  );
});

test("the code cites no page that is not in the repository", () => {
  assert.deepEqual(
    sources.flatMap((path) => strayCitationsIn(path, read(path))),
    [],
  );
  assert.equal(strayCitationsIn("a.ts", "// G of design §4.3.").length, 1);
  assert.equal(strayCitationsIn("a.ts", "// As the fault-plan asks.").length, 1);
  assert.deepEqual(strayCitationsIn("a.ts", "// The design of RFC 9470 §3."), []);
});

test("every link from a document to a heading leads to one", () => {
  const documents = filesOfTree(root).filter((path) => path.endsWith(".md"));
  const links = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)].map(
      ([, target = "", heading = ""]) => ({
        path,
        file: target === "" ? path : posix.join(posix.dirname(path), target),
        heading,
      }),
    ),
  );
  assert.ok(links.length >= 3, `only ${links.length} links to headings seen`);
  assert.deepEqual(
    links
      .filter(({ file, heading }) => !anchorsOf(read(file)).has(heading))
      .map(({ path, file, heading }) => `${path}: ${file}#${heading}`),
    [],
  );
});

test("references to documents are found in comments and texts, with their headings", () => {
  const source = [
    "// See docs/design/refresh.md#the-rules and docs/decisions/0018.",
    'throw new Error("see docs/mail.md; or /docs");',
  ].join("\n");
  assert.deepEqual(
    referencesIn("a.ts", source).map(({ document, heading }) => [document, heading]),
    [
      ["docs/design/refresh.md", "the-rules"],
      ["docs/decisions/0018", undefined],
      ["docs/mail.md", undefined],
    ],
  );
  assert.deepEqual(
    [...anchorsOf("# A *page*\n## Causes of an `ended` session\n### What (and why)?")],
    ["a-page", "causes-of-an-ended-session", "what-and-why"],
  );
});
