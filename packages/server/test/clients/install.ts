import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";

const HERE = import.meta.dirname;
const CACHE = join(HERE, "../../.cache");
const FILES = ["package.json", "package-lock.json"];
const INSTALL_SECONDS = 180;

export type Installed =
  | { readonly kind: "installed"; readonly load: (name: string) => unknown }
  | { readonly kind: "unreachable"; readonly reason: string };

/**
 * Installs the published clients that the lockfile beside this file names, and keeps them for the
 * next run.
 *
 * @throws {Error} in CI, where no registry would mean that nothing was tested
 */
export async function installClients(): Promise<Installed> {
  const hash = FILES.reduce(
    (sum, file) => sum.update(readFileSync(join(HERE, file))),
    createHash("sha256"),
  );
  const folder = join(CACHE, `clients-${hash.digest("hex").slice(0, 16)}`);
  try {
    if (!existsSync(folder)) await installInto(folder);
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    const line = "!".repeat(100);
    const complaint = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `${line}\nThe tests with published clients of the Django faces are SKIPPED.\n${complaint}\n${line}\n`,
    );
    return { kind: "unreachable", reason: "npm ci of the clients failed" };
  }
  return { kind: "installed", load: createRequire(join(folder, "package.json")) };
}

/**
 * Installs into another folder and then moves it in one step, so that concurrent runs never see a
 * part of it.
 */
async function installInto(folder: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(join(CACHE, "draft-"));
  try {
    for (const file of FILES) copyFileSync(join(HERE, file), join(draft, file));
    const asked = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    await promisify(execFile)("npm", asked, { cwd: draft, timeout: INSTALL_SECONDS * 1000 });
    renameSync(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
