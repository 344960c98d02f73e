import type { Held } from "../../platform/db/held.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import { transact } from "../../platform/db/transact.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { awaitEarlier } from "../../records/revocations/barrier.ts";
import type { SessionEnding } from "./ports.ts";
import { lockActiveSuperusers, lockUser, type User } from "./users.store.ts";

export interface EndUserDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly sessions: SessionEnding;
}

export type EndUserOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "unknown" }
  | { readonly kind: "last_superuser" };

/**
 * Disables or deletes a user, unless they are the last active superuser. Superusers are locked
 * first, in the order of their numbers, so that two who end each other wait in turn and one stays
 * (AD-04).
 */
export async function endUser(
  deps: EndUserDeps,
  userId: string,
  end: (tx: Tx, user: Held<User>) => Promise<void>,
): Promise<EndUserOutcome> {
  return transact(deps, async (tx) => {
    const superusers = await lockActiveSuperusers(tx);
    const user = await lockUser(tx, userId);
    if (user === undefined) {
      await awaitEarlier(tx, deps.clock, { userId });
      return { kind: "unknown" };
    }
    if (superusers.length === 1 && superusers[0] === userId) return { kind: "last_superuser" };
    await end(tx, user);
    return { kind: "done" };
  });
}
