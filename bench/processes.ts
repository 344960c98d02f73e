import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";

export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A list for `taskset`, such as `0` or `0,1`. Without it the scheduler chooses. */
  readonly cores?: string;
}

export interface Started {
  readonly name: string;
  readonly pid: number;
  readonly origin: string;
  readonly readyMilliseconds: number;
  stop(): Promise<void>;
}

export const SERVER_CORE = "0";
export const LOAD_CORE = "1";

export const hasTaskset = spawnSync("taskset", ["--version"]).status === 0;

const READY = /(?:ready on|Listening at:) (http:\/\/[\w.:]+)/;
const READY_SECONDS = 60;
const STOP_SECONDS = 10;
const running = new Set<ChildProcess>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

/** Starts a server and resolves when it says on which address it listens. */
export async function start(launch: Launch): Promise<Started> {
  const startedAt = performance.now();
  const child = spawnPinned(launch);
  const said: string[] = [];
  const origin = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said.push(chunk.toString());
      const found = READY.exec(said.join(""))?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`${launch.name} ended with ${code} before it was ready:\n${said.join("")}`)),
    );
    setTimeout(
      () =>
        reject(
          new Error(`${launch.name} was not ready after ${READY_SECONDS} s:\n${said.join("")}`),
        ),
      READY_SECONDS * 1000,
    ).unref();
  });
  for (const stream of [child.stdout, child.stderr]) stream?.removeAllListeners("data").resume();
  return {
    name: launch.name,
    pid: child.pid ?? -1,
    origin,
    readyMilliseconds: performance.now() - startedAt,
    stop: async () => stop(child),
  };
}

/**
 * Runs a program to its end with `input` on standard input. Returns its output and the CPU time it
 * took.
 */
export async function run(
  launch: Launch,
  input = "",
): Promise<{ readonly output: string; readonly cpuSeconds: number }> {
  const child = spawnPinned(launch);
  const out: Buffer[] = [];
  const complaints: Buffer[] = [];
  let cpu = 0;
  const sampler = setInterval(
    () => (cpu = child.pid === undefined ? cpu : Math.max(cpu, cpuSeconds(child.pid))),
    50,
  );
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => complaints.push(chunk));
  child.stdin?.end(input);
  const [code]: unknown[] = await once(child, "close");
  clearInterval(sampler);
  if (code !== 0)
    throw new Error(
      `${launch.name} ended with ${String(code)}:\n${Buffer.concat(complaints).toString()}${Buffer.concat(out).toString()}`,
    );
  return { output: Buffer.concat(out).toString(), cpuSeconds: cpu };
}

function spawnPinned(launch: Launch): ChildProcess {
  const pin = launch.cores !== undefined && hasTaskset ? ["taskset", "-c", launch.cores] : [];
  const [command = launch.command, ...args] = [...pin, launch.command, ...launch.args];
  const child = spawn(command, args, {
    env: { ...process.env, ...launch.env },
    ...(launch.cwd === undefined ? {} : { cwd: launch.cwd }),
  });
  running.add(child);
  child.on("exit", () => running.delete(child));
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_SECONDS * 1000);
  await gone;
  clearTimeout(impatience);
}

/** Lets the children of a pinned server, such as its password hashers, use every core. */
export function unpinChildren(pid: number): void {
  if (!hasTaskset) return;
  for (const child of tree(pid).slice(1))
    spawnSync("taskset", ["-a", "-c", "-p", "0-1", String(child)]);
}

/** Returns the process and all processes below it. */
export function tree(root: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    const fields = Number.isInteger(pid) ? stat(pid) : undefined;
    if (fields !== undefined) parents.set(pid, Number(fields[1]));
  }
  const found = [root];
  for (const pid of found)
    for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

/** Returns the user and system time of one process so far. */
function cpuSeconds(pid: number): number {
  const fields = stat(pid);
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export function treeCpuSeconds(pid: number): number {
  return tree(pid).reduce((sum, each) => sum + cpuSeconds(each), 0);
}

export interface Memory {
  /** The resident memory, with every process counted in full. */
  readonly rssMegabytes: number;
  /** The proportional memory: a page shared by n processes counts 1/n in each. */
  readonly pssMegabytes: number;
  readonly processes: number;
}

export function memory(pid: number): Memory {
  const pids = tree(pid);
  const sum = (name: string): number =>
    pids.reduce((total, each) => total + rollup(each, name), 0) / 1024;
  return { rssMegabytes: sum("Rss"), pssMegabytes: sum("Pss"), processes: pids.length };
}

const TICKS_PER_SECOND = 100;

/**
 * Returns the fields of proc_pid_stat(5) from `state` on, because the name before them may contain
 * spaces.
 */
function stat(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function rollup(pid: number, name: string): number {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(
    readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"),
  )?.[1];
  return Number(kilobytes ?? 0);
}
