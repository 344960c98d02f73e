import { hash } from "@node-rs/argon2";
import { randomBytes } from "node:crypto";
import { standardParameters } from "../../packages/server/src/platform/hashing/phc.ts";
import { newPasskeyKeys } from "../authenticators.ts";
import type { Bench, Row, Scenario } from "../bench.ts";
import { call, forwardedAddress, type Wire } from "../connection.ts";
import { generate, getWith } from "../load.ts";
import type { Work } from "../plan.ts";
import { bearer, PASSWORD, signInWire, startPortcullis } from "../portcullis.ts";
import type { Started } from "../processes.ts";
import {
  compare,
  type Contender,
  interleave,
  milliseconds,
  type Summary,
  summaryOf,
  troubleWith,
  WARM_UP_SECONDS,
} from "../rounds.ts";
import {
  addPasskeys,
  addPasswords,
  addTotp,
  addUsers,
  passkeyOf,
  seeded,
  type Range,
} from "../seed.ts";

const CONNECTIONS = 8;
/**
 * The number of users for each second that is measured. If there are more sign-ins than users, a
 * round ends early.
 */
const PER_SECOND = { password: 300, passkey: 3000 };
const METRICS_TOKEN = "bench-reads-the-metrics";

/**
 * Measures whole sign-ins, from the first request to the session. Each is of another user and from
 * another address, because a code is accepted once and limits per client are not measured here. No
 * process is pinned, as in the scenario with the password alone.
 */
export const secondFactors: Scenario = {
  name: "second-factors",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const seconds = bench.options.rounds * bench.options.seconds + WARM_UP_SECONDS;
    const plain: Range = { from: 0, count: seconds * PER_SECOND.password };
    const totp: Range = { ...plain, from: plain.count };
    const passkey: Range = { from: 2 * plain.count, count: seconds * PER_SECOND.passkey };
    const all: Range = { from: 0, count: passkey.from + passkey.count };
    const [secret, keys, phc] = [
      randomBytes(20),
      newPasskeyKeys(),
      await hash(PASSWORD, standardParameters),
    ];

    const dataDir = bench.folder("second-factors");
    await seeded(dataDir, (db) => {
      addUsers(db, all.count);
      addPasswords(db, dataDir, all, phc);
      addTotp(db, dataDir, totp, secret);
      addPasskeys(db, passkey, keys.publicCose);
    });
    const env = {
      PORTCULLIS_TRUSTED_PROXIES: "127.0.0.0/8",
      PORTCULLIS_METRICS_TOKEN: METRICS_TOKEN,
    };
    const server = await startPortcullis({ dataDir, env, cores: "all" });

    const byPassword = signingIn(
      server,
      "POST /v1/sessions",
      { first: plain.from, perSecond: PER_SECOND.password },
      (users) => ({
        kind: "once",
        requests: users.map(passwordWire),
      }),
    );
    const byTotp = signingIn(
      server,
      "password and TOTP",
      { first: totp.from, perSecond: PER_SECOND.password },
      (users) => ({
        kind: "two-step",
        requests: users.map(passwordWire),
        second: { factor: "totp", secret: secret.toString("base64url") },
      }),
    );
    const byPasskey = signingIn(
      server,
      "passkey alone",
      { first: passkey.from, perSecond: PER_SECOND.passkey },
      (users) => ({
        kind: "two-step",
        requests: users.map((index) => ({
          method: "POST",
          path: "/v1/sessions/passkey/start",
          headers: forwardedFor(index),
        })),
        second: { factor: "passkey", privatePem: keys.privatePem, passkeys: users.map(passkeyOf) },
      }),
    );
    const counted = countingHashes(server, byPasskey);
    const summaries = await interleave([byPassword, byTotp, counted.contender], bench.options);
    await server.stop();

    const other = summaryOf(summaries, byPassword.name);
    const rows = (what: string, { name }: Contender, atMost: number): readonly Row[] => {
      const mine = summaryOf(summaries, name);
      return [
        compare({ what, mine, other, atLeast: rounded(1 / atMost), note: "both requests" }),
        costRow(what, mine, other, atMost),
      ];
    };
    return [
      ...rows("sign-in with password and TOTP", byTotp, 1.15),
      ...rows("sign-in with a passkey", byPasskey, 0.2),
      hashesRow(counted.hashes()),
    ];
  },
};

/**
 * The processor time that one sign-in takes in all processes together. It stands beside the rate,
 * because passwords are hashed on every core and everything else is done on one.
 */
function costRow(what: string, mine: Summary, other: Summary, atMost: number): Row {
  const [cost, reference] = [mine, other].map(
    ({ serverCores, perSecond }) => (serverCores * 1000) / perSecond,
  );
  const ratio = (cost ?? Infinity) / (reference ?? 0);
  return {
    what: `${what}, processor time`,
    portcullis: milliseconds(cost ?? -1),
    against: other.name,
    reference: milliseconds(reference ?? -1),
    result: `${ratio.toFixed(2)} ×`,
    goal: `≤ ${atMost} ×`,
    verdict:
      troubleWith(mine).length + troubleWith(other).length > 0
        ? "invalid"
        : ratio <= atMost
          ? "pass"
          : "miss",
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

interface Users {
  readonly first: number;
  readonly perSecond: number;
}

/** Each round uses users that no earlier round had. */
function signingIn(
  server: Started,
  name: string,
  { first, perSecond }: Users,
  workOf: (users: readonly number[]) => Work,
): Contender {
  let next = first;
  return {
    name,
    pid: server.pid,
    round: async (seconds) => {
      const users = Array.from({ length: seconds * perSecond }, () => next++);
      const load = await generate(
        { origin: server.origin, connections: CONNECTIONS, seconds, work: workOf(users) },
        "0,1",
      );
      // An answer 202 has not signed the user in yet.
      if (load.statuses["202"] !== undefined)
        throw new Error(`${name}: sign-ins were left without a second step`);
      return load;
    },
  };
}

function passwordWire(index: number): Wire {
  return { ...signInWire(`seed${index}@example.com`), headers: forwardedFor(index) };
}

function forwardedFor(index: number): Readonly<Record<string, string>> {
  return { "X-Forwarded-For": forwardedAddress(index) };
}

interface Counted {
  readonly contender: Contender;
  /** The number of hashes in all rounds together. */
  hashes(): number;
}

function countingHashes(server: Started, contender: Contender): Counted {
  let hashes = 0;
  const round: Contender["round"] = async (seconds) => {
    const before = await passwordsHashed(server);
    const load = await contender.round(seconds);
    hashes += (await passwordsHashed(server)) - before;
    return load;
  };
  return { contender: { ...contender, round }, hashes: () => hashes };
}

async function passwordsHashed(server: Started): Promise<number> {
  const { body } = await call(server.origin, getWith("/metrics", bearer(METRICS_TOKEN)));
  const value = /^portcullis_password_evaluations (\d+)$/m.exec(body)?.[1];
  if (value === undefined) throw new Error("the metrics say nothing of hashed passwords");
  return Number(value);
}

function hashesRow(hashes: number): Row {
  return {
    what: "passwords hashed while signing in with passkeys",
    portcullis: String(hashes),
    against: "",
    reference: "",
    result: "",
    goal: "0",
    verdict: hashes === 0 ? "pass" : "miss",
  };
}
