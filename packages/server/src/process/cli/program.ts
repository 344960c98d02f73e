import { Command, CommanderError } from "commander";
import { MessageChannel } from "node:worker_threads";
import { VERSION } from "../version.ts";
import { ConfigError } from "../config.ts";
import { StartError } from "../../platform/db/gates.ts";
import { isUnavailable } from "../../platform/db/storage-errors.ts";
import { UnsealError } from "../../platform/kernel/keyring.ts";
import { addBackup } from "./backup/backup.ts";
import { addRestore } from "./backup/restore.ts";
import { CommandError } from "./command.ts";
import { addConfig } from "./config.ts";
import { addDoctor } from "./doctor.ts";
import { addFactors } from "./factors.ts";
import { addImportDjango } from "./import-django.ts";
import { addKeys } from "./keys.ts";
import { addMail } from "./mail.ts";
import { addMigrate } from "./migrate.ts";
import { addServe } from "./serve.ts";
import { addSuperusers } from "./superusers.ts";
import { atTerminal, type Terminal, terminal, terminalOfProcess } from "./at-terminal.ts";
import { complain } from "./terminal.ts";
import { addUsers } from "./users.ts";

const DONE = 0;
const FAILED = 1;
const WRONG_CALL = 2;

/** Runs one command and returns the exit code. Errors have been written to standard error. */
export async function run(args: readonly string[], at = terminalOfProcess): Promise<number> {
  return atTerminal(at, async () => runAt(at, args));
}

async function runAt({ stdout }: Terminal, args: readonly string[]): Promise<number> {
  // The reader of the output may stop reading (`| head`). That is no failure, and a server goes on.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  const settled = stayAwake();
  try {
    await createProgram().parseAsync(args, { from: "user" });
    return DONE;
  } catch (error) {
    return explain(error);
  } finally {
    settled();
  }
}

/**
 * Our waits do not keep a process alive (platform/kernel/clock.ts), so a command that waits for
 * other nodes must be kept alive.
 */
function stayAwake(): () => void {
  const { port1 } = new MessageChannel();
  port1.ref();
  return () => port1.close();
}

function createProgram(): Command {
  const program = new Command("portcullis")
    .description("Self-hosted user accounts and tokens.")
    .version(VERSION)
    .option("--config <file>", "JSON file with settings; PORTCULLIS_… variables take precedence")
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 failed, 2 wrong call. Settings: `portcullis config --reference`.",
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal().stdout.write(text),
      writeErr: (text) => void terminal().stderr.write(text),
    });
  for (const add of [
    addServe,
    addMigrate,
    addSuperusers,
    addUsers,
    addFactors,
    addKeys,
    addMail,
    addConfig,
    addDoctor,
    addBackup,
    addRestore,
    addImportDjango,
  ])
    add(program);
  return program;
}

function explain(error: unknown): number {
  // Commander has printed the error of the call, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_CALL;
  complain(sentenceOf(error));
  const { environment, stderr } = terminal();
  if (environment["PORTCULLIS_LOG"] === "debug" && error instanceof Error)
    stderr.write(`${error.stack}\n`);
  return FAILED;
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return `Something unexpected happened: ${String(error)}.`;
  const { message } = error;
  const spoken = [CommandError, ConfigError, StartError, UnsealError].some(
    (kind) => error instanceof kind,
  );
  // A transport or schema refuses a setting in a sentence that names it.
  if (spoken || (error instanceof RangeError && message.startsWith("PORTCULLIS_"))) return message;
  if (isUnavailable(error))
    return `The database cannot be used at the moment (${message}): try again, or run \`portcullis doctor\`.`;
  if ("syscall" in error && "path" in error)
    return `${String(error.path)} cannot be used (${message}): check that it exists and that we may use it.`;
  return `Something unexpected happened (${message}): run it again with PORTCULLIS_LOG=debug to see where.`;
}
