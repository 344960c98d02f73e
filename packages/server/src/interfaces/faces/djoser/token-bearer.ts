import { hashToken } from "../../../platform/kernel/codes.ts";
import type { Clock } from "../../../platform/kernel/clock.ts";
import type { Keyring } from "../../../platform/kernel/keyring.ts";
import type { Db } from "../../../platform/db/open.ts";
import type { Actor } from "../../../accounts/policies/may.ts";
import type { User } from "../../../accounts/users/users.store.ts";
import { findFaceToken, type FaceToken } from "./face-tokens.store.ts";

export interface TokenBearer extends Actor {
  readonly account: User;
  readonly sessionId: string;
  readonly isLive: boolean;
}

/**
 * Reads the session's row, because this token has no claims and must be refused as soon as the
 * session is revoked.
 */
export async function findTokenBearer(
  deps: { readonly db: Db; readonly clock: Clock },
  token: string,
): Promise<TokenBearer | undefined> {
  const found = await findFaceToken(deps.db, hashToken(token));
  if (found === undefined) return undefined;
  const { account, sessionId, session } = found;
  const claims = { acr: session.acr, auth_time: session.authTime };
  return { account, sessionId, claims, isLive: isLive(deps, found) };
}

export function isLive(
  { clock }: { readonly clock: Clock },
  { session, account }: FaceToken,
): boolean {
  const now = clock.now();
  return (
    session.revokedAt === null &&
    session.endsAt > now &&
    session.idleEndsAt > now &&
    session.hardEpoch === account.hardEpoch
  );
}

/**
 * Computes the token of a session, with 160 bits like the original. The next login can compute it
 * again, but a copy of the database does not reveal it.
 */
export function tokenOf(keyring: Keyring, sessionId: string): string {
  return keyring.mac("face-token", sessionId).toString("hex").slice(0, 40);
}

/** Tells whether the token was made with the current master secret. */
export function isCurrent(keyring: Keyring, { tokenHash, sessionId }: FaceToken): boolean {
  return hashToken(tokenOf(keyring, sessionId)) === tokenHash;
}
