import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes an empty file that only its owner may read. SQLite gives the files beside it the same mode.
 *
 * An existing file is not touched. No other code in this process may open and close it either: on
 * POSIX the close would drop the locks that SQLite holds (https://sqlite.org/howtocorrupt.html
 * §2.2).
 */
export function createPrivately(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
