import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { size } from "../../../../tools/size.ts";

type Suite = "tag1" | "appliku" | "djoser";

const recordings = join(import.meta.dirname, "recordings");
const contractServer = join(import.meta.dirname, "../../../../tools/contract-server.ts");

/**
 * Recorded steps that are not replayed: answers that no careful server gives, forged tokens,
 * Django's HTML pages.
 */
const skipped = ["quirk", "minted", "admin"];

/**
 * Steps whose answer differs here, each with its reason. They must go on differing, and no other
 * step may.
 */
const differing: Readonly<Record<string, readonly string[]>> = {
  // A password stays the same if its accents are composed otherwise (PW-04), but Django compares
  // bytes.
  "appliku default": ["obtain-encodings > the same letters, composed otherwise"],
};

/**
 * Registers a test for each variant on SQLite. `npm run test:all` replays the first one on
 * PostgreSQL, too. Two run at a time, because much of it is waiting.
 */
export function answersAsRecorded(suite: Suite, variants: readonly [string, ...string[]]): void {
  describe(`${suite}: every answer is the recorded one`, { concurrency: 2 }, () => {
    for (const variant of variants)
      test(`${variant} [sqlite]`, async () => assertReplay(suite, variant, undefined));
    if (!size({ small: false, full: true })) return;
    const url = process.env["TEST_DATABASE_URL"];
    const skip =
      url === undefined &&
      "TEST_DATABASE_URL is not set, so nothing was proven on PostgreSQL: `npm test` starts one";
    test(`${variants[0]} [postgres]`, { skip }, async () => assertReplay(suite, variants[0], url));
  });
}

interface Outcome {
  readonly passed: number;
  readonly scenarios: readonly { readonly name: string; readonly steps: readonly Step[] }[];
}

interface Step {
  readonly name: string;
  readonly failures?: readonly string[];
}

/**
 * Starts a fresh server as the variant describes and repeats every request that was sent to the
 * original.
 */
async function assertReplay(
  suite: Suite,
  variant: string,
  databaseUrl: string | undefined,
): Promise<void> {
  const server = await startContractServer(suite, variant, databaseUrl);
  try {
    const outcome = await replay(server, suite, variant);
    const failed = outcome.scenarios.flatMap(({ name, steps }) =>
      steps.flatMap((step) =>
        step.failures === undefined
          ? []
          : [{ step: `${name} > ${step.name}`, failures: step.failures }],
      ),
    );
    assert.deepEqual(
      failed.map(({ step }) => step),
      differing[`${suite} ${variant}`] ?? [],
      [
        ...failed.flatMap(({ step, failures }) => [
          step,
          ...failures.map((failure) => `  ${failure}`),
        ]),
        server.complaints(),
      ].join("\n"),
    );
    assert.ok(outcome.passed > 0);
  } finally {
    await server.stop();
  }
}

async function replay(server: ContractServer, suite: Suite, variant: string): Promise<Outcome> {
  const skips = skipped.flatMap((tag) => ["--skip", tag]);
  const places = ["--base", server.base, "--mail", server.mail, "--control", server.control];
  const asked = [
    join(recordings, `${suite}.json`),
    ...places,
    "--variant",
    variant,
    "--stricter",
    "--json",
    ...skips,
  ];
  const run = spawn(process.execPath, [join(recordings, "replay.mjs"), ...asked], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(run, "exit");
  const [out, err] = await Promise.all([text(run.stdout), text(run.stderr)]);
  await exited;
  // Exit code 2 means that there was nothing to run, or a wrong call.
  assert.ok(run.exitCode === 0 || run.exitCode === 1, err);
  return JSON.parse(out) as Outcome;
}

interface ContractServer {
  readonly base: string;
  readonly mail: string;
  readonly control: string;
  /** Returns the warnings and faults that it has logged. */
  complaints(): string;
  stop(): Promise<void>;
}

async function startContractServer(
  suite: Suite,
  variant: string,
  databaseUrl: string | undefined,
): Promise<ContractServer> {
  const child = spawn(process.execPath, [contractServer, suite, variant], {
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      ...(databaseUrl !== undefined && { PORTCULLIS_DATABASE_URL: databaseUrl }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (words: string) => (complaints += words));
  const [ready] = await Promise.race([
    once(createInterface(child.stdout), "line") as Promise<[string]>,
    exited.then(() =>
      Promise.reject(
        new Error(`the server for ${suite} ${variant} ended before it was ready: ${complaints}`),
      ),
    ),
  ]);
  return {
    ...(JSON.parse(ready) as Pick<ContractServer, "base" | "mail" | "control">),
    complaints: () => complaints,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}
