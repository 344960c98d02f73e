import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Bench, Row, Scenario } from "../bench.ts";
import { generate, getWith } from "../load.ts";
import { bearer, databaseFile, register, signIn, startPortcullis } from "../portcullis.ts";
import { LOAD_CORE, start, type Started } from "../processes.ts";
import { interleave, milliseconds, summaryOf, troubleWith, type Contender } from "../rounds.ts";
import { judged, spreads } from "../spread.ts";
import { addMails, seeded } from "../seed.ts";

const USERS = 32;
const MAILS = 10_000;
/** The default rate, and one that an operator in a hurry may set. */
const RATES = [10, 100];
const READS_PER_SECOND = 1000;
const GOAL_SLOWER = 1.2;

/**
 * Measures reading the own account while 10,000 queued mails leave by SMTP, compared with a server
 * without mail.
 */
export const mail: Scenario = {
  name: "mail",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const sink = await start({
      name: "smtp sink",
      command: process.execPath,
      args: [join(import.meta.dirname, "../raw/smtp-sink.ts")],
      cores: LOAD_CORE,
    });
    const envOf = (rate: number) => ({
      PORTCULLIS_MAIL: sink.origin.replace("http:", "smtp:"),
      PORTCULLIS_MAIL_FROM: "no-reply@example.com",
      PORTCULLIS_MAIL_RATE: String(rate),
    });
    const rows: Row[] = [];
    for (const rate of RATES) rows.push(await draining(bench, rate, envOf(rate)));
    await sink.stop();
    return rows;
  },
};

async function draining(
  bench: Bench,
  rate: number,
  env: Readonly<Record<string, string>>,
): Promise<Row> {
  const [quiet, busy] = [bench.folder("mail-none"), bench.folder("mail-queued")];
  await seeded(busy, (db) => addMails(db, busy, MAILS));
  const servers = [
    await startPortcullis({ dataDir: quiet, env }),
    await startPortcullis({ dataDir: busy, env }),
  ] as const;
  const contenders = [
    await contender("idle", servers[0]),
    await contender(`draining at ${rate}/s`, servers[1]),
  ];
  const [queuedBefore, startedAt] = [queued(busy), performance.now()];
  const summaries = await interleave(contenders, bench.options);
  const [left, seconds] = [queued(busy), (performance.now() - startedAt) / 1000];
  await Promise.all(servers.map(async (server) => server.stop()));

  const [loaded, idle] = [
    summaryOf(summaries, `draining at ${rate}/s`),
    summaryOf(summaries, "idle"),
  ];
  const slower = loaded.p99 / idle.p99;
  const latencies = [loaded, idle].map(({ loads }) => loads.map((load) => load.p99));
  const troubles = [
    ...troubleWith(loaded),
    ...troubleWith(idle),
    ...(left === 0 ? ["all mails had left before the end"] : []),
  ];
  const rateSeen = ((queuedBefore - left) / seconds).toFixed(0);
  return {
    what: `p99 of GET /v1/me at ${READS_PER_SECOND}/s while ${MAILS} queued mails leave at ${rate}/s`,
    portcullis: `${milliseconds(loaded.p99)} (p50 ${milliseconds(loaded.p50)})`,
    against: "a server with none queued",
    reference: `${milliseconds(idle.p99)} (p50 ${milliseconds(idle.p50)})`,
    result: `${slower.toFixed(2)} ×`,
    spread: spreads(...latencies),
    goal: `≤ ${GOAL_SLOWER} ×`,
    verdict:
      troubles.length > 0
        ? "invalid"
        : judged(slower <= GOAL_SLOWER ? "pass" : "miss", ...latencies),
    note: [
      `PORTCULLIS_MAIL_RATE=${rate}, ${rateSeen} mails/s left by SMTP, one at a time`,
      ...troubles,
    ].join("; "),
  };
}

async function contender(name: string, server: Started): Promise<Contender> {
  const sessions = await signIn(server, await register(server, USERS));
  const requests = sessions.map((s) => getWith("/v1/me", bearer(s.accessToken)));
  return {
    name,
    pid: server.pid,
    round: async (seconds) =>
      generate({
        origin: server.origin,
        connections: 32,
        seconds,
        perSecond: READS_PER_SECOND,
        work: { kind: "cycle", requests },
      }),
  };
}

/** Counts the seeded mails that still wait. */
function queued(dataDir: string): number {
  const db = new DatabaseSync(databaseFile(dataDir), { readOnly: true });
  try {
    const row = db
      .prepare("select count(*) as mails from outbox where sent_at is null and failed_at is null")
      .get();
    return Number(row?.["mails"]);
  } finally {
    db.close();
  }
}
