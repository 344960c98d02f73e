import { transact } from "../../platform/db/transact.ts";
import type { EndCause } from "@portcullis/contract";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Held } from "../../platform/db/held.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { awaitEarlier, recordRevocation } from "../../records/revocations/barrier.ts";
import { latestAccessExpiry } from "../tokens/keys.store.ts";
import { lockUser, raiseEveryHardEpoch, raiseHardEpoch, type User } from "../users/users.store.ts";
import { markAllUsed } from "./imported-tokens.store.ts";
import {
  findSession,
  latestAccessExpiryOf,
  markAllRevoked,
  markEveryoneRevoked,
  markOthersRevoked,
  markRevoked,
} from "./sessions.store.ts";

export interface RevokeDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly keyring: Keyring;
}

type TxDeps = Pick<RevokeDeps, "clock">;

/**
 * Ends one live session and writes its revocation. Returns `undefined` if there is no such live
 * session. Records no audit event.
 */
export async function revokeOne(
  tx: Tx,
  deps: TxDeps,
  which: { readonly id: string; readonly userId?: string | undefined },
  cause: EndCause,
): Promise<{ readonly userId: string } | undefined> {
  const ended = await markRevoked(tx, which, cause, deps.clock.now());
  if (ended === undefined) {
    await awaitEarlier(tx, deps.clock, await subjectOf(tx, which));
    return undefined;
  }
  await recordRevocation(tx, deps.clock, {
    scope: "session",
    subject: which.id,
    minHardEpoch: null,
    minAuthorizationEpoch: null,
    cause,
    lastTokenExpiresAt: ended.maxAccessExp,
  });
  return { userId: ended.userId };
}

/**
 * Returns whose revocations a call must wait for if its session has ended already. A call does not
 * wait for the session of another user.
 */
async function subjectOf(
  tx: Tx,
  { id, userId }: { readonly id: string; readonly userId?: string | undefined },
): Promise<{ readonly sessionId?: string; readonly userId?: string }> {
  const session = await findSession(tx, id);
  if (session === undefined) return userId === undefined ? {} : { userId };
  if (userId !== undefined && session.userId !== userId) return {};
  return { sessionId: id, userId: session.userId };
}

/**
 * Ends every session and token of a user, including the tokens that Django issued. Records no audit
 * event, because the caller records the reason.
 */
export async function revokeAllOf(
  tx: Tx,
  deps: TxDeps,
  user: Held<User>,
  cause: EndCause,
): Promise<void> {
  const now = deps.clock.now();
  const { id: userId } = user;
  const hardEpoch = await raiseHardEpoch(tx, user, now);
  await markAllRevoked(tx, userId, cause, now);
  await markAllUsed(tx, now, userId);
  await recordRevocation(tx, deps.clock, {
    scope: "user",
    subject: userId,
    minHardEpoch: hardEpoch,
    minAuthorizationEpoch: null,
    cause,
    lastTokenExpiresAt: await latestAccessExpiryOf(tx, userId),
  });
}

/**
 * Ends every session of a user but `kept`. Each is revoked on its own, so that the tokens of `kept`
 * stay valid. Records no audit event.
 */
export async function revokeOthers(
  tx: Tx,
  deps: TxDeps,
  { user, kept }: { readonly user: Held<User>; readonly kept: string },
  cause: EndCause,
): Promise<void> {
  const now = deps.clock.now();
  await markAllUsed(tx, now, user.id);
  for (const { id, maxAccessExp } of await markOthersRevoked(
    tx,
    { id: kept, userId: user.id },
    cause,
    now,
  )) {
    const revocation = {
      scope: "session",
      subject: id,
      minHardEpoch: null,
      minAuthorizationEpoch: null,
      cause,
    } as const;
    await recordRevocation(tx, deps.clock, { ...revocation, lastTokenExpiresAt: maxAccessExp });
  }
}

/**
 * Ends one session. When it returns, its tokens are refused everywhere. A repeated call has no
 * further effect, and neither has a session that is unknown or belongs to another user (RV-08).
 */
export async function endSession(
  deps: RevokeDeps,
  which: { readonly id: string; readonly userId?: string | undefined },
  cause: EndCause,
  origin: Origin,
): Promise<void> {
  await transact(deps, async (tx) => {
    const revoked = await revokeOne(tx, deps, which, cause);
    if (revoked !== undefined)
      await record(tx, deps, {
        event: "session.ended",
        ...origin,
        userId: revoked.userId,
        sessionId: which.id,
        details: { cause },
      });
  });
}

/** Ends every session of a user. Returns false if there is no such user. */
export async function endAllSessions(
  deps: RevokeDeps,
  userId: string,
  cause: EndCause,
  origin: Origin,
): Promise<boolean> {
  return transact(deps, async (tx) => {
    const user = await lockUser(tx, userId);
    if (user === undefined) {
      await awaitEarlier(tx, deps.clock, { userId });
      return false;
    }
    await revokeAllOf(tx, deps, user, cause);
    await record(tx, deps, { event: "sessions.ended", ...origin, userId, details: { cause } });
    return true;
  });
}

/** Ends every session of all users (AD-07). */
export async function endEverySession(
  deps: RevokeDeps,
  cause: EndCause,
  origin: Origin,
): Promise<void> {
  await transact(deps, async (tx) => revokeEverything(tx, deps, { cause, origin }));
}

export interface RevokedEverything {
  readonly cause: EndCause;
  readonly origin: Origin;
  /** The hard epochs are raised to this value at least; to the time of day by default. */
  readonly leastEpoch?: number;
}

/** Does the same within a transaction. A restored backup begins with this, too (DU-04). */
export async function revokeEverything(
  tx: Tx,
  deps: Pick<RevokeDeps, "clock" | "keyring">,
  { cause, origin, leastEpoch }: RevokedEverything,
): Promise<void> {
  const now = deps.clock.now();
  const minHardEpoch = await raiseEveryHardEpoch(tx, leastEpoch ?? now);
  const lastTokenExpiresAt = await latestAccessExpiry(tx);
  await markEveryoneRevoked(tx, cause, now);
  await markAllUsed(tx, now);
  await recordRevocation(tx, deps.clock, {
    scope: "all",
    subject: "*",
    minHardEpoch,
    minAuthorizationEpoch: null,
    cause,
    lastTokenExpiresAt,
  });
  await record(tx, deps, {
    event: "sessions.ended",
    ...origin,
    details: { cause, everyone: true },
  });
}
