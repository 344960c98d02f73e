import { system } from "../audit/origin.ts";
import type { Db } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Log } from "../../platform/kernel/log.ts";
import type { Random } from "../../platform/kernel/random.ts";
import type { Channel, EntryHead, Obstacle, OpenEntry, Outcome } from "../outbox/channel.ts";
import { mailChannel } from "./mail.ts";
import { parseSender, type Message, type NamedAddress } from "./message.ts";
import { isSuppressed, suppress } from "./suppressions.ts";
import type { Letters } from "./templates/templates.ts";
import type { SendOutcome, Transport, UnavailableCause } from "./transport.ts";

export interface MailChannelDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  readonly log: Log;
  readonly transport: Transport;
  readonly letters: Letters;
  /** `Name <address>` or a plain address. */
  readonly from: string;
  readonly publicUrl: string;
  /** The highest number of mails a second. */
  readonly rate: number;
  /** The highest number of mails under way at once. */
  readonly connections: number;
}

/** Waits between the attempts that count. A mail is given up after the last one. */
const RETRY_MINUTES = [1, 2, 4, 8, 15, 30, 60, 180, 360];
/** How often a mail is looked at that waits for a newer version of the server. */
const UPGRADE_SECONDS = 900;

const events: Readonly<Record<UnavailableCause, string>> = {
  connection: "mail.server_unavailable",
  authentication: "mail.authentication_failed",
  encryption: "mail.encryption_failed",
  sender: "mail.sender_refused",
  storage: "mail.directory_unavailable",
};

interface From extends NamedAddress {
  /** The right-hand side of the Message-ID. */
  readonly host: string;
}

/**
 * Writes each entry as a letter and hands it to the transport. An entry that is sent twice has the
 * same Message-ID both times.
 *
 * @throws {RangeError} if `from` is not one address
 */
export function createMailChannel(deps: MailChannelDeps): Channel {
  const { rate, connections } = deps;
  const from: From = { ...parseSender(deps.from), host: new URL(deps.publicUrl).hostname };
  return {
    ...mailChannel,
    rate,
    connections,
    retryMinutes: RETRY_MINUTES,
    factsOf: ({ id, kind, attempts }) => ({ mailId: id, template: kind, attempts }),
    obstacleTo: async (entry) => obstacleTo(deps, entry),
    send: async (entry, signal) => {
      const outcome = await deps.transport.send(write(deps, entry, from), signal);
      return readOutcome(deps, entry, outcome);
    },
  };
}

async function obstacleTo(
  { db, letters }: MailChannelDeps,
  { recipient, kind }: EntryHead,
): Promise<Obstacle | undefined> {
  if (await isSuppressed(db, recipient)) return { kind: "final", error: "suppressed" };
  // A newer version has queued the mail and will send it.
  if (!letters.names.includes(kind))
    return { kind: "passing", error: "unknown_template", seconds: UPGRADE_SECONDS };
  return undefined;
}

function write(
  { letters, clock }: MailChannelDeps,
  { id, kind, data, locale, createdAt, recipient }: OpenEntry,
  { host, ...from }: From,
): Message {
  const letter = letters.write(kind, { data, locale, now: clock.now() });
  return { id, messageId: `<${id}@${host}>`, at: createdAt, from, to: recipient, ...letter };
}

function readOutcome(deps: MailChannelDeps, entry: EntryHead, outcome: SendOutcome): Outcome {
  if (outcome.kind === "unavailable") report(deps.log, outcome);
  if (outcome.kind !== "refused") return outcome;
  const { permanent, deadAddress, error } = outcome;
  if (!permanent) return { kind: "deferred", error };
  if (!deadAddress) return { kind: "rejected", error };
  return {
    kind: "rejected",
    error,
    also: async (tx) =>
      suppress(tx, deps, { address: entry.recipient, reason: "hard_bounce" }, system),
  };
}

function report(log: Log, { cause, error }: Extract<SendOutcome, { kind: "unavailable" }>): void {
  if (cause === "connection") log.warn(events[cause], { error });
  else
    log.error(events[cause], {
      error,
      setting: cause === "sender" ? "PORTCULLIS_MAIL_FROM" : "PORTCULLIS_MAIL",
    });
}
