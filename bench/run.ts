import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { benchIn, type Row, type Scenario } from "./bench.ts";
import { comparisons } from "./comparisons.ts";
import { isQuiet, print, share, write } from "./results.ts";
import { boot } from "./scenarios/boot.ts";
import { cookies } from "./scenarios/cookies.ts";
import { faces } from "./scenarios/faces.ts";
import { flood } from "./scenarios/flood.ts";
import { importDjango } from "./scenarios/import.ts";
import { limits } from "./scenarios/limits.ts";
import { login } from "./scenarios/login.ts";
import { logout } from "./scenarios/logout.ts";
import { mail } from "./scenarios/mail.ts";
import { me } from "./scenarios/me.ts";
import { refresh } from "./scenarios/refresh.ts";
import { revocations } from "./scenarios/revocations.ts";
import { secondFactors } from "./scenarios/second-factors.ts";
import { token } from "./scenarios/token.ts";

const SCENARIOS: readonly Scenario[] = [
  token,
  me,
  cookies,
  refresh,
  faces,
  login,
  secondFactors,
  logout,
  flood,
  limits,
  boot,
  revocations,
  importDjango,
  mail,
];
const HERE = import.meta.dirname;
const WORK = join(HERE, ".work");

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    before: { type: "string" },
  },
});
const scenarios = values.before === undefined ? SCENARIOS : comparisons(resolve(values.before));
const chosen =
  values.only.length === 0 ? scenarios : scenarios.filter((s) => values.only.includes(s.name));
const unknown = values.only.filter((name) => !scenarios.some((s) => s.name === name));
if (unknown.length > 0)
  throw new RangeError(
    `no scenario ${unknown.join(", ")}; there are ${scenarios.map((s) => s.name).join(", ")}`,
  );

installPeers();
checkVersions();
rmSync(WORK, { recursive: true, force: true });
const options = values.quick
  ? { rounds: 1, seconds: 1, quick: true }
  : { rounds: Number(values.rounds), seconds: Number(values.seconds), quick: false };
const bench = benchIn(WORK, options);
const busyBefore = await busy();
const rows: Row[] = [];
for (const scenario of chosen) {
  process.stderr.write(`${scenario.name}\n`);
  rows.push(...(await scenario.run(bench)));
}
const busyAfter = await busy();
rmSync(WORK, { recursive: true, force: true });
print(rows);
// A partial or quick run and a comparison do not replace the full table.
if (!values.quick && values.only.length === 0 && values.before === undefined)
  write(join(HERE, "results.md"), { rows, options, busyBefore, busyAfter });
if (rows.some((row) => row.verdict === "invalid")) process.exitCode = 1;

/**
 * Measures other programs' share of the machine over a second in which the bench itself does
 * nothing.
 */
async function busy(): Promise<number> {
  const before = times();
  await pause(1000);
  const after = times();
  const value = 1 - (after.idle - before.idle) / (after.all - before.all);
  if (!isQuiet(value))
    process.stderr.write(
      `!!! Other programs use ${share(value)} of this machine: figures are not to be trusted.\n`,
    );
  return value;
}

function times(): { readonly idle: number; readonly all: number } {
  const all = cpus().flatMap((cpu) => Object.values(cpu.times));
  return {
    idle: cpus().reduce((sum, cpu) => sum + cpu.times.idle, 0),
    all: all.reduce((sum, each) => sum + each, 0),
  };
}

function installPeers(): void {
  const installed = join(HERE, "node_modules/.package-lock.json");
  if (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(join(HERE, "package-lock.json")).mtimeMs
  )
    return;
  const done = spawnSync(
    "npm",
    ["ci", "--prefix", HERE, "--ignore-scripts", "--no-audit", "--no-fund"],
    { stdio: ["ignore", 2, 2] },
  );
  if (done.status !== 0) throw new Error("npm ci in bench/ failed");
}

/** The bare handler and the raw hash are comparable only if they run the server's own libraries. */
function checkVersions(): void {
  const [ours, theirs] = ["package.json", "../packages/server/package.json"].map(dependenciesIn);
  for (const name of ["hono", "@hono/node-server", "@node-rs/argon2"]) {
    if (ours?.[name] !== theirs?.[name])
      throw new Error(
        `bench has ${name} ${ours?.[name]}, the server ${theirs?.[name]}: make them the same`,
      );
  }
}

function dependenciesIn(file: string): Readonly<Record<string, string>> {
  // This reads a package.json of this repository.
  const { dependencies } = JSON.parse(readFileSync(join(HERE, file), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return dependencies;
}
