import addressparser from "nodemailer/lib/addressparser";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { oneLine } from "./templates/text.ts";

export interface NamedAddress {
  readonly name: string;
  readonly address: string;
}

/**
 * One mail as every transport gets it. If it is sent again, it is the same mail with the same id
 * and date.
 */
export interface Message {
  /** The id of the entry in the outbox. */
  readonly id: string;
  /** Includes the angle brackets (RFC 5322 §3.6.4). */
  readonly messageId: string;
  readonly at: UnixSeconds;
  readonly from: NamedAddress;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Returns the RFC 5322 form with CRLF line ends. */
export async function compose(message: Message): Promise<Buffer> {
  assertPlainAddress(message.to);
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer");
  const composer = new MailComposer({
    // Addresses are given as parsed mailboxes and never as header text, so nothing in them can
    // become a second recipient or another header.
    from: { name: oneLine(message.from.name), address: message.from.address },
    to: { name: "", address: message.to },
    subject: oneLine(message.subject),
    messageId: message.messageId,
    date: new Date(message.at * 1000),
    headers: { "Auto-Submitted": "auto-generated" }, // keeps absence notices away (RFC 3834 §5)
    text: message.text,
    html: message.html,
    baseBoundary: message.id,
    newline: "win",
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}

/** @throws {RangeError} unless it is one plain address */
export function assertPlainAddress(address: string): void {
  if (!isPlainAddress(address)) throw new RangeError("not one plain mail address");
}

/** Tells whether a text is one address without display name, comment, quotes or list separators. */
export function isPlainAddress(text: string): boolean {
  return PLAIN_ADDRESS.test(text) && text.length <= 320;
}

const PLAIN_ADDRESS = /^[^\s\p{Cc}"(),:;<>@[\\\]]+@[^\s\p{Cc}"(),:;<>@[\\\]]+$/u;

/** Tells whether a text is one sender: `Name <address>` or a plain address. */
export function isSender(text: string): boolean {
  const [sender, ...others] = addressparser(text, { flatten: true });
  return sender !== undefined && others.length === 0 && isPlainAddress(sender.address);
}

/** @throws {RangeError} unless `text` is one sender, `Name <address>` or a plain address */
export function parseSender(text: string): NamedAddress {
  const [sender, ...others] = addressparser(text, { flatten: true });
  if (sender === undefined || others.length > 0)
    throw new RangeError(
      "the sender of mail must be one address, for example Accounts <accounts@example.com>",
    );
  assertPlainAddress(sender.address);
  return { name: sender.name, address: sender.address };
}
