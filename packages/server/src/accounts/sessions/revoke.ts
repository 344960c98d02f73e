import type { EndCause } from "@portcullis/contract";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { recordRevocation, type Recorded, type Settle } from "../../records/revocations/settle.ts";
import { latestAccessExpiry } from "../tokens/keys.store.ts";
import { lockUser, raiseEveryHardEpoch, raiseHardEpoch } from "../users/users.store.ts";
import { markAllUsed } from "./imported-tokens.store.ts";
import {
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
  readonly settle: Settle;
}

type TxDeps = Pick<RevokeDeps, "clock">;

/**
 * Ends one live session and writes its revocation. `undefined`: there was none to end. Records no
 * audit event.
 */
export async function revokeOne(
  tx: Tx,
  deps: TxDeps,
  which: { readonly id: string; readonly userId?: string | undefined },
  cause: EndCause,
): Promise<{ readonly userId: string; readonly recorded: Recorded } | undefined> {
  const ended = await markRevoked(tx, which, cause, deps.clock.now());
  if (ended === undefined) return undefined;
  const recorded = await recordRevocation(tx, deps.clock, {
    scope: "session",
    subject: which.id,
    minHardEpoch: null,
    minAuthorizationEpoch: null,
    cause,
    lastTokenExpiresAt: ended.maxAccessExp,
  });
  return { userId: ended.userId, recorded };
}

/**
 * Ends every session and token of a user, whose row must be held, and those that Django gave them.
 * Records no audit event: the reason it happens for is the event.
 */
export async function revokeAllOf(
  tx: Tx,
  deps: TxDeps,
  userId: string,
  cause: EndCause,
): Promise<Recorded> {
  const now = deps.clock.now();
  const hardEpoch = await raiseHardEpoch(tx, userId, now);
  if (hardEpoch === undefined)
    throw new Error("the user whose sessions are to be ended has no row");
  await markAllRevoked(tx, userId, cause, now);
  await markAllUsed(tx, now, userId);
  return recordRevocation(tx, deps.clock, {
    scope: "user",
    subject: userId,
    minHardEpoch: hardEpoch,
    minAuthorizationEpoch: null,
    cause,
    lastTokenExpiresAt: await latestAccessExpiryOf(tx, userId),
  });
}

/**
 * Ends every session of a user but one, each by itself, so that the tokens of that one stay good.
 * The user's row must be held. Records no audit event.
 */
export async function revokeOthers(
  tx: Tx,
  deps: TxDeps,
  kept: { readonly id: string; readonly userId: string },
  cause: EndCause,
): Promise<readonly Recorded[]> {
  const now = deps.clock.now();
  const recorded: Recorded[] = [];
  await markAllUsed(tx, now, kept.userId);
  for (const { id, maxAccessExp } of await markOthersRevoked(tx, kept, cause, now)) {
    const revocation = {
      scope: "session",
      subject: id,
      minHardEpoch: null,
      minAuthorizationEpoch: null,
      cause,
    } as const;
    recorded.push(
      await recordRevocation(tx, deps.clock, { ...revocation, lastTokenExpiresAt: maxAccessExp }),
    );
  }
  return recorded;
}

/**
 * Ends one session; its tokens are dead everywhere when this returns. Idempotent; a foreign or
 * unknown session is nothing (RV-08).
 */
export async function endSession(
  deps: RevokeDeps,
  which: { readonly id: string; readonly userId?: string | undefined },
  cause: EndCause,
  origin: Origin,
): Promise<void> {
  const ended = await deps.db.transaction().execute(async (tx) => {
    const revoked = await revokeOne(tx, deps, which, cause);
    if (revoked !== undefined)
      await record(tx, deps, {
        event: "session.ended",
        ...origin,
        userId: revoked.userId,
        sessionId: which.id,
        details: { cause },
      });
    return revoked;
  });
  if (ended !== undefined) await deps.settle([ended.recorded]);
}

/** Ends every session of a user. False where there is no such user. */
export async function endAllSessions(
  deps: RevokeDeps,
  userId: string,
  cause: EndCause,
  origin: Origin,
): Promise<boolean> {
  const ended = await deps.db.transaction().execute(async (tx) => {
    if ((await lockUser(tx, userId)) === undefined) return undefined;
    const revoked = await revokeAllOf(tx, deps, userId, cause);
    await record(tx, deps, { event: "sessions.ended", ...origin, userId, details: { cause } });
    return revoked;
  });
  if (ended === undefined) return false;
  await deps.settle([ended]);
  return true;
}

/** Ends every session of everyone (AD-07). */
export async function endEverySession(
  deps: RevokeDeps,
  cause: EndCause,
  origin: Origin,
): Promise<void> {
  const recorded = await deps.db
    .transaction()
    .execute(async (tx) => revokeEverything(tx, deps, cause, origin));
  await deps.settle([recorded]);
}

/** As `endEverySession`, within a transaction; also what a restored backup begins with (DU-04). */
export async function revokeEverything(
  tx: Tx,
  deps: Pick<RevokeDeps, "clock" | "keyring">,
  cause: EndCause,
  origin: Origin,
): Promise<Recorded> {
  const now = deps.clock.now();
  const minHardEpoch = await raiseEveryHardEpoch(tx, now);
  const lastTokenExpiresAt = await latestAccessExpiry(tx);
  await markEveryoneRevoked(tx, cause, now);
  await markAllUsed(tx, now);
  const recorded = await recordRevocation(tx, deps.clock, {
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
  return recorded;
}
