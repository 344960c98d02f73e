import type { Clock, UnixSeconds } from "../../../platform/kernel/clock.ts";
import type { Keyring } from "../../../platform/kernel/keyring.ts";
import type { User } from "../../../accounts/users/users.store.ts";

/**
 * The act that the token permits; a token for one act is refused for the others (RS-05). `name`
 * sets the username or the address that the user logs in by.
 */
export type MailedTokenKind = "activation" | "password" | "name";

export interface MailedTokenDeps {
  readonly clock: Clock;
  readonly keyring: Keyring;
  /** How long a token is valid (`PASSWORD_RESET_TIMEOUT`). */
  readonly mailedTokenSeconds: number;
}

const TOKEN = /^([0-9a-z]{1,9})-([0-9a-f]{64})$/;

/**
 * Makes the token of a link that a Django face mails. It has the form of Django's own, `<moment in
 * base 36>-<MAC>`. Nothing of it is stored: it becomes invalid if something that the MAC covers
 * changes, such as the password or the address it was mailed to (RG-05, RS-09).
 */
export function mailedToken(
  deps: Pick<MailedTokenDeps, "clock" | "keyring">,
  kind: MailedTokenKind,
  user: User,
): string {
  const now = deps.clock.now();
  return `${now.toString(36)}-${deps.keyring.mac("face-mail-token", stateOf(kind, user, now)).toString("hex")}`;
}

/**
 * Checks a token. The user's row must be locked, so that of several concurrent callers only one can
 * use the token (RG-04).
 */
export function isMailedToken(
  deps: MailedTokenDeps,
  kind: MailedTokenKind,
  user: User,
  token: string,
): boolean {
  const [, moment = "", mac = ""] = TOKEN.exec(token) ?? [];
  const issuedAt = Number.parseInt(moment, 36);
  if (issuedAt.toString(36) !== moment) return false;
  if (
    !deps.keyring.verifyMac(
      "face-mail-token",
      stateOf(kind, user, issuedAt),
      Buffer.from(mac, "hex"),
    )
  )
    return false;
  // A token from an earlier pause must not end this one.
  if (kind === "activation" && issuedAt < (user.pausedAt ?? 0)) return false;
  return deps.clock.now() - issuedAt <= deps.mailedTokenSeconds;
}

function stateOf(kind: MailedTokenKind, user: User, issuedAt: UnixSeconds): string {
  const name = kind === "name" ? user.username : null;
  return JSON.stringify([kind, user.id, user.passwordChangedAt, user.email, name, issuedAt]);
}
