import type { EndCause } from "@portcullis/contract";
import { createSessionTable, SHARDS } from "./session-table.ts";
import { isUuid, uuidWords, type UuidWords } from "./uuid.ts";

/** A row of the issuer's revocation log. */
export interface RevocationRow {
  /** Says which tokens the row ends: those of a session, of a user, of all users, or of a key. */
  readonly scope: "session" | "user" | "all" | "key";
  /** The id of the session or of the user, `*` for all users, or the `kid` of the key. */
  readonly subject: string;
  /**
   * Tokens of the user whose `hep` is lower are dead: the user must sign in again. `null` raises
   * nothing.
   */
  readonly minHardEpoch: number | null;
  /**
   * Tokens of the user whose `aep` is lower are out of date: the client must refresh them. `null`
   * raises nothing.
   */
  readonly minAuthorizationEpoch: number | null;
  /** The reason, which a refused client is told. */
  readonly cause: EndCause;
  /**
   * The Unix second at which the last token that the row ends is dead by itself, leeway included.
   */
  readonly expiresAt: number;
}

/**
 * A reading of both clocks. Neither is enough by itself: the wall clock can be set, and the
 * monotonic one stands still while a machine sleeps.
 */
export interface Instant {
  /** Milliseconds since an arbitrary moment, from a clock that never steps back. */
  readonly monotonicMilliseconds: number;
  /** Milliseconds since 1970, from the wall clock. */
  readonly wallMilliseconds: number;
}

/** The parts of a token by which a revocation can end it. */
export interface Covered {
  /** The `sid` of the token; see `uuidWords`. */
  readonly session: UuidWords;
  readonly sub: string;
  /** The name of the key that signed the token. */
  readonly kid: string;
  readonly hep: number;
  readonly aep: number;
}

/**
 * The reason why a token is dead. After `session_ended` the user must sign in again, and `cause`
 * says why. After `token_stale` the client must refresh; `cause` is `key_removed` if the reason is
 * the token's key.
 */
export interface RevokedOutcome {
  readonly kind: "refused";
  readonly code: "session_ended" | "token_stale";
  readonly cause?: EndCause;
}

/**
 * The revocations that one process knows, and the time for which this knowledge counts.
 *
 * A view has no clock and does no input or output: you give it the rows of the log and the readings
 * of the clocks. Rows are only ever added. There is no reset, because a row that is applied between
 * the reading of a new view and the exchange would be lost. To reload everything, apply all rows
 * again; `prune` removes the rows that the log no longer holds.
 */
export interface RevocationView {
  /**
   * Adds a row. Any order and any repetition of the same rows lead to the same view.
   *
   * @throws {RangeError} if the row has an unknown scope, an id that is not a UUID in lower case,
   *   or an epoch or expiry that is not a whole number. In that case do not mark the view fresh.
   */
  apply(row: RevocationRow): void;
  /**
   * Decides whether a key has been taken out of service. Tokens may name it longer than the key set
   * contains it.
   */
  isRemoved(kid: string): boolean;
  /**
   * Returns why a token is dead, or `undefined` if no revocation ends it. The expiry of rows is not
   * read: a row stays in force until it is pruned.
   */
  refusalOf(token: Covered): RevokedOutcome | undefined;
  /**
   * Forgets the rows that expired at least 60 seconds ago. Call it now and then, or the view grows
   * without limit.
   *
   * @param now the current time in Unix seconds
   * @param shards the number of parts of the session table to go through, 1 to 256. A call
   *   continues at the part at which the last one stopped. Default: 256
   */
  prune(now: number, shards?: number): void;
  /**
   * Tells the view that every row committed before `t0` has been applied. The view then counts as
   * fresh until `boundSeconds` have passed since `t0`. A call with an earlier `t0` than the last
   * one changes nothing.
   *
   * @param t0 the clocks as they were read before the log was asked, not after it answered
   * @param boundSeconds the longest time after a revocation for which a token may still be accepted
   */
  markFresh(t0: Instant, boundSeconds: number): void;
  /**
   * Makes the view stale until the next `markFresh`. Call it after a lost connection, a missed
   * lease, or an answer from a standby database.
   */
  markStale(): void;
  /**
   * Decides whether the view still counts. The time since `t0` of `markFresh` is the larger of the
   * two differences that the clocks show. A view that was never marked, or that needs a reload, is
   * stale.
   */
  isFresh(now: Instant): boolean;
  /**
   * Decides whether the wall clock has gone back to a time before rows that have been pruned.
   * Tokens that those rows ended would be alive again, so the view is stale until the whole log has
   * been applied again and `markReloaded` has been called.
   */
  needsReload(now: Instant): boolean;
  /** Tells the view that every row of the log has been applied again since the last `prune`. */
  markReloaded(): void;
  /** The number of sessions, users and keys, plus one if there is a row for all users. */
  readonly size: number;
  /** The memory that the view takes in bytes: exact for the sessions, estimated for the users. */
  readonly bytes: number;
}

/** The seconds by which the wall clock may step back before the view has to be reloaded. */
export const KEPT_SECONDS = 60;

/** The estimated memory that a revoked user takes. */
const USER_BYTES = 250;

/** The lowest epochs that the tokens of a user, or of all users, must have. */
interface Minimum {
  readonly hardEpoch: number;
  readonly authorizationEpoch: number;
  /** The cause in the row that set the hard epoch. */
  readonly cause: EndCause;
  readonly expiresAt: number;
}

const stale: RevokedOutcome = Object.freeze({ kind: "refused", code: "token_stale" });
const keyRemoved: RevokedOutcome = Object.freeze({
  kind: "refused",
  code: "token_stale",
  cause: "key_removed",
});

/**
 * Makes an empty view. It is stale, and a verifier refuses every token with
 * `revocation_view_stale`, until you have applied the rows of the log and called `markFresh`.
 *
 * @example
 * ```ts
 * import { createRevocationView } from "@portcullis/verifier";
 *
 * const view = createRevocationView();
 * const readClocks = () => ({
 *   monotonicMilliseconds: performance.now(),
 *   wallMilliseconds: Date.now(),
 * });
 * console.log(view.isFresh(readClocks())); // false
 *
 * // Read the clocks before you ask for the log. Rows may come twice and in any order.
 * const t0 = readClocks();
 * view.apply({
 *   scope: "session",
 *   subject: "9b2d3c64-5f2e-4c1a-9d3b-7a6f5e4d3c2b",
 *   minHardEpoch: null,
 *   minAuthorizationEpoch: null,
 *   cause: "logout",
 *   expiresAt: Math.floor(t0.wallMilliseconds / 1000) + 605,
 * });
 * view.markFresh(t0, 10);
 *
 * console.log(view.isFresh(readClocks())); // true
 * console.log(view.size); // 1
 * ```
 */
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
        throw new RangeError("The expiry of the revocation is not a whole second.");
      switch (row.scope) {
        case "session":
          return sessions.add(uuidWords(row.subject), row);
        case "user":
          if (!isUuid(row.subject))
            throw new RangeError(
              "The id of the revoked user is not a UUID in lower case with hyphens.",
            );
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
          throw new RangeError("The revocation has an unknown scope.");
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
      // An answer that a later one has overtaken proves less than is known already.
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
 * Takes the larger of each number. If the hard epochs are equal, the cause that comes first in the
 * alphabet is kept, so that the result does not depend on the order of arrival.
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
    throw new RangeError("An epoch is not a whole number.");
  return minimum ?? 0;
}
