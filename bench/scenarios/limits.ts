import { randomBytes } from "node:crypto";
import { readAddress } from "../../packages/server/src/accounts/users/address.ts";
import { openBlockList } from "../../packages/server/src/accounts/users/block-list.ts";
import {
  checkPassword,
  normalizePassword,
} from "../../packages/server/src/accounts/users/password-policy.ts";
import { readUsername } from "../../packages/server/src/accounts/users/username.ts";
import { verifyRegistration } from "../../packages/server/src/accounts/factors/passkeys/verify.ts";
import { email, text, username } from "../../packages/server/src/interfaces/faces/drf/fields.ts";
import { createHasher } from "../../packages/server/src/platform/hashing/pool.ts";
import { standardParameters } from "../../packages/server/src/platform/hashing/phc.ts";
import { systemClock } from "../../packages/server/src/platform/kernel/clock.ts";
import { silentLog } from "../../packages/server/src/platform/kernel/log.ts";
import { systemRandom } from "../../packages/server/src/platform/kernel/random.ts";
import { createAuthenticator } from "../../packages/server/test/authenticator.ts";
import { attestedDataOf, passkeyBombs } from "../../packages/server/test/hostile-passkeys.ts";
import {
  growingPasswords,
  hostileAddresses,
  hostileBodies,
  hostileContext,
  hostileFields,
  hostilePasswords,
  hostileTargets,
  hostileUsernames,
} from "../../packages/server/test/hostile-patterns.ts";
import type { Bench, Row, Scenario } from "../bench.ts";
import { startPortcullis } from "../portcullis.ts";
import { milliseconds } from "../rounds.ts";

/** Growing input must be refused in less time than this (IN-05). */
const GROWING_MILLISECONDS = 5;
/** Each hostile pattern of 64 KiB must be refused in less time than this (IN-06). */
const HOSTILE_MILLISECONDS = 10;
/**
 * A hostile request or passkey, and a password that finds the queue full, must be answered in less
 * time than this.
 */
const ANSWERED_MILLISECONDS = 50;
const ROUNDS = 5;

/**
 * Checks time limits of single calls. Tests check the answers to hostile input, but only a quiet
 * machine can tell how fast they are.
 */
export const limits: Scenario = {
  name: "limits",
  run: async (bench: Bench): Promise<readonly Row[]> => {
    const passwordPolicy = { minimumLength: 8, blockList: await openBlockList() };
    return [
      await slowestOf("password that normalisation makes longer", GROWING_MILLISECONDS, {
        inputs: growingPasswords,
        run: normalizePassword,
      }),
      await slowestOf("hostile address", HOSTILE_MILLISECONDS, {
        inputs: hostileAddresses,
        run: readAddress,
      }),
      await slowestOf("hostile username", HOSTILE_MILLISECONDS, {
        inputs: hostileUsernames,
        run: readUsername,
      }),
      await slowestOf("hostile password beside hostile names", HOSTILE_MILLISECONDS, {
        inputs: hostilePasswords,
        run: (password) => checkPassword(passwordPolicy, password, hostileContext),
      }),
      await slowestOf("hostile field of a Django form", HOSTILE_MILLISECONDS, {
        inputs: hostileFields,
        run: async (value) => {
          for (const field of [text({ maxLength: 5 }), email(), username()])
            await field.read(value, false);
        },
      }),
      await hostilePasskeys(),
      ...(await hostileRequests(bench)),
      await fullQueue(),
    ];
  },
};

interface Trial<Input> {
  readonly inputs: readonly Input[];
  run(input: Input): unknown;
}

/** Finds the input that takes longest, in the best of a few rounds after one that only warms up. */
async function slowestOf<Input>(
  what: string,
  goal: number,
  { inputs, run }: Trial<Input>,
): Promise<Row> {
  let slowest = { index: 0, took: 0 };
  for (const [index, input] of inputs.entries()) {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round <= ROUNDS; round += 1) {
      const from = performance.now();
      await run(input);
      if (round > 0) best = Math.min(best, performance.now() - from);
    }
    if (best > slowest.took) slowest = { index, took: best };
  }
  return {
    what: `slowest ${what}`,
    portcullis: milliseconds(slowest.took),
    against: "",
    reference: "",
    result: "",
    goal: `< ${milliseconds(goal)}`,
    verdict: slowest.took < goal ? "pass" : "miss",
    note: `input ${slowest.index + 1} of ${inputs.length}, best of ${ROUNDS} rounds`,
  };
}

async function hostilePasskeys(): Promise<Row> {
  const origin = "https://accounts.example.com";
  const domain = new URL(origin).hostname;
  const challenge = randomBytes(32).toString("base64url");
  const made = createAuthenticator({ origin, domain, algorithm: "ES256" }).create({
    challenge,
    user: { id: "AAAA" },
  });
  return slowestOf("hostile passkey", ANSWERED_MILLISECONDS, {
    inputs: passkeyBombs(attestedDataOf(made)),
    run: async (bomb) => {
      const attestationObject = Buffer.from(bomb).toString("base64url");
      const wrong = { ...made, response: { ...made.response, attestationObject } };
      const rp = { passkeyDomain: domain, passkeyOrigins: [origin] };
      await verifyRegistration(rp, challenge, wrong);
    },
  });
}

async function hostileRequests(bench: Bench): Promise<readonly Row[]> {
  const server = await startPortcullis({ dataDir: bench.folder("limits") });
  const url = (path: string): string => `${server.origin}${path}`;
  const read = async (answer: Promise<Response>): Promise<void> => {
    await (await answer).arrayBuffer();
  };
  try {
    return [
      await slowestOf("hostile body, over HTTP", ANSWERED_MILLISECONDS, {
        inputs: hostileBodies,
        run: async (body) =>
          read(
            fetch(url("/v1/sessions"), {
              method: "POST",
              headers: { "content-type": "application/json" },
              body,
            }),
          ),
      }),
      await slowestOf("hostile path or query, over HTTP", ANSWERED_MILLISECONDS, {
        inputs: hostileTargets,
        run: async (target) => read(fetch(url(target))),
      }),
    ];
  } finally {
    await server.stop();
  }
}

/**
 * Measures how fast a password is refused if the queue is full because others are hashed (PW-11,
 * E-09).
 */
async function fullQueue(): Promise<Row> {
  const hasher = createHasher({
    log: silentLog,
    clock: systemClock,
    random: systemRandom,
    concurrency: 1,
    queueLimit: 2,
    params: standardParameters,
  });
  try {
    await hasher.hash("starts the process");
    const accepted = ["one", "two", "three"].map(async (password) => hasher.hash(password));
    const row = await slowestOf("password beyond a full queue", ANSWERED_MILLISECONDS, {
      inputs: ["four"],
      run: async (password) => {
        const { kind } = await hasher.hash(password);
        if (kind !== "busy") throw new Error("the queue was not full");
      },
    });
    await Promise.all(accepted);
    return row;
  } finally {
    await hasher.close();
  }
}
