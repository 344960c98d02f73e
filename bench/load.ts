import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan, Load } from "./plan.ts";
import { LOAD_CORE, run } from "./processes.ts";

export const hasWrk = spawnSync("wrk", ["-v"]).error === undefined;

/** Runs the plan in a generator process, on the core that is kept for it. */
export async function generate(plan: Plan, cores = LOAD_CORE): Promise<Load> {
  const launch = {
    name: "generator",
    command: process.execPath,
    args: [join(import.meta.dirname, "generator.ts")],
    cores,
  };
  const { output } = await run(launch, JSON.stringify(plan));
  // Our own generator prints this.
  return JSON.parse(output) as Load;
}

export interface Reads {
  readonly origin: string;
  readonly path: string;
  /** The headers are sent in turn, one per request. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly connections: number;
  readonly seconds: number;
  readonly workDir: string;
}

/**
 * Sends as many GETs as the server answers, with wrk if it is installed, otherwise with our own
 * generator.
 */
export async function readAll(reads: Reads): Promise<Load> {
  return hasWrk
    ? wrk(reads)
    : generate({
        ...reads,
        work: { kind: "cycle", requests: reads.headers.map((h) => getWith(reads.path, h)) },
      });
}

export function getWith(path: string, header: { readonly name: string; readonly value: string }) {
  return { method: "GET", path, headers: { [header.name]: header.value } };
}

async function wrk(reads: Reads): Promise<Load> {
  const headersFile = join(reads.workDir, "headers.txt");
  writeFileSync(headersFile, reads.headers.map((h) => `${h.name}: ${h.value}\n`).join(""));
  const args = [
    "-t1",
    `-c${reads.connections}`,
    `-d${Math.ceil(reads.seconds)}s`,
    "--timeout",
    "10s",
    "-s",
    join(import.meta.dirname, "wrk.lua"),
    reads.origin + reads.path,
  ];
  const { output, cpuSeconds } = await run({
    name: "wrk",
    command: "wrk",
    args,
    env: { BENCH_HEADERS: headersFile },
    cores: LOAD_CORE,
  });
  // wrk.lua writes the last line as JSON.
  const report = JSON.parse(output.trim().split("\n").at(-1) ?? "") as WrkReport;
  const seconds = report.microseconds / 1e6;
  return {
    perSecond: report.requests / seconds,
    p50: report.p50,
    p99: report.p99,
    max: report.max,
    turnedAwayP99: -1,
    statuses: {
      "200": report.requests - report.refused,
      ...(report.refused > 0 ? { other: report.refused } : {}),
      ...(report.broken > 0 ? { "0": report.broken } : {}),
    },
    unsent: 0,
    generatorCores: cpuSeconds / seconds,
    tokens: [],
    collected: [],
  };
}

interface WrkReport {
  readonly requests: number;
  readonly microseconds: number;
  readonly refused: number;
  readonly broken: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
