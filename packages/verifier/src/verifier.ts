import type { EndCause } from "@portcullis/contract";
import { areClaims, type ExpectedClaims, type VerifiedClaims } from "./claims.ts";
import { isMet, type Demand, type Insufficient } from "./demand.ts";
import type { KeySet } from "./keys.ts";
import { verifySignature } from "./signature.ts";
import { accessHeader, readCompact } from "./syntax.ts";
import { createTokenCache } from "./token-cache.ts";
import { uuidWords } from "./uuid.ts";
import type { Covered, RevocationView } from "./view.ts";

/** The clocks that a verifier reads. They are passed in, so that a test can move them by hand. */
export interface VerifierClock {
  /** Returns the time in whole Unix seconds. */
  now(): number;
  /** Returns the time of the wall clock in milliseconds since 1970. The clock may be set back. */
  wallMilliseconds(): number;
  /**
   * Returns the milliseconds since an arbitrary moment, such as `performance.now()`. This clock
   * must never step back.
   */
  monotonicMilliseconds(): number;
}

/** The settings of a verifier. */
export interface VerifierOptions {
  /** The value that `iss` must have, compared character by character. */
  readonly issuer: string;
  /**
   * The value that `aud` must have, compared character by character. `aud` is one string and never
   * a list (RFC 8725 §3.9).
   */
  readonly audience: string;
  /** The issuer's keys. */
  readonly keys: KeySet;
  /** The revocations that this process knows. */
  readonly view: RevocationView;
  readonly clock: VerifierClock;
  /**
   * The longest lifetime (`exp − iat`, in seconds) that is accepted, even if the issuer has signed
   * a longer one. It must be greater than 0.
   */
  readonly maxLifetimeSeconds: number;
  /**
   * The difference between the issuer's clock and ours that is tolerated at `exp` and `iat`, in
   * seconds. It may be 0 to 5. Default: 5.
   */
  readonly leewaySeconds?: number;
  /**
   * The number of tokens whose signature check is remembered, at about 2 KB each. With 0 no check
   * is remembered. Default: 10,000.
   */
  readonly cacheSize?: number;
}

/**
 * The outcome of a check.
 *
 * - `verified`: the token is good. `claims` are frozen, because the next request with this token
 *   gets the same object.
 * - `refused` with `invalid_token` (answer 401): the token is malformed, its signature is wrong, or
 *   it was issued by another server or for another audience.
 * - `refused` with `token_expired` (401): the token is too old. The client must refresh it.
 * - `refused` with `token_stale` (401): the rights of the user have changed since the token was
 *   issued, or, with cause `key_removed`, its key is out of service. The client must refresh it.
 * - `refused` with `session_ended` (401): the session has been revoked, and `cause` says why. The
 *   user must sign in again.
 * - `refused` with `revocation_view_stale` (503): the token may be good, but the revocation view is
 *   too old to tell. The client must try again later.
 */
export type VerifyOutcome =
  | { readonly kind: "verified"; readonly claims: VerifiedClaims }
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

/** Checks access tokens. Make one with {@link createVerifier}. */
export interface Verifier {
  /**
   * Decides whether a token is good at this instant.
   *
   * The check is synchronous, so no revocation can arrive between the check and the answer, and it
   * makes no request. A token is accepted in every second before `exp + leewaySeconds` and refused
   * from that second on. This function does not throw, whatever the token contains.
   *
   * @param token the token as it was received, without `Bearer`
   */
  verify(token: string): VerifyOutcome;
  /**
   * Decides whether a token is good, and then whether it meets a demand.
   *
   * The outcome is `insufficient_user_authentication` if the user has not proven what is demanded,
   * or has proven it too long ago. The demand is checked last, so this outcome always concerns a
   * token that is good otherwise. Answer 401 with {@link stepUpChallenge}.
   *
   * @param token the token as it was received, without `Bearer`
   * @param demand the proof that this call needs; `undefined` demands nothing
   */
  verify(token: string, demand: Demand | undefined): VerifyOutcome | Insufficient;
}

/**
 * A token whose signature and claims are good. Expiry and revocation are checked at each use,
 * because they change.
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

/**
 * Makes a verifier of access tokens.
 *
 * Make one when your program starts, and use it for every request. The first check of a token costs
 * a signature check; after that the token is remembered, and only its expiry and its revocation are
 * checked.
 *
 * @example
 * ```ts
 * import { generateKeyPairSync, sign } from "node:crypto";
 * import { createKeySet, createRevocationView, createVerifier } from "@portcullis/verifier";
 *
 * const issuer = "https://id.example";
 * const audience = "https://api.example";
 * const clock = {
 *   now: () => Math.floor(Date.now() / 1000),
 *   wallMilliseconds: () => Date.now(),
 *   monotonicMilliseconds: () => performance.now(),
 * };
 *
 * // In production, the keys come from the issuer's /.well-known/jwks.json.
 * const { privateKey, publicKey } = generateKeyPairSync("ed25519");
 * const keys = createKeySet();
 * keys.replace([{ kid: "k1", alg: "EdDSA", jwk: publicKey.export({ format: "jwk" }) }]);
 *
 * // In production, the rows come from the issuer's revocation log.
 * const view = createRevocationView();
 * view.markFresh(
 *   {
 *     monotonicMilliseconds: clock.monotonicMilliseconds(),
 *     wallMilliseconds: clock.wallMilliseconds(),
 *   },
 *   10,
 * );
 *
 * const verifier = createVerifier({
 *   issuer,
 *   audience,
 *   keys,
 *   view,
 *   clock,
 *   maxLifetimeSeconds: 600,
 * });
 *
 * // The issuer does this when the user signs in.
 * const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
 * const iat = clock.now();
 * const claims = {
 *   iss: issuer,
 *   aud: audience,
 *   sub: "0190a0a0-0000-7000-8000-000000000001",
 *   sid: "9b2d3c64-5f2e-4c1a-9d3b-7a6f5e4d3c2b",
 *   jti: "1c9e6679-7425-40de-944b-e07fc1f90ae7",
 *   iat,
 *   exp: iat + 600,
 *   hep: 0,
 *   aep: 0,
 *   gen: 1,
 *   auth_time: iat,
 *   amr: ["pwd"],
 *   acr: "aal1",
 * };
 * const input = `${encode({ alg: "EdDSA", typ: "at+jwt", kid: "k1" })}.${encode(claims)}`;
 * const token = `${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`;
 *
 * const outcome = verifier.verify(token);
 * console.log(outcome.kind === "verified" && outcome.claims.sub === claims.sub); // true
 * console.log(verifier.verify(`${token}x`)); // { kind: 'refused', code: 'invalid_token' }
 * console.log(verifier.verify(token, { acr: "aal2" }).kind); // refused
 * ```
 *
 * @param options the issuer, the audience, and everything else that the check depends on
 * @throws {RangeError} if the leeway, the lifetime or the cache size is out of bounds
 */
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
    throw new RangeError(`The leeway is ${leewaySeconds} s, but must be 0 to 5 s.`);
  if (!(maxLifetimeSeconds > 0))
    throw new RangeError(`The longest lifetime is ${maxLifetimeSeconds} s, but must exceed 0 s.`);
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

/** Freezes a parsed value with all that it contains. `readCompact` limits the depth. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  Object.values(value).forEach(freeze);
  Object.freeze(value);
}
