import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { awaitEarlier } from "../../records/revocations/settle.ts";
import type { CheckOwnPassword, OwnPasswordOutcome, SessionEnding, SignedIn } from "./ports.ts";
import {
  deleteUser,
  disable,
  enable,
  lockActiveSuperusers,
  lockUser,
  unpause,
  type User,
} from "./users.store.ts";

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

/** Disables a user; all their sessions and tokens are dead when it returns. Idempotent. */
export async function disableUser(
  deps: EndUserDeps,
  userId: string,
  origin: Origin,
): Promise<EndUserOutcome> {
  return endUser(deps, userId, async (tx) => {
    if (!(await disable(tx, userId, deps.clock.now())))
      return awaitEarlier(tx, deps.clock, { userId });
    await deps.sessions.endAll(tx, userId, "user_disabled");
    await record(tx, deps, { event: "user.disabled", ...origin, userId });
  });
}

/** Deletes a user and their personal data; the audit keeps the id as a pseudonym (PV-01). */
export async function removeUser(
  deps: EndUserDeps,
  userId: string,
  origin: Origin,
): Promise<EndUserOutcome> {
  return endUser(deps, userId, async (tx, user) => {
    await deps.sessions.endAll(tx, userId, "user_deleted");
    await deleteUser(tx, user);
    await record(tx, deps, { event: "user.deleted", ...origin, userId });
  });
}

export interface EnableUserDeps extends Pick<EndUserDeps, "db" | "clock" | "keyring"> {
  /** What sign-in remembers against the account. */
  readonly forgetFailures: (tx: Tx, userId: string) => Promise<void>;
}

/**
 * Lets a user in who was disabled, waits for an activation mail, or has failed to sign in too
 * often.
 */
export async function enableUser(
  deps: EnableUserDeps,
  userId: string,
  origin: Origin,
): Promise<{ readonly kind: "done" | "unknown" }> {
  return transact(deps, async (tx) => {
    if ((await lockUser(tx, userId)) === undefined) return { kind: "unknown" };
    const wasDisabled = await enable(tx, userId);
    const wasPaused = await unpause(tx, userId);
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

export interface DeleteSelfDeps extends EndUserDeps {
  readonly checkOwnPassword: CheckOwnPassword;
}

export type DeleteSelfOutcome =
  | EndUserOutcome
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

export async function deleteSelf(
  deps: DeleteSelfDeps,
  who: SignedIn,
  password: string | undefined,
  origin: Origin,
): Promise<DeleteSelfOutcome> {
  const own = await deps.checkOwnPassword(who, password, origin);
  return own.kind === "matched" ? removeUser(deps, who.userId, origin) : own;
}

/**
 * Superusers are locked first, in the order of their numbers, so that two who end each other wait
 * in turn and one stays (AD-04).
 */
async function endUser(
  deps: EndUserDeps,
  userId: string,
  end: (tx: Tx, user: User) => Promise<void>,
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
