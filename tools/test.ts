import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { type EventData, run } from "node:test";
import { spec } from "node:test/reporters";
import { batchesOf, programOf } from "./batches.ts";
import { type PostgresForTests, startPostgres } from "./postgres.ts";

// `node tools/test.ts [--full | --only-full] [FILE…]` runs the tests on SQLite and on a PostgreSQL
// that it starts. Without an option it runs every test, with storms, floods and hostile corpora at
// their small size.

const options: readonly string[] = ["--full", "--only-full"];

const root = resolve(import.meta.dirname, "..");
/**
 * The number of test files at a time: two for two processors, and one more for the time in which
 * these wait.
 */
const CONCURRENCY = 3;
const SLOWEST = 10;
/** The room that the tests need at a time, with PostgreSQL and the databases of a storm. */
const ROOM_BYTES = 3 * 2 ** 30;
/**
 * A test process ends after a minute or less. V8's helper threads, and its frequent collections of
 * a small heap, would cost a tenth of the time on two processors that have enough to do.
 */
const SHORT_LIFE = ["--single-threaded-gc", "--max-semi-space-size=64"];

const asked = process.argv.slice(2);
const unknown = asked.find((argument) => argument.startsWith("-") && !options.includes(argument));
if (unknown !== undefined)
  throw new Error(
    `${unknown} is not an option: use --full for everything at full size, or --only-full for the files that have a full size.`,
  );
/** Whether to run only the files that have a full size. */
const onlyFull = asked.includes("--only-full");
const full = onlyFull || asked.includes("--full");
const named = asked.filter((argument) => !options.includes(argument));
const patterns =
  named.length > 0 ? named : ["packages/**/*.test.ts", "tools/**/*.test.ts", "bench/*.test.ts"];
const files = filesOf(patterns).filter((file) => !onlyFull || hasFullSize(file));
/** A file that is named by itself has a process of its own, as `node --test` would give it. */
const batches = patterns.some((pattern) => pattern.includes("*"))
  ? batchesOf(files, root)
  : files.map((file) => [file]);
if (files.length === 0)
  throw new Error(`None of these files has a full size: ${named.join(", ")}.`);

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => interrupted.abort());

const scratch = mkdtempSync(join(placeForFiles(), "portcullis-tests-"));
// Tests that run as root start PostgreSQL as another user, who must be able to pass through.
chmodSync(scratch, 0o755);
const given = process.env["TEST_DATABASE_URL"];
const postgres = given === undefined ? await postgresOrWarning() : undefined;
try {
  process.exitCode = (await runFiles(given ?? postgres?.url)) ? 0 : 1;
} finally {
  await postgres?.stop();
  rmSync(scratch, { recursive: true, force: true });
}

async function runFiles(databaseUrl: string | undefined): Promise<boolean> {
  // Nothing lies in the working directory of a test: a test that reads what a server or an earlier
  // test has left there would fail after `npm start`.
  const cwd = join(scratch, "cwd");
  const temporary = join(scratch, "tmp");
  const together = join(scratch, "batches");
  for (const folder of [cwd, temporary, together]) mkdirSync(folder);
  chmodSync(temporary, 0o1777);
  const durations = new Map<string, number>();
  let succeeded = true;
  const events = run({
    files: batches.map((batch) => programOf(batch, root, together)),
    cwd,
    concurrency: CONCURRENCY,
    execArgv: [...SHORT_LIFE, "--import", join(import.meta.dirname, "without-async-hooks.mjs")],
    signal: interrupted.signal,
    env: {
      ...process.env,
      TMPDIR: temporary,
      // Halves the time that it takes to load the server's modules, which each file does anew.
      NODE_COMPILE_CACHE: join(root, "node_modules/.cache/tests"),
      TEST_SIZE: full ? "full" : "small",
      ...(databaseUrl !== undefined && { TEST_DATABASE_URL: databaseUrl }),
    },
  });
  events.on("test:fail", () => {
    succeeded = false;
  });
  events.on("test:summary", ({ file, duration_ms, success }: EventData.TestSummary) => {
    succeeded &&= success;
    if (file !== undefined) durations.set(file, duration_ms);
  });
  await pipeline(events.compose(new spec()), process.stdout, { end: false });
  process.stdout.write(slowest(durations));

  const left = readdirSync(cwd);
  if (left.length > 0)
    process.stderr.write(`Tests have left files in their working directory: ${left.join(", ")}.\n`);
  return succeeded && left.length === 0;
}

/**
 * Memory if there is plenty of it, because the tests on SQLite wait a third of their time for a
 * disk to confirm what they wrote. `TMPDIR` wins.
 */
function placeForFiles(): string {
  const memory = "/dev/shm";
  if (process.env["TMPDIR"] !== undefined || !existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize >= ROOM_BYTES && canRunPrograms(memory) ? memory : tmpdir();
}

/**
 * Containers often mount memory so that no program can be started from it; some tests write one.
 */
function canRunPrograms(folder: string): boolean {
  try {
    const trial = mkdtempSync(join(folder, "portcullis-trial-"));
    const script = join(trial, "script");
    writeFileSync(script, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    const { status } = spawnSync(script);
    rmSync(trial, { recursive: true });
    return status === 0;
  } catch {
    return false;
  }
}

/** @throws {Error} if a pattern matches no test file */
function filesOf(globs: readonly string[]): readonly string[] {
  const found = globs.flatMap((glob) => {
    const paths = globSync(glob, { cwd: root }).filter(
      (path) => !path.split("/").includes("node_modules"),
    );
    if (paths.length === 0) throw new Error(`There is no test file ${glob}.`);
    return paths;
  });
  return [...new Set(found.map((path) => resolve(root, path)))].toSorted();
}

/** A file has a full size if it asks `tools/size.ts` for one. */
function hasFullSize(file: string): boolean {
  return /from "[^"]*\/size\.ts"|\b(?:eachWorldInFull|answersAsRecorded)\(/.test(
    readFileSync(file, "utf8"),
  );
}

function slowest(durations: ReadonlyMap<string, number>): string {
  const lines = [...durations]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, SLOWEST)
    .map(([file, ms]) => `${(ms / 1000).toFixed(1).padStart(8)} s  ${nameOf(file)}\n`);
  return `\nSlowest files:\n${lines.join("")}`;
}

function nameOf(file: string): string {
  return file.startsWith(scratch) ? basename(file) : relative(root, file);
}

async function postgresOrWarning(): Promise<PostgresForTests | undefined> {
  try {
    return await startPostgres({ place: scratch });
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    const line = "!".repeat(100);
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `${line}\nNo PostgreSQL could be started, so every [postgres] test is SKIPPED.\n${reason}\n${line}\n`,
    );
    return undefined;
  }
}
