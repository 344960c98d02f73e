import type { Db } from "../db/open.ts";
import type { Clock, UnixSeconds } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Keyring } from "../kernel/keyring.ts";
import type { Random } from "../kernel/random.ts";
import { parseSender } from "./message.ts";
import type { Message } from "./message.ts";
import { claimDue, markFailed, markRetry, markSent } from "./outbox.store.ts";
import { openData } from "./outbox.ts";
import type { ClaimedMail } from "./outbox.store.ts";
import { write } from "./templates/templates.ts";
import type { Transport } from "./transports.ts";

export interface SenderDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  readonly log: Log;
  readonly transport: Transport;
  /** `Name <address>` or a plain address. */
  readonly from: string;
  readonly publicUrl: string;
  readonly serviceName: string;
}

export interface Sender {
  /** Tries every mail that is due, up to one batch. */
  runOnce(): Promise<{ readonly sent: number; readonly failed: number }>;
  /** Sends until `signal` aborts; resolves once what was being sent then is sent and marked. */
  run(signal: AbortSignal): Promise<void>;
  /** Call it after the commit of a transaction that enqueued. */
  wake(): void;
}

const BATCH = 20;
const POLL_MILLISECONDS = 2000;
const SEND_SECONDS = 30;
/** Longer than a send may take, so that only a dead sender's mails are claimed again. */
const CLAIM_SECONDS = 2 * SEND_SECONDS;
/** Waits between the attempts; when they are used up the mail has failed. */
const RETRY_MINUTES = [1, 2, 4, 8, 15, 30, 60, 180, 360];
/** So that mails that failed together do not come back together. */
const JITTER = 0.2;

/**
 * Sends what is in the outbox, each mail at least once: a crash between sending and marking it sends it once more, with
 * the same Message-ID.
 *
 * @throws {RangeError} when `from` is not one address
 */
export function createSender(deps: SenderDeps): Sender {
  const from = parseSender(deps.from);
  const host = new URL(deps.publicUrl).hostname;
  let alarm = new AbortController();

  const messageOf = (mail: ClaimedMail): Message => ({
    id: mail.id,
    messageId: `<${mail.id}@${host}>`,
    at: mail.createdAt,
    from,
    to: mail.recipient,
    ...write(mail.template, openData(deps.keyring, mail.id, mail.data), {
      serviceName: deps.serviceName,
      publicUrl: deps.publicUrl,
      now: deps.clock.now(),
    }),
  });

  const attempt = async (mail: ClaimedMail): Promise<boolean> => {
    try {
      await withDeadline(deps.clock, async (signal) => deps.transport.send(messageOf(mail), signal));
    } catch (error) {
      await postpone(deps, mail, errorClass(error));
      return false;
    }
    await markSent(deps.db, mail, deps.clock.now());
    deps.log.info("mail.sent", { mailId: mail.id, template: mail.template, attempts: mail.attempts });
    return true;
  };

  const runOnce = async (): Promise<{ readonly sent: number; readonly failed: number }> => {
    const at = deps.clock.now();
    const mails = await claimDue(deps.db, { at, until: at + CLAIM_SECONDS, limit: BATCH });
    const outcomes = await Promise.allSettled(mails.map(attempt));
    const fault = outcomes.find((outcome) => outcome.status === "rejected");
    if (fault !== undefined) throw fault.reason;
    const sent = outcomes.filter((outcome) => outcome.status === "fulfilled" && outcome.value).length;
    return { sent, failed: outcomes.length - sent };
  };

  /** Whether there may be more to send at once. */
  const pass = async (): Promise<boolean> => {
    try {
      const { sent, failed } = await runOnce();
      return sent + failed === BATCH;
    } catch (error) {
      deps.log.error("mail.fault", {}, error);
      return false;
    }
  };

  const wake = (): void => alarm.abort();

  const run = async (signal: AbortSignal): Promise<void> => {
    signal.addEventListener("abort", wake, { once: true });
    while (!signal.aborted) {
      alarm = new AbortController();
      const more = await pass();
      if (!more) await deps.clock.sleep(POLL_MILLISECONDS, alarm.signal);
    }
  };

  return { runOnce, run, wake };
}

async function postpone(deps: SenderDeps, mail: ClaimedMail, error: string): Promise<void> {
  const at = deps.clock.now();
  const minutes = RETRY_MINUTES[mail.attempts - 1];
  const facts = { mailId: mail.id, template: mail.template, attempts: mail.attempts, error };
  if (minutes === undefined) {
    await markFailed(deps.db, mail, { at, error });
    deps.log.error("mail.failed", facts);
  } else {
    await markRetry(deps.db, mail, { at: at + jittered(deps.random, minutes * 60), error });
    deps.log.warn("mail.postponed", facts);
  }
}

function jittered(random: Random, seconds: number): UnixSeconds {
  const share = random.bytes(2).readUInt16BE(0) / 0x1_0000;
  return Math.floor(seconds * (1 + JITTER * share));
}

async function withDeadline(clock: Clock, send: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const deadline = new AbortController();
  const settled = new AbortController();
  void clock.sleep(SEND_SECONDS * 1000, settled.signal).then(() => deadline.abort());
  try {
    await send(deadline.signal);
  } finally {
    settled.abort();
  }
}

/** A name or code such as `EENVELOPE 550`; never the sentence, which quotes addresses and what the other server said. */
function errorClass(error: unknown): string {
  if (!(error instanceof Error)) return "Error";
  const name = "code" in error && typeof error.code === "string" ? error.code : error.name;
  const status = "responseCode" in error && typeof error.responseCode === "number" ? ` ${error.responseCode}` : "";
  return (/^\w{1,40}$/.test(name) ? name : "Error") + status;
}
