import { transact } from "../../platform/db/transact.ts";
import { createHash } from "node:crypto";
import type { EndCause } from "@portcullis/contract";
import { record } from "../../records/audit/audit.ts";
import type { RemoteOrigin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Client } from "../../platform/http/serve.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { notify } from "../../records/mail/notices.ts";
import { take } from "../../records/attempts/attempts.store.ts";
import { mailsTo } from "../../records/attempts/budgets.ts";
import type { Grant } from "../tokens/mint.ts";
import type { SessionTokens } from "../users/ports.ts";
import { findUser } from "../users/users.store.ts";
import { accessExpiry, grantOf, signTokens, type SessionDeps } from "./open.ts";
import { readRefreshToken, type RefreshClaims } from "./refresh-token.ts";
import { judge, type Rotation, type Verdict } from "./refresh-rules.ts";
import { revokeOne } from "./revoke.ts";
import type { SessionPolicy } from "./session-policy.ts";
import { advance, findSession, holdSession, touch, type HeldSession } from "./sessions.store.ts";

export interface RefreshDeps extends SessionDeps {
  readonly db: Db;
}

/** A refusal. Only `ended` can have changed something. */
export type RenewRefusal =
  /** The server does not know the session any more, or has not made the token. */
  | { readonly kind: "invalid" }
  /** The account waits for its activation. */
  | { readonly kind: "paused" }
  | { readonly kind: "spent" }
  | { readonly kind: "ended"; readonly cause: EndCause; readonly endedAt: number };

export type RenewOutcome =
  | {
      readonly kind: "granted";
      readonly grant: Grant;
      readonly userNumber: number;
      readonly idleEndsAt: UnixSeconds;
    }
  | RenewRefusal;

export type RefreshOutcome =
  | { readonly kind: "refreshed"; readonly tokens: SessionTokens }
  | RenewRefusal;

interface NativeRefresh {
  readonly token: string;
  readonly attemptId: string | undefined;
  readonly policy: SessionPolicy;
}

/** Trades a native refresh token for new tokens. */
export async function refresh(
  deps: RefreshDeps,
  { token, attemptId, policy }: NativeRefresh,
  origin: RemoteOrigin,
): Promise<RefreshOutcome> {
  const claims = readRefreshToken(deps.keyring, token);
  if (claims === undefined) return { kind: "invalid" };
  const attemptHash =
    attemptId === undefined ? null : createHash("sha256").update(attemptId).digest("base64url");
  const renewed = await renew(deps, { policy, claims, attemptHash, origin });
  return renewed.kind === "granted"
    ? { kind: "refreshed", tokens: signTokens(deps, renewed.grant) }
    : renewed;
}

/**
 * Renews a session by the table of docs/design/refresh.md. Everything is decided and written in one
 * transaction that holds the session's row. A refusal that ends the session commits (RF-07), and a
 * fault uses nothing up (RF-08).
 */
export async function renew(deps: RefreshDeps, presented: Presented): Promise<RenewOutcome> {
  return transact(deps, async (tx) => decide(tx, deps, presented));
}

/** Returns the state of a refresh token for a face, without using the token. */
export async function inspect(
  deps: Pick<RefreshDeps, "db" | "clock">,
  { sid, gen }: RefreshClaims,
): Promise<"live" | "paused" | "spent" | "ended"> {
  const session = await findSession(deps.db, sid);
  if (session === undefined) return "ended";
  const verdict = judge(session, { generation: gen, attemptHash: null }, deps.clock.now(), {
    graceSeconds: 0,
    rotation: "never",
  });
  switch (verdict.kind) {
    case "rotate":
    case "repeat":
      return "live";
    case "paused":
    case "ended":
      return verdict.kind;
    case "spent":
    case "theft":
      return "spent";
  }
}

interface Presented {
  readonly policy: SessionPolicy;
  readonly claims: RefreshClaims;
  readonly attemptHash: string | null;
  /** The default is `forgiving`. A face has its own rotation. */
  readonly rotation?: Rotation;
  readonly origin: RemoteOrigin;
}

