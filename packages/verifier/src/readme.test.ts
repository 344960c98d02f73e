import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";

test("the examples of the README run as one program and print what they say", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const example = Array.from(readme.matchAll(/```ts\n(.*?)```/gs), ([, part]) => part).join("\n");
  const promised = Array.from(
    example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm),
    ([, line]) => line,
  );
  assert.equal(promised.length, 12);

  const cwd = new URL("..", import.meta.url);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module-typescript", "--eval", example],
    { cwd },
  );
  assert.deepEqual(stdout.trimEnd().split("\n"), promised);
});
