import { cpus, totalmem } from "node:os";
import { writeFileSync } from "node:fs";
import type { Options, Row } from "./bench.ts";
import { hasWrk } from "./load.ts";
import { NOISY } from "./spread.ts";

const COLUMNS = [
  "what",
  "portcullis",
  "against",
  "reference",
  "result",
  "spread",
  "goal",
  "verdict",
] as const;

export interface Report {
  readonly rows: readonly Row[];
  readonly options: Options;
  /**
   * The share of the machine that other programs used before the first and after the last round, 0
   * to 1.
   */
  readonly busyBefore: number;
  readonly busyAfter: number;
}

/** Above this share of all cores, other load decides the figures. */
const QUIET = 0.05;

export function print(rows: readonly Row[]): void {
  const lines = [
    COLUMNS.map(String),
    ...rows.map((row) => COLUMNS.map((column) => row[column] ?? "")),
  ];
  const widths = COLUMNS.map((_, index) =>
    Math.max(...lines.map((line) => line[index]?.length ?? 0)),
  );
  for (const line of lines)
    console.log(
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  console.log(tooNoisy(rows));
  for (const row of rows)
    if (row.note !== undefined) console.log(`- ${row.what} / ${row.against}: ${row.note}`);
}

export function write(file: string, report: Report): void {
  const { rows, options } = report;
  const quiet = Math.max(report.busyBefore, report.busyAfter) <= QUIET;
  const text = `# Measured

${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}.

\`node bench/run.ts ${process.argv.slice(2).join(" ")}\`: ${options.rounds} rounds of ${options.seconds} s, contenders in turn, medians. Servers keep to one core
(gunicorn and password hashing use both), the load generator (${hasWrk ? "wrk for reads, our own" : "our own"} for the rest) to the other. Everything on
127.0.0.1. Other programs used ${share(report.busyBefore)} of the machine before and ${share(report.busyAfter)} after${quiet ? "" : ": **not quiet, do not trust these figures**"}.

"Spread" is the interquartile range of the rounds as a share of their median, of Portcullis / of the reference. ${tooNoisy(rows)}

| ${COLUMNS.join(" | ")} |
|${COLUMNS.map(() => "---").join("|")}|
${rows.map((row) => `| ${COLUMNS.map((column) => row[column] ?? "").join(" | ")} |`).join("\n")}

${rows.flatMap((row) => (row.note === undefined ? [] : [`- ${row.what}${row.against === "" ? "" : ` / ${row.against}`}: ${row.note}`])).join("\n")}
`;
  writeFileSync(file, text);
}

function tooNoisy(rows: readonly Row[]): string {
  const names = rows
    .filter(({ verdict }) => verdict === "noisy")
    .map(({ what, against }) => (against === "" ? what : `${what} against ${against}`));
  return names.length === 0
    ? `No row that is judged has a spread above ${share(NOISY)}.`
    : `Too noisy to judge, because a spread is above ${share(NOISY)}: ${names.join("; ")}.`;
}

export function share(value: number): string {
  return `${(value * 100).toFixed(0)} %`;
}

export function isQuiet(busy: number): boolean {
  return busy <= QUIET;
}
