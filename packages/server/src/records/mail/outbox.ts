import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import { afterCommit, type FollowUp } from "../../platform/db/transact.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { assertPlainAddress } from "./message.ts";
import { countMails, insertMail } from "./outbox.store.ts";
import type { TemplateData, TemplateName } from "./templates/data.ts";

export type Mail = {
  [Name in TemplateName]: {
    readonly recipient: string;
    /** BCP 47; null: the operator's. */
    readonly locale: string | null;
    readonly template: Name;
    readonly data: TemplateData<Name>;
    /** From then on it would be of no use to its reader, and is not sent. */
    readonly expiresAt?: UnixSeconds;
  };
}[TemplateName];

/** The sender is woken after a commit that has put a mail into the outbox. */
export const wakeSender: FollowUp<"waiting"> = { name: "the sender of mail" };

/**
 * Puts a mail into the outbox in the transaction of its cause: rolled back, it is never sent
 * (DU-06). The commit wakes the sender, which spares the mail the wait for the next poll.
 *
 * `nothing` costs what a mail costs, where the answer must not tell whether there was one (EN-04).
 *
 * @throws {RangeError} unless the recipient is one plain address
 */
export async function enqueue(
  tx: Tx,
  deps: { readonly clock: Clock; readonly random: Random; readonly keyring: Keyring },
  mail: Mail | "nothing",
): Promise<void> {
  const id = uuidv7(deps);
  const now = deps.clock.now();
  afterCommit(tx, wakeSender, "waiting");
  if (mail === "nothing")
    return insertMail(
      tx,
      { id, recipient: "", template: "", locale: null, expiresAt: null, data: "{}" },
      { at: now, sentAt: now },
    );
  assertPlainAddress(mail.recipient);
  const { recipient, template, locale, expiresAt = null } = mail;
  const data = sealData(deps.keyring, id, mail.data);
  await insertMail(
    tx,
    { id, recipient, template, locale, expiresAt, data },
    { at: now, sentAt: null },
  );
}

/**
 * Sealed for its mail: the data hold codes and tokens, of which a copy of the database must not
 * tell any.
 */
function sealData(keyring: Keyring, id: string, data: object): string {
  return keyring.seal("mail-seal", id, Buffer.from(JSON.stringify(data))).toString("base64url");
}

/** @throws {UnsealError} when it was sealed with another master secret */
export function openData(keyring: Keyring, id: string, sealed: string): unknown {
  return JSON.parse(keyring.open("mail-seal", id, Buffer.from(sealed, "base64url")).toString());
}

export interface MailFigures {
  /** Not sent yet, those between two attempts included. */
  readonly queued: number;
  /** Given up. */
  readonly failed: number;
}

export async function mailFigures(db: Queryable): Promise<MailFigures> {
  return countMails(db);
}
