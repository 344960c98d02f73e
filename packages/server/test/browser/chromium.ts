import { execFile } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { chromium, type Browser } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const INSTALL_SECONDS = 300;

export type Found =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "absent"; readonly reason: string };

/**
 * Finds a Chromium: the one that CHROMIUM names, one on the path, or, for root on Debian, one that
 * it installs.
 *
 * @throws {Error} in CI, where no browser would mean that nothing was tested
 */
export async function findChromium(): Promise<Found> {
  try {
    return { kind: "found", path: process.env["CHROMIUM"] ?? onPath() ?? (await install()) };
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    const line = "!".repeat(100);
    const complaint = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `${line}\nThe tests of passkeys in a browser are SKIPPED.\n${complaint}\n${line}\n`,
    );
    return { kind: "absent", reason: "there is no Chromium here" };
  }
}

export async function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu"],
  });
}

function onPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function install(): Promise<string> {
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version"))
    throw new Error("Install Chromium, or let CHROMIUM name one.");
  await promisify(execFile)("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], {
    timeout: INSTALL_SECONDS * 1000,
  });
  const path = onPath();
  if (path === undefined)
    throw new Error("apt-get has installed Chromium, and it is not on the path.");
  return path;
}
