import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import type { ChannelId } from "../outbox/channel.ts";
import { enqueue, outboxFigures, type OutboxDeps, type OutboxFigures } from "../outbox/outbox.ts";
import { listEntries, type EntryQuery, type ListedEntry } from "../outbox/outbox.store.ts";
import { assertPlainAddress } from "./message.ts";
import type { builtInTemplates } from "./templates/built-in.ts";
import type { Templates } from "./templates/template.ts";

export const mailChannel: ChannelId = {
  name: "mail",
  seal: "mail-seal",
  wake: { name: "the sender of mail" },
};

/** A mail by one of the given templates, with the data that this template is filled with. */
export type MailBy<Given extends Templates> = {
  [Name in keyof Given & string]: {
    readonly recipient: string;
    /** BCP 47. Null means the operator's language. */
    readonly locale: string | null;
    readonly template: Name;
    readonly data: Given[Name]["sample"];
    /** From this moment on the mail would be of no use to its reader, and is not sent. */
    readonly expiresAt?: UnixSeconds;
  };
}[keyof Given & string];

export type Mail = MailBy<typeof builtInTemplates>;

/**
 * Puts a mail into the outbox in the transaction of its cause. `nothing` costs as much work as a
 * mail. See `enqueue` of the outbox.
 *
 * The type parameter names the templates if they are not the built-in ones. They must be registered
 * when the process is composed; until a process knows the template, the mail waits.
 *
 * @throws {RangeError} unless the recipient is one plain address
 */
export async function enqueueMail<Given extends Templates = typeof builtInTemplates>(
  tx: Tx,
  deps: OutboxDeps,
  mail: NoInfer<MailBy<Given>> | "nothing",
): Promise<void> {
  if (mail === "nothing") return enqueue(tx, deps, mailChannel, "nothing");
  const { recipient, template: kind, locale, data, expiresAt = null } = mail;
  assertPlainAddress(recipient);
  await enqueue(tx, deps, mailChannel, { recipient, kind, locale, data, expiresAt });
}

export async function mailFigures(db: Queryable): Promise<OutboxFigures> {
  return outboxFigures(db, mailChannel);
}

export interface ListedMail extends Omit<ListedEntry, "kind"> {
  readonly template: string;
}

/** Lists mails, newest first. */
export async function listMails(
  db: Queryable,
  query: Omit<EntryQuery, "channel">,
): Promise<readonly ListedMail[]> {
  const entries = await listEntries(db, { channel: mailChannel.name, ...query });
  return entries.map(({ id, recipient, kind, ...rest }) => ({
    id,
    recipient,
    template: kind,
    ...rest,
  }));
}