export async function decide(
  tx: Tx,
  deps: RefreshDeps,
  presented: Presented,
): Promise<RenewOutcome> {
  const session = await holdSession(tx, presented.claims.sid);
  if (session === undefined) return { kind: "invalid" };
  const now = deps.clock.now();
  const { policy, claims, attemptHash, rotation } = presented;
  const verdict = judge(session, { generation: claims.gen, attemptHash }, now, {
    graceSeconds: policy.refreshGraceSeconds,
    rotation,
  });
  const at = { session, presented, now };
  switch (verdict.kind) {
    case "ended":
    case "paused":
    case "spent":
      return verdict;
    case "rotate":
      return rotate(tx, at);
    case "repeat":
      return repeat(tx, deps, at, verdict);
    case "theft":
      return end(tx, deps, at, verdict.cause);
  }
}

/** The held session, the token that was presented for it, and the time of the decision. */
interface Decided {
  readonly session: HeldSession;
  readonly presented: Presented;
  readonly now: UnixSeconds;
}

async function rotate(tx: Tx, { session, presented, now }: Decided): Promise<RenewOutcome> {
  const { policy } = presented;
  const expiresAt = accessExpiry(policy, now, session.endsAt);
  const idleEndsAt = Math.min(now + policy.idleTtlSeconds, session.endsAt);
  const advanced = await advance(tx, {
    id: session.id,
    from: session.generation,
    rotatedAt: now,
    attemptHash: presented.attemptHash,
    idleEndsAt,
    maxAccessExp: Math.max(session.maxAccessExp, expiresAt),
    address: presented.origin.address,
    userAgent: presented.origin.userAgent,
  });
  if (!advanced) throw new Error("a session changed while its row was held");
  const next = { ...session, generation: session.generation + 1 };
  const grant = grantOf(next, session.user, expiresAt, now);
  return { kind: "granted", grant, userNumber: session.user.number, idleEndsAt };
}

/** Gives out the current refresh token again, with a fresh access token. */
async function repeat(
  tx: Tx,
  deps: RefreshDeps,
  { session, presented, now }: Decided,
  verdict: Extract<Verdict, { kind: "repeat" }>,
): Promise<RenewOutcome> {
  const { policy, origin } = presented;
  const expiresAt = accessExpiry(policy, now, session.endsAt);
  await touch(tx, session.id, {
    at: now,
    confirmedAt: verdict.confirms ? (session.confirmedAt ?? now) : session.confirmedAt,
    maxAccessExp: Math.max(session.maxAccessExp, expiresAt),
  });
  if (verdict.audited)
    await record(tx, deps, {
      event: "session.refresh_grace",
      ...origin,
      userId: session.userId,
      sessionId: session.id,
    });
  const grant = grantOf(session, session.user, expiresAt, now);
  return {
    kind: "granted",
    grant,
    userNumber: session.user.number,
    idleEndsAt: session.idleEndsAt,
  };
}

async function end(
  tx: Tx,
  deps: RefreshDeps,
  { session, presented, now }: Decided,
  cause: "refresh_reused" | "refresh_ahead",
): Promise<RenewOutcome> {
  const revoked = await revokeOne(tx, deps, { id: session.id }, cause);
  if (revoked === undefined) throw new Error("a session was ended while its row was held");
  if (cause === "refresh_reused") await noticeReuse(tx, deps, session.userId, presented.origin);
  await record(tx, deps, {
    event: cause === "refresh_reused" ? "session.refresh_reused" : "session.refresh_ahead",
    ...presented.origin,
    userId: session.userId,
    sessionId: session.id,
    result: "refused",
    details: { presented: presented.claims.gen, current: session.generation },
  });
  return { kind: "ended", cause, endedAt: now };
}

/**
 * Reports a reused refresh token to the user. A session is reported once, because it ends. At most
 * a few mails are sent per hour, because a person with the password can open any number of sessions
 * (LG-14).
 */
async function noticeReuse(
  tx: Tx,
  deps: RefreshDeps,
  userId: string,
  { address, userAgent }: Client,
): Promise<void> {
  const user = await findUser(tx, userId);
  const now = deps.clock.now();
  if (
    user === undefined ||
    (await take(tx, mailsTo(`refresh-reused:${userId}`), now)).kind === "exhausted"
  )
    return;
  await notify(tx, deps, user, {
    template: "refresh_reused",
    data: { at: now, address, userAgent },
  });
}
