import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { filesOfTree } from "./tree.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/**
 * The path is put together from parts, because the tree itself must not name a machine or a person.
 */
const home = ["", "home", "anna"].join("/");
const address = ["anna", "gmail.com"].join("@");

/** Files that lie in the clone after a newcomer has tried the server, by path. */
const leftovers: Readonly<Record<string, string>> = {
  "portcullis-data/secret": "short",
  "portcullis-data/portcullis.db": "SQLite format 3\0",
  "registration.json": `{"clientSecret":"${"0123456789abcdef".repeat(4)}","email":"${address}"}`,
  "notes.md": `Look at \`tools/gone.ts\` in ${home}/portcullis.`,
  "docs/draft.md": "Look at `tools/gone.ts`.",
  "docs/decisions/draft.md": "no number yet",
  "dist/index.js": `export const path = "${home}";`,
  "packages/contract/dist/index.js": `export const path = "${home}";`,
  "packages/server/.cache/v24/entry": home,
  "bench/.work/run/portcullis.db": home,
  "npm-debug.log": `${home}/.npm`,
};

/**
 * The checks that look at the tree, or whose subject has a default place in the working directory.
 */
const checks = [
  "tools/layers.test.ts",
  "tools/paths.test.ts",
  "tools/words.test.ts",
  "packages/server/src/process/config.test.ts",
];

test("no check depends on what a server, a benchmark or a reader has left in the clone", (t) => {
  const clone = mkdtempSync(join(tmpdir(), "portcullis-clone-"));
  t.after(() => rmSync(clone, { recursive: true, force: true }));
  const put = (path: string, write: (file: string) => void): void => {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    write(join(clone, path));
  };
  for (const path of filesOfTree(root)) put(path, (file) => cpSync(join(root, path), file));
  for (const args of [
    ["init", "-q"],
    ["add", "--all"],
  ]) {
    const git = spawnSync("git", args, { cwd: clone, encoding: "utf8" });
    if (git.error !== undefined) return t.skip("git is not installed");
    assert.equal(git.status, 0, git.stderr);
  }
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  for (const [path, text] of Object.entries(leftovers))
    put(path, (file) => writeFileSync(file, text));

  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  for (const check of checks) {
    const ran = spawnSync(process.execPath, ["--test", check], {
      cwd: clone,
      env,
      encoding: "utf8",
    });
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /pass [1-9]/);
  }
});
