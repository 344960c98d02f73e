import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { composeApp } from "../packages/server/src/process/compose.ts";
import { readConfig } from "../packages/server/src/process/config.ts";
import { createHasher } from "../packages/server/src/platform/hashing/pool.ts";
import { systemClock } from "../packages/server/src/platform/kernel/clock.ts";
import { uuidv4 } from "../packages/server/src/platform/kernel/ids.ts";
import { silentLog } from "../packages/server/src/platform/kernel/log.ts";
import { systemRandom } from "../packages/server/src/platform/kernel/random.ts";
import { open, type Opened } from "../packages/server/src/process/start.ts";
import { insertUser } from "../packages/server/src/accounts/users/users.store.ts";

// `node tools/timing.ts [SAMPLES] [sign-in|registration|reset …]` measures whether the time of an
// answer reveals accounts: the answer to a refused sign-in (EN-02), a registration (EN-03) or a
// forgotten password (EN-04). Run it on an otherwise idle machine. With PORTCULLIS_DATABASE_URL it
// measures on a PostgreSQL, which should be empty.

const SAMPLES = Number(process.argv[2] ?? 300);
const PASSWORD = "seven quiet herons";
const WRONG = "quite another password";
const PUBLIC_URL = "https://accounts.example.com";

/** The thresholds of EN-02, which EN-03 and EN-04 share. */
const LEAST_P = 0.01;
const MOST_MILLISECONDS = 2;

interface Class {
  readonly name: string;
  /** Each sample uses another account or name, because a guesser asks about each once. */
  readonly body: () => Promise<object>;
}

interface Experiment {
  readonly path: string;
  readonly status: number;
  readonly classes: (people: People) => readonly Class[];
}

/** Creates a new user each time and returns their address. */
interface People {
  nobody(): Promise<string>;
  known(): Promise<string>;
  oldParameters(): Promise<string>;
  withoutPassword(): Promise<string>;
  disabled(): Promise<string>;
  pending(): Promise<string>;
}

const signingIn = (identifier: () => Promise<string>, password: string) => async () => ({
  identifier: await identifier(),
  password,
});
const registering = (email: () => Promise<string>) => async () => ({
  email: await email(),
  password: PASSWORD,
});
const resetting = (email: () => Promise<string>) => async () => ({ email: await email() });

const experiments: Readonly<Record<string, Experiment>> = {
  "sign-in": {
    path: "/v1/sessions",
    status: 401,
    classes: (people) => [
      { name: "unknown", body: signingIn(people.nobody, WRONG) },
      { name: "unknown, once more", body: signingIn(people.nobody, WRONG) },
      { name: "known, wrong password", body: signingIn(people.known, WRONG) },
      { name: "known, old parameters", body: signingIn(people.oldParameters, WRONG) },
      { name: "known, without password", body: signingIn(people.withoutPassword, WRONG) },
      { name: "disabled, right password", body: signingIn(people.disabled, PASSWORD) },
    ],
  },
  registration: {
    path: "/v1/users",
    status: 202,
    classes: (people) => [
      { name: "new", body: registering(people.nobody) },
      { name: "new, once more", body: registering(people.nobody) },
      { name: "known", body: registering(people.known) },
      { name: "pending", body: registering(people.pending) },
      { name: "disabled", body: registering(people.disabled) },
    ],
  },
  reset: {
    path: "/v1/password-resets",
    status: 202,
    classes: (people) => [
      { name: "unknown", body: resetting(people.nobody) },
      { name: "unknown, once more", body: resetting(people.nobody) },
      { name: "known", body: resetting(people.known) },
      { name: "known, without password", body: resetting(people.withoutPassword) },
      { name: "disabled", body: resetting(people.disabled) },
    ],
  },
};

const folder = mkdtempSync(join(tmpdir(), "portcullis-timing-"));
const config = readConfig({
  PORTCULLIS_DATA_DIR: folder,
  PORTCULLIS_SECRET: systemRandom.bytes(48).toString("base64"),
  PORTCULLIS_LOG: "error",
  PORTCULLIS_MODE: "development",
  ...(process.env["PORTCULLIS_DATABASE_URL"] !== undefined && {
    PORTCULLIS_DATABASE_URL: process.env["PORTCULLIS_DATABASE_URL"],
  }),
});
const opened = await open(config, PUBLIC_URL);
try {
  await opened.rules.feed.start();
  const asked = process.argv.slice(3);
  const people = await peopleOf(opened);
  for (const [name, experiment] of Object.entries(experiments)) {
    if (asked.length === 0 || asked.includes(name))
      report(
        name,
        await measure(opened, experiment, experiment.classes(people)),
        opened.parts.database.dialect,
      );
  }
} finally {
  await opened.rules.feed.stop();
  await opened.close();
  rmSync(folder, { recursive: true, force: true });
}

