import type { EndCause } from "@portcullis/contract";
import { areClaims, type ExpectedClaims, type VerifiedClaims } from "./claims.ts";
import { isMet, type Demand, type Insufficient } from "./demand.ts";
import type { KeySet } from "./keys.ts";
import { verifySignature } from "./signature.ts";
import { accessHeader, readCompact } from "./syntax.ts";
import { createTokenCache } from "./token-cache.ts";
import { uuidWords } from "./uuid.ts";
import type { Covered, RevocationView } from "./view.ts";

export interface VerifierClock {
  /** Unix seconds. */
  now(): number;
  wallMilliseconds(): number;
  /** Never steps back; only differences mean anything. */
  monotonicMilliseconds(): number;
}

export interface VerifierOptions {
  /** Compared exactly with `iss`. */
  readonly issuer: string;
  /** Compared exactly with `aud`, which is one string (RFC 8725 §3.9). */
  readonly audience: string;
  readonly keys: KeySet;
  readonly view: RevocationView;
  readonly clock: VerifierClock;
  /** The longest `exp − iat` accepted, whatever the issuer signed. */
  readonly maxLifetimeSeconds: number;
  /** Clock difference forgiven at `exp` and at `iat`: 0 to 5 seconds, 5 by default. */
  readonly leewaySeconds?: number;
  /** Tokens whose signature is remembered, about 2 KB each: 10,000 by default, 0 for none. */
  readonly cacheSize?: number;
}

export type VerifyOutcome =
  /** `claims` are frozen: the same object is handed out for the next request with this token. */
  | { readonly kind: "verified"; readonly claims: VerifiedClaims }
  /**
   * - `invalid_token`: not one of ours, or not for here
   * - `token_expired`, `token_stale`: refresh it
   * - `session_ended`: sign in again; `cause` says why it ended
   * - `revocation_view_stale`: perhaps good, but nobody can say (503)
   */
  | {
      readonly kind: "refused";
      readonly code:
        | "invalid_token"
        | "token_expired"
        | "token_stale"
        | "session_ended"
        | "revocation_view_stale";
      readonly cause?: EndCause;
    };

export interface Verifier {
  /**
   * Whether `token` is good at this instant. Synchronous, so that nothing can be revoked between
   * check and answer; asks nobody. A token is refused from the second `exp + leewaySeconds` on, and
   * accepted in every second before.
   */
  verify(token: string): VerifyOutcome;
  /**
   * The same, and then whether the token says enough: `insufficient_user_authentication` where its
   * user has not proven what is demanded, or too long ago. Asked last, so that it is told of tokens
   * that are good otherwise.
   */
  verify(token: string, demand: Demand | undefined): VerifyOutcome | Insufficient;
}

/**
 * A token whose signature and claims have been found good. Whether it is alive is asked again each
 * time.
 */
interface Genuine extends Covered {
  readonly exp: number;
  readonly outcome: VerifyOutcome;
}

const invalid: VerifyOutcome = Object.freeze({ kind: "refused", code: "invalid_token" });
const expired: VerifyOutcome = Object.freeze({ kind: "refused", code: "token_expired" });
const keyRemoved: VerifyOutcome = Object.freeze({
  kind: "refused",
  code: "token_stale",
  cause: "key_removed",
});
const viewStale: VerifyOutcome = Object.freeze({ kind: "refused", code: "revocation_view_stale" });

const MAX_LEEWAY_SECONDS = 5;

/** @throws {RangeError} on a leeway, lifetime or cache size out of bounds */
export function createVerifier(options: VerifierOptions): Verifier {
  const {
    issuer,
    audience,
    keys,
    view,
    clock,
    maxLifetimeSeconds,
    leewaySeconds = MAX_LEEWAY_SECONDS,
    cacheSize = 10_000,
  } = options;
  if (!(leewaySeconds >= 0 && leewaySeconds <= MAX_LEEWAY_SECONDS))
    throw new RangeError(`leeway of ${leewaySeconds} s; 0 to 5 is allowed`);
  if (!(maxLifetimeSeconds > 0)) throw new RangeError(`lifetime of ${maxLifetimeSeconds} s`);
  const expected: ExpectedClaims = { issuer, audience, maxLifetimeSeconds, leewaySeconds };
  const cache = createTokenCache<Genuine>(cacheSize);
  let withdrawals = keys.withdrawals;

  const recall = (token: string): Genuine | undefined => {
    if (withdrawals !== keys.withdrawals) {
      withdrawals = keys.withdrawals;
      cache.clear();
    }
    return cache.get(token);
  };

  const examine = (token: string): Genuine | VerifyOutcome => {
    const compact = readCompact(token, accessHeader);
    if (compact === undefined) return invalid;
    const key = keys.find(compact.kid);
    if (key === undefined) return view.isRemoved(compact.kid) ? keyRemoved : invalid;
    if (!verifySignature(key, compact) || !areClaims(compact.payload, expected, clock.now()))
      return invalid;
    return genuine(compact.kid, compact.payload);
  };

  const judge = (token: string): VerifyOutcome => {
    const known = recall(token);
    const found = known ?? examine(token);
    if ("kind" in found) return found;
    if (clock.now() >= found.exp + leewaySeconds) {
      if (known !== undefined) cache.delete(token);
      return expired;
    }
    if (known === undefined) cache.set(token, found);
    const instant = {
      monotonicMilliseconds: clock.monotonicMilliseconds(),
      wallMilliseconds: clock.wallMilliseconds(),
    };
    if (!view.isFresh(instant)) return viewStale;
    return view.refusalOf(found) ?? found.outcome;
  };

  function verify(token: string): VerifyOutcome;
  function verify(token: string, demand: Demand | undefined): VerifyOutcome | Insufficient;
  function verify(token: string, demand?: Demand): VerifyOutcome | Insufficient {
    const outcome = judge(token);
    if (
      demand === undefined ||
      outcome.kind !== "verified" ||
      isMet(outcome.claims, demand, clock.now(), leewaySeconds)
    )
      return outcome;
    return { ...demand, kind: "refused", code: "insufficient_user_authentication" };
  }

  return { verify };
}

function genuine(kid: string, claims: VerifiedClaims): Genuine {
  const { sid, sub, hep, aep, exp } = claims;
  freeze(claims);
  return {
    session: uuidWords(sid),
    sub,
    kid,
    hep,
    aep,
    exp,
    outcome: Object.freeze({ kind: "verified", claims }),
  };
}

/** At most as deep as `readCompact` allows. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  Object.values(value).forEach(freeze);
  Object.freeze(value);
}
