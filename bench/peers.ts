import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "./bench.ts";
import { call, member, type Wire } from "./connection.ts";
import { PASSWORD, type SignedIn } from "./portcullis.ts";
import { run, SERVER_CORE, start, type Started } from "./processes.ts";

const PYTHON = "/usr/bin/python3";
const GUNICORN = "/usr/bin/gunicorn";
const DJANGO_DIR = join(import.meta.dirname, "peers/django");

const HOW_TO_INSTALL =
  "On Debian: apt-get install python3-django python3-djangorestframework python3-djangorestframework-simplejwt python3-argon2 gunicorn";

export interface Peer extends Started {
  /** The versions and settings that the results name. */
  readonly about: string;
}

/** Returns `undefined` with a warning if the packages are missing. */
export async function startDjango(folder: string, users: number): Promise<Peer | undefined> {
  if (!hasDjango()) {
    process.stderr.write(
      `\n!!! SimpleJWT IS NOT MEASURED: its packages are not installed. ${HOW_TO_INSTALL}\n\n`,
    );
    return undefined;
  }
  const env = { BENCH_DATABASE: join(folder, "django.db"), PYTHONDONTWRITEBYTECODE: "1" };
  const prepared = await run({
    name: "django",
    command: PYTHON,
    args: ["prepare.py", String(users), PASSWORD],
    cwd: DJANGO_DIR,
    env,
  });
  // Sync workers were measured to be faster here than threaded ones, with and without keep-alive.
  const args = [
    GUNICORN,
    "--workers",
    "2",
    "--worker-class",
    "sync",
    "--bind",
    "127.0.0.1:0",
    "wsgi:application",
  ];
  const server = await start({ name: "SimpleJWT", command: PYTHON, args, cwd: DJANGO_DIR, env });
  return { ...server, about: prepared.output.trim() };
}

function hasDjango(): boolean {
  return (
    existsSync(GUNICORN) &&
    spawnSync(PYTHON, ["-c", "import django, rest_framework, rest_framework_simplejwt"]).status ===
      0
  );
}

/** The row of the table if the comparison could not be made. */
export function djangoAbsent(what: string, goal: string): Row {
  return {
    what,
    portcullis: "",
    against: "SimpleJWT",
    reference: "not installed",
    result: "",
    goal,
    verdict: "absent",
    note: HOW_TO_INSTALL,
  };
}

export function djangoSignInWire(index: number): Wire {
  return {
    method: "POST",
    path: "/api/token/",
    json: { username: `bench${index}`, password: PASSWORD },
  };
}

export async function djangoSignIn(server: Started, count: number): Promise<readonly SignedIn[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, async (_, index) => call(server.origin, djangoSignInWire(index))),
  );
  return answers.map(({ json }) => ({
    accessToken: member(json, "access"),
    refreshToken: member(json, "refresh"),
  }));
}

export async function startBetterAuth(folder: string, cores?: "all"): Promise<Peer> {
  const server = await start({
    name: "better-auth",
    command: process.execPath,
    args: [join(import.meta.dirname, "peers/better-auth.mjs"), join(folder, "better-auth.db")],
    env: { NODE_ENV: "production" },
    ...(cores === "all" ? {} : { cores: SERVER_CORE }),
  });
  return { ...server, about: "node:sqlite, write-ahead log, cookie cache and rate limit off" };
}

export function betterAuthSignInWire(index: number, origin: string): Wire {
  const json = { email: `bench${index}@example.com`, password: PASSWORD };
  return { method: "POST", path: "/api/auth/sign-in/email", headers: { Origin: origin }, json };
}

/** Signs `count` users up and returns the Cookie header of each. */
export async function betterAuthCookies(
  server: Started,
  count: number,
): Promise<readonly string[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const json = {
        name: `bench${index}`,
        email: `bench${index}@example.com`,
        password: PASSWORD,
      };
      const answer = await call(server.origin, {
        method: "POST",
        path: "/api/auth/sign-up/email",
        headers: { Origin: server.origin },
        json,
      });
      const cookie = /\r\nset-cookie: *([^;\r]*session_token[^;\r]*)/i.exec(answer.headers)?.[1];
      if (cookie === undefined)
        throw new Error(`better-auth answered ${answer.status}: ${answer.body}`);
      return cookie;
    }),
  );
}
