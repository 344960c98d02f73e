import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { filesOfTree } from "./tree.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const read = (path: string) => readFileSync(posix.join(root, path), "utf8");

/** Paths that appear only after the server or npm has run. */
const ignored = read(".gitignore").split(/[\n/]+/);
const tree = filesOfTree(root);
const atRoot = new Set(tree.map((path) => path.split("/")[0] ?? ""));
const server = "packages/server/src";

interface Mention {
  readonly line: number;
  readonly path: string;
}

/**
 * Returns the links, code spans and code blocks of a document that name a file or folder of this
 * repository.
 */
function mentionsIn(text: string): readonly Mention[] {
  let fenced = false;
  return text.split("\n").flatMap((content, index) => {
    const fence = content.trimStart().startsWith("```");
    if (fence) fenced = !fenced;
    if (fence) return [];
    const links = [...content.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
      .map((m) => m[1] ?? "")
      .filter((target) => !/^(\w+:|\/)/.test(target));
    const words = (
      fenced ? [content] : [...content.matchAll(/`([^`]+)`/g)].map((m) => m[1] ?? "")
    ).flatMap((code) => code.split(/\s+/));
    return [...links, ...words.filter((word) => looksLikePath(word, fenced))].map((path) => ({
      line: index + 1,
      path,
    }));
  });
}

function looksLikePath(word: string, fenced: boolean): boolean {
  if (!/^[\w.@*-]+(\/[\w.@*-]+)*\/?$/.test(word) || word.includes("NNNN")) return false;
  const [first = "", ...rest] = word.split("/");
  if (ignored.includes(first)) return false;
  if (rest.length > 0 && atRoot.has(first)) return true;
  return !fenced && rest.length > 0 && /(\/|\.(ts|md|json|sql|html|css|sh))$/.test(word);
}

/**
 * A path counts from the root, from its document, or, as the architecture page writes it, from the
 * server's source.
 */
function exists(document: string, path: string): boolean {
  const clean = decodeURI(path).replace(/\/$/, "");
  return ["", posix.dirname(document), server].some(
    (base) => globSync(posix.join(base, clean), { cwd: root }).length > 0,
  );
}

const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...tree.filter((path) => path.startsWith("docs/") && path.endsWith(".md")),
].filter((path) => tree.includes(path));

test("every path a document names exists", () => {
  const missing = documents.flatMap((document) =>
    mentionsIn(read(document))
      .filter(({ path }) => !exists(document, path))
      .map(({ line, path }) => `${document}:${line}: ${path} does not exist`),
  );
  assert.deepEqual(missing, []);
});

test("the path check is awake: it sees the documents and the paths in them", () => {
  assert.ok(
    documents.includes("README.md") || documents.includes("docs/ARCHITECTURE.md"),
    "neither README.md nor docs/ARCHITECTURE.md",
  );
  const seen = documents.flatMap((document) => mentionsIn(read(document)));
  assert.ok(seen.length >= 20, `only ${seen.length} paths seen`);
});

test("the path check knows a path from a route, a media type and a placeholder", () => {
  const text = [
    "See `tools/gone.ts`, `platform/gone.ts`, `gone/` and [this](docs/gone.md#part); not `/v1/users`, `application/json`, `x.store.ts`,",
    "`docs/decisions/NNNN-title.md`, `portcullis-data/` or [that](https://example.com/a.md).",
    "```",
    "npm test -- tools/away.ts > other/away.ts",
    "```",
  ].join("\n");
  assert.deepEqual(
    mentionsIn(text).map(({ line, path }) => `${line} ${path}`),
    ["1 docs/gone.md", "1 tools/gone.ts", "1 platform/gone.ts", "1 gone/", "4 tools/away.ts"],
  );
  assert.ok(!exists("README.md", "tools/gone.ts"));
  assert.ok(
    exists("docs/ARCHITECTURE.md", "platform/kernel/clock.ts") &&
      exists("docs/ARCHITECTURE.md", "../tools/"),
  );
});

test("every decision record has a number of its own", () => {
  const records = tree
    .filter((path) => path.startsWith("docs/decisions/"))
    .map((path) => posix.basename(path));
  for (const name of records) assert.match(name, /^\d{4}-[a-z0-9-]+\.md$/);
  const numbers = records.map((name) => name.slice(0, 4));
  assert.equal(
    new Set(numbers).size,
    numbers.length,
    `a number twice among ${numbers.toSorted().join(", ")}`,
  );
});

test("the packages share one version, and the changelog has a section for it", () => {
  const versionOf = (path: string) => /"version": "([^"]+)"/.exec(read(path))?.[1];
  const version = versionOf("package.json");
  for (const path of globSync("packages/*/package.json", { cwd: root }))
    assert.equal(versionOf(path), version, path);
  const sections = [...read("CHANGELOG.md").matchAll(/^## \[?([^\]\s]+)/gm)].map((m) => m[1]);
  assert.ok(sections.includes(version), `CHANGELOG.md has no section ${version}`);
});
