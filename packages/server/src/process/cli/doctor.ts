import type { Command } from "commander";
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { resolve } from "node:path";
import { checkChain } from "../../records/audit/check.ts";
import { lettersOf } from "../letters.ts";
import { secretFile, type Config } from "../config.ts";
import { schemaState } from "../../platform/db/migrate.ts";
import type { OpenDatabase } from "../../platform/db/open.ts";
import { systemClock, type Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { mailFigures } from "../../records/mail/mail.ts";
import { createTransport } from "../../records/mail/transports.ts";
import { openKeyring } from "../master-secret.ts";
import { countRevocations } from "../../records/revocations/revocations.store.ts";
import { keyState } from "../../accounts/tokens/keys.ts";
import { listKeys } from "../../accounts/tokens/keys.store.ts";
import { CommandError, configOf, hasDatabase, publicUrlOf, withDatabase } from "./command.ts";
import { danglingReferences, databaseMilliseconds, integrityProblems } from "./doctor.store.ts";
import { print } from "./terminal.ts";

interface Finding {
  readonly level: "ok" | "warn" | "FAIL";
  /** Says what was found and, unless it is fine, what to do. */
  readonly words: string;
}

type Report = (name: string, check: () => Promise<Finding> | Finding) => Promise<Finding>;

const ok = (words: string): Finding => ({ level: "ok", words });
const warn = (words: string): Finding => ({ level: "warn", words });
const fail = (words: string): Finding => ({ level: "FAIL", words });

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description(
      "check the configuration, the database and the machine, and say what to do; changes nothing",
    )
    .action(async (_options: object, command: Command) => {
      const findings: Finding[] = [];
      await examine(command, async (name, check) => {
        const finding = await attempt(check);
        findings.push(finding);
        print(`${finding.level.padEnd(4)}  ${name.padEnd(13)}  ${finding.words}`);
        return finding;
      });
      const failures = findings.filter((finding) => finding.level === "FAIL").length;
      if (failures > 0)
        throw new CommandError(
          `${failures} of ${findings.length} checks failed: do what the lines marked FAIL say.`,
        );
    });
}

async function attempt(check: Parameters<Report>[1]): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    return fail(error instanceof Error ? error.message.replaceAll("\n", " ") : String(error));
  }
}

async function examine(command: Command, report: Report): Promise<void> {
  await report("node", () => ok(`Node.js ${process.versions.node}`));
  let config: Config | undefined;
  await report("configuration", () => {
    config = configOf(command);
    return ok(`mode ${config.mode}`);
  });
  if (config === undefined) return;
  const known = config;
  await report("public url", () => checkPublicUrl(known));
  await report("mail", () => checkMail(known));
  await report("disk", async () => checkDisk(known));
  if (!hasDatabase(known)) {
    await report("database", () =>
      warn(`there is none in ${resolve(known.dataDir)} yet: \`portcullis serve\` makes it`),
    );
    return;
  }
  try {
    await withDatabase(known, async (database) => {
      await report("database", () => ok(database.dialect));
      await examineDatabase(known, database, report);
    });
  } catch (error) {
    await report("database", () => {
      throw error;
    });
  }
}

async function examineDatabase(
  config: Config,
  database: OpenDatabase,
  report: Report,
): Promise<void> {
  const { db } = database;
  if (database.dialect === "sqlite")
    await report("integrity", async () => checkIntegrity(database));
  else await report("clock", async () => checkClock(database, systemClock));
  const schema = await report("schema", async () => checkSchema(database));
  if (schema.level !== "ok") return;
  let keyring: Keyring | undefined;
  await report("secret", async () => {
    if (config.secret === undefined && !existsSync(secretFile(config)))
      return fail(
        `${secretFile(config)} is gone: put it back, or set PORTCULLIS_SECRET to what was in it`,
      );
    keyring = openKeyring(config, systemRandom);
    return checkSecret(database, keyring);
  });
  const opened = keyring;
  if (opened !== undefined) await report("audit", async () => checkAudit(database, opened));
  await report("outbox", async () => {
    const { queued, failed } = await mailFigures(db);
    const words = `${queued} mails waiting, ${failed} given up`;
    return failed > 0
      ? warn(`${words}: check PORTCULLIS_MAIL and the mail server's log`)
      : ok(words);
  });
  await report("revocations", async () => {
    const count = await countRevocations(db, systemClock.now());
    const words = `${count} in force`;
    return count > MANY_REVOCATIONS
      ? warn(
          `${words}: servers need more memory for them; \`portcullis keys remove\` would end all tokens by one`,
        )
      : ok(words);
  });
}

