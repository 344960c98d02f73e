import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const home = join(import.meta.dirname, "..");
export const PRODUCT = "dist";

/** The list of what was built, which the server reads. */
export interface Product {
  /** The hash of everything that the pages are built from. */
  readonly source: string;
  readonly script: string;
  readonly styles: readonly string[];
}

/**
 * Returns a hash of everything that the pages are built from: their sources, this step, the failure
 * codes, and the lockfile with the versions of all packages.
 */
export function sourceHash(): string {
  const hash = createHash("sha256");
  const files = globSync(["src/**/*", "build/*", "package.json"], {
    cwd: home,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  for (const file of [...files, join(home, "../../package-lock.json")]) {
    if (!existsSync(file)) continue;
    hash.update(file.slice(home.length)).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

/** Returns the product of the last build, or `undefined` if there is none. */
export function lastProduct(): Product | undefined {
  const file = join(home, PRODUCT, "product.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}
