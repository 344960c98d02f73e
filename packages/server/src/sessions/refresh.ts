import { createHash } from "node:crypto";
import type { EndCause } from "@portcullis/contract";
import { record } from "../audit/audit.ts";
import type { Origin } from "../audit/events.ts";
import type { Db, Tx } from "../db/open.ts";
import type { Client } from "../http/serve.ts";
import type { Recorded, Settle } from "../revocations/settle.ts";
import type { Grant } from "../tokens/mint.ts";
import type { SessionTokens } from "../users/ports.ts";
import { accessExpiry, grantOf, signTokens, type SessionDeps } from "./open.ts";
import { readRefreshToken, type RefreshClaims } from "./refresh-token.ts";
import { judge, type Verdict } from "./refresh-rules.ts";
import { revokeOne } from "./revoke.ts";
import { advance, holdSession, touch, type HeldSession } from "./sessions.store.ts";

export interface RefreshDeps extends SessionDeps {
  readonly db: Db;
  readonly settle: Settle;
}

export type RefreshOutcome =
  | { readonly kind: "refreshed"; readonly tokens: SessionTokens }
  /** Not a refresh token of this server, or of a session it no longer knows. */
  | { readonly kind: "invalid" }
  | { readonly kind: "ended"; readonly cause: EndCause; readonly endedAt: number };

type Decided =
  | { readonly kind: "granted"; readonly grant: Grant }
  | { readonly kind: "ended"; readonly cause: EndCause; readonly endedAt: number; readonly recorded?: Recorded }
  | { readonly kind: "invalid" };

/**
 * Trades a refresh token for new tokens, by the table of design §4.3. Everything is decided and written in one transaction
 * that holds the session's row; a refusal that ends the session commits (RF-07), a fault consumes nothing (RF-08).
 */
export async function refresh(
  deps: RefreshDeps,
  token: string,
  attemptId: string | undefined,
  client: Client,
  origin: Origin,
): Promise<RefreshOutcome> {
  const claims = readRefreshToken(deps.keyring, token);
  if (claims === undefined) return { kind: "invalid" };
  const attemptHash = attemptId === undefined ? null : createHash("sha256").update(attemptId).digest("base64url");
  const decided = await deps.db.transaction().execute(async (tx) => decide(tx, deps, { claims, attemptHash, client, origin }));
  if (decided.kind === "granted") return { kind: "refreshed", tokens: signTokens(deps, decided.grant) };
  if (decided.kind === "ended" && decided.recorded !== undefined) await deps.settle([decided.recorded]);
  return decided.kind === "ended" ? { kind: "ended", cause: decided.cause, endedAt: decided.endedAt } : decided;
}

interface Presented {
  readonly claims: RefreshClaims;
  readonly attemptHash: string | null;
  readonly client: Client;
  readonly origin: Origin;
}

export async function decide(tx: Tx, deps: RefreshDeps, presented: Presented): Promise<Decided> {
  const session = await holdSession(tx, presented.claims.sid);
  if (session === undefined) return { kind: "invalid" };
  const now = deps.clock.now();
  const verdict = judge(session, { generation: presented.claims.gen, attemptHash: presented.attemptHash }, now, deps.refreshGraceSeconds);
  switch (verdict.kind) {
    case "ended":
      return verdict;
    case "rotate":
      return rotate(tx, deps, session, presented, now);
    case "repeat":
      return repeat(tx, deps, session, verdict, presented.origin, now);
    case "theft":
      return end(tx, deps, session, verdict.cause, presented);
  }
}

async function rotate(tx: Tx, deps: RefreshDeps, session: HeldSession, presented: Presented, now: number): Promise<Decided> {
  const maxAccessExp = Math.max(session.maxAccessExp, accessExpiry(deps, now, session.endsAt));
  const advanced = await advance(tx, {
    id: session.id,
    from: session.generation,
    rotatedAt: now,
    attemptHash: presented.attemptHash,
    idleEndsAt: Math.min(now + deps.idleTtlSeconds, session.endsAt),
    maxAccessExp,
    address: presented.client.address,
    userAgent: presented.client.userAgent,
  });
  if (!advanced) throw new Error("a session changed while its row was held");
  const next = { ...session, generation: session.generation + 1 };
  return { kind: "granted", grant: grantOf(next, session.user, accessExpiry(deps, now, session.endsAt), now) };
}

/** The same refresh token once more, with a fresh access token. */
async function repeat(
  tx: Tx,
  deps: RefreshDeps,
  session: HeldSession,
  verdict: Extract<Verdict, { kind: "repeat" }>,
  origin: Origin,
  now: number,
): Promise<Decided> {
  const expiresAt = accessExpiry(deps, now, session.endsAt);
  await touch(tx, session.id, {
    at: now,
    confirmedAt: verdict.confirms ? (session.confirmedAt ?? now) : session.confirmedAt,
    maxAccessExp: Math.max(session.maxAccessExp, expiresAt),
  });
  if (verdict.audited) await record(tx, deps, { event: "session.refresh_grace", ...origin, userId: session.userId, sessionId: session.id });
  return { kind: "granted", grant: grantOf(session, session.user, expiresAt, now) };
}

async function end(
  tx: Tx,
  deps: RefreshDeps,
  session: HeldSession,
  cause: "refresh_reused" | "refresh_ahead",
  presented: Presented,
): Promise<Decided> {
  const revoked = await revokeOne(tx, deps, { id: session.id }, cause);
  if (revoked === undefined) throw new Error("a session was ended while its row was held");
  await record(tx, deps, {
    event: cause === "refresh_reused" ? "session.refresh_reused" : "session.refresh_ahead",
    ...presented.origin,
    userId: session.userId,
    sessionId: session.id,
    result: "refused",
    details: { presented: presented.claims.gen, current: session.generation },
  });
  return { kind: "ended", cause, endedAt: deps.clock.now(), recorded: revoked.recorded };
}
