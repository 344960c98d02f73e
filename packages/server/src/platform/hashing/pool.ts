import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import { isKnownHash } from "./foreign.ts";
import { isReply, type HashReply, type HashRequest, type PresentedPassword } from "./messages.ts";
import { decoyHash, isOutdated, type Argon2Parameters } from "./phc.ts";

export type HashOutcome =
  | { readonly kind: "hashed"; readonly phc: string }
  | { readonly kind: "busy" };
export type VerifyOutcome =
  | { readonly kind: "matched" }
  | { readonly kind: "mismatched" }
  | { readonly kind: "busy" };

export interface Hasher {
  hash(password: string): Promise<HashOutcome>;
  /**
   * `hash` is one of ours or of another system (foreign.ts). A hash that cannot be verified matches
   * no password.
   */
  verify(hash: string, presented: PresentedPassword): Promise<VerifyOutcome>;
  /**
   * Reserves a place for one question before any work is done. Returns `undefined` while as many
   * places are taken as questions can be answered in time. Call the returned function to release
   * the place once the question has been answered.
   */
  reserve(): (() => void) | undefined;
  /** Tells whether `reserve` would return `undefined`. */
  isFull(): boolean;
  /**
   * Is verified in place of a hash that does not exist. It costs the same, and no password matches
   * it (EN-02).
   */
  readonly decoy: string;
  needsUpgrade(hash: string): boolean;
  figures(): HasherFigures;
  /** Callers that still wait are told `busy`. */
  close(): Promise<void>;
}

export interface HasherFigures {
  readonly queued: number;
  readonly running: number;
  /** Counted since the start. */
  readonly evaluations: number;
  readonly refused: number;
  /** Undefined until the first password arrives. */
  readonly processId: number | undefined;
}

export interface HasherDeps {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * The number of evaluations at the same time. With the number of cores it reaches what the
   * machine can do.
   */
  readonly concurrency: number;
  /** The number of passwords that may wait. The next one is `busy` at once. */
  readonly queueLimit?: number;
  /** A password that has waited longer than this for its turn is `busy`. */
  readonly waitMilliseconds?: number;
  readonly params: Argon2Parameters;
}

interface Job {
  readonly request: HashRequest;
  readonly settle: (reply: HashReply | undefined) => void;
  readonly settled: AbortController;
  starts: number;
}

type Question = Readonly<
  | { kind: "hash"; password: string }
  | { kind: "verify"; hash: string; presented: PresentedPassword }
>;

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const NICENESS = 10;
const STUCK_MILLISECONDS = 10_000;
const STARTS_PER_JOB = 2;

/**
 * Runs Argon2id in a process of its own at lower priority. A flood of passwords then slows down
 * neither the event loop nor the thread pool of the server and, as far as the scheduler can help
 * it, takes none of its share of the processors (PW-11, IN-07). The process is started for the
 * first password and kept. If it dies, the work that it was doing is started once more.
 */