async function peopleOf({ parts, rules }: Opened): Promise<People> {
  const weak = createHasher({
    log: silentLog,
    clock: systemClock,
    random: systemRandom,
    concurrency: 1,
    params: { memoryCost: 4096, timeCost: 2, parallelism: 1 },
  });
  const hashes = { current: await phcOf(rules.hasher), old: await phcOf(weak) };
  await weak.close();

  const nobody = (): string => `${systemRandom.bytes(6).toString("hex")}@example.com`;
  const account = async (made: {
    readonly phc: string | null;
    readonly disabled?: true;
  }): Promise<string> => {
    const [id, email, now] = [uuidv4(systemRandom), nobody(), systemClock.now()];
    const passwordSealed =
      made.phc === null ? null : parts.keyring.seal("password-seal", id, Buffer.from(made.phc));
    const names = {
      email,
      emailCanonical: email,
      emailVerifiedAt: now,
      username: null,
      usernameCanonical: null,
    };
    await rules.db.transaction().execute(async (tx) =>
      insertUser(tx, {
        id,
        ...names,
        passwordSealed,
        superuserSince: null,
        profile: {},
        locale: null,
        createdAt: now,
      }),
    );
    if (made.disabled)
      await rules.db.updateTable("users").set({ disabled_at: now }).where("id", "=", id).execute();
    return email;
  };
  const app = composeApp(parts, rules, () => "ready");
  return {
    nobody: async () => nobody(),
    known: async () => account({ phc: hashes.current }),
    oldParameters: async () => account({ phc: hashes.old }),
    withoutPassword: async () => account({ phc: null }),
    disabled: async () => account({ phc: hashes.current, disabled: true }),
    pending: async () => {
      const email = nobody();
      const response = await post(app, "/v1/users", { email, password: PASSWORD });
      if (response.status !== 202) throw new Error(`registering was answered ${response.status}`);
      return email;
    },
  };
}

/**
 * Uses a new address for every call, in few networks, because the network of a guesser has failed
 * before.
 */
async function post(
  app: ReturnType<typeof composeApp>,
  path: string,
  body: object,
): Promise<Response> {
  const request = new Request(PUBLIC_URL + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const [a = 0, b = 0, c = 0] = systemRandom.bytes(3);
  return app.fetch(request, { remoteAddress: `198.${18 + (a % 2)}.${b}.${c}` });
}

async function phcOf(hasher: Opened["rules"]["hasher"]): Promise<string> {
  const hashed = await hasher.hash(PASSWORD);
  if (hashed.kind !== "hashed") throw new Error("the hasher is busy");
  return hashed.phc;
}

/**
 * Interleaves the classes in changing order, so that other load of the machine affects all alike.
 */
async function measure(
  { parts, rules }: Opened,
  { path, status }: Experiment,
  classes: readonly Class[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const app = composeApp(parts, rules, () => "ready");
  const times = new Map<string, number[]>(classes.map(({ name }) => [name, []]));
  for (let sample = -5; sample < SAMPLES; sample += 1) {
    // The limits must not influence what is measured here.
    await rules.db.deleteFrom("attempts").execute();
    const order = classes
      .map((one) => ({ one, key: systemRandom.bytes(4).readUInt32BE(0) }))
      .toSorted((a, b) => a.key - b.key);
    for (const { one } of order) {
      const body = await one.body();
      const startedAt = systemClock.monotonicMilliseconds();
      const response = await post(app, path, body);
      const took = systemClock.monotonicMilliseconds() - startedAt;
      if (response.status !== status)
        throw new Error(`${one.name} was answered ${response.status} ${await response.text()}`);
      if (sample >= 0) times.get(one.name)?.push(took);
    }
  }
  return times;
}

function report(
  name: string,
  times: ReadonlyMap<string, readonly number[]>,
  dialect: string,
): void {
  const [reference = []] = times.values();
  console.log(
    `${name}: ${SAMPLES} of each kind on ${dialect}, milliseconds; compared with the first`,
  );
  console.table(
    Object.fromEntries(
      [...times].map(([kind, sample]) => {
        const { distance, p } = kolmogorovSmirnov(reference, sample);
        const difference = quantile(sample, 0.5) - quantile(reference, 0.5);
        const facts = {
          p10: quantile(sample, 0.1),
          median: quantile(sample, 0.5),
          p90: quantile(sample, 0.9),
          difference,
          D: distance,
          p,
        };
        const rounded = Object.fromEntries(
          Object.entries(facts).map(([fact, value]) => [fact, Number(value.toFixed(3))]),
        );
        return [
          kind,
          {
            ...rounded,
            told: p > LEAST_P && Math.abs(difference) < MOST_MILLISECONDS ? "no" : "PERHAPS",
          },
        ];
      }),
    ),
  );
}

function quantile(sample: readonly number[], share: number): number {
  return sample.toSorted((a, b) => a - b)[Math.floor(share * (sample.length - 1))] ?? Number.NaN;
}

/**
 * Two-sample test: the largest distance of the distribution functions, and how probable one as
 * large is if they are the same (asymptotic).
 */
function kolmogorovSmirnov(
  a: readonly number[],
  b: readonly number[],
): { readonly distance: number; readonly p: number } {
  const share = (sample: readonly number[], limit: number): number =>
    sample.filter((value) => value <= limit).length / sample.length;
  const distance = Math.max(
    ...[...a, ...b].map((limit) => Math.abs(share(a, limit) - share(b, limit))),
  );
  const size = Math.sqrt((a.length * b.length) / (a.length + b.length));
  const lambda = (size + 0.12 + 0.11 / size) * distance;
  if (lambda < 0.3) return { distance, p: 1 };
  let p = 0;
  for (let k = 1; k <= 100; k += 1) p += 2 * (-1) ** (k - 1) * Math.exp(-2 * (k * lambda) ** 2);
  return { distance, p: Math.min(1, Math.max(0, p)) };
}
