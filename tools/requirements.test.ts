import assert from "node:assert/strict";
import { test } from "node:test";
import {
  citationsIn,
  citationsOfTree,
  readRequirements,
  requirementsPage,
} from "./requirements.ts";

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
