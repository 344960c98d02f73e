import type { RevocationView } from "@portcullis/verifier";
import type { Db, Tx } from "../../platform/db/open.ts";
import { afterCommit, type FollowUp } from "../../platform/db/transact.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import {
  insertRevocation,
  listConcerning,
  nodesBehind,
  type Position,
  type Revocation,
} from "./revocations.store.ts";

/** A revocation that has been written in a transaction. */
export interface Recorded {
  readonly revocation: Revocation;
  readonly position: Position;
}

/**
 * The barrier follows the commit of a transaction that revokes: `transact` returns only once every
 * live node refuses what was revoked.
 */
export const barrier: FollowUp<Recorded> = { name: "the wait for the other nodes" };

/**
 * How long a token can outlive its `exp` on some node: the leeway on `exp` plus twice the tolerated
 * difference of clocks (RV-13).
 */
export const EXPIRY_MARGIN_SECONDS = 15;

/**
 * Writes a revocation in the transaction of its cause (RV-04). The transaction's `transact` then
 * waits for the barrier before it returns.
 */
export async function recordRevocation(
  tx: Tx,
  clock: Clock,
  revocation: Omit<Revocation, "createdAt" | "expiresAt"> & { readonly lastTokenExpiresAt: number },
): Promise<void> {
  const { lastTokenExpiresAt, ...rest } = revocation;
  const now = clock.now();
  const row = {
    ...rest,
    createdAt: now,
    expiresAt: Math.max(now, lastTokenExpiresAt) + EXPIRY_MARGIN_SECONDS,
  };
  afterCommit(tx, barrier, { revocation: row, position: await insertRevocation(tx, row) });
}

/**
 * Waits for what an earlier call has revoked. A call that finds nothing left to revoke must not
 * answer before the other nodes have applied the revocation that it found done (RV-23): the client
 * that repeats a logout is told the same as the first one.
 */
export async function awaitEarlier(
  tx: Tx,
  clock: Clock,
  subject: {
    readonly sessionId?: string | undefined;
    readonly userId?: string | undefined;
    readonly kid?: string | undefined;
  },
): Promise<void> {
  for (const recorded of await listConcerning(tx, subject, clock.now()))
    afterCommit(tx, barrier, recorded);
}

/** Returns once every live node refuses what was revoked, or the staleness bound has passed. */
export type Settle = (recorded: readonly Recorded[]) => Promise<void>;

export interface SettleDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly nodeId: string;
  readonly boundSeconds: number;
  /** This process's own view. Absent in a command that verifies no token. */
  readonly view?: RevocationView;
  /** Reloads the signing keys. Called if this process has removed one itself. */
  readonly keyRemoved?: () => Promise<void>;
}

const ASK_AGAIN_MILLISECONDS = 20;

export function createSettle(deps: SettleDeps): Settle {
  return async (recorded) => {
    for (const { revocation } of recorded) deps.view?.apply(revocation);
    if (recorded.length === 0) return;
    if (recorded.some(({ revocation }) => revocation.scope === "key")) await deps.keyRemoved?.();
    const position = Math.max(...recorded.map((one) => one.position));
    const committedAt = deps.clock.monotonicMilliseconds();
    while ((await nodesBehind(deps.db, deps.nodeId, position, deps.clock.now())) > 0) {
      // A node that has not polled for S accepts nothing any more, so waiting longer gains nothing
      // (RV-bounded).
      if (deps.clock.monotonicMilliseconds() - committedAt >= deps.boundSeconds * 1000) return;
      await deps.clock.sleep(ASK_AGAIN_MILLISECONDS);
    }
  };
}
