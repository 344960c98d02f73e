import { mkdirSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly quick: boolean;
}

/** The means of a scenario. */
export interface Bench {
  readonly options: Options;
  /** Makes a new, empty directory on the disk that is measured. */
  folder(name: string): string;
}

export interface Scenario {
  readonly name: string;
  run(bench: Bench): Promise<readonly Row[]>;
}

export type Verdict = "pass" | "miss" | "noisy" | "info" | "invalid" | "absent";

export interface Row {
  readonly what: string;
  readonly portcullis: string;
  readonly against: string;
  readonly reference: string;
  readonly result: string;
  /** The spread of the rounds, of Portcullis and of the reference. See `spread.ts`. */
  readonly spread?: string;
  readonly goal: string;
  readonly verdict: Verdict;
  readonly note?: string;
}

export function benchIn(root: string, options: Options): Bench {
  mkdirSync(root, { recursive: true });
  return { options, folder: (name) => mkdtempSync(join(root, `${name}-`)) };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? -1;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
