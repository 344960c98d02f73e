import { transact } from "../src/platform/db/transact.ts";
import type { Endpoint, FailureCode } from "@portcullis/contract";
import { after } from "node:test";
import type { z } from "zod";
import { composeApp, composeRules, type Parts } from "../src/process/compose.ts";
import type { Rules } from "../src/process/rules.ts";
import { readConfig } from "../src/process/config.ts";
import { size } from "../../../tools/size.ts";
import {
  eachDatabase,
  onPostgres,
  onSqlite,
  type TestDatabase,
} from "../src/platform/db/testing.ts";
import { createHasher } from "../src/platform/hashing/pool.ts";
import { manualClock, systemClock, type ManualClock } from "../src/platform/kernel/clock.ts";
import { uuidv4 } from "../src/platform/kernel/ids.ts";
import { keyring } from "../src/platform/kernel/keyring.ts";
import { silentLog, type Facts, type Log } from "../src/platform/kernel/log.ts";
import { systemRandom } from "../src/platform/kernel/random.ts";
import type { Message } from "../src/records/mail/message.ts";
import { createTransport } from "../src/records/mail/transports.ts";
import type { SessionTokens } from "../src/accounts/users/ports.ts";
import { insertUser, type User } from "../src/accounts/users/users.store.ts";

/**
 * A whole server without a socket, on its own database. Time stands still until a test moves it.
 */
export interface World {
  readonly database: TestDatabase;
  readonly clock: ManualClock;
  readonly parts: Parts;
  readonly rules: Rules;
  /** The log so far. */
  readonly logged: readonly Logged[];
  /**
   * Sends a request. A call that should be refused needs no type; another names its answer, such as
   * `AnswerOf<typeof endpoints.getMe>`.
   */
  request<Body = Refused>(
    method: string,
    path: string,
    options?: RequestOptions,
  ): Promise<Answered<Body>>;
  /** Inserts a confirmed user into the store. */
  user(options?: UserOptions): Promise<TestUser>;
  signIn(user: TestUser, options?: RequestOptions): Promise<SessionTokens>;
  /** Sends the mails in the outbox. Returns everything sent so far, newest first. */
  mails(): Promise<readonly Message[]>;
  /** Counts the statements sent to the database so far. */
  queries(): number;
}

export interface RequestOptions {
  readonly token?: string;
  readonly body?: unknown;
  /** The address of the client. The default is a documentation address (RFC 5737). */
  readonly address?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered<Body> {
  readonly status: number;
  readonly headers: Headers;
  /** The body, parsed if it is JSON. */
  readonly body: Body;
  readonly text: string;
}

export interface Refused {
  readonly code: FailureCode;
  readonly status: number;
  readonly [member: string]: unknown;
}

/** The body of an endpoint's answer with a given status. */
export type AnswerOf<
  E extends Endpoint,
  Status extends keyof E["answers"] = 200 & keyof E["answers"],
> = E["answers"][Status] extends z.ZodType ? z.output<E["answers"][Status]> : undefined;

export interface UserOptions {
  readonly superuser?: boolean;
  readonly password?: string;
  /** The address in canonical form. */
  readonly email?: string;
  readonly username?: string;
}

export interface TestUser {
  readonly id: string;
  readonly email: string;
  readonly username: string | null;
  readonly password: string;
}

export interface Logged {
  readonly level: keyof Log;
  readonly event: string;
  readonly facts: Facts;
  readonly cause?: unknown;
}

/** Settings by their environment names, such as `PORTCULLIS_REGISTRATION`. */
export type WorldOptions = Readonly<Record<`PORTCULLIS_${string}`, string>>;

export const publicUrl = "https://accounts.example.com";
export const webhookSecret = "a webhook secret of the test world";
export const secret = Buffer.from("a master secret of the test world, 48 bytes long");
const PASSWORD = "seven quiet herons";

/**
 * All worlds of a test file share one process with the weakest parameters, because the cost of
 * hashing is measured elsewhere.
 */
const hasher = createHasher({
  log: silentLog,
  clock: systemClock,
  random: systemRandom,
  concurrency: 2,
  queueLimit: 1000,
  waitMilliseconds: 30_000,
  params: { memoryCost: 64, timeCost: 1, parallelism: 1 },
});
after(async () => hasher.close());

/** Registers the test once for each database, each time in a new world. */
export function eachWorld(
  name: string,
  run: (world: World) => Promise<void>,
  options: WorldOptions = {},
): void {
  eachDatabase(name, async (database) => inWorld(database, options, run));
}

/**
 * Like `eachWorld`, for a sweep over every endpoint or a flood, whose rules other tests prove on
 * both databases. `npm test` runs it on SQLite, and `npm run test:all` on PostgreSQL, too.
 */
export function eachWorldInFull(
  name: string,
  run: (world: World) => Promise<void>,
  options: WorldOptions = {},
): void {
  onSqlite(name, async (database) => inWorld(database, options, run));
  if (size({ small: false, full: true }))
    onPostgres(name, async (database) => inWorld(database, options, run));
}

async function inWorld(
  database: TestDatabase,
  options: WorldOptions,
  run: (world: World) => Promise<void>,
): Promise<void> {
  const clock = manualClock();
  const logged: Logged[] = [];
  const transport = createTransport("mailbox:", { clock });
  const parts: Parts = {
    config: readConfig({
      PORTCULLIS_LOG: "silent",
      PORTCULLIS_MAIL_WEBHOOK_SECRET: webhookSecret,
      // Superusers of most tests sign in by password, and other tests cover what the default policy
      // demands.
      PORTCULLIS_MFA_POLICY: "optional",
      ...options,
    }),
    publicUrl,
    database,
    keyring: keyring([secret], systemRandom),
    clock,
    random: systemRandom,
    log: rememberingLog(logged),
    hasher,
    transport,
  };
  const rules = await composeRules(parts);
  const app = composeApp(parts, rules, () => "ready");

  const request = async <Body = Refused>(
    method: string,
    path: string,
    asked: RequestOptions = {},
  ): Promise<Answered<Body>> => {
    const headers = {
      ...(asked.token && { authorization: `Bearer ${asked.token}` }),
      ...(asked.body !== undefined && { "content-type": "application/json" }),
      ...asked.headers,
    };
    const body = asked.body === undefined ? null : JSON.stringify(asked.body);
    const response = await app.fetch(new Request(publicUrl + path, { method, headers, body }), {
      remoteAddress: asked.address ?? "192.0.2.1",
    });
    const text = await response.text();
    const json = text !== "" && response.headers.get("content-type")?.includes("json") === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (json ? JSON.parse(text) : text) as Body,
    };
  };

