import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { batchesOf, programOf } from "./batches.ts";

const folder = mkdtempSync(join(tmpdir(), "portcullis-runner-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const SIZE = join(import.meta.dirname, "size.ts");

function file(name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, `import { test } from "node:test";\n${body}\n`);
  return path;
}

const passing = file("passing.test.ts", 'test("it passes", () => {});');
const failing = file("failing.test.ts", 'test("it fails", () => { throw new Error("no"); });');
const crashing = file(
  "crashing.test.ts",
  'test("it never ends", () => process.kill(process.pid, "SIGKILL"));',
);
const straying = file(
  "straying.test.ts",
  'test("it passes first", () => void setImmediate(() => { throw new Error("stray"); }));\n' +
    'test("it waits", () => new Promise((resolve) => setTimeout(resolve, 50)));',
);
const untidy = file(
  "untidy.test.ts",
  `import { writeFileSync } from "node:fs";\ntest("it passes", () => writeFileSync("left", ""));`,
);
const sized = file(
  "sized.test.ts",
  `import { size } from "${SIZE}";\ntest("it is " + size({ small: "small", full: "large" }), () => {});`,
);

function runner(...args: readonly string[]) {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  // Given, so that no PostgreSQL is started; none of these tests asks it anything.
  const env = { ...inherited, TEST_DATABASE_URL: "postgres://127.0.0.1:1/none" };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, "test.ts"), ...args],
    { env, encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

test("a run ends with the counts and with the slowest files, and succeeds if all tests pass", () => {
  const { status, stdout } = runner(passing, sized);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^ℹ tests 2\nℹ suites 0\nℹ pass 2\nℹ fail 0$/m);
  assert.match(
    stdout,
    /\nSlowest files:\n.*(passing|sized)\.test\.ts\n.*(passing|sized)\.test\.ts\n$/,
  );
});

test("a test that fails and a file that dies are named, and hide no other file", () => {
  const { status, stdout } = runner(crashing, failing, passing);
  assert.equal(status, 1);
  assert.match(stdout, /✔ it passes/);
  assert.match(stdout, /✖ it fails/);
  assert.match(stdout, /✖ .*crashing\.test\.ts/);
  assert.match(stdout, /^ℹ pass 1\nℹ fail 2$/m);
});

test("an error that is thrown outside of a test fails the run", () => {
  const { status, stdout } = runner(straying);
  assert.equal(status, 1, stdout);
  assert.match(stdout, /stray/);
});

test("small files of a package share a process, and the others have one each", () => {
  const files = ["a", "b", "large"].map((name) =>
    join(folder, `packages/server/src/${name}.test.ts`),
  );
  const outside = [
    join(folder, "packages/server/src/process/cli/c.test.ts"),
    join(folder, "packages/server/test/d.test.ts"),
    join(folder, "tools/e.test.ts"),
  ];
  for (const path of [...files, ...outside]) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path.includes("large") ? `//${"x".repeat(30_000)}` : "");
  }
  const [a, b, large] = files;
  assert.deepEqual(batchesOf([...files, ...outside], folder), [
    [a, b],
    [large],
    ...outside.map((path) => [path]),
  ]);
});

test("a process that files share runs the tests of all of them, and is named after them", () => {
  const program = programOf([passing, failing], folder, folder);
  assert.equal(program, join(folder, "passing-to-failing.test.mjs"));
  const { status, stdout } = runner(program, passing);
  assert.equal(status, 1);
  assert.match(stdout, /✖ it fails/);
  assert.match(stdout, /^ℹ tests 3\nℹ suites 0\nℹ pass 2\nℹ fail 1$/m);
  assert.equal(programOf([passing], folder, folder), passing);
});

test("a file that a test leaves in the working directory fails the run", () => {
  const { status, stdout, stderr } = runner(untidy);
  assert.equal(status, 1, stdout);
  assert.match(stdout, /^ℹ fail 0$/m);
  assert.match(stderr, /left files in their working directory: left\./);
});

test("sizes are small unless the full ones are asked for, of all files or of those that have one", () => {
  assert.match(runner(passing, sized).stdout, /✔ it is small/);
  const all = runner("--full", passing, sized);
  assert.match(all.stdout, /✔ it is large/);
  assert.match(all.stdout, /✔ it passes/);
  const only = runner("--only-full", passing, sized);
  assert.match(only.stdout, /✔ it is large/);
  assert.doesNotMatch(only.stdout, /it passes/);
});

test("a name of no test file and an unknown option are refused before anything runs", () => {
  for (const wrong of [join(folder, "missing.test.ts"), "--fast"]) {
    const { status, stdout, stderr } = runner(passing, wrong);
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.ok(stderr.includes(wrong), stderr);
  }
});
