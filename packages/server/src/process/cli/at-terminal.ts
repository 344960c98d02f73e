import { AsyncLocalStorage } from "node:async_hooks";
import type { Readable, Writable } from "node:stream";

/** The streams and the environment variables that one command works with. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The terminal of this process, which every command works with unless a test gives it another. */
export const terminalOfProcess: Terminal = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
};

const terminals = new AsyncLocalStorage<Terminal>();

/** Runs `act`, and everything that it starts, at a terminal. */
export function atTerminal<Result>(given: Terminal, act: () => Result): Result {
  return terminals.run(given, act);
}

/** Returns the terminal of the running command. */
export function terminal(): Terminal {
  return terminals.getStore() ?? terminalOfProcess;
}
