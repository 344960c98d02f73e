import type { EndCause } from "@portcullis/contract";
import {
  areClaims,
  uuidWords,
  type VerifiedClaims,
  type VerifyOutcome,
} from "@portcullis/verifier";
import { hash } from "node:crypto";
import {
  keyFor,
  readHs256,
  sharedKey,
  signHs256,
  type Hs256Key,
} from "../../../platform/hs256/hs256.ts";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";
import type { Keyring } from "../../../platform/kernel/keyring.ts";
import type { Secret } from "../../../platform/kernel/secret.ts";
import type { Feed } from "../../../records/revocations/feed.ts";
import { STALE_WAIT_MILLISECONDS } from "../../../accounts/sessions/authenticate.ts";
import { LEEWAY_SECONDS, LONGEST_ACCESS_SECONDS } from "../../../accounts/tokens/lifetimes.ts";
import type { RefreshClaims } from "../../../accounts/sessions/refresh-token.ts";
import {
  claimsOf,
  mint,
  type FaceClaims,
  type Grant,
  type MintDeps,
} from "../../../accounts/tokens/mint.ts";

export interface FaceTokensDeps extends MintDeps {
  readonly keyring: Keyring;
  readonly feed: Feed;
  /** Checks a token as the native endpoints do. */
  readonly authenticate: (token: string) => VerifyOutcome | Promise<VerifyOutcome>;
  /**
   * If set, tokens are signed and checked with HS256 and this key in place of the server's own key,
   * so that other services can share it.
   */
  readonly signingKey?: Secret | undefined;
  readonly userIdField: "number" | "id";
}

/** The user and session of a token, as the token alone tells them. */
export interface Bearer {
  readonly userId: string;
  readonly sessionId: string;
  readonly claims: VerifiedClaims;
}

type TokenTypes = string | undefined | readonly string[];

export type AccessOutcome =
  | { readonly kind: "good"; readonly bearer: Bearer }
  /** The token is not one of ours or has another purpose. */
  | { readonly kind: "invalid" | "expired" | "wrong_type" }
  | { readonly kind: "ended"; readonly cause: EndCause | undefined }
  /** The token may be valid, but the revocation view is out of date (503). */
  | { readonly kind: "unknown" };

/**
 * A refresh token whose signature alone was checked. `foreign` means that Django issued it under
 * the shared key before its users were imported.
 */
export type RefreshTokenOutcome =
  | {
      readonly kind: "ours";
      readonly claims: RefreshClaims;
      readonly userId: string;
      readonly expiresAt: UnixSeconds;
    }
  | { readonly kind: "foreign"; readonly jti: string; readonly expiresAt: UnixSeconds }
  | { readonly kind: "invalid" | "expired" | "wrong_type" };

export interface FaceTokens {
  /** Returns the `user_id` of a face's tokens, which is also the `id` of its answers. */
  idOf(user: { readonly id: string; readonly number: number }): string | number;
  /**
   * Signs an access token.
   *
   * @param more further claims of the face, including `token_type`
   */
  access(grant: Grant, userNumber: number, more: FaceClaims): string;
  /** Accepts an access token if its `token_type` is the given one or one of them. */
  readAccess(token: string, tokenType: TokenTypes): AccessOutcome | Promise<AccessOutcome>;
  refresh(grant: Grant, userNumber: number, expiresAt: UnixSeconds): string;
  readRefresh(token: string): RefreshTokenOutcome;
}

/** The `typ` of all of Django's tokens. */
const TYPE = "JWT";

/**
 * Signs and reads tokens as the Django faces do. They carry the original's claims beside ours, so
 * that the revocation view can judge them like any other. Under a shared key they are signed with
 * HS256 and accepted at the faces only (RFC 8725 §3.1: one key, one algorithm).
 */
