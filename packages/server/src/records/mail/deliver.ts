import { transact } from "../../platform/db/transact.ts";
import type { Db } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Log } from "../../platform/kernel/log.ts";
import type { Random } from "../../platform/kernel/random.ts";
import type { Message, NamedAddress } from "./message.ts";
import { markFailed, markRetry, type ClaimedMail } from "./outbox.store.ts";
import { openData } from "./outbox.ts";
import { isSuppressed, suppress } from "./suppressions.ts";
import type { Letters } from "./templates/templates.ts";
import type { SendOutcome, Transport, UnavailableCause } from "./transport.ts";

export interface DeliverDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  readonly log: Log;
  readonly transport: Transport;
  readonly letters: Letters;
}

export type Delivery =
  /** Accepted by the other side, and still to be marked. All others are marked. */
  | "sent"
  /** The other side's word on this mail. */
  | "refused"
  /** Without asking the other side. */
  | "skipped"
  /** The next mail would fare no better. */
  | "trouble";

export const SEND_SECONDS = 60;
/** Waits between the attempts that count; when they are used up the mail has failed. */
const RETRY_MINUTES = [1, 2, 4, 8, 15, 30, 60, 180, 360];
const UPGRADE_SECONDS = 900;
/** So that mails that failed together do not come back together. */
const JITTER = 0.2;

const events: Readonly<Record<UnavailableCause, string>> = {
  connection: "mail.server_unavailable",
  authentication: "mail.authentication_failed",
  encryption: "mail.encryption_failed",
  sender: "mail.sender_refused",
  storage: "mail.directory_unavailable",
};

const bySystem = { address: null, requestId: null, actor: { kind: "system" } } as const;

export interface From extends NamedAddress {
  /** Of the Message-ID. */
  readonly host: string;
}

/** One attempt at one mail that is claimed. */
export async function deliver(deps: DeliverDeps, mail: ClaimedMail, from: From): Promise<Delivery> {
  const obstacle = await obstacleTo(deps, mail);
  if (obstacle === "unknown_template")
    await putOff(deps, mail, { seconds: UPGRADE_SECONDS, error: obstacle, counted: false });
  else if (obstacle !== undefined) await giveUp(deps, mail, obstacle);
  if (obstacle !== undefined) return "skipped";

  const outcome = await attempt(deps, mail, from);
  switch (outcome.kind) {
    case "sent":
      return "sent";
    case "refused":
      await settleRefusal(deps, mail, outcome);
      return "refused";
    case "interrupted":
      await tryLater(deps, mail, outcome.error);
      return "trouble";
    case "unavailable":
      // Behind all others, in case it is this mail that the server cannot bear.
      await markRetry(deps.db, mail, {
        at: deps.clock.now() + 1,
        error: outcome.error,
        counted: false,
      });
      reportUnavailable(deps.log, outcome);
      return "trouble";
    case "fault":
      await tryLater(deps, mail, outcome.error);
      return "skipped";
  }
}

async function obstacleTo({ db, clock, letters }: DeliverDeps, mail: ClaimedMail) {
  if (mail.expiresAt !== null && mail.expiresAt <= clock.now()) return "expired";
  if (await isSuppressed(db, mail.recipient)) return "suppressed";
  // A newer version has queued it, and will send it.
  if (!letters.names.some((name) => name === mail.template)) return "unknown_template";
  return undefined;
}

/** A fault is of this mail alone: one that cannot be written must not keep the others waiting. */
async function attempt(
  deps: DeliverDeps,
  mail: ClaimedMail,
  from: From,
): Promise<SendOutcome | { readonly kind: "fault"; readonly error: string }> {
  try {
    const message = write(deps, mail, from);
    return await withDeadline(deps.clock, async (signal) => deps.transport.send(message, signal));
  } catch (error) {
    deps.log.error("mail.fault", factsOf(mail), error);
    return { kind: "fault", error: error instanceof Error ? error.name : "Error" };
  }
}

function write(
  { letters, keyring, clock }: DeliverDeps,
  mail: ClaimedMail,
  { host, ...from }: From,
): Message {
  const { id, locale } = mail;
  const letter = letters.write(mail.template, {
    data: openData(keyring, id, mail.data),
    locale,
    now: clock.now(),
  });
  return {
    id,
    messageId: `<${id}@${host}>`,
    at: mail.createdAt,
    from,
    to: mail.recipient,
    ...letter,
  };
}

async function settleRefusal(
  deps: DeliverDeps,
  mail: ClaimedMail,
  refusal: Extract<SendOutcome, { kind: "refused" }>,
): Promise<void> {
  const { permanent, deadAddress, error } = refusal;
  if (!permanent) return tryLater(deps, mail, error);
  if (!deadAddress) return giveUp(deps, mail, error);
  await transact(deps, async (tx) => {
    await markFailed(tx, mail, { at: deps.clock.now(), error });
    await suppress(tx, deps, { address: mail.recipient, reason: "hard_bounce" }, bySystem);
  });
  deps.log.warn("mail.failed", { ...factsOf(mail), error });
}

async function giveUp(deps: DeliverDeps, mail: ClaimedMail, error: string): Promise<void> {
  await markFailed(deps.db, mail, { at: deps.clock.now(), error });
  deps.log.warn("mail.failed", { ...factsOf(mail), error });
}

async function tryLater(deps: DeliverDeps, mail: ClaimedMail, error: string): Promise<void> {
  const minutes = RETRY_MINUTES[mail.attempts - 1];
  if (minutes === undefined) return giveUp(deps, mail, error);
  await putOff(deps, mail, {
    seconds: Math.floor(jittered(deps.random, minutes * 60)),
    error,
    counted: true,
  });
}

interface PutOff {
  readonly seconds: number;
  readonly error: string;
  readonly counted: boolean;
}

async function putOff(
  deps: DeliverDeps,
  mail: ClaimedMail,
  { seconds, error, counted }: PutOff,
): Promise<void> {
  await markRetry(deps.db, mail, { at: deps.clock.now() + seconds, error, counted });
  deps.log.warn("mail.postponed", { ...factsOf(mail), error });
}

function reportUnavailable(
  log: Log,
  { cause, error }: Extract<SendOutcome, { kind: "unavailable" }>,
): void {
  if (cause === "connection") log.warn(events[cause], { error });
  else
    log.error(events[cause], {
      error,
      setting: cause === "sender" ? "PORTCULLIS_MAIL_FROM" : "PORTCULLIS_MAIL",
    });
}

export function factsOf({ id, template, attempts }: ClaimedMail) {
  return { mailId: id, template, attempts };
}

/** Up to a fifth more. */
export function jittered(random: Random, span: number): number {
  const share = random.bytes(2).readUInt16BE(0) / 0x1_0000;
  return span * (1 + JITTER * share);
}

async function withDeadline(
  clock: Clock,
  send: (signal: AbortSignal) => Promise<SendOutcome>,
): Promise<SendOutcome> {
  const deadline = new AbortController();
  const settled = new AbortController();
  void clock.sleep(SEND_SECONDS * 1000, settled.signal).then(() => deadline.abort());
  try {
    return await send(deadline.signal);
  } finally {
    settled.abort();
  }
}
