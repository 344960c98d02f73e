import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "./bench.ts";
import { call, clientAddress, member, type Wire } from "./connection.ts";
import { start, SERVER_CORE, type Started } from "./processes.ts";

export const PASSWORD = "plinth-Quartz-41-bench";

const CHECKOUT = join(import.meta.dirname, "..");
const ENTRY = "packages/server/bin/portcullis.js";
/** A server on a busy machine may refuse a password several times in a row. */
const TRIES = 30;

export interface Setup {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * If absent, the server keeps to its core. With `all`, the scheduler chooses, as in an
   * installation.
   */
  readonly cores?: "all";
  /** The root of another checkout. If absent, the server is that of this one. */
  readonly checkout?: string;
}

/**
 * Starts with production settings on embedded SQLite. Registration takes effect at once, so that
 * users can be made, and tokens outlive any measurement.
 */
export async function startPortcullis(setup: Setup): Promise<Started> {
  const port = await freePort();
  const mailDir = join(setup.dataDir, "mail");
  mkdirSync(mailDir, { recursive: true });
  return start({
    name: "portcullis",
    command: process.execPath,
    args: [join(setup.checkout ?? CHECKOUT, ENTRY), "serve"],
    ...(setup.cores === "all" ? {} : { cores: SERVER_CORE }),
    env: {
      NODE_ENV: "production",
      PORTCULLIS_MODE: "production",
      PORTCULLIS_HOST: "127.0.0.1",
      PORTCULLIS_PORT: String(port),
      PORTCULLIS_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PORTCULLIS_DATA_DIR: setup.dataDir,
      PORTCULLIS_REGISTRATION: "immediate",
      PORTCULLIS_MAIL: `dir:${mailDir}`,
      PORTCULLIS_ACCESS_TTL: "1h",
      ...setup.env,
    },
  });
}

export interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Registers `count` users over HTTP and returns their addresses. */
export async function register(server: Started, count: number): Promise<readonly string[]> {
  const emails = Array.from({ length: count }, (_, index) => `bench${index}@example.com`);
  await inParallel(emails, async (email, index) =>
    expect(
      server,
      201,
      { method: "POST", path: "/v1/users", json: { email, password: PASSWORD } },
      index,
    ),
  );
  return emails;
}

export async function signIn(
  server: Started,
  emails: readonly string[],
): Promise<readonly SignedIn[]> {
  return inParallel(emails, async (email, index) => {
    const { json } = await expect(server, 201, signInWire(email), index);
    return { accessToken: member(json, "accessToken"), refreshToken: member(json, "refreshToken") };
  });
}

/** Signs in through a Django face and returns its tokens. */
export async function signInAtFace(
  server: Started,
  emails: readonly string[],
): Promise<readonly SignedIn[]> {
  return inParallel(emails, async (email, index) => {
    const { json } = await expect(
      server,
      200,
      { method: "POST", path: "/api/token/", json: { email, password: PASSWORD } },
      index,
    );
    return { accessToken: member(json, "access"), refreshToken: member(json, "refresh") };
  });
}

export function signInWire(email: string, password = PASSWORD): Wire {
  return { method: "POST", path: "/v1/sessions", json: { identifier: email, password } };
}

export function bearer(token: string): { readonly name: string; readonly value: string } {
  return { name: "Authorization", value: `Bearer ${token}` };
}

/** Returns the path of the embedded database. */
export function databaseFile(dataDir: string): string {
  const found = readdirSync(dataDir).filter((name) => /\.(db|sqlite3?)$/.test(name));
  if (found.length !== 1)
    throw new Error(
      `expected one database file, found ${found.length}: ${readdirSync(dataDir).join(", ")}`,
    );
  return join(dataDir, found[0] ?? "");
}

/** Waits and asks again if the server is too busy, as a client does. */
async function expect(
  server: Started,
  status: number,
  wire: Wire,
  client: number,
): ReturnType<typeof call> {
  for (let tries = 1; ; tries += 1) {
    const answer = await call(server.origin, wire, clientAddress(client));
    if (answer.status === status) return answer;
    if (answer.status !== 503 || tries === TRIES)
      throw new Error(
        `${server.name}: ${wire.method} ${wire.path} answered ${answer.status}: ${answer.body}`,
      );
    const seconds = /^retry-after: (\d+)/im.exec(answer.headers)?.[1];
    await pause(Number(seconds ?? 1) * 1000);
  }
}

async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      results[next[0]] = await work(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return results;
}
