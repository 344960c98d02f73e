import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lockFile } from "./lock.ts";

async function inFolder(run: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-test-"));
  try {
    await run(join(folder, "portcullis.lock"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A process that takes the lock, says whether it got it, and stays. */
async function another(
  file: string,
): Promise<{ readonly process: ChildProcess; readonly said: string }> {
  const program = `
    import { lockFile } from ${JSON.stringify(import.meta.resolve("./lock.ts"))};
    const lock = lockFile(${JSON.stringify(file)});
    console.log(lock === undefined ? "refused" : "locked");
    setInterval(() => lock, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(child.stdout, "data");
  return { process: child, said: String(said).trim() };
}

test("DU-07: a second process on one data directory is refused until the first is gone, killed or not", async () =>
  inFolder(async (file) => {
    const first = await another(file);
    assert.equal(first.said, "locked");
    assert.equal(lockFile(file), undefined);
    first.process.kill("SIGKILL");
    await once(first.process, "exit");
    const mine = lockFile(file);
    assert.ok(mine);
    const second = await another(file);
    assert.equal(second.said, "refused");
    second.process.kill("SIGKILL");
    await once(second.process, "exit");
    mine.release();
  }));

test("within one process the lock excludes too, and a refused attempt does not loosen it", async () =>
  inFolder(async (file) => {
    const mine = lockFile(file);
    assert.ok(mine);
    assert.equal(lockFile(file), undefined);
    const other = await another(file);
    assert.equal(other.said, "refused");
    other.process.kill("SIGKILL");
    mine.release();
    mine.release();
    const again = lockFile(file);
    assert.ok(again);
    again.release();
    assert.equal(statSync(file).mode & 0o777, 0o600);
  }));
