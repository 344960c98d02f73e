import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Origin } from "../../../records/audit/events.ts";
import type { Db, Tx } from "../../../platform/db/open.ts";
import { makeLinkToken, makeMailedProof } from "../../../accounts/proofs/mailed-proof.ts";
import { uuidv7 } from "../../../platform/kernel/ids.ts";
import type { Random } from "../../../platform/kernel/random.ts";
import { enqueueMail } from "../../../records/mail/mail.ts";
import type { Address, Also } from "./create-account.ts";
import type { MailedTokenDeps } from "./mailed-token.ts";
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
import { UNDO_SECONDS } from "../../../accounts/account/change-email.ts";
import {
  findChange,
  insertChange,
  markConfirmed,
  voidPendingChanges,
} from "../../../accounts/account/email-changes.store.ts";
import { isAnotherPassword, spendNameToken } from "./set-username.ts";
import { voidResets } from "../../../accounts/account/resets.store.ts";

export interface ChangeAddressDeps extends MailedTokenDeps {
  readonly db: Db;
  readonly random: Random;
  readonly checkOwnPassword: CheckOwnPassword;
}

export interface NewAddress {
  /**
   * Null: none any more. Something must name the account: a user without a username keeps theirs.
   */
  readonly address: Address | null;
  readonly mayShare: boolean;
  /**
   * Nobody gets in until the link of the activation mail comes back. No session ends, and its
   * tokens then go on.
   */
  readonly pauses: boolean;
}

type Moved =
  | { readonly kind: "changed"; readonly user: User }
  | { readonly kind: "email_taken" | "email_needed" };

export type ChangeAddressOutcome = Moved | { readonly kind: "unknown" };

/**
 * Sets an address that nobody has confirmed, as the Django faces do at once, without the password.
 * The one there was, if it was confirmed, is told and can take it back, as with
 * `confirmEmailChange`.
 *
 * @param also is called where nothing changes, too
 */
export async function changeAddress(
  deps: Omit<ChangeAddressDeps, "checkOwnPassword">,
  userId: string,
  next: NewAddress | undefined,
  origin: Origin,
  also: Also = async () => {},
): Promise<ChangeAddressOutcome> {
  return transact(deps, async (tx): Promise<ChangeAddressOutcome> => {
    const user = await lockUser(tx, userId);
    if (user === undefined) return { kind: "unknown" };
    return move(tx, deps, { user, next }, origin, also);
  });
}

export type ChangeOwnAddressOutcome =
  | Moved
  | { readonly kind: "not_repeated" | "session_ended" }
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

/** The same within a session, for the password: where users log in by address. */
export async function changeOwnAddress(
  deps: ChangeAddressDeps,
  who: SignedIn,
  input: {
    readonly next: NewAddress;
    readonly isRepeated: boolean;
    readonly currentPassword: string;
  },
  origin: Origin,
  also: Also = async () => {},
): Promise<ChangeOwnAddressOutcome> {
  const before = await findUser(deps.db, who.userId);
  const own = await deps.checkOwnPassword(who, input.currentPassword, origin);
  if (own.kind !== "matched") return own;
  if (!input.isRepeated) return { kind: "not_repeated" };
  return transact(deps, async (tx): Promise<ChangeOwnAddressOutcome> => {
    const user = await lockUser(tx, who.userId);
    // Whoever changed the password meanwhile has ended this session.
    if (
      user === undefined ||
      before === undefined ||
      user.disabledAt !== null ||
      isAnotherPassword(user, before)
    )
      return { kind: "session_ended" };
    return move(
      tx,
      deps,
      { user, next: input.next },
      { ...origin, sessionId: who.sessionId },
      also,
    );
  });
}

/** The same against the token of a link that was mailed to the address there is. */
export async function changeAddressByMailedToken(
  deps: ChangeAddressDeps,
  userId: string | undefined,
  input: { readonly next: NewAddress; readonly isRepeated: boolean; readonly token: string },
  origin: Origin,
  also: Also = async () => {},
): Promise<Moved | { readonly kind: "not_repeated" | "unknown" | "invalid_token" }> {
  if (!input.isRepeated) return { kind: "not_repeated" };
  if (userId === undefined) return { kind: "unknown" };
  return transact(
    deps,
    async (tx): Promise<Moved | { readonly kind: "unknown" | "invalid_token" }> => {
      const user = await lockUser(tx, userId);
      if (user === undefined) return { kind: "unknown" };
      if (user.disabledAt !== null || !(await spendNameToken(tx, deps, user, input.token)))
        return { kind: "invalid_token" };
      return move(tx, deps, { user, next: input.next }, origin, also);
    },
  );
}

/** The user's row must be held. */
async function move(
  tx: Tx,
  deps: Omit<ChangeAddressDeps, "checkOwnPassword">,
  { user, next }: { readonly user: User; readonly next: NewAddress | undefined },
  origin: Origin & { readonly sessionId?: string },
  also: Also,
): Promise<Moved> {
  if (next === undefined || (next.address?.address ?? null) === user.email) {
    await also(tx, user);
    return { kind: "changed", user };
  }
  const { address, mayShare, pauses } = next;
  if (address === null && user.username === null) return { kind: "email_needed" };
  const now = deps.clock.now();
  // Without an address nothing could end the pause.
  const changed = await setUnconfirmedEmail(tx, user.id, {
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
  await also(tx, changed);
  await record(tx, deps, {
    event: "email.changed",
    ...origin,
    userId: user.id,
    details: { moved: left !== null, confirmed: false },
  });
  return { kind: "changed", user: changed };
}

/**
 * With the means to take it back: somebody who holds a token, and no password, could have done it.
 */
async function tellOldAddress(
  tx: Tx,
  deps: Omit<ChangeAddressDeps, "checkOwnPassword">,
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
  const expiresAt = now + UNDO_SECONDS;
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
