import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import type { TestDatabase } from "../../platform/db/testing.ts";
import { run } from "./program.ts";

const MAIN = fileURLToPath(new URL("../../../bin/portcullis.js", import.meta.url));

export type Environment = Readonly<Record<string, string>>;

export const SECRET = "a-master-secret-of-tests-0123456789-abcdefgh";

/** None of the caller's own settings reach the program. */
const bare = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("PORTCULLIS_")),
);

/** Makes a folder that is removed when the tests of this file have ended. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "portcullis-cli-"));
  after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/**
 * Settings of a deployment without a database yet. Each command is given what differs from them.
 */
export function freshDeployment(): Environment {
  return {
    PORTCULLIS_DATA_DIR: join(folder(), "data"),
    PORTCULLIS_PORT: "0",
    PORTCULLIS_PUBLIC_URL: "https://accounts.example.com",
    PORTCULLIS_SECRET: SECRET,
    // Superusers in these tests sign in with the password alone.
    PORTCULLIS_MFA_POLICY: "optional",
  };
}

/**
 * Like `freshDeployment`, but on PostgreSQL if the test is given that; the embedded database is
 * always a new one.
 */
export function deploymentOn({ options }: TestDatabase): Environment {
  return {
    ...freshDeployment(),
    ...(options.url === undefined ? {} : { PORTCULLIS_DATABASE_URL: options.url }),
  };
}

export function begin(
  environment: Environment,
  ...args: readonly string[]
): ChildProcessWithoutNullStreams {
  return spawn(MAIN, args, { env: { ...bare, ...environment }, stdio: "pipe" });
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function portcullis(
  environment: Environment,
  ...args: readonly string[]
): Promise<Ended> {
  return portcullisReading("", environment, ...args);
}

/**
 * Runs a command in this process, which takes a tenth of the time of a process of its own. What
 * belongs to a process, such as signals and a terminal, is tested with `portcullisAlone`.
 */
export async function portcullisReading(
  input: string,
  environment: Environment,
  ...args: readonly string[]
): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [said, complained] = [text(stdout), text(stderr)];
  const at = {
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    environment: { ...bare, ...environment },
  };
  const code = await run(args, at);
  stdout.end();
  stderr.end();
  return { code, stdout: await said, stderr: await complained };
}

/** Runs a command in a process of its own, as an operator does. */
export async function portcullisAlone(
  environment: Environment,
  ...args: readonly string[]
): Promise<Ended> {
  return portcullisAloneReading("", environment, ...args);
}

export async function portcullisAloneReading(
  input: string,
  environment: Environment,
  ...args: readonly string[]
): Promise<Ended> {
  const child = begin(environment, ...args);
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { code: code as number, stdout, stderr };
}

/** Runs `portcullis` and fails with its complaint if it does not succeed. */
export async function done(environment: Environment, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await portcullis(environment, ...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

export interface Server {
  /** The address on which it listens. */
  readonly url: string;
  /** Returns everything that it has printed so far. */
  printed(): string;
}

/** Runs a server while `use` runs, and ends it as an operator does. */
export async function withServer<Result>(
  environment: Environment,
  use: (server: Server) => Promise<Result>,
): Promise<Result> {
  const child = begin({ PORTCULLIS_LOG: "silent", ...environment }, "serve");
  try {
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk));
    const ended = once(child, "exit");
    const ready = /^portcullis ready on (\S+)$/m;
    while (!ready.test(printed))
      await Promise.race([
        once(child.stdout, "data"),
        ended.then(() => assert.fail(`the server ended: ${printed}`)),
      ]);
    const result = await use({ url: ready.exec(printed)?.[1] ?? "", printed: () => printed });
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
    return result;
  } finally {
    child.kill("SIGKILL");
  }
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Sends JSON, with the access token if one is given. */
export async function send(
  url: string,
  method: string,
  body?: object,
  accessToken?: string,
): Promise<Response> {
  return fetch(url, {
    method,
    headers: {
      "content-type": "application/json",
      ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

export async function signIn(
  server: Server,
  password: string,
  identifier = "admin@example.com",
): Promise<Tokens> {
  const response = await send(`${server.url}/v1/sessions`, "POST", { identifier, password });
  assert.equal(response.status, 201);
  return (await response.json()) as Tokens;
}

/** Returns the status with which `GET /v1/token` answers a token: 200 while it is accepted. */
export async function statusOf(server: Server, { accessToken }: Tokens): Promise<number> {
  const response = await send(`${server.url}/v1/token`, "GET", undefined, accessToken);
  await response.arrayBuffer();
  return response.status;
}

/** Runs `makesuperuser` and returns its random password. */
export async function makeSuperuser(environment: Environment): Promise<string> {
  const [, password = ""] =
    /^password: (\S+)$/m.exec(await done(environment, "makesuperuser")) ?? [];
  assert.ok(password.length >= 20);
  return password;
}
