import type { Tx } from "../../platform/db/open.ts";
import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { enqueueMail, type Mail } from "./mail.ts";

/** The mails that tell users what has happened to their account, even if they did it (LG-14). */
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

/** The part of a user's row that a notice needs. */
export interface Notified {
  readonly email: string | null;
  readonly emailVerifiedAt: UnixSeconds | null;
  readonly locale: string | null;
}

/**
 * Tells the user, in the transaction of what happened. An address that is not confirmed is told
 * nothing, because it may be a stranger's.
 */
export async function notify(
  tx: Tx,
  deps: { readonly clock: Clock; readonly random: Random; readonly keyring: Keyring },
  user: Notified,
  notice: Notice,
): Promise<void> {
  if (user.email === null || user.emailVerifiedAt === null) return;
  await enqueueMail(tx, deps, { recipient: user.email, locale: user.locale, ...notice });
}
