import type { RevocationView } from "@portcullis/verifier";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import {
  insertRevocation,
  nodesBehind,
  type Position,
  type Revocation,
} from "./revocations.store.ts";

/** A revocation that has been written, and is not acknowledged before `settle` returns. */
export interface Recorded {
  readonly revocation: Revocation;
  readonly position: Position;
}

/**
 * Leeway on `exp` plus twice the tolerated clock error: how long a token can outlive its `exp` on
 * some node (RV-13).
 */
const EXPIRY_MARGIN_SECONDS = 15;

/** Writes the revocation in the transaction of its cause (RV-04). */
export async function recordRevocation(
  tx: Tx,
  clock: Clock,
  revocation: Omit<Revocation, "createdAt" | "expiresAt"> & { readonly lastTokenExpiresAt: number },
): Promise<Recorded> {
  const { lastTokenExpiresAt, ...rest } = revocation;
  const now = clock.now();
  const row = {
    ...rest,
    createdAt: now,
    expiresAt: Math.max(now, lastTokenExpiresAt) + EXPIRY_MARGIN_SECONDS,
  };
  return { revocation: row, position: await insertRevocation(tx, row) };
}

/**
 * Returns once every live node refuses what was revoked, or the staleness bound has passed since
 * the commit.
 */
export type Settle = (recorded: readonly Recorded[]) => Promise<void>;

export interface SettleDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly nodeId: string;
  readonly boundSeconds: number;
  /** This process's own view; absent in a command that verifies nothing. */
  readonly view?: RevocationView;
  /** As `FeedDeps.keyRemoved`, for what this process removes itself. */
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
