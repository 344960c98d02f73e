import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { median, type Bench, type Row, type Scenario } from "../bench.ts";
import { generate, getWith } from "../load.ts";
import { bearer, register, signIn, startPortcullis } from "../portcullis.ts";
import { memory, run, SERVER_CORE, type Started } from "../processes.ts";
import type { ViewFigures } from "../raw/view.ts";
import { interleave, milliseconds, summaryOf, troubleWith, type Contender } from "../rounds.ts";
import { addRevocations, seeded } from "../seed.ts";

const SESSIONS = 1_000_000;
const USERS = 50_000;
const VERIFICATIONS_PER_SECOND = 1000;
const GOAL_MILLISECONDS = 5000;
const GOAL_MEGABYTES = 64;
const GOAL_SLOWER = 1.1;
const SETTLE_MILLISECONDS = 3000;

/**
 * Experiment E-10 measures the view alone, then a server with a million live revocations compared
 * with one without.
 */
export const revocations: Scenario = {
  name: "revocations",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const [empty, full] = [bench.folder("none-revoked"), bench.folder("many-revoked")];
    await seeded(empty, () => undefined);
    await seeded(full, (db) => addRevocations(db, SESSIONS, USERS));
    const without = await startPortcullis({ dataDir: empty });
    const server = await startPortcullis({ dataDir: full });
    await pause(SETTLE_MILLISECONDS);
    const extraMegabytes = memory(server.pid).pssMegabytes - memory(without.pid).pssMegabytes;
    const summaries = await interleave(
      [await verifying("none", without), await verifying("a million", server)],
      bench.options,
    );
    await Promise.all([server.stop(), without.stop()]);

    const [mine, other] = [summaryOf(summaries, "a million"), summaryOf(summaries, "none")];
    const troubles = [mine, other].flatMap((s) => troubleWith(s));
    const slower = mine.p99 / other.p99;
    return [
      ...viewRows(await figuresOfTheView()),
      {
        what: "start to ready with 1,000,000 live revocations",
        portcullis: milliseconds(server.readyMilliseconds),
        against: "with none",
        reference: milliseconds(without.readyMilliseconds),
        result: "",
        goal: `≤ ${milliseconds(GOAL_MILLISECONDS)}`,
        verdict: server.readyMilliseconds <= GOAL_MILLISECONDS ? "pass" : "miss",
        note: `${SESSIONS} sessions and ${USERS} users`,
      },
      {
        what: "memory of such a server above one with none",
        portcullis: `${extraMegabytes.toFixed(0)} MB`,
        against: "",
        reference: "",
        result: "",
        goal: "",
        verdict: "info",
        note: "whole processes compared, so what loading left behind counts too",
      },
      {
        what: `p99 of GET /v1/token at ${VERIFICATIONS_PER_SECOND}/s with them`,
        portcullis: milliseconds(mine.p99),
        against: "with none",
        reference: milliseconds(other.p99),
        result: `${slower.toFixed(2)} ×`,
        goal: "",
        verdict: troubles.length > 0 ? "invalid" : "info",
        note: [
          `p50 ${milliseconds(median(mine.loads.map((l) => l.p50)))} and ${milliseconds(other.p50)}`,
          ...troubles,
        ].join("; "),
      },
    ];
  },
};

async function figuresOfTheView(): Promise<ViewFigures> {
  const args = [
    "--expose-gc",
    join(import.meta.dirname, "../raw/view.ts"),
    String(SESSIONS),
    String(USERS),
  ];
  const { output } = await run({
    name: "view",
    command: process.execPath,
    args,
    cores: SERVER_CORE,
  });
  // That program prints this.
  return JSON.parse(output) as ViewFigures;
}

function viewRows(figures: ViewFigures): readonly Row[] {
  return [
    {
      what: "a view of 1,000,000 live revocations",
      portcullis: `${figures.megabytes.toFixed(0)} MB`,
      against: "",
      reference: "",
      result: "",
      goal: `≤ ${GOAL_MEGABYTES} MB`,
      verdict: figures.megabytes <= GOAL_MEGABYTES ? "pass" : "miss",
      note: `${SESSIONS} sessions and ${USERS} users, filled in ${milliseconds(figures.loadMilliseconds)}`,
    },
    verificationRow(
      "p99 of one verification with that view, signature checked",
      figures.checked,
      GOAL_SLOWER,
    ),
    verificationRow(
      "p99 of one verification with that view, signature remembered",
      figures.remembered,
    ),
  ];
}

function verificationRow(
  what: string,
  { empty, full }: ViewFigures["checked"],
  goal?: number,
): Row {
  const slower = full.p99 / empty.p99;
  return {
    what,
    portcullis: `${full.p99.toFixed(1)} µs`,
    against: "an empty view",
    reference: `${empty.p99.toFixed(1)} µs`,
    result: `${slower.toFixed(2)} ×`,
    goal: goal === undefined ? "" : `≤ ${goal} ×`,
    verdict: goal === undefined ? "info" : slower <= goal ? "pass" : "miss",
    note: `in process, without HTTP; p50 ${full.p50.toFixed(1)} µs and ${empty.p50.toFixed(1)} µs`,
  };
}

async function verifying(name: string, server: Started): Promise<Contender> {
  const sessions = await signIn(server, await register(server, 32));
  const requests = sessions.map((s) => getWith("/v1/token", bearer(s.accessToken)));
  return {
    name,
    pid: server.pid,
    round: async (seconds) =>
      generate({
        origin: server.origin,
        connections: 64,
        seconds,
        perSecond: VERIFICATIONS_PER_SECOND,
        work: { kind: "cycle", requests },
      }),
  };
}
