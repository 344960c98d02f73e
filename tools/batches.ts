import { statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";

/** A larger file has a process of its own, so that the list of the slowest files can name it. */
const LARGEST_BYTES = 20_000;
const BATCH_BYTES = 60_000;

/**
 * Tests that start servers, commands, browsers or storms of their own are not among these; their
 * files have a process each.
 */
const SHARED = /^packages\/\w+\/src\/(?!process\/)/;

/**
 * Groups test files that can share a process. To start one takes a second of processor time: the
 * server's modules are loaded, and a process for hashing is started. Most files need less than that
 * for their tests. Files that are neighbours in the tree share one, in their order.
 *
 * @param files absolute paths
 * @param root the folder of the repository
 */
export function batchesOf(files: readonly string[], root: string): readonly (readonly string[])[] {
  const batches: string[][] = [];
  let open: string[] = [];
  let bytes = 0;
  for (const file of files) {
    const { size } = statSync(file);
    if (size > LARGEST_BYTES || !SHARED.test(relative(root, file))) {
      batches.push([file]);
      continue;
    }
    if (open.length === 0 || bytes + size > BATCH_BYTES) {
      open = [];
      bytes = 0;
      batches.push(open);
    }
    open.push(file);
    bytes += size;
  }
  return batches;
}

/**
 * Returns the file that runs a batch; one of several files is written to `folder`. Its name shows
 * which files are in it, because a batch whose process dies is reported by this name.
 */
export function programOf(batch: readonly string[], root: string, folder: string): string {
  const [first = "", ...others] = batch;
  if (others.length === 0) return first;
  const [from, to] = [first, others.at(-1) ?? ""].map((file) =>
    relative(root, file).replaceAll("/", ".").replace(".test.ts", ""),
  );
  const program = join(folder, `${from}-to-${to}.test.mjs`);
  const lines = batch.map((file) => `await import(${JSON.stringify(pathToFileURL(file).href)});\n`);
  writeFileSync(program, lines.join(""));
  return program;
}
