import type { Held } from "../../../platform/db/held.ts";
import { holdUnchanged } from "../../../accounts/users/hold-unchanged.ts";
import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Origin, RemoteOrigin } from "../../../records/audit/events.ts";
import type { Db, Tx } from "../../../platform/db/open.ts";
import { makeLinkToken, makeMailedProof } from "../../../accounts/proofs/mailed-proof.ts";
import { uuidv7 } from "../../../platform/kernel/ids.ts";
import type { Random } from "../../../platform/kernel/random.ts";
import { enqueueMail } from "../../../records/mail/mail.ts";
import type { Address, Extended } from "./create-account.ts";
import type {
  CheckOwnPassword,
  OwnPasswordOutcome,
  SignedIn,
} from "../../../accounts/users/ports.ts";
import {
  bequeathEmail,
  findUser,
  lockUser,
  setUnconfirmedEmail,
  type User,
} from "../../../accounts/users/users.store.ts";
import {
  findChange,
  insertChange,
  markConfirmed,
  voidPendingChanges,
} from "../../../accounts/account/email-changes.store.ts";
import { spendNameToken, type SpendNameTokenDeps } from "./set-username.ts";
import { voidResets } from "../../../accounts/account/resets.store.ts";
import { UNDO_LINK_SECONDS } from "../../../accounts/proofs/lifetimes.ts";

export interface SetEmailDeps extends SpendNameTokenDeps {
  readonly db: Db;
  readonly random: Random;
  readonly checkOwnPassword: CheckOwnPassword;
}

export interface NewAddress {
  /**
   * Null removes the address. A user without a username keeps theirs, because something must
   * identify the account.
   */
  readonly address: Address | null;
  readonly mayShare: boolean;
  /**
   * The user cannot log in until they follow the link of the activation mail. No session ends; its
   * tokens work again after that.
   */
  readonly pauses: boolean;
}

/** The new address, or `undefined` if it stays. `also` is called even then. */
interface Change extends Extended {
  readonly next: NewAddress | undefined;
}

interface Form extends Extended {
  readonly next: NewAddress;
  /** Whether the form had the address twice, spelled alike. */
  readonly isRepeated: boolean;
}

type Moved =
  | { readonly kind: "changed"; readonly user: User }
  | { readonly kind: "email_taken" | "email_needed" };

export type UpdateEmailOutcome = Moved | { readonly kind: "unknown" };

/**
 * Sets an unconfirmed address at once and without the password, as an update of the user does in
 * the Django faces. If the previous address was confirmed, it gets a mail with a link that restores
 * it, as with `confirmEmailChange`.
 */
export async function updateEmail(
  deps: Omit<SetEmailDeps, "checkOwnPassword">,
  userId: string,
  change: Change,
  origin: Origin,
): Promise<UpdateEmailOutcome> {
  return transact(deps, async (tx): Promise<UpdateEmailOutcome> => {
    const user = await lockUser(tx, userId);
    if (user === undefined) return { kind: "unknown" };
    return move(tx, deps, { user, ...change }, origin);
  });
}

export type SetOwnEmailOutcome =
  | Moved
  | { readonly kind: "not_repeated" | "session_ended" }
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

/**
 * Sets the address that the user logs in by (`set_email`). It requires a session and the current
 * password.
 */
export async function setOwnEmail(
  deps: SetEmailDeps,
  who: SignedIn,
  input: Form & { readonly currentPassword: string },
  origin: RemoteOrigin,
): Promise<SetOwnEmailOutcome> {
  const before = await findUser(deps.db, who.userId);
  const own = await deps.checkOwnPassword(who, input.currentPassword, origin);
  if (own.kind !== "matched") return own;
  if (!input.isRepeated) return { kind: "not_repeated" };
  return transact(deps, async (tx): Promise<SetOwnEmailOutcome> => {
    const user = before && (await holdUnchanged(tx, before, "password"));
    if (user === undefined) return { kind: "session_ended" };
    const { next, also } = input;
    return move(tx, deps, { user, next, also }, { ...origin, sessionId: who.sessionId });
  });
}

