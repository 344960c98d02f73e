import type { Tx } from "../../platform/db/open.ts";
import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import { awaitEarlier } from "../../records/revocations/barrier.ts";
import { endUser, type EndUserDeps, type EndUserOutcome } from "./last-superuser.ts";
import { disable, enable, lockUser, unpause } from "./users.store.ts";

/**
 * Disables a user. When it returns, all sessions and tokens of the user are refused. A repeated
 * call has no further effect.
 */
export async function disableUser(
  deps: EndUserDeps,
  userId: string,
  origin: Origin,
): Promise<EndUserOutcome> {
  return endUser(deps, userId, async (tx, user) => {
    if (!(await disable(tx, user, deps.clock.now())))
      return awaitEarlier(tx, deps.clock, { userId });
    await deps.sessions.endAll(tx, user, "user_disabled");
    await record(tx, deps, { event: "user.disabled", ...origin, userId });
  });
}

export interface EnableUserDeps extends Pick<EndUserDeps, "db" | "clock" | "keyring"> {
  /** Forgets failed sign-ins of the account. */
  readonly forgetFailures: (tx: Tx, userId: string) => Promise<void>;
}

/**
 * Lets a user sign in again who was disabled, waits for an activation mail, or has failed to sign
 * in too often.
 */
export async function enableUser(
  deps: EnableUserDeps,
  userId: string,
  origin: Origin,
): Promise<{ readonly kind: "done" | "unknown" }> {
  return transact(deps, async (tx) => {
    const user = await lockUser(tx, userId);
    if (user === undefined) return { kind: "unknown" };
    const wasDisabled = await enable(tx, user);
    const wasPaused = await unpause(tx, user);
    await deps.forgetFailures(tx, userId);
    await record(tx, deps, {
      event: "user.enabled",
      ...origin,
      userId,
      details: { wasDisabled, wasPaused },
    });
    return { kind: "done" };
  });
}