  let users = 0;
  await rules.feed.start();
  try {
    await run({
      database,
      clock,
      parts,
      rules,
      logged,
      request,
      queries: () => database.queries(),
      user: async ({
        superuser = false,
        password = PASSWORD,
        email = `user${++users}@example.com`,
        username,
      } = {}) => {
        const id = uuidv4(systemRandom);
        const passwordSealed = parts.keyring.seal(
          "password-seal",
          id,
          Buffer.from(await hashOf(password)),
        );
        await transact(rules, async (tx) => {
          const now = clock.now();
          const user = {
            id,
            email,
            emailCanonical: email,
            emailVerifiedAt: now,
            username: username ?? null,
            usernameCanonical: username ?? null,
          };
          const inserted = await insertUser(tx, {
            ...user,
            passwordSealed,
            superuserSince: superuser ? now : null,
            profile: {},
            locale: null,
            createdAt: now,
          });
          return present(inserted, `somebody has the address ${email} or the username ${username}`);
        });
        return { id, email, username: username ?? null, password };
      },
      signIn: async (user, asked = {}) => {
        const body = { identifier: user.email, password: user.password };
        const answered = await request<SessionTokens>("POST", "/v1/sessions", { ...asked, body });
        if (answered.status !== 201)
          throw new Error(`signing in was answered ${answered.status} ${answered.text}`);
        return answered.body;
      },
      mails: async () => {
        for (let batch = await rules.sender.runOnce(); batch.sent > 0;)
          batch = await rules.sender.runOnce();
        return transport.messages?.() ?? [];
      },
    });
  } finally {
    await rules.feed.stop();
    transport.close();
  }
}

/**
 * Lets time pass until the answer arrives, because other nodes poll by the clock. Time runs ten
 * times as fast as real time, so that a real database still answers long before the view grows
 * stale.
 */
export async function whileTimePasses<Value>(world: World, answer: Promise<Value>): Promise<Value> {
  let done = false;
  void answer.catch(() => {}).finally(() => (done = true));
  while (!done) {
    world.clock.advance(0.05);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return answer;
}

const hashes = new Map<string, Promise<string>>();

/** Hashes a password once for all users who have it; each user's copy is sealed for them. */
async function hashOf(password: string): Promise<string> {
  const known = hashes.get(password);
  if (known !== undefined) return known;
  const hashing = hasher
    .hash(password.normalize("NFKC"))
    .then((outcome) =>
      present(outcome.kind === "hashed" ? outcome.phc : undefined, "the hasher is busy"),
    );
  hashes.set(password, hashing);
  return hashing;
}

function present<Value extends User | string>(value: Value | undefined, otherwise: string): Value {
  if (value === undefined) throw new Error(otherwise);
  return value;
}

function rememberingLog(logged: Logged[]): Log {
  const remember =
    (level: keyof Log) =>
    (event: string, facts: Facts = {}, cause?: unknown) =>
      void logged.push({ level, event, facts, ...(cause !== undefined && { cause }) });
  return {
    debug: remember("debug"),
    info: remember("info"),
    warn: remember("warn"),
    error: remember("error"),
  };
}
