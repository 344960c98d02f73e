import { DatabaseSync } from "node:sqlite";
import { createPrivately } from "./private-file.ts";

export interface ServeLock {
  release(): void;
}

/**
 * Takes a lock that ends with this process, however it ends (DU-07).
 *
 * @param file a file for this lock alone, beside the database. It is created if missing.
 * @returns `undefined` while another process, or another caller in this one, holds the lock
 */
export function lockFile(file: string): ServeLock | undefined {
  createPrivately(file);
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec("begin exclusive");
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return { release: () => database.isOpen && database.close() };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}
