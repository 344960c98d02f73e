import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../packages/server/src/process/config.ts";
import { systemRandom } from "../packages/server/src/platform/kernel/random.ts";
import { start } from "../packages/server/src/process/start.ts";
import { readContract, suites, type Suite } from "./contracts/contract.ts";
import { startControl } from "./contracts/control.ts";
import { insertFixtures } from "./contracts/fixtures.ts";
import { FRONT_ADDRESS, startFront } from "./contracts/front.ts";
import { makeOwnDatabase } from "./contracts/own-database.ts";
import { setupOf } from "./contracts/variants.ts";

// `node tools/contract-server.ts SUITE VARIANT` starts a fresh server that answers as that variant
// of a recording, until SIGTERM. It prints one JSON line when it is ready: {"base": URL, "mail":
// DIR, "control": URL}. It uses PostgreSQL if TEST_DATABASE_URL or PORTCULLIS_DATABASE_URL names
// one, and otherwise SQLite.

/**
 * The weakest parameters are enough, because a recording holds answers and not the cost of a hash.
 */
const hashing = { memoryCost: 64, timeCost: 1, parallelism: 1 };

const [, , named, ...rest] = process.argv;
const wanted = suites.find((suite) => suite === named);
if (wanted === undefined) {
  console.error(
    `usage: node tools/contract-server.ts SUITE VARIANT, where SUITE is one of ${suites.join(", ")}`,
  );
  process.exit(2);
}
await serve(wanted, rest[0] ?? "default");

async function serve(suite: Suite, variant: string): Promise<void> {
  const setup = setupOf(suite, variant, readContract(suite));
  const told = toldToStop();
  const undo: (() => unknown)[] = [];
  try {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-contract-"));
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    const mail = join(folder, "mail");
    const front = await startFront();
    undo.push(front.close);
    const database = await databaseOfItsOwn();
    if (database !== undefined) undo.push(database.drop);
    const config = readConfig({
      PORTCULLIS_MODE: "production",
      PORTCULLIS_PUBLIC_URL: front.url,
      PORTCULLIS_TRUSTED_PROXIES: FRONT_ADDRESS,
      PORTCULLIS_DATA_DIR: join(folder, "data"),
      PORTCULLIS_DATABASE_URL: database?.url,
      PORTCULLIS_SECRET: Buffer.from(systemRandom.bytes(48)).toString("base64"),
      PORTCULLIS_MAIL: `dir:${mail}`,
      PORTCULLIS_LOG: process.env["PORTCULLIS_LOG"] ?? "warn",
      // Django does not ask for a second factor.
      PORTCULLIS_MFA_POLICY: "optional",
      PORTCULLIS_PASSWORD_BLOCK_LIST: suite === "tag1" ? allowed(folder, "mysecret") : undefined,
      ...setup.settings,
    });
    const running = await start(config, { port: 0, publicUrl: front.url, hashing });
    undo.push(running.stop);
    await insertFixtures(running.rules, setup.users);
    const { loginField, userIdField } = config;
    const control = await startControl(running.rules, {
      loginField,
      userIdField,
      secrets: suite === "tag1",
    });
    undo.push(control.close);
    front.openTo(running.port);
    console.log(JSON.stringify({ base: front.url, mail, control: control.url }));
    await told;
  } finally {
    for (const step of undo.toReversed()) await step();
  }
}

/** Permits the password of the tutorial, which is on every list of common passwords. */
function allowed(folder: string, password: string): string {
  const file = join(folder, "block-list");
  writeFileSync(file, `!${password}\n`);
  return file;
}

async function databaseOfItsOwn() {
  const server = process.env["PORTCULLIS_DATABASE_URL"] ?? process.env["TEST_DATABASE_URL"];
  if (server === undefined || server === "") return undefined;
  return makeOwnDatabase(
    server,
    `portcullis_contract_${Buffer.from(systemRandom.bytes(8)).toString("hex")}`,
  );
}

async function toldToStop(): Promise<void> {
  const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  await Promise.race(signals.map(async (signal) => once(process, signal)));
}
