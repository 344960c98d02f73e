import { closeSync, openSync, writeSync } from "node:fs";
import { severityOf, wordsFor, type Finding } from "./findings.ts";

/**
 * A file of JSON lines. Each run appends to it, so that findings about users who are here by now
 * are kept.
 */
export interface Report {
  run(facts: Readonly<Record<string, string | number | boolean>>): void;
  findings(findings: readonly Finding[]): void;
  close(): void;
}

export const noReport: Report = { run: () => {}, findings: () => {}, close: () => {} };

/**
 * Opens the file, readable by its owner only: it holds addresses and usernames, but never a hash or
 * a token.
 */
export function openReport(file: string): Report {
  const handle = openSync(file, "a", 0o600);
  const write = (lines: readonly object[]): void => {
    if (lines.length > 0)
      writeSync(handle, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  };
  return {
    run: (facts) => write([facts]),
    findings: (findings) =>
      write(
        findings.map(({ kind, key, table, column, value }) => ({
          key,
          finding: kind,
          severity: severityOf(kind),
          done: wordsFor(kind),
          ...(table !== undefined && { table }),
          ...(column !== undefined && { column }),
          ...(value !== undefined && { value }),
        })),
      ),
    close: () => closeSync(handle),
  };
}