export function createHasher(deps: HasherDeps): Hasher {
  const { log, clock, concurrency, params, queueLimit = 64, waitMilliseconds = 1000 } = deps;
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new RangeError(`hashing concurrency of ${concurrency}: use 1 or more`);

  const queue: Job[] = [];
  let reserved = 0;
  const running = new Map<number, Job>();
  let child: ChildProcess | undefined;
  let closed = false;
  let lastId = 0;
  let evaluations = 0;
  let refused = 0;

  async function ask(question: Question): Promise<HashReply | undefined> {
    if (closed || (running.size >= concurrency && queue.length >= queueLimit)) {
      refused += 1;
      return undefined;
    }
    return new Promise((settle) => {
      const job: Job = {
        request: { id: ++lastId, ...question },
        settle,
        settled: new AbortController(),
        starts: 0,
      };
      if (running.size < concurrency) return start(job);
      queue.push(job);
      void clock.sleep(waitMilliseconds, job.settled.signal).then(() => giveUp(job));
    });
  }

  function isFull(): boolean {
    const full = closed || reserved >= concurrency + queueLimit;
    if (full) refused += 1;
    return full;
  }

  function reserve(): (() => void) | undefined {
    if (isFull()) return undefined;
    reserved += 1;
    return () => (reserved -= 1);
  }

  function giveUp(job: Job): void {
    const place = queue.indexOf(job);
    if (place === -1) return;
    queue.splice(place, 1);
    finish(job, undefined);
  }

  function start(job: Job): void {
    job.starts += 1;
    running.set(job.request.id, job);
    child ??= spawn();
    hold(child, true);
    // If a message cannot be sent, the process is ending, and `ended` deals with the job.
    child.send(job.request, () => {});
    const { starts } = job;
    void clock.sleep(STUCK_MILLISECONDS, job.settled.signal).then(() => killIfStuck(job, starts));
  }

  function killIfStuck(job: Job, starts: number): void {
    if (running.get(job.request.id) === job && job.starts === starts) child?.kill("SIGKILL");
  }

  function finish(job: Job, reply: HashReply | undefined): void {
    if (reply === undefined) refused += 1;
    else evaluations += 1;
    // A reason is given, because the default one is an exception with a stack.
    job.settled.abort("settled");
    job.settle(reply);
  }

  function spawn(): ChildProcess {
    const { memoryCost, timeCost, parallelism } = params;
    const started = fork(CHILD, [String(memoryCost), String(timeCost), String(parallelism)], {
      // Neither secrets nor NODE_OPTIONS of the server reach the child.
      env: { UV_THREADPOOL_SIZE: String(concurrency) },
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    started.on("message", answered);
    started.once("exit", (code, signal) => ended(started, { code, signal }));
    started.once("error", (error) => ended(started, { reason: error.message }));
    lowerPriority(started);
    return started;
  }

  function lowerPriority({ pid }: ChildProcess): void {
    if (pid === undefined) return;
    try {
      setPriority(pid, NICENESS);
    } catch {
      log.warn("hashing.priority_unchanged");
    }
  }

  function answered(reply: unknown): void {
    if (!isReply(reply)) return;
    const job = running.get(reply.id);
    if (job === undefined) return;
    running.delete(reply.id);
    finish(job, reply);
    startWaiting();
  }

  function startWaiting(): void {
    while (running.size < concurrency) {
      const next = queue.shift();
      if (next === undefined) break;
      start(next);
    }
    if (running.size === 0 && child !== undefined) hold(child, false);
  }

  function ended(
    which: ChildProcess,
    facts: { code?: number | null; signal?: string | null; reason?: string },
  ): void {
    if (which !== child) return;
    child = undefined;
    which.kill("SIGKILL");
    if (!closed) log.error("hashing.process_ended", { ...facts, running: running.size });
    const interrupted = [...running.values()];
    running.clear();
    for (const job of interrupted) {
      if (closed || job.starts >= STARTS_PER_JOB) finish(job, undefined);
      else start(job);
    }
    startWaiting();
  }

  return {
    hash: async (password) => {
      const reply = await ask({ kind: "hash", password });
      if (reply === undefined) return { kind: "busy" };
      if (reply.kind === "hashed") return { kind: "hashed", phc: reply.phc };
      throw unexpected(reply);
    },
    verify: async (hash, presented) => {
      if (!isKnownHash(hash)) log.warn("hashing.unverifiable");
      const reply = await ask({ kind: "verify", hash, presented });
      if (reply === undefined) return { kind: "busy" };
      if (reply.kind === "matched") return { kind: "matched" };
      if (reply.kind === "mismatched") return { kind: "mismatched" };
      throw unexpected(reply);
    },
    reserve,
    isFull,
    decoy: decoyHash(deps.random, params),
    needsUpgrade: (hash) => isOutdated(hash, params),
    figures: () => ({
      queued: queue.length,
      running: running.size,
      evaluations,
      refused,
      processId: child?.pid,
    }),
    close: async () => {
      closed = true;
      for (const job of queue.splice(0)) finish(job, undefined);
      if (child === undefined) return;
      const exit = once(child, "exit");
      hold(child, true);
      child.kill("SIGKILL");
      await exit;
    },
  };
}

/** Keeps the server alive while the process has something to do. Otherwise the process does not. */
function hold(child: ChildProcess, busy: boolean): void {
  if (busy) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}

function unexpected(reply: HashReply): Error {
  return new Error(
    `The hashing process could not evaluate: ${reply.kind === "fault" ? reply.message : reply.kind}`,
  );
}
