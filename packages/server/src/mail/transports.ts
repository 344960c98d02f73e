import { mkdirSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createTransport as createSmtp } from "nodemailer";
import type { Clock } from "../kernel/clock.ts";
import { compose } from "./message.ts";
import type { Message } from "./message.ts";

export interface Transport {
  /** Resolves once the mail is in other hands; `signal` aborts a send that takes too long. */
  send(message: Message, signal: AbortSignal): Promise<void>;
  close(): void;
  /** Newest first. Only `mailbox:` keeps what it was given, for the development page. */
  readonly messages?: () => readonly Message[];
}

const MAILBOX_SIZE = 200;

/**
 * @param setting `smtp://…` or `smtps://…` (`?tls=required` refuses a server without STARTTLS), `dir:PATH`, or `mailbox:`
 * @throws {RangeError} for anything else
 */
export function createTransport(setting: string, deps: { readonly clock: Clock }): Transport {
  if (setting === "mailbox:") return mailboxTransport();
  if (/^dir:./.test(setting)) return directoryTransport(setting.slice("dir:".length), deps);
  if (/^smtps?:/.test(setting)) return smtpTransport(setting);
  throw new RangeError("PORTCULLIS_MAIL must be smtp://…, smtps://…, dir:PATH or mailbox:");
}

function mailboxTransport(): Transport {
  let kept: readonly Message[] = [];
  return {
    send: async (message) => {
      kept = [message, ...kept].slice(0, MAILBOX_SIZE);
    },
    close: () => {},
    messages: () => kept,
  };
}

/** One RFC 5322 file per mail; names sort in the order of sending, and a name without a leading dot is a whole file. */
function directoryTransport(path: string, deps: { readonly clock: Clock }): Transport {
  const directory = resolve(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let sequence = 0;
  return {
    send: async (message) => {
      sequence += 1;
      const name = `${digits(deps.clock.wallMilliseconds(), 15)}-${digits(sequence, 6)}-${message.id}.eml`;
      const unfinished = join(directory, `.${name}`);
      await writeFile(unfinished, await compose(message), { mode: 0o600, flag: "wx", flush: true });
      await rename(unfinished, join(directory, name));
    },
    close: () => {},
  };
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, "0");
}

function smtpTransport(setting: string): Transport {
  const smtp = createSmtp(smtpOptions(setting));
  return {
    send: async (message, signal) => {
      const envelope = { from: message.from.address, to: message.to };
      await smtp.sendMail({ envelope, raw: await compose(message), signal });
    },
    close: () => smtp.close(),
  };
}

const SMTP_FORM = "PORTCULLIS_MAIL must have the form smtp://user:password@host:port, with ?tls=required to insist on encryption";

function smtpOptions(setting: string) {
  // The setting holds a password, so no sentence of ours may quote it.
  const url = URL.canParse(setting) ? new URL(setting) : undefined;
  if (url === undefined || url.hostname === "" || !["", "/"].includes(url.pathname) || url.hash !== "") throw new RangeError(SMTP_FORM);
  if (!["", "?tls=required"].includes(url.search)) throw new RangeError(SMTP_FORM);
  const secure = url.protocol === "smtps:";
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: url.search !== "",
    ...(url.username === "" ? {} : { auth: { user: decoded(url.username), pass: decoded(url.password) } }),
    pool: true as const,
    maxConnections: 5,
    maxRequeues: 0, // trying again is the outbox's work
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RangeError(SMTP_FORM);
  }
}
