import type { Bench, Row, Scenario } from "../bench.ts";
import { generate, getWith } from "../load.ts";
import { answered, type Load } from "../plan.ts";
import { bearer, register, signIn, signInWire, startPortcullis } from "../portcullis.ts";
import { memory, unpinChildren, type Started } from "../processes.ts";
import {
  interleave,
  milliseconds,
  perSecond,
  statusesOf,
  summaryOf,
  troubleWith,
  type Summary,
} from "../rounds.ts";
import { judged, spreads } from "../spread.ts";

const USERS = 32;
const VERIFICATIONS_PER_SECOND = 1000;
const ATTEMPTS_PER_SECOND = 2000;
const ATTACKERS = 400;
const GOAL_MILLISECONDS = 2;
const TURNED_AWAY_MILLISECONDS = 50;
const GOAL_MEGABYTES = 200;

/**
 * Experiment E-09 measures token verification while more sign-ins are attempted than can be hashed.
 */
export const flood: Scenario = {
  name: "flood",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const server = await startPortcullis({ dataDir: bench.folder("flood") });
    unpinChildren(server.pid);
    const sessions = await signIn(server, await register(server, USERS));
    const attempts: Load[] = [];
    let peakMegabytes = 0;

    const verify = async (seconds: number): Promise<Load> =>
      generate({
        origin: server.origin,
        connections: 64,
        seconds,
        perSecond: VERIFICATIONS_PER_SECOND,
        work: {
          kind: "cycle",
          requests: sessions.map((s) => getWith("/v1/token", bearer(s.accessToken))),
        },
      });
    const verifyDuringFlood = async (seconds: number): Promise<Load> => {
      const flooding = attempt(server, seconds + 1);
      const load = await verify(seconds);
      peakMegabytes = Math.max(peakMegabytes, memory(server.pid).rssMegabytes);
      attempts.push(await flooding);
      return load;
    };
    const idleMegabytes = memory(server.pid).rssMegabytes;
    const summaries = await interleave(
      [
        { name: "without", pid: server.pid, round: verify },
        { name: "during the flood", pid: server.pid, round: verifyDuringFlood },
      ],
      bench.options,
    );
    await server.stop();
    return [
      latencyRow(summaryOf(summaries, "during the flood"), summaryOf(summaries, "without")),
      ...attemptRows(attempts),
      memoryRow(peakMegabytes, idleMegabytes),
    ];
  },
};

/**
 * Attempts to sign in to unknown accounts, each time another one, from 400 addresses. This is the
 * most expensive attempt that no limit per account stops.
 */
export async function attempt(server: Started, seconds: number): Promise<Load> {
  const requests = Array.from({ length: ATTEMPTS_PER_SECOND }, (_, index) =>
    signInWire(`nobody${index}@example.com`, `wrong-Plinth-${index}`),
  );
  return generate({
    origin: server.origin,
    connections: ATTACKERS,
    seconds,
    perSecond: ATTEMPTS_PER_SECOND,
    manyClients: true,
    work: { kind: "cycle", requests },
  });
}

function latencyRow(during: Summary, without: Summary): Row {
  const added = during.p99 - without.p99;
  const late = during.loads.reduce((sum, load) => sum + load.unsent, 0);
  const troubles = [during, without].flatMap((s) => troubleWith(s));
  const latencies = [during, without].map(({ loads }) => loads.map((load) => load.p99));
  return {
    what: `p99 of GET /v1/token at ${VERIFICATIONS_PER_SECOND}/s during a login flood`,
    portcullis: `${milliseconds(during.p99)} (p50 ${milliseconds(during.p50)})`,
    against: "the same without the flood",
    reference: `${milliseconds(without.p99)} (p50 ${milliseconds(without.p50)})`,
    result: `${added < 0 ? "" : "+"}${milliseconds(added)}`,
    spread: spreads(...latencies),
    goal: `≤ +${GOAL_MILLISECONDS} ms`,
    verdict:
      troubles.length > 0
        ? "invalid"
        : judged(added <= GOAL_MILLISECONDS && late === 0 ? "pass" : "miss", ...latencies),
    note: [
      "server on one core, its hashers on both, both generators on the other",
      late > 0 ? `${late} verifications not sent because all connections were waiting` : "",
      ...troubles,
    ]
      .filter((part) => part !== "")
      .join("; "),
  };
}

function attemptRows(attempts: readonly Load[]): readonly Row[] {
  const sent = attempts.reduce((sum, load) => sum + answered(load), 0);
  const slowest = Math.max(...attempts.map((load) => load.turnedAwayP99));
  return [
    {
      what: "attempts turned away, p99",
      portcullis: slowest < 0 ? "none turned away" : milliseconds(slowest),
      against: "",
      reference: "",
      result: "",
      goal: `≤ ${TURNED_AWAY_MILLISECONDS} ms`,
      verdict: slowest < 0 ? "info" : slowest <= TURNED_AWAY_MILLISECONDS ? "pass" : "miss",
      note: `${perSecond(ATTEMPTS_PER_SECOND)} attempts/s offered; ${sent} answered (${statusesOf(attempts)}), ${attempts.reduce((sum, l) => sum + l.unsent, 0)} not sent because all connections were waiting`,
    },
  ];
}

function memoryRow(peak: number, idle: number): Row {
  return {
    what: "memory during the flood, all processes",
    portcullis: `${peak.toFixed(0)} MB`,
    against: "before it",
    reference: `${idle.toFixed(0)} MB`,
    result: `+${(peak - idle).toFixed(0)} MB`,
    goal: `≤ +${GOAL_MEGABYTES} MB`,
    verdict: peak - idle <= GOAL_MEGABYTES ? "pass" : "miss",
  };
}
