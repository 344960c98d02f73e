/**
 * How long sessions and their tokens live. It is passed to every rule that opens or renews a
 * session, because native sessions and those of each face have different lifetimes.
 */
export interface SessionPolicy {
  /** Lifetime of an access token, in seconds. No token outlives its session (JW-18). */
  readonly accessTtlSeconds: number;
  /** Seconds after which a session ends unless it is refreshed. */
  readonly idleTtlSeconds: number;
  /** Seconds after which a session ends in any case (RF-11). */
  readonly sessionTtlSeconds: number;
  /** Number of live sessions of one user. One more ends the least recently used one (RF-17). */
  readonly maxSessionsPerUser: number;
  /**
   * Seconds in which a refresh token that has been used may be presented again, because its answer
   * may have been lost: G of docs/design/refresh.md.
   */
  readonly refreshGraceSeconds: number;
}