export type ResetEmailConfirmOutcome =
  | Moved
  | { readonly kind: "not_repeated" | "unknown" | "invalid_token" | "factor_needed" };

/**
 * Sets the address that the user logs in by against the token of a link that was mailed to the
 * previous one (`reset_email_confirm`).
 */
export async function resetEmailConfirm(
  deps: SetEmailDeps,
  userId: string | undefined,
  input: Form & { readonly token: string },
  origin: Origin,
): Promise<ResetEmailConfirmOutcome> {
  if (!input.isRepeated) return { kind: "not_repeated" };
  if (userId === undefined) return { kind: "unknown" };
  return transact(deps, async (tx): Promise<ResetEmailConfirmOutcome> => {
    const user = await lockUser(tx, userId);
    if (user === undefined) return { kind: "unknown" };
    if (user.disabledAt !== null) return { kind: "invalid_token" };
    const token = await spendNameToken(tx, deps, user, input.token);
    if (token !== "spent") return { kind: token };
    const { next, also } = input;
    return move(tx, deps, { user, next, also }, origin);
  });
}

/** Moves the address of a user. */
async function move(
  tx: Tx,
  deps: Omit<SetEmailDeps, "checkOwnPassword">,
  { user, next, also }: Change & { readonly user: Held<User> },
  origin: Origin & { readonly sessionId?: string },
): Promise<Moved> {
  if (next === undefined || (next.address?.address ?? null) === user.email) {
    await also?.(tx, user);
    return { kind: "changed", user };
  }
  const { address, mayShare, pauses } = next;
  if (address === null && user.username === null) return { kind: "email_needed" };
  const now = deps.clock.now();
  // The account is not paused without an address, because no activation mail could end the pause.
  const changed = await setUnconfirmedEmail(tx, user, {
    address,
    mayShare,
    pausedAt: pauses && address !== null ? now : user.pausedAt,
  });
  if (changed === undefined) return { kind: "email_taken" };
  const left = user.emailCanonical === changed.emailCanonical ? null : user.emailCanonical;
  if (left !== null) await bequeathEmail(tx, left);
  await voidResets(tx, user.id);
  await voidPendingChanges(tx, user.id, now);
  if (left !== null && user.emailVerifiedAt !== null) await tellOldAddress(tx, deps, user, address);
  await also?.(tx, changed);
  await record(tx, deps, {
    event: "email.changed",
    ...origin,
    userId: user.id,
    details: { moved: left !== null, confirmed: false },
  });
  return { kind: "changed", user: changed };
}

/**
 * Tells the previous address, with a link that restores it: the change may come from a person who
 * holds a token but does not know the password.
 */
async function tellOldAddress(
  tx: Tx,
  deps: Omit<SetEmailDeps, "checkOwnPassword">,
  user: User,
  address: Address | null,
): Promise<void> {
  if (user.email === null) return;
  const now = deps.clock.now();
  const id = uuidv7(deps);
  const { stored } = makeMailedProof(deps, id, { isMailed: false });
  await insertChange(tx, {
    id,
    userId: user.id,
    email: address?.address ?? "",
    emailCanonical: address?.canonical ?? "",
    // The change is confirmed from the start, so its code and link are never mailed.
    ...stored,
    triesLeft: 0,
    passwordChangedAt: user.passwordChangedAt,
    oldEmail: user.email,
    oldEmailCanonical: user.emailCanonical,
    createdAt: now,
    codeExpiresAt: now,
    expiresAt: now,
  });
  const change = await findChange(tx, { id, userId: user.id });
  const { token, tokenHash } = makeLinkToken(deps);
  const expiresAt = now + UNDO_LINK_SECONDS;
  if (
    change === undefined ||
    !(await markConfirmed(tx, change, { hash: tokenHash, expiresAt }, now))
  )
    throw new Error("a change of address that was just written is gone");
  const data = { at: now, token, linkExpiresAt: expiresAt };
  await enqueueMail(tx, deps, {
    recipient: user.email,
    locale: user.locale,
    template: "email_changed",
    data,
    expiresAt,
  });
}
