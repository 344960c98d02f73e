import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openBlockList } from "./block-list.ts";

const scratch = mkdtempSync(join(tmpdir(), "portcullis-block-list-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

async function listOf(...lines: readonly string[]) {
  const path = join(scratch, "list.txt");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return openBlockList(path);
}

test("a line with an exclamation mark takes a word off the list, in any case and wherever it stands", async () => {
  assert.ok((await openBlockList()).includes("mysecret"));
  const list = await listOf("!MySecret", "house-word", "!house-word", "another-word");
  for (const word of ["mysecret", "MYSECRET", "house-word"]) assert.ok(!list.includes(word), word);
  for (const word of ["another-word", "password", "!house-word"])
    assert.equal(list.includes(word), word !== "!house-word", word);
});

test("a lone exclamation mark is a password like others", async () => {
  assert.ok((await listOf("!")).includes("!"));
});
