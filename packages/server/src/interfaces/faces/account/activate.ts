import type { Held } from "../../../platform/db/held.ts";
import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Origin } from "../../../records/audit/events.ts";
import type { Db, Tx } from "../../../platform/db/open.ts";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";
import type { Also } from "./create-account.ts";
import { isMailedToken, type MailedTokenDeps } from "./mailed-token.ts";
import {
  displaceUnconfirmed,
  lockUser,
  markVerified,
  setEmail,
  unpause,
  type User,
} from "../../../accounts/users/users.store.ts";

export interface ActivateDeps extends MailedTokenDeps {
  readonly db: Db;
}

/** `stale` means that the token is right, but there is nothing to activate. */
export interface ActivateOutcome {
  readonly kind: "activated" | "unknown" | "invalid_token" | "stale";
}

/**
 * Lets the user of a paused account in, because the mailed link shows that they read mail at its
 * address. A disabled account stays closed.
 */
export async function activate(
  deps: ActivateDeps,
  { userId, token }: { readonly userId: string; readonly token: string },
  origin: Origin,
  also: Also = async () => {},
): Promise<ActivateOutcome> {
  return transact(deps, async (tx): Promise<ActivateOutcome> => {
    const user = await lockUser(tx, userId);
    if (user === undefined) return { kind: "unknown" };
    if (!isMailedToken(deps, "activation", user, token)) return { kind: "invalid_token" };
    if (user.disabledAt !== null || !(await unpause(tx, user))) return { kind: "stale" };
    const now = deps.clock.now();
    await markVerified(tx, user, now);
    await claimAddress(tx, user, now);
    await also(tx, { ...user, pausedAt: null, emailVerifiedAt: user.emailVerifiedAt ?? now });
    await record(tx, deps, { event: "user.confirmed", ...origin, userId });
    return { kind: "activated" };
  });
}

/**
 * Makes the user the holder of the address, because they have shown that they read its mail. An
 * earlier account with the same address loses it if it is unconfirmed.
 */
async function claimAddress(tx: Tx, user: Held<User>, now: UnixSeconds): Promise<void> {
  const { id, email, sharedEmailCanonical: canonical } = user;
  if (email === null || canonical === null) return;
  await displaceUnconfirmed(tx, canonical, id);
  await setEmail(tx, user, { address: email, canonical }, now);
}
