import { median, type Options, type Row } from "./bench.ts";
import { answered, failures, type Load } from "./plan.ts";
import { treeCpuSeconds } from "./processes.ts";
import { judged, spreads } from "./spread.ts";

export interface Contender {
  readonly name: string;
  /** The root of the server's processes, for its CPU share. */
  readonly pid?: number;
  round(seconds: number): Promise<Load>;
}

/** The medians over the rounds. */
export interface Summary {
  readonly name: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** The share of answers that were not 2xx, over all rounds. */
  readonly failed: number;
  readonly statuses: string;
  readonly generatorCores: number;
  readonly serverCores: number;
  readonly loads: readonly Load[];
  /** The server's processor time for one answer, by round. */
  readonly cpuMicroseconds: readonly number[];
}

/** Each contender is warmed up for this long before the first round. */
export const WARM_UP_SECONDS = 1;

/**
 * Runs every contender once per round, in turn, so that other load of the machine affects all
 * alike.
 */
export async function interleave(
  contenders: readonly Contender[],
  options: Options,
): Promise<ReadonlyMap<string, Summary>> {
  const seen = new Map<string, Round[]>(contenders.map((c) => [c.name, []]));
  for (const contender of contenders) await contender.round(WARM_UP_SECONDS);
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const contender of contenders) {
      const cpuBefore = contender.pid === undefined ? 0 : treeCpuSeconds(contender.pid);
      const startedAt = performance.now();
      const load = await contender.round(options.seconds);
      const cpu = contender.pid === undefined ? 0 : treeCpuSeconds(contender.pid) - cpuBefore;
      seen
        .get(contender.name)
        ?.push({ load, cpu, serverCores: cpu / ((performance.now() - startedAt) / 1000) });
      process.stderr.write(
        `  round ${round}/${options.rounds}  ${contender.name.padEnd(34)} ${describe(load)}\n`,
      );
    }
  }
  return new Map([...seen].map(([name, rounds]) => [name, summarize(name, rounds)]));
}

interface Round {
  readonly load: Load;
  /** In seconds. */
  readonly cpu: number;
  readonly serverCores: number;
}

function summarize(name: string, rounds: readonly Round[]): Summary {
  const loads = rounds.map((r) => r.load);
  const total = loads.reduce((sum, load) => sum + answered(load), 0);
  return {
    name,
    perSecond: median(loads.map((l) => l.perSecond)),
    p50: median(loads.map((l) => l.p50)),
    p99: median(loads.map((l) => l.p99)),
    failed: loads.reduce((sum, load) => sum + failures(load), 0) / Math.max(1, total),
    statuses: statusesOf(loads),
    generatorCores: median(loads.map((l) => l.generatorCores)),
    serverCores: median(rounds.map((r) => r.serverCores)),
    loads,
    cpuMicroseconds: rounds.map(({ cpu, load }) => (cpu * 1e6) / Math.max(1, answered(load))),
  };
}

export function statusesOf(loads: readonly Load[]): string {
  const sums = new Map<string, number>();
  for (const load of loads)
    for (const [status, count] of Object.entries(load.statuses))
      sums.set(status, (sums.get(status) ?? 0) + count);
  return [...sums].map(([status, count]) => `${status}: ${count}`).join(", ");
}

export function summaryOf(summaries: ReadonlyMap<string, Summary>, name: string): Summary {
  const found = summaries.get(name);
  if (found === undefined) throw new RangeError(`nothing measured under ${name}`);
  return found;
}

/** A rate means nothing if more than this share of answers failed. */
const TOLERATED_FAILURES = 0.002;
/** Above this share the generator, and not the server, may decide the rate. */
const BUSY_GENERATOR = 0.95;

export interface Comparison {
  readonly what: string;
  readonly mine: Summary;
  readonly other: Summary;
  /** The goal, as a multiple of the other's rate. If absent, the row is for information. */
  readonly atLeast?: number;
  readonly note?: string;
}

export function compare(c: Comparison): Row {
  const ratio = c.mine.perSecond / c.other.perSecond;
  const troubles = [c.mine, c.other].flatMap((s) => troubleWith(s));
  const rates = [c.mine, c.other].map(({ loads }) => loads.map((load) => load.perSecond));
  return {
    what: c.what,
    portcullis: rate(c.mine),
    against: c.other.name,
    reference: rate(c.other),
    result: `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`,
    spread: spreads(...rates),
    goal: c.atLeast === undefined ? "" : `≥ ${c.atLeast} ×`,
    verdict:
      troubles.length > 0
        ? "invalid"
        : c.atLeast === undefined
          ? "info"
          : judged(ratio >= c.atLeast ? "pass" : "miss", ...rates),
    note: [cores(c.mine), c.note ?? "", ...troubles].filter((part) => part !== "").join("; "),
  };
}

function cores(summary: Summary): string {
  if (summary.serverCores === 0) return "";
  return `server ${summary.serverCores.toFixed(2)} and generator ${summary.generatorCores.toFixed(2)} of a core`;
}

export function troubleWith(summary: Summary): readonly string[] {
  return [
    ...(summary.failed > TOLERATED_FAILURES
      ? [
          `${summary.name}: ${(summary.failed * 100).toFixed(1)} % not answered with 2xx (${summary.statuses})`,
        ]
      : []),
    ...(summary.generatorCores > BUSY_GENERATOR
      ? [`${summary.name}: the generator was busy (${summary.generatorCores.toFixed(2)} cores)`]
      : []),
  ];
}

function rate(summary: Summary): string {
  const latency =
    summary.p50 < 0 ? "" : ` (p50 ${milliseconds(summary.p50)}, p99 ${milliseconds(summary.p99)})`;
  return `${perSecond(summary.perSecond)}/s${latency}`;
}

export function milliseconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}

export function perSecond(value: number): string {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en-GB");
}

function describe(load: Load): string {
  const refused = failures(load);
  return `${perSecond(load.perSecond).padStart(8)}/s  p99 ${milliseconds(load.p99)}${refused > 0 ? `  (${statusesOf([load])})` : ""}`;
}
