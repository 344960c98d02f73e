import {
  createRevocationView,
  type RevocationRow,
  type RevocationView,
} from "@portcullis/verifier";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Log } from "../../platform/kernel/log.ts";
import { dropLease, renewLease, type Position } from "./revocations.store.ts";
import type { Db } from "../../platform/db/open.ts";

/**
 * Reads the log of one kind of database. It throws if it cannot be sure to read the primary's
 * current state.
 */
export interface FeedSource {
  /**
   * Gives every row that may not have been seen before to `apply`, page by page, so that a long log
   * neither fills the memory nor stops the node. An error of `apply` ends the read. A read that
   * throws proves nothing, though it may have applied some rows.
   *
   * @param from `everything` reads the whole log again
   * @returns where the next read must begin: every revocation with a position below it has been
   *   applied in this read or an earlier one. `undefined` if nothing has been committed since the
   *   read before.
   */
  read(
    from: Position | "everything",
    apply: (row: RevocationRow) => void,
  ): Promise<Position | undefined>;
  close(): Promise<void>;
}

export interface Feed {
  readonly view: RevocationView;
  /**
   * Polls now, or joins the poll under way if that suffices. Resolves within `withinMilliseconds`
   * either way.
   */
  refresh(withinMilliseconds: number): Promise<void>;
  /** Loads everything, then polls until `stop`. Rejects if the first load fails. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface FeedDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly source: FeedSource;
  readonly nodeId: string;
  readonly bootId: string;
  readonly pollMilliseconds: number;
  /** S of docs/design/revocation.md: at this age of the view no token is accepted. */
  readonly boundSeconds: number;
  /** Puts another key to work before the removal of the current one is acknowledged (KY-03). */
  readonly keyRemoved?: () => Promise<void>;
}

/** A part of the view is swept each second, because a sweep of a million at once would be felt. */
const PRUNED_SHARDS = 8;

/**
 * Keeps the revocation view of this node equal to the log. The poll is the truth. A revocation that
 * is applied directly after its commit only comes earlier. A failed poll changes nothing: the view
 * grows stale by itself.
 */
export function createFeed(deps: FeedDeps): Feed {
  const { clock, boundSeconds } = deps;
  const view = createRevocationView();
  const stopped = new AbortController();
  let position: Position | undefined;
  let underWay: Promise<void> | undefined;
  let leaseRenewedAt = -Infinity;
  let looping: Promise<void> | undefined;

  async function poll(): Promise<void> {
    const t0 = {
      monotonicMilliseconds: clock.monotonicMilliseconds(),
      wallMilliseconds: clock.wallMilliseconds(),
    };
    const reload = position === undefined || view.needsReload(t0);
    let keyRemoved = false;
    const appliedBefore = await deps.source.read(
      reload ? "everything" : (position ?? "everything"),
      (row) => {
        view.apply(row);
        keyRemoved ||= row.scope === "key";
      },
    );
    if (keyRemoved) await deps.keyRemoved?.();
    if (reload) view.markReloaded();
    const advanced = appliedBefore !== undefined && appliedBefore > (position ?? 0);
    position = appliedBefore ?? position;
    view.markFresh(t0, boundSeconds);
    if (advanced || t0.monotonicMilliseconds - leaseRenewedAt >= boundSeconds * 500)
      await renew(t0.monotonicMilliseconds);
  }

  async function renew(at: number): Promise<void> {
    const until = clock.now() + 3 * boundSeconds;
    await renewLease(deps.db, {
      nodeId: deps.nodeId,
      bootId: deps.bootId,
      until,
      appliedBefore: position ?? 0,
    });
    leaseRenewedAt = at;
  }

  async function joinPoll(): Promise<void> {
    underWay ??= poll()
      .catch((error: unknown) => deps.log.error("revocations.poll_failed", {}, error))
      .finally(() => (underWay = undefined));
    return underWay;
  }

  /**
   * Joins the poll under way, if there is one. That poll proves nothing about the time after it
   * began, so if the clocks have moved on since, as after a sleep of the machine, another follows.
   */
  async function freshen(): Promise<void> {
    const hasJoined = underWay !== undefined;
    await joinPoll();
    if (!hasJoined) return;
    const now = {
      monotonicMilliseconds: clock.monotonicMilliseconds(),
      wallMilliseconds: clock.wallMilliseconds(),
    };
    if (!view.isFresh(now)) await joinPoll();
  }

  async function loop(): Promise<void> {
    let pruneAt = clock.now();
    while (!stopped.signal.aborted) {
      await clock.sleep(deps.pollMilliseconds, stopped.signal);
      if (stopped.signal.aborted) return;
      await joinPoll();
      if (clock.now() < pruneAt) continue;
      view.prune(clock.now(), PRUNED_SHARDS);
      pruneAt = clock.now() + 1;
    }
  }

  return {
    view,
    refresh: async (withinMilliseconds) =>
      Promise.race([freshen(), clock.sleep(withinMilliseconds)]),
    start: async () => {
      await poll();
      looping = loop();
    },
    stop: async () => {
      stopped.abort();
      await looping;
      await underWay;
      await dropLease(deps.db, deps.nodeId).catch((error: unknown) =>
        deps.log.error("lease.drop_failed", {}, error),
      );
      await deps.source.close();
    },
  };
}