const MANY_REVOCATIONS = 1_000_000;

function checkPublicUrl({ mode, publicUrl }: Config): Finding {
  if (publicUrl === undefined) return ok("not set: the listening address, in development");
  if (publicUrl.startsWith("https:")) return ok(publicUrl);
  return mode === "production"
    ? fail(
        `${publicUrl} sends passwords in the clear: set PORTCULLIS_PUBLIC_URL to an https:// address`,
      )
    : ok(publicUrl);
}

function checkMail(config: Config): Finding {
  const { mode, mail } = config;
  const setting = mail?.reveal() ?? "mailbox:";
  createTransport(setting, { clock: systemClock }).close();
  lettersOf(config, publicUrlOf(config));
  if (mode === "production" && setting === "mailbox:")
    return fail("mailbox: delivers no mail: set PORTCULLIS_MAIL to smtp://… or smtps://…");
  return ok(`by ${setting.slice(0, setting.indexOf(":"))}`);
}

const MEBIBYTE = 1024 * 1024;
const LITTLE_SPACE = 1024 * MEBIBYTE;
const NO_SPACE = 64 * MEBIBYTE;

async function checkDisk({ dataDir }: Config): Promise<Finding> {
  if (!existsSync(dataDir)) return ok("there is no data directory yet");
  const { bavail, bsize } = await statfs(dataDir);
  const words = `${Math.floor((bavail * bsize) / MEBIBYTE)} MiB free at ${resolve(dataDir)}`;
  if (bavail * bsize < NO_SPACE) return fail(`${words}: make room, or writes will fail`);
  return bavail * bsize < LITTLE_SPACE ? warn(`${words}: make room soon`) : ok(words);
}

async function checkIntegrity({ db }: OpenDatabase): Promise<Finding> {
  const [damaged] = await integrityProblems(db);
  if (damaged !== undefined)
    return fail(`the file is damaged (${damaged}): stop the server and restore a backup`);
  const dangling = await danglingReferences(db);
  return dangling.length > 0
    ? fail(
        `rows of ${dangling.join(", ")} point to rows that are gone: stop the server and restore a backup`,
      )
    : ok("no damage, no dangling references");
}

/**
 * Verifiers allow five seconds, and a revocation outlasts its tokens by as much as clocks may
 * differ.
 */
const TOLERATED_MILLISECONDS = 5000;
const NOTABLE_MILLISECONDS = 1000;

async function checkClock({ db }: OpenDatabase, clock: Clock): Promise<Finding> {
  const before = clock.wallMilliseconds();
  const theirs = await databaseMilliseconds(db);
  const apart = Math.round(Math.abs(theirs - (before + clock.wallMilliseconds()) / 2));
  const words = `${apart} ms from the database's`;
  if (apart > TOLERATED_MILLISECONDS) return fail(`${words}: synchronise both machines (NTP)`);
  return apart > NOTABLE_MILLISECONDS
    ? warn(`${words}: synchronise both machines (NTP)`)
    : ok(words);
}

async function checkSchema(database: OpenDatabase): Promise<Finding> {
  const { applied, pending, unknown } = await schemaState(database);
  if (unknown.length > 0)
    return fail(`made by a newer Portcullis (${unknown.join(", ")}): run that version`);
  return pending.length > 0
    ? warn(`${pending.join(", ")} still to be applied: run \`portcullis migrate\``)
    : ok(applied.at(-1) ?? "empty");
}

async function checkSecret({ db }: OpenDatabase, keyring: Keyring): Promise<Finding> {
  const active = (await listKeys(db)).find((key) => keyState(key) === "active");
  if (active === undefined)
    return warn("there is no signing key yet: `portcullis serve` makes one");
  if (active.privateSealed === null)
    return fail(
      `the active key ${active.kid} has no private half: run \`portcullis keys remove ${active.kid}\``,
    );
  keyring.open("signing-key-seal", active.kid, active.privateSealed);
  return ok(`opens the active key ${active.kid}`);
}

async function checkAudit({ db }: OpenDatabase, keyring: Keyring): Promise<Finding> {
  const chain = await checkChain(db, keyring);
  if (chain.kind === "intact") return ok(`${chain.events} events, none missing or altered`);
  return fail(
    `the chain is broken at event ${chain.position} (${chain.problem}): somebody changed the database; compare it with a backup`,
  );
}
