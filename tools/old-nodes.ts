import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const home = join(import.meta.dirname, "old-nodes");

/**
 * Finds the older versions of Node.js that `tools/old-nodes` pins, and installs them if they are
 * not there yet.
 *
 * They have a folder and a lockfile of their own, because they bring 330 MB that only one test
 * needs, and because npm would link one of them as the `node` of every script.
 *
 * @param npm runs npm in a folder
 * @returns the path of each binary by its version; without those that this machine cannot have,
 *   which are named on standard error
 * @throws {Error} if they cannot be installed and `CI` is `true`
 */
export function findOldNodes(
  npm: (cwd: string, ...options: readonly string[]) => string,
): ReadonlyMap<string, string> {
  const wanted = aliasesOfThisMachine();
  const missing = () => wanted.filter(([alias, version]) => versionOf(alias) !== version);
  try {
    if (missing().length > 0)
      npm(home, "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund");
    // npm passes over an optional package that it cannot download, and reports success.
    const [first] = missing();
    if (first !== undefined) throw new Error(`npm has not installed ${first.join(" ")}.`);
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    warn(`Node 20 and 22 could not be installed.\n${String(error)}`);
    return new Map();
  }
  if (wanted.length === 0)
    warn(`The registry has no Node 20 and 22 for ${process.platform} on ${process.arch}.`);
  return new Map(wanted.map(([alias, version]) => [version, binaryOf(alias)]));
}

/** The aliases of the manifest for this platform, each with its version. */
function aliasesOfThisMachine(): readonly (readonly [alias: string, version: string])[] {
  const manifest: { readonly optionalDependencies: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(home, "package.json"), "utf8"),
  );
  const platform = process.platform === "win32" ? "win" : process.platform;
  return Object.entries(manifest.optionalDependencies)
    .filter(([alias]) => alias.endsWith(`-${platform}-${process.arch}`))
    .map(([alias, specifier]) => [alias, specifier.slice(specifier.lastIndexOf("@") + 1)]);
}

function binaryOf(alias: string): string {
  const file = process.platform === "win32" ? "node.exe" : "node";
  return join(home, "node_modules", alias, "bin", file);
}

function versionOf(alias: string): string | undefined {
  if (!existsSync(binaryOf(alias))) return undefined;
  return execFileSync(binaryOf(alias), ["-p", "process.versions.node"], {
    encoding: "utf8",
  }).trimEnd();
}

function warn(reason: string): void {
  const line = "!".repeat(100);
  process.stderr.write(
    `${line}\nThe packages are NOT tested on Node 20 and 22.\n${reason}\n${line}\n`,
  );
}
