import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { COMMON_PASSWORDS, openBlockList } from "./block-list.ts";

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

test("every common password is found, and nothing that merely occurs in their list", async () => {
  const text = readFileSync(fileURLToPath(import.meta.resolve(COMMON_PASSWORDS)), "utf8");
  const words = JSON.parse(text) as readonly string[];
  assert.ok(words.length > 40_000);
  assert.equal(JSON.stringify(words), text, "the list is searched as the text it is");
  assert.match(text, /^[\x20-\x7e]*$/u);
  assert.equal(text.toLowerCase(), text);

  const list = await openBlockList();
  const known = new Set(words);
  // One in a hundred: to look for all of them takes ten seconds.
  for (let i = 0; i < words.length; i += 100) {
    const word = words[i] ?? "";
    assert.ok(list.includes(word) && list.includes(word.toUpperCase()), word);
    for (const part of [word.slice(1), word.slice(0, -1), `${word},`, `"${word}"`])
      assert.equal(list.includes(part), known.has(part), part);
  }
  for (const other of [",", '","', '"', "[", "]", "", 'password","12345678'])
    assert.ok(!list.includes(other), other);
});
