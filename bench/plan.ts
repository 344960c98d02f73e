import type { Passkey } from "./authenticators.ts";
import type { Wire } from "./connection.ts";

/**
 * The orders for the generator process. A run ends after `seconds` and, for `once`, after the last
 * of its requests.
 */
export interface Plan {
  readonly origin: string;
  readonly connections: number;
  readonly seconds: number;
  /**
   * The fixed rate, independent of the answers. If absent, each connection sends as soon as it has
   * its answer.
   */
  readonly perSecond?: number;
  /**
   * Gives each connection a loopback address of its own, so that limits per client do not decide
   * the result.
   */
  readonly manyClients?: boolean;
  readonly work: Work;
}

export type Work =
  | { readonly kind: "cycle"; readonly requests: readonly Wire[] }
  | { readonly kind: "once"; readonly requests: readonly Wire[] }
  | RefreshWork
  | TwoStepWork;

/**
 * Sends each of `requests` once, followed by another request that is built from its answer. Rate
 * and latency are those of both together.
 */
export interface TwoStepWork {
  readonly kind: "two-step";
  readonly requests: readonly Wire[];
  readonly second: Second;
}

export type Second =
  /** Shows the code of this moment. All devices have the same secret, in base64url. */
  | { readonly factor: "totp"; readonly secret: string }
  /** Shows the passkey at the request's place in the list. All of them sign with one key. */
  | {
      readonly factor: "passkey";
      readonly privatePem: string;
      readonly passkeys: readonly Passkey[];
    };

/**
 * Gives each connection its own refresh tokens, which it uses in turn. Each answer provides the
 * next one.
 */
export interface RefreshWork {
  readonly kind: "refresh";
  readonly path: string;
  /** The member of the body and of the answer that holds the token. */
  readonly member: string;
  readonly tokens: readonly string[];
  /** Another member of the answers. `collected` then holds its values. */
  readonly collect?: string;
}

export interface Load {
  readonly perSecond: number;
  /** In milliseconds; -1 if nothing was measured. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** The 99th percentile of the answers 429 and 503. */
  readonly turnedAwayP99: number;
  /**
   * Answers by status; of an exchange in two steps, the status of the last. `0` counts connections
   * that broke, and answers that lack an expected member.
   */
  readonly statuses: Readonly<Record<string, number>>;
  /** The number of requests that were due at the fixed rate while every connection was waiting. */
  readonly unsent: number;
  /** The share of one core. If it is near 1, the generator limits the result. */
  readonly generatorCores: number;
  /** The refresh tokens that are valid after the run, in the plan's order. */
  readonly tokens: readonly string[];
  readonly collected: readonly string[];
}

export function failures(load: Load): number {
  return Object.entries(load.statuses).reduce(
    (sum, [status, count]) => (status.startsWith("2") ? sum : sum + count),
    0,
  );
}

export function answered(load: Load): number {
  return Object.values(load.statuses).reduce((sum, count) => sum + count, 0);
}

/** Makes the load of a round that did not use HTTP. */
export function bareLoad(perSecond: number): Load {
  return {
    perSecond,
    p50: -1,
    p99: -1,
    max: -1,
    turnedAwayP99: -1,
    statuses: { 200: 1 },
    unsent: 0,
    generatorCores: 0,
    tokens: [],
    collected: [],
  };
}
