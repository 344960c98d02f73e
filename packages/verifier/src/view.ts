import type { EndCause } from "@portcullis/contract";
import { createSessionTable, SHARDS } from "./session-table.ts";
import { isUuid, uuidWords, type UuidWords } from "./uuid.ts";

/** One row of the revocation log. */
export interface RevocationRow {
  readonly scope: "session" | "user" | "all" | "key";
  /** Session id, user id, `*` or kid. */
  readonly subject: string;
  readonly minHardEpoch: number | null;
  readonly minAuthorizationEpoch: number | null;
  readonly cause: EndCause;
  /** Unix seconds at which the last covered token is dead by itself, leeway included. */
  readonly expiresAt: number;
}

/**
 * A reading of both clocks: the wall clock can be set, the monotonic one stands still while a
 * machine sleeps.
 */
export interface Instant {
  readonly monotonicMilliseconds: number;
  readonly wallMilliseconds: number;
}

/** What a revocation can hit a token by. */
export interface Covered {
  readonly session: UuidWords;
  readonly sub: string;
  readonly kid: string;
  readonly hep: number;
  readonly aep: number;
}

/**
 * `session_ended`: sign in again, and why. `token_stale`: refresh; with cause `key_removed` because
 * of its key.
 */
export interface RevokedOutcome {
  readonly kind: "refused";
  readonly code: "session_ended" | "token_stale";
  readonly cause?: EndCause;
}

/**
 * What is revoked, as one node or service knows it, and until when that knowledge counts. No clock
 * of its own, no input or output. Rows only ever add: there is no reset, since whatever is applied
 * between the reading of a new view and the swap would be lost. To reload everything, apply
 * everything; what the log no longer holds goes by `prune`.
 */
export interface RevocationView {
  /**
   * Any order and any repetition of the same rows lead to the same view.
   *
   * @throws {RangeError} on a row it cannot understand. Then do not mark the view fresh.
   */
  apply(row: RevocationRow): void;
  /** Whether the key was taken out of service; its name may outlive it in tokens. */
  isRemoved(kid: string): boolean;
  /**
   * Why this token is dead, if it is. Reads expiry of nothing: a row stays in force until it is
   * pruned.
   */
  refusalOf(token: Covered): RevokedOutcome | undefined;
  /**
   * Forgets rows that expired `KEPT_SECONDS` or longer ago.
   *
   * @param now unix seconds
   * @param shards how many of the 256 parts of the session table to go through, continuing where
   *   the last call stopped
   */
  prune(now: number, shards?: number): void;
  /**
   * Every row committed before `t0` has been applied.
   *
   * @param t0 read before the question was sent to the primary
   * @param boundSeconds S: how long after a commit a token may still be accepted
   */
  markFresh(t0: Instant, boundSeconds: number): void;
  /**
   * Takes back freshness until the next `markFresh`: a lost connection, a standby, a missed lease.
   */
  markStale(): void;
  /** Elapsed time is the larger of what the two clocks say. */
  isFresh(now: Instant): boolean;
  /**
   * The wall clock went back to before what has been pruned: rows of tokens that live again may be
   * gone. Not fresh until reloaded.
   */
  needsReload(now: Instant): boolean;
  /** Every row of the log has been applied again since the last `prune`. */
  markReloaded(): void;
  /** Sessions, users, keys and the global minimum. */
  readonly size: number;
  /** Of the session table exactly, of the users by estimate. */
  readonly bytes: number;
}

/** How far the wall clock may step back before the view has to be reloaded. */
export const KEPT_SECONDS = 60;

const USER_BYTES = 250;

interface Minimum {
  readonly hardEpoch: number;
  readonly authorizationEpoch: number;
  /** Of the row that set the hard epoch. */
  readonly cause: EndCause;
  readonly expiresAt: number;
}

const stale: RevokedOutcome = Object.freeze({ kind: "refused", code: "token_stale" });
const keyRemoved: RevokedOutcome = Object.freeze({
  kind: "refused",
  code: "token_stale",
  cause: "key_removed",
});

