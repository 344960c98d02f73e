import { record, type AuditDeps } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Held } from "../../platform/db/held.ts";
import type { Tx } from "../../platform/db/open.ts";
import type { Client } from "../../platform/http/serve.ts";
import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { hardEpochFloor } from "../../records/revocations/revocations.store.ts";
import { mint, type Grant, type MintDeps } from "../tokens/mint.ts";
import type { SessionTokens } from "../users/ports.ts";
import { liftHardEpoch, setLastLogin, type User } from "../users/users.store.ts";
import type { AmrList } from "./amr.ts";
import { refreshTokenOf } from "./refresh-token.ts";
import { revokeOne } from "./revoke.ts";
import type { SessionPolicy } from "./session-policy.ts";
import { insertSession, liveSessionsBeyond, type Session } from "./sessions.store.ts";

export interface SessionDeps extends MintDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
}

export interface Proven {
  readonly amr: AmrList;
  readonly acr: string;
  /** When the user proved who they are. The default is now. */
  readonly authTime?: UnixSeconds;
}

/** The session to open, for a user whose row is held. */
export interface Opening {
  readonly policy: SessionPolicy;
  readonly user: Held<User>;
  readonly proven: Proven;
}

export interface Opened {
  readonly session: Session;
  readonly grant: Grant;
  /** Ids of the sessions that were ended to make room for this one (RF-17). */
  readonly madeRoom: readonly string[];
}

/**
 * Opens a session for a user whose every required step is proven. The tokens are signed after the
 * commit, by `signTokens`.
 */
export async function openSession(
  tx: Tx,
  deps: SessionDeps,
  { policy, user, proven }: Opening,
  client: Client,
): Promise<Opened> {
  const now = deps.clock.now();
  const madeRoom = await makeRoom(tx, deps, user.id, policy.maxSessionsPerUser);
  const hardEpoch = Math.max(user.hardEpoch, await hardEpochFloor(tx));
  if (hardEpoch > user.hardEpoch) await liftHardEpoch(tx, user.id, hardEpoch);
  const endsAt = now + policy.sessionTtlSeconds;
  const session: Session = {
    id: uuidv7(deps),
    userId: user.id,
    generation: 1,
    rotatedAt: now,
    confirmedAt: null,
    attemptHash: null,
    hardEpoch,
    authTime: proven.authTime ?? now,
    amr: proven.amr,
    acr: proven.acr,
    createdAt: now,
    lastUsedAt: now,
    idleEndsAt: Math.min(now + policy.idleTtlSeconds, endsAt),
    endsAt,
    maxAccessExp: accessExpiry(policy, now, endsAt),
    address: client.address,
    userAgent: client.userAgent,
    revokedAt: null,
    revokedCause: null,
  };
  await insertSession(tx, session);
  await setLastLogin(tx, user.id, now);
  return { session, grant: grantOf(session, user, session.maxAccessExp, now), madeRoom };
}

/**
 * Records the opening, and the end of each session that made room for it. The method is what the
 * session has proven, if the caller names no other.
 */
export async function recordOpened(
  tx: Tx,
  deps: AuditDeps,
  { session, madeRoom, method }: Opened & { readonly method?: string },
  origin: Origin,
): Promise<void> {
  const { userId } = session;
  for (const sessionId of madeRoom) {
    await record(tx, deps, {
      event: "session.ended",
      ...origin,
      actor: { kind: "system" },
      userId,
      sessionId,
      details: { cause: "session_limit" },
    });
  }
  await record(tx, deps, {
    event: "session.opened",
    ...origin,
    actor: { kind: "user", id: userId },
    userId,
    sessionId: session.id,
    details: { method: method ?? session.amr.join(" ") },
  });
}

/**
 * Returns when an access token expires: after its lifetime, but never after the end of its session
 * (JW-18).
 */
export function accessExpiry(
  policy: Pick<SessionPolicy, "accessTtlSeconds">,
  now: UnixSeconds,
  endsAt: UnixSeconds,
): UnixSeconds {
  return Math.min(now + policy.accessTtlSeconds, endsAt);
}

export function grantOf(
  session: Session,
  user: { readonly authorizationEpoch: number },
  expiresAt: UnixSeconds,
  now: UnixSeconds,
): Grant {
  return {
    userId: session.userId,
    sessionId: session.id,
    hardEpoch: session.hardEpoch,
    authorizationEpoch: user.authorizationEpoch,
    generation: session.generation,
    authTime: session.authTime,
    amr: session.amr,
    acr: session.acr,
    issuedAt: now,
    expiresAt,
  };
}

export function signTokens(deps: SessionDeps, grant: Grant): SessionTokens {
  return {
    accessToken: mint(deps, grant),
    tokenType: "Bearer",
    expiresInSeconds: grant.expiresAt - grant.issuedAt,
    refreshToken: refreshTokenOf(deps.keyring, { sid: grant.sessionId, gen: grant.generation }),
    sessionId: grant.sessionId,
  };
}

async function makeRoom(
  tx: Tx,
  deps: SessionDeps,
  userId: string,
  most: number,
): Promise<readonly string[]> {
  const ended: string[] = [];
  for (const id of await liveSessionsBeyond(tx, userId, most - 1, deps.clock.now())) {
    if ((await revokeOne(tx, deps, { id }, "session_limit")) !== undefined) ended.push(id);
  }
  return ended;
}
