import type { Tx } from "../../platform/db/open.ts";
import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { enqueue, type Mail } from "./outbox.ts";

/** The mails that tell of something that has happened to an account, whoever did it (LG-14). */
export type NoticeName =
  | "password_changed"
  | "email_in_use"
  | "new_device"
  | "refresh_reused"
  | "factor_added"
  | "factor_removed"
  | "second_factor_failed";

export type Notice = {
  [Name in NoticeName]: Pick<Extract<Mail, { readonly template: Name }>, "template" | "data">;
}[NoticeName];

/** Of the user, whose own row it comes from. */
export interface Notified {
  readonly email: string | null;
  readonly emailVerifiedAt: UnixSeconds | null;
  readonly locale: string | null;
}

/**
 * Tells the user, in the transaction of what happened. An address that nobody has confirmed may be
 * a stranger's: it is told nothing. Wake the sender once the transaction has committed.
 */
export async function notify(
  tx: Tx,
  deps: { readonly clock: Clock; readonly random: Random; readonly keyring: Keyring },
  user: Notified,
  notice: Notice,
): Promise<void> {
  if (user.email === null || user.emailVerifiedAt === null) return;
  await enqueue(tx, deps, { recipient: user.email, locale: user.locale, ...notice });
}
