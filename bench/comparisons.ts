import { setTimeout as pause } from "node:timers/promises";
import { reading } from "./baselines.ts";
import { median, type Bench, type Row, type Scenario, type Verdict } from "./bench.ts";
import { generate, getWith } from "./load.ts";
import { bearer, register, signIn, signInWire, startPortcullis, type Setup } from "./portcullis.ts";
import { memory, treeCpuSeconds, unpinChildren, type Started } from "./processes.ts";
import { interleave, milliseconds, perSecond, summaryOf, troubleWith } from "./rounds.ts";
import type { Contender, Summary } from "./rounds.ts";
import { attempt } from "./scenarios/flood.ts";
import { signingIn } from "./scenarios/login.ts";
import { loggingOut } from "./scenarios/logout.ts";
import { refreshing } from "./scenarios/refresh.ts";
import { addUsers, seeded } from "./seed.ts";
import { judged, spreads } from "./spread.ts";

/** A figure may get worse by this factor. */
const TOLERATED = 1.05;
const USERS = 64;
const SEEDED_USERS = 100_000;
const IDLE_MILLISECONDS = 3000;
const VERIFICATIONS_PER_SECOND = 1000;

interface Side {
  readonly name: "before" | "after";
  readonly checkout?: string;
}

/** A path of the server whose rounds alternate between both sides. */
interface Path {
  readonly name: string;
  readonly what: string;
  readonly setup?: Omit<Setup, "dataDir">;
  /** Default: processor time of an answer, and rate. */
  readonly figures?: readonly Figure[];
  contender(bench: Bench, server: Started): Promise<Contender>;
}

interface Figure {
  readonly name: string;
  readonly better: "less" | "more";
  values(summary: Summary): readonly number[];
  text(value: number): string;
}

const PROCESSOR: Figure = {
  name: "processor time",
  better: "less",
  values: ({ cpuMicroseconds }) => cpuMicroseconds,
  text: (value) => `${value.toFixed(value < 10 ? 2 : 0)} µs`,
};
const RATE: Figure = {
  name: "rate",
  better: "more",
  values: ({ loads }) => loads.map((load) => load.perSecond),
  text: (value) => `${perSecond(value)}/s`,
};
const P99: Figure = {
  name: "p99",
  better: "less",
  values: ({ loads }) => loads.map((load) => load.p99),
  text: milliseconds,
};

const NO_GRACE = { PORTCULLIS_REFRESH_GRACE: "0" };

const PATHS: readonly Path[] = [
  {
    name: "token",
    what: "GET /v1/token",
    contender: async (bench, server) => readingSignedIn(bench, server, "/v1/token"),
  },
  {
    name: "me",
    what: "GET /v1/me",
    contender: async (bench, server) => readingSignedIn(bench, server, "/v1/me"),
  },
  {
    name: "refresh",
    what: "POST /v1/sessions/refresh",
    setup: { env: NO_GRACE },
    contender: async (_, server) => {
      const sessions = await signIn(server, await register(server, USERS));
      return refreshing("refresh", server, {
        kind: "refresh",
        path: "/v1/sessions/refresh",
        member: "refreshToken",
        tokens: sessions.map((s) => s.refreshToken),
      });
    },
  },
  {
    name: "login",
    what: "POST /v1/sessions",
    setup: { cores: "all" },
    contender: async (_, server) => {
      const emails = await register(server, USERS);
      return signingIn(
        "login",
        server,
        emails.map((email) => signInWire(email)),
      );
    },
  },
  {
    name: "logout",
    what: "DELETE /v1/sessions/current",
    // Each logout needs a sign-in, so the processor time would be that of hashing.
    figures: [RATE],
    contender: async (_, server) => {
      unpinChildren(server.pid);
      return loggingOut(server, await register(server, USERS));
    },
  },
  {
    name: "flood",
    what: `GET /v1/token at ${VERIFICATIONS_PER_SECOND}/s during a login flood`,
    figures: [P99],
    contender: async (_, server) => verifyingInFlood(server),
  },
];

/**
 * Returns scenarios that measure the server of another checkout and that of this one in one run.
 * Only the server is taken from there: both sides are driven by this bench.
 */
export function comparisons(checkout: string): readonly Scenario[] {
  const sides: readonly Side[] = [{ name: "before", checkout }, { name: "after" }];
  return [
    ...PATHS.map((path) => ({
      name: path.name,
      run: async (bench: Bench) => comparePath(bench, path, sides),
    })),
    { name: "boot", run: async (bench: Bench) => compareStarts(bench, sides) },
  ];
}

