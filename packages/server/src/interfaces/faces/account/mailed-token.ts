import type { Clock, UnixSeconds } from "../../../platform/kernel/clock.ts";
import type { Keyring } from "../../../platform/kernel/keyring.ts";
import type { User } from "../../../accounts/users/users.store.ts";

/**
 * What the reader of the mail may do with it; none is good for another (RS-05). `name`: set what
 * the user logs in by.
 */
export type MailedTokenKind = "activation" | "password" | "name";

export interface MailedTokenDeps {
  readonly clock: Clock;
  readonly keyring: Keyring;
  /** `PASSWORD_RESET_TIMEOUT`. */
  readonly mailedTokenSeconds: number;
}

const TOKEN = /^([0-9a-z]{1,9})-([0-9a-f]{64})$/;

/**
 * The token of a link that a Django face mails, `<moment in base 36>-<MAC>` as Django's own:
 * nothing of it is stored, and it is good for as long as what it is made from stays as it is, the
 * address it was mailed to among it (RG-05, RS-09).
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
 * Ask it of a user whose row is held: then of any number of callers one spends the token (RG-04).
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
  // One of an earlier pause must not end this one.
  if (kind === "activation" && issuedAt < (user.pausedAt ?? 0)) return false;
  return deps.clock.now() - issuedAt <= deps.mailedTokenSeconds;
}

function stateOf(kind: MailedTokenKind, user: User, issuedAt: UnixSeconds): string {
  const name = kind === "name" ? user.username : null;
  return JSON.stringify([kind, user.id, user.passwordChangedAt, user.email, name, issuedAt]);
}