export function createRevocationView(): RevocationView {
  const sessions = createSessionTable();
  const users = new Map<string, Minimum>();
  const removedKeys = new Map<string, number>();
  let everyone: Minimum | undefined;
  let fresh: { readonly since: Instant; readonly boundMilliseconds: number } | undefined;
  let prunedUpTo = 0;

  const needsReload = (now: Instant): boolean => now.wallMilliseconds < prunedUpTo * 1000;

  return {
    apply: (row) => {
      if (!Number.isSafeInteger(row.expiresAt))
        throw new RangeError("a revocation that expires at no whole second");
      switch (row.scope) {
        case "session":
          return sessions.add(uuidWords(row.subject), row);
        case "user":
          if (!isUuid(row.subject))
            throw new RangeError("a revoked user whose id is not a lower-case UUID");
          return void users.set(row.subject, raise(users.get(row.subject), row));
        case "all":
          everyone = raise(everyone, row);
          return;
        case "key":
          return void removedKeys.set(
            row.subject,
            Math.max(removedKeys.get(row.subject) ?? 0, row.expiresAt),
          );
        default:
          throw new RangeError("a revocation of unknown scope");
      }
    },
    isRemoved: (kid) => removedKeys.has(kid),
    refusalOf: (token) => {
      if (removedKeys.size > 0 && removedKeys.has(token.kid)) return keyRemoved;
      const cause = sessions.find(token.session);
      if (cause !== undefined) return { kind: "refused", code: "session_ended", cause };
      const user = users.get(token.sub);
      if (everyone !== undefined && token.hep < everyone.hardEpoch)
        return { kind: "refused", code: "session_ended", cause: everyone.cause };
      if (user !== undefined && token.hep < user.hardEpoch)
        return { kind: "refused", code: "session_ended", cause: user.cause };
      if (everyone !== undefined && token.aep < everyone.authorizationEpoch) return stale;
      return user !== undefined && token.aep < user.authorizationEpoch ? stale : undefined;
    },
    prune: (now, shards = SHARDS) => {
      const moment = now - KEPT_SECONDS;
      prunedUpTo = Math.max(prunedUpTo, moment);
      sessions.sweep(moment, shards);
      for (const [id, minimum] of users) if (minimum.expiresAt <= moment) users.delete(id);
      for (const [kid, expiresAt] of removedKeys) if (expiresAt <= moment) removedKeys.delete(kid);
      if (everyone !== undefined && everyone.expiresAt <= moment) everyone = undefined;
    },
    markFresh: (t0, boundSeconds) => {
      // An answer overtaken by a later one proves less than is known already.
      if (fresh !== undefined && t0.monotonicMilliseconds < fresh.since.monotonicMilliseconds)
        return;
      fresh = { since: t0, boundMilliseconds: boundSeconds * 1000 };
    },
    markStale: () => {
      fresh = undefined;
    },
    isFresh: (now) => {
      if (fresh === undefined || needsReload(now)) return false;
      const { since, boundMilliseconds } = fresh;
      const elapsed = Math.max(
        now.monotonicMilliseconds - since.monotonicMilliseconds,
        now.wallMilliseconds - since.wallMilliseconds,
      );
      return elapsed < boundMilliseconds;
    },
    needsReload,
    markReloaded: () => {
      prunedUpTo = 0;
    },
    get size() {
      return sessions.size + users.size + removedKeys.size + (everyone === undefined ? 0 : 1);
    },
    get bytes() {
      return sessions.bytes + users.size * USER_BYTES;
    },
  };
}

/**
 * The larger of each number; with equal epochs one cause is chosen by the alphabet, so that order
 * of arrival does not show.
 */
function raise(known: Minimum | undefined, row: RevocationRow): Minimum {
  const hardEpoch = epoch(row.minHardEpoch);
  const authorizationEpoch = epoch(row.minAuthorizationEpoch);
  if (known === undefined)
    return { hardEpoch, authorizationEpoch, cause: row.cause, expiresAt: row.expiresAt };
  const decides =
    hardEpoch > known.hardEpoch || (hardEpoch === known.hardEpoch && row.cause < known.cause);
  return {
    hardEpoch: Math.max(hardEpoch, known.hardEpoch),
    authorizationEpoch: Math.max(authorizationEpoch, known.authorizationEpoch),
    cause: decides ? row.cause : known.cause,
    expiresAt: Math.max(row.expiresAt, known.expiresAt),
  };
}

function epoch(minimum: number | null): number {
  if (minimum !== null && !Number.isSafeInteger(minimum))
    throw new RangeError("an epoch that is not a whole number");
  return minimum ?? 0;
}
