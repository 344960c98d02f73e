import { mkdirSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Clock } from "../../platform/kernel/clock.ts";
import { compose } from "./message.ts";
import type { Message } from "./message.ts";
import { smtpTransport } from "./smtp.ts";
import type { Transport } from "./transport.ts";

const MAILBOX_SIZE = 200;

export interface TransportDeps {
  readonly clock: Clock;
  /** The highest number of connections to a mail server at a time. 1 if not given. */
  readonly connections?: number;
}

/**
 * @param setting `smtp://…`, `smtps://…`, `dir:PATH`, or `mailbox:`
 * @throws {RangeError} for anything else
 */
export function createTransport(setting: string, deps: TransportDeps): Transport {
  if (setting === "mailbox:") return mailboxTransport();
  if (/^dir:./.test(setting)) return directoryTransport(setting.slice("dir:".length), deps);
  if (/^smtps?:/.test(setting))
    return smtpTransport(setting, { connections: deps.connections ?? 1 });
  throw new RangeError("PORTCULLIS_MAIL must be smtp://…, smtps://…, dir:PATH or mailbox:");
}

function mailboxTransport(): Transport {
  let kept: readonly Message[] = [];
  return {
    send: async (message) => {
      kept = [message, ...kept].slice(0, MAILBOX_SIZE);
      return { kind: "sent" };
    },
    close: () => {},
    messages: () => kept,
  };
}

/**
 * Writes one RFC 5322 file per mail. The names sort in the order of sending, and a file whose name
 * has no leading dot is complete.
 */
function directoryTransport(path: string, deps: TransportDeps): Transport {
  const directory = resolve(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let sequence = 0;
  return {
    send: async (message) => {
      sequence += 1;
      const name = `${digits(deps.clock.wallMilliseconds(), 15)}-${digits(sequence, 6)}-${message.id}.eml`;
      const unfinished = join(directory, `.${name}`);
      const bytes = await compose(message);
      try {
        await writeFile(unfinished, bytes, { mode: 0o600, flag: "wx", flush: true });
        await rename(unfinished, join(directory, name));
      } catch (error) {
        await rm(unfinished, { force: true });
        return {
          kind: "unavailable",
          cause: "storage",
          error: error instanceof Error && "code" in error ? String(error.code) : "Error",
        };
      }
      return { kind: "sent" };
    },
    close: () => {},
  };
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, "0");
}
