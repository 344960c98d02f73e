import { InvalidArgumentError } from "commander";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { isoMoment, type UnixSeconds } from "../../platform/kernel/clock.ts";
import { terminal } from "./at-terminal.ts";
import { CommandError } from "./command.ts";

export function print(line: string): void {
  terminal().stdout.write(`${line}\n`);
}

export function complain(sentence: string): void {
  terminal().stderr.write(`portcullis: ${sentence}\n`);
}

/** Prints columns as wide as their widest cell, two spaces apart. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows)
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

const MOST_LISTED = 10_000;

/** Reads the limit of a list from the command line. */
export function readLimit(given: string): number {
  const limit = Number(given);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LISTED)
    throw new InvalidArgumentError(`Give a whole number from 1 to ${MOST_LISTED}.`);
  return limit;
}

export function moment(at: UnixSeconds | null): string {
  return at === null ? "-" : isoMoment(at);
}

export function isInteractive(): boolean {
  return terminal().stdin.isTTY === true;
}

export async function ask(question: string): Promise<string> {
  return (await readLine(question, { echo: true })).trim();
}

/** Asks a question and does not show the answer while it is typed. */
export async function askSecret(question: string): Promise<string> {
  return readLine(question, { echo: false });
}

/** Returns only if `--yes` was given or the user at the terminal agrees. */
export async function makeSure(
  question: string,
  options: { readonly yes?: boolean },
): Promise<void> {
  if (options.yes === true) return;
  if (!isInteractive()) throw new CommandError(`${question} Add --yes to agree.`);
  const answer = await ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer)) throw new CommandError("Nothing was changed.");
}

/** Reads all of standard input, without the line end that `echo` and editors add. */
export async function readStandardInput(): Promise<string> {
  return (await text(terminal().stdin)).replace(/\r?\n$/, "");
}

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

async function readLine(question: string, { echo }: { readonly echo: boolean }): Promise<string> {
  // From here on the terminal shows nothing of what is typed, so the question for a secret comes
  // after.
  const { stdin, stderr } = terminal();
  const lines = createInterface({
    input: stdin,
    output: echo ? stderr : nowhere(),
    terminal: true,
    historySize: 0,
  });
  if (!echo) stderr.write(question);
  const closed = new Promise<never>((_, reject) =>
    lines.once("close", () => reject(new CommandError("Nothing was changed."))),
  );
  try {
    return await Promise.race([lines.question(echo ? question : ""), closed]);
  } catch {
    throw new CommandError("Nothing was changed.");
  } finally {
    closed.catch(() => {});
    lines.close();
    if (!echo) stderr.write("\n");
  }
}