async function comparePath(
  bench: Bench,
  path: Path,
  sides: readonly Side[],
): Promise<readonly Row[]> {
  const servers: Started[] = [];
  const contenders: Contender[] = [];
  for (const { name, checkout } of sides) {
    const server = await startPortcullis({
      dataDir: bench.folder(name),
      ...path.setup,
      ...(checkout === undefined ? {} : { checkout }),
    });
    servers.push(server);
    contenders.push({ ...(await path.contender(bench, server)), name });
  }
  const summaries = await interleave(contenders, bench.options);
  await Promise.all(servers.map(async (server) => server.stop()));
  const [before, after] = [summaryOf(summaries, "before"), summaryOf(summaries, "after")];
  const troubles = [before, after].flatMap((summary) => troubleWith(summary));
  return (path.figures ?? [PROCESSOR, RATE]).map((figure) =>
    ratioRow(`${path.what}, ${figure.name}`, figure, {
      before: figure.values(before),
      after: figure.values(after),
      troubles,
    }),
  );
}

/** Compares round by round, because neighbouring rounds share the machine's mood. */
function ratioRow(
  what: string,
  { better, text }: Pick<Figure, "better" | "text">,
  { before, after, troubles = [] }: Sides,
): Row {
  const ratios = after.map((value, round) => value / (before[round] ?? Number.NaN));
  const ratio = median(ratios);
  const worse = better === "less" ? ratio : 1 / ratio;
  const verdict: Verdict = worse <= TOLERATED ? "pass" : "miss";
  return {
    what,
    portcullis: text(median(after)),
    against: "before",
    reference: text(median(before)),
    result: `${ratio.toFixed(2)} ×`,
    spread: spreads(ratios),
    goal: better === "less" ? `≤ ${TOLERATED} ×` : `≥ ${(1 / TOLERATED).toFixed(2)} ×`,
    verdict: troubles.length > 0 ? "invalid" : judged(verdict, ratios),
    ...(troubles.length > 0 ? { note: troubles.join("; ") } : {}),
  };
}

interface Sides {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly troubles?: readonly string[];
}

async function readingSignedIn(bench: Bench, server: Started, path: string): Promise<Contender> {
  const sessions = await signIn(server, await register(server, USERS));
  const headers = sessions.map((s) => bearer(s.accessToken));
  return reading(bench, { name: path, server, path, headers });
}

async function verifyingInFlood(server: Started): Promise<Contender> {
  unpinChildren(server.pid);
  const sessions = await signIn(server, await register(server, USERS));
  const requests = sessions.map((s) => getWith("/v1/token", bearer(s.accessToken)));
  return {
    name: "flood",
    pid: server.pid,
    round: async (seconds) => {
      const flooding = attempt(server, seconds + 1);
      const load = await generate({
        origin: server.origin,
        connections: USERS,
        seconds,
        perSecond: VERIFICATIONS_PER_SECOND,
        work: { kind: "cycle", requests },
      });
      await flooding;
      return load;
    },
  };
}

interface Start {
  readonly readyMilliseconds: number;
  readonly cpuMilliseconds: number;
  readonly megabytes: number;
}

async function compareStarts(bench: Bench, sides: readonly Side[]): Promise<readonly Row[]> {
  const seen: Record<Side["name"], Start[]> = { before: [], after: [] };
  const setups = [];
  for (const { name, checkout } of sides) {
    const setup: Setup = {
      dataDir: bench.folder(name),
      cores: "all",
      ...(checkout === undefined ? {} : { checkout }),
    };
    await seeded(setup.dataDir, (db) => addUsers(db, SEEDED_USERS), setup);
    setups.push({ name, setup });
  }
  for (let round = 0; round < bench.options.rounds; round += 1)
    for (const { name, setup } of setups) seen[name].push(await startOnce(setup));

  const row = (what: string, unit: string, value: (start: Start) => number): Row =>
    ratioRow(
      what,
      { better: "less", text: (each) => `${each.toFixed(0)} ${unit}` },
      { before: seen.before.map(value), after: seen.after.map(value) },
    );
  const users = `${SEEDED_USERS.toLocaleString("en")} users`;
  return [
    row(`start to ready, embedded, ${users}`, "ms", (start) => start.readyMilliseconds),
    row("start to ready, processor time", "ms", (start) => start.cpuMilliseconds),
    row("idle memory, shared pages counted once", "MB", (start) => start.megabytes),
  ];
}

async function startOnce(setup: Setup): Promise<Start> {
  const server = await startPortcullis(setup);
  const cpuMilliseconds = treeCpuSeconds(server.pid) * 1000;
  await pause(IDLE_MILLISECONDS);
  const { pssMegabytes: megabytes } = memory(server.pid);
  await server.stop();
  return { readyMilliseconds: server.readyMilliseconds, cpuMilliseconds, megabytes };
}
