import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startServer } from "../process.ts";

const readme = readFileSync(new URL("../../../../README.md", import.meta.url), "utf8");
const STEP = /<!-- walk -->\n```sh\n(?<commands>[^`]*(?:`(?!``)[^`]*)*)```\n\n```(?:json)?\n(?<printed>[^`]*)```/g;

/** Ids, tokens and times differ from run to run; everything else must be what the page shows. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/urn:request:[\w-]{12}/g, "urn:request:ID")
    .replaceAll(/"clientSecret":"[\w-]+"/g, '"clientSecret":"SECRET"')
    .replaceAll(/"(\w+At)":\d{10}/g, '"$1":TIME')
    .replaceAll(/\n+/g, "\n")
    .trim();
}

test("the walk-through of the README prints what the README shows", async () => {
  const steps = [...readme.matchAll(STEP)].map((match) => ({
    commands: match.groups?.["commands"] ?? "",
    printed: match.groups?.["printed"] ?? "",
  }));
  assert.equal(steps.length, (readme.match(/<!-- walk -->/g) ?? []).length);
  assert.ok(steps.length >= 6);

  const folder = mkdtempSync(join(tmpdir(), "portcullis-readme-"));
  const server = await startServer({ PORTCULLIS_DATA_DIR: join(folder, "data") });
  try {
    const mark = "--- next step ---";
    const script = steps
      .map((step) => step.commands)
      .join(`\necho; echo "${mark}"\n`)
      .replaceAll("http://127.0.0.1:8420", server.url);
    const { stdout } = await promisify(execFile)("bash", ["-c", script], { cwd: folder });
    const printed = stdout.split(mark).map(withoutChance);
    assert.deepEqual(
      printed,
      steps.map((step) => withoutChance(step.printed)),
    );
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