export function createFaceTokens(deps: FaceTokensDeps): FaceTokens {
  const { clock, feed, keyring, signingKey } = deps;
  const idOf = (user: { readonly id: string; readonly number: number }) =>
    deps.userIdField === "number" ? user.number : user.id;
  const shared = signingKey && sharedKey(signingKey);
  const refreshKey = shared ?? keyFor(keyring, "face-refresh-token");

  const examineShared = (key: Hs256Key, token: string): VerifiedClaims | undefined => {
    const payload = readHs256(key, TYPE, token);
    if (payload === undefined) return undefined;
    const expected = {
      issuer: deps.issuer,
      audience: deps.audience,
      maxLifetimeSeconds: LONGEST_ACCESS_SECONDS,
      leewaySeconds: LEEWAY_SECONDS,
    };
    return areClaims(payload, expected, clock.now()) ? payload : undefined;
  };

  const isFresh = (): boolean =>
    feed.view.isFresh({
      monotonicMilliseconds: clock.monotonicMilliseconds(),
      wallMilliseconds: clock.wallMilliseconds(),
    });

  const judgeShared = (claims: VerifiedClaims): VerifyOutcome => {
    if (!isFresh()) return { kind: "refused", code: "revocation_view_stale" };
    const { sid, sub, hep, aep } = claims;
    return (
      feed.view.refusalOf({ session: uuidWords(sid), sub, hep, aep, kid: "" }) ?? {
        kind: "verified",
        claims,
      }
    );
  };

  const verify = (token: string): VerifyOutcome | Promise<VerifyOutcome> => {
    if (shared === undefined) return deps.authenticate(token);
    const claims = examineShared(shared, token);
    if (claims === undefined) return { kind: "refused", code: "invalid_token" };
    return isFresh()
      ? judgeShared(claims)
      : feed.refresh(STALE_WAIT_MILLISECONDS).then(() => judgeShared(claims));
  };

  /** Checks the expiry without leeway, as the originals do. */
  const conclude = (outcome: VerifyOutcome, tokenType: TokenTypes): AccessOutcome => {
    if (outcome.kind === "verified") {
      const { claims } = outcome;
      if (claims.exp <= clock.now()) return { kind: "expired" };
      if (!isAmong(claims["token_type"], tokenType)) return { kind: "wrong_type" };
      return { kind: "good", bearer: { userId: claims.sub, sessionId: claims.sid, claims } };
    }
    switch (outcome.code) {
      case "invalid_token":
        return { kind: "invalid" };
      case "token_expired":
        return { kind: "expired" };
      case "token_stale":
      case "session_ended":
        return { kind: "ended", cause: outcome.cause };
      case "revocation_view_stale":
        return { kind: "unknown" };
    }
  };

  return {
    idOf,
    access: (grant, userNumber, more) => {
      const claims = claimsOf(deps, grant);
      const ofFace = {
        jti: claims.jti.replaceAll("-", ""),
        user_id: idOf({ id: grant.userId, number: userNumber }),
        ...more,
      };
      return shared === undefined
        ? mint(deps, grant, ofFace)
        : signHs256(shared, TYPE, { ...claims, ...ofFace });
    },
    readAccess: (token, tokenType) => {
      const outcome = verify(token);
      return outcome instanceof Promise
        ? outcome.then((o) => conclude(o, tokenType))
        : conclude(outcome, tokenType);
    },
    refresh: (grant, userNumber, expiresAt) =>
      signHs256(refreshKey, TYPE, {
        token_type: "refresh",
        exp: expiresAt,
        iat: grant.issuedAt,
        jti: hash("sha256", `${grant.sessionId}:${grant.generation}`).slice(0, 32),
        user_id: idOf({ id: grant.userId, number: userNumber }),
        sub: grant.userId,
        sid: grant.sessionId,
        gen: grant.generation,
      }),
    readRefresh: (token) => {
      const payload = readHs256(refreshKey, TYPE, token);
      return payload === undefined ? { kind: "invalid" } : readRefreshClaims(payload, clock.now());
    },
  };
}

function readRefreshClaims(
  payload: Readonly<Record<string, unknown>>,
  now: UnixSeconds,
): RefreshTokenOutcome {
  const { token_type: type, exp, jti, sub, sid, gen } = payload;
  if (typeof exp !== "number" || !Number.isSafeInteger(exp) || typeof jti !== "string")
    return { kind: "invalid" };
  if (exp <= now) return { kind: "expired" };
  if (type !== "refresh") return { kind: "wrong_type" };
  if (sid === undefined) return { kind: "foreign", jti, expiresAt: exp };
  if (typeof sid !== "string" || typeof gen !== "number" || typeof sub !== "string")
    return { kind: "invalid" };
  return { kind: "ours", claims: { sid, gen }, userId: sub, expiresAt: exp };
}

function isAmong(type: unknown, asked: TokenTypes): boolean {
  return typeof asked === "object" ? asked.some((one) => one === type) : type === asked;
}
