import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";

/**
 * Names that git, npm, a server or a benchmark leave in a tree. They are skipped if there is no git
 * to ask, as in an unpacked archive.
 */
const leftovers: ReadonlySet<string> = new Set([
  ".git",
  "node_modules",
  "portcullis-data",
  ".cache",
  ".work",
  ".DS_Store",
]);

/**
 * The files of the repository at `root`, as paths with slashes, sorted: those that git tracks, so
 * that no check depends on what else lies in the working directory.
 */
export function filesOfTree(root: string): readonly string[] {
  const asked = existsSync(join(root, ".git"))
    ? spawnSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 })
    : undefined;
  if (asked === undefined || asked.error !== undefined) return filesUnder(root, "").toSorted();
  if (asked.status !== 0) throw new Error(`git ls-files: ${asked.stderr}`);
  return asked.stdout
    .split("\0")
    .filter((path) => path !== "" && existsSync(join(root, path)))
    .toSorted();
}

function filesUnder(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (leftovers.has(entry.name)) return [];
    return entry.isDirectory() ? filesUnder(root, path) : entry.isFile() ? [path] : [];
  });
}
