import { createHash } from "node:crypto";
import type { Tx } from "../../platform/db/open.ts";
import type { Held } from "../../platform/db/held.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { lockUser, type User } from "./users.store.ts";

/**
 * The properties of an account that must not have changed since it was checked:
 * - `enabled`: none. The account must only exist and be enabled.
 * - `session`: the hard epoch, which every logout everywhere, password change and disabling raises.
 *   It serves an act within a session whose password was checked before the transaction.
 * - `password`: the hard epoch and the password.
 * - `account`: the hard epoch, the password and the address. It serves a sign-in, a step-up and a
 *   factor, which are proven in several steps (LG-11, PK-08).
 * - `mailbox`: the password and the address. It serves mailed codes and links, which end with them
 *   (RS-09).
 */
export type Level = "enabled" | "session" | "password" | "account" | "mailbox";

/** The state of an account when it was checked, as far as a level needs it. */
export interface CheckedState {
  readonly hardEpoch: number;
  readonly passwordChangedAt: UnixSeconds | null;
  readonly emailCanonical: string | null;
}

const compared = {
  enabled: [],
  session: ["hardEpoch"],
  password: ["hardEpoch", "passwordChangedAt"],
  account: ["hardEpoch", "passwordChangedAt", "emailCanonical"],
  mailbox: ["passwordChangedAt", "emailCanonical"],
} as const satisfies Readonly<Record<Level, readonly (keyof CheckedState)[]>>;

/** The members of the state that a level compares. */
export type Checked<At extends Level> = Pick<CheckedState, (typeof compared)[At][number]>;

/**
 * Locks the user and returns the row if this is still the account that was checked. Returns
 * `undefined` if the user was deleted or disabled, if the account is paused (unless
 * `whilePaused`), or if something that the level compares has changed.
 */
export async function holdUnchanged<At extends Level>(
  tx: Tx,
  checked: Checked<At> & { readonly id: string },
  level: At,
  options: { readonly whilePaused?: true } = {},
): Promise<Held<User> | undefined> {
  const user = await lockUser(tx, checked.id);
  return user !== undefined && isUnchanged(user, checked, level, options) ? user : undefined;
}

/**
 * Does the same comparison with a row that was read. The answer can change until the row is held,
 * so a rule that writes uses `holdUnchanged`.
 */
export function isUnchanged<At extends Level>(
  user: User,
  checked: Checked<At>,
  level: At,
  { whilePaused = false }: { readonly whilePaused?: boolean } = {},
): boolean {
  if (user.disabledAt !== null || (user.pausedAt !== null && !whilePaused)) return false;
  const before: Partial<CheckedState> = checked;
  return compared[level].every((member) => user[member] === before[member]);
}

/**
 * Locks the user and returns the row if the password that was just checked is still theirs. A
 * logout everywhere in between changes nothing, because this is the sign-in after it. A hash with
 * old parameters may have been replaced by one of the same password in the meantime.
 */
export async function holdSamePassword(
  tx: Tx,
  checked: User,
  wasWeak: boolean,
): Promise<Held<User> | undefined> {
  const user = await lockUser(tx, checked.id);
  if (user === undefined || user.disabledAt !== null) return undefined;
  const [before, now] = [checked.passwordSealed, user.passwordSealed];
  if (before === null || now === null) return undefined;
  const isSame =
    Buffer.from(before).equals(now) ||
    (wasWeak && checked.passwordChangedAt === user.passwordChangedAt);
  return isSame ? user : undefined;
}

/**
 * Locks the user and returns the row if the account still has the fingerprint that was stored when
 * it was checked at the level `account`. It says nothing about disabled or paused accounts.
 */
export async function holdWithFingerprint(
  tx: Tx,
  userId: string,
  fingerprint: string,
): Promise<Held<User> | undefined> {
  const user = await lockUser(tx, userId);
  return user !== undefined && fingerprintOf(user) === fingerprint ? user : undefined;
}

/**
 * A fingerprint of what the level `account` compares, for a check that is stored: a challenge or a
 * ceremony that was begun under another fingerprint is void.
 */
export function fingerprintOf({ hardEpoch, passwordChangedAt, emailCanonical }: User): string {
  return createHash("sha256")
    .update(JSON.stringify([hardEpoch, passwordChangedAt, emailCanonical]))
    .digest("base64url");
}
