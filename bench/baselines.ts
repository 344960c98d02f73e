import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import type { Recording } from "./bare.ts";
import { call } from "./connection.ts";
import { readAll } from "./load.ts";
import { bareLoad } from "./plan.ts";
import { bearer, databaseFile } from "./portcullis.ts";
import { type Launch, run, SERVER_CORE, start, type Started } from "./processes.ts";
import type { Contender } from "./rounds.ts";
import { addSessions, addUsers, seeded } from "./seed.ts";

/**
 * The connections of every read: enough to keep one core busy, and few enough that the latency does
 * not measure a queue.
 */
export const READ_CONNECTIONS = 16;

export interface Reading {
  readonly name: string;
  readonly server: Started;
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export function reading(bench: Bench, { name, server, path, headers }: Reading): Contender {
  const workDir = bench.folder("headers");
  return {
    name,
    pid: server.pid,
    round: async (seconds) =>
      readAll({
        origin: server.origin,
        path,
        headers,
        connections: READ_CONNECTIONS,
        seconds,
        workDir,
      }),
  };
}

const STORED_SESSIONS = 10_000;

/** Measures the transaction on node:sqlite alone, in a database that the server made. */
export async function storage(bench: Bench, kind: "refresh" | "logout"): Promise<Contender> {
  const dataDir = bench.folder("storage");
  await seeded(dataDir, (db) => {
    addUsers(db, STORED_SESSIONS);
    addSessions(db, STORED_SESSIONS);
  });
  return rawContender(`storage alone (${kind})`, (seconds) => {
    const args = [
      join(import.meta.dirname, "raw/storage.ts"),
      databaseFile(dataDir),
      kind,
      String(seconds),
    ];
    return { name: "storage", command: process.execPath, args, cores: SERVER_CORE };
  });
}

export const ARGON2_CONCURRENCIES = [2, 3, 4];

export function argon2(concurrency: number): Contender {
  return rawContender(`Argon2id alone, ${concurrency} at once`, (seconds) => {
    const args = [join(import.meta.dirname, "raw/argon2.ts"), String(seconds), String(concurrency)];
    return { name: "argon2", command: process.execPath, args };
  });
}

function rawContender(name: string, launch: (seconds: number) => Launch): Contender {
  return {
    name,
    round: async (seconds) => {
      const { output } = await run(launch(seconds));
      // The programs in raw/ print this.
      const { perSecond } = JSON.parse(output) as { readonly perSecond: number };
      return bareLoad(perSecond);
    },
  };
}

/** The headers that the HTTP layer of any server writes by itself. */
const WRITTEN_BY_THE_LAYER = new Set([
  "date",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
]);

/**
 * Records one answer of the server and starts a bare handler that repeats it. It checks that the
 * handler does.
 */
export async function startBare(
  bench: Bench,
  server: Started,
  path: string,
  accessToken: string,
): Promise<Started> {
  const wire = {
    method: "GET",
    path,
    headers: { [bearer(accessToken).name]: bearer(accessToken).value },
  };
  const original = await call(server.origin, wire);
  if (original.status !== 200)
    throw new Error(`${path} answered ${original.status}: ${original.body}`);
  const recording: Recording = {
    path,
    headers: Object.fromEntries(ownHeaders(original.headers)),
    body: original.body,
  };
  const file = join(bench.folder("bare"), "recording.json");
  writeFileSync(file, JSON.stringify(recording));
  const bare = await start({
    name: "bare handler",
    command: process.execPath,
    args: [join(import.meta.dirname, "bare.ts"), file],
    env: { NODE_ENV: "production" },
    cores: SERVER_CORE,
  });
  const copy = await call(bare.origin, wire);
  const same =
    copy.body === original.body &&
    sameHeaders(ownHeaders(copy.headers), ownHeaders(original.headers));
  if (!same)
    throw new Error(
      `the bare handler does not repeat the answer:\n${original.headers}\n---\n${copy.headers}`,
    );
  return bare;
}

type Headers = readonly (readonly [string, string])[];

function sameHeaders(a: Headers, b: Headers): boolean {
  return (
    a.length === b.length &&
    a.every(([name, value]) => b.some((other) => other[0] === name && other[1] === value))
  );
}

function ownHeaders(text: string): Headers {
  return text
    .split("\r\n")
    .slice(1)
    .map((line): readonly [string, string] => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ])
    .filter(([name]) => !WRITTEN_BY_THE_LAYER.has(name));
}
