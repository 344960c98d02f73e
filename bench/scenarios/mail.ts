import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Bench, Row, Scenario } from "../bench.ts";
import { generate, getWith } from "../load.ts";
import { bearer, databaseFile, register, signIn, startPortcullis } from "../portcullis.ts";
import { LOAD_CORE, start, type Started } from "../processes.ts";
import { interleave, milliseconds, summaryOf, troubleWith, type Contender } from "../rounds.ts";
import { addMails, seeded } from "../seed.ts";

const USERS = 32;
const MAILS = 10_000;
const MAILS_PER_SECOND = 10;
const READS_PER_SECOND = 1000;
const GOAL_SLOWER = 1.2;

/** Reading the own account while 10,000 queued mails leave by SMTP, beside a server that has none. */
export const mail: Scenario = {
  name: "mail",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const sink = await start({
      name: "smtp sink",
      command: process.execPath,
      args: [join(import.meta.dirname, "../raw/smtp-sink.ts")],
      cores: LOAD_CORE,
    });
    const env = {
      PORTCULLIS_MAIL: sink.origin.replace("http:", "smtp:"),
      PORTCULLIS_MAIL_FROM: "no-reply@example.com",
      PORTCULLIS_MAIL_RATE: String(MAILS_PER_SECOND),
    };
    const [quiet, busy] = [bench.folder("mail-none"), bench.folder("mail-queued")];
    await seeded(busy, (db) => addMails(db, busy, MAILS));
    const idle = await startPortcullis({ dataDir: quiet, env });
    const draining = await startPortcullis({ dataDir: busy, env });
    const contenders = [await contender("idle", idle), await contender("draining", draining)];
    const [queuedBefore, startedAt] = [queued(busy), performance.now()];
    const summaries = await interleave(contenders, bench.options);
    const [left, seconds] = [queued(busy), (performance.now() - startedAt) / 1000];
    await Promise.all([idle, draining, sink].map(async (each) => each.stop()));

    const [with_, without] = [summaryOf(summaries, "draining"), summaryOf(summaries, "idle")];
    const slower = with_.p99 / without.p99;
    const rate = (queuedBefore - left) / seconds;
    const troubles = [...troubleWith(with_), ...troubleWith(without), ...(left === 0 ? ["all mails had left before the end"] : [])];
    return [
      {
        what: `p99 of GET /v1/me at ${READS_PER_SECOND}/s while ${MAILS} queued mails leave`,
        portcullis: `${milliseconds(with_.p99)} (p50 ${milliseconds(with_.p50)})`,
        against: "a server with none queued",
        reference: `${milliseconds(without.p99)} (p50 ${milliseconds(without.p50)})`,
        result: `${slower.toFixed(2)} ×`,
        goal: `≤ ${GOAL_SLOWER} ×`,
        verdict: troubles.length > 0 ? "invalid" : slower <= GOAL_SLOWER ? "pass" : "miss",
        note: [`PORTCULLIS_MAIL_RATE=${MAILS_PER_SECOND}, ${rate.toFixed(0)} mails/s left by SMTP, one at a time`, ...troubles].join("; "),
      },
    ];
  },
};

async function contender(name: string, server: Started): Promise<Contender> {
  const sessions = await signIn(server, await register(server, USERS));
  const requests = sessions.map((s) => getWith("/v1/me", bearer(s.accessToken)));
  return {
    name,
    pid: server.pid,
    round: async (seconds) =>
      generate({ origin: server.origin, connections: 32, seconds, perSecond: READS_PER_SECOND, work: { kind: "cycle", requests } }),
  };
}

/** Of the seeded mails. */
function queued(dataDir: string): number {
  const db = new DatabaseSync(databaseFile(dataDir), { readOnly: true });
  try {
    const row = db.prepare("select count(*) as mails from outbox where sent_at is null and failed_at is null").get();
    return Number(row?.["mails"]);
  } finally {
    db.close();
  }
}
