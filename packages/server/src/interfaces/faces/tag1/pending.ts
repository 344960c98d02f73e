import { keyFor, readHs256, signHs256 } from "../../../platform/hs256/hs256.ts";
import type { Clock } from "../../../platform/kernel/clock.ts";
import type { Keyring } from "../../../platform/kernel/keyring.ts";
import type { Claim, OpenChallenge } from "../../../accounts/sign-in/challenge.ts";
import type { User } from "../../../accounts/users/users.store.ts";
import { findNamed, namesOf, type Refusal, type TokenDeps } from "./tokens.ts";

export interface PendingDeps extends TokenDeps {
  readonly keyring: Keyring;
  readonly clock: Clock;
}

/**
 * A user who logged in by password and must still show the second factor. Only the views that take
 * it know such a user (MF-04).
 */
export interface Entrant {
  readonly user: User;
  readonly claim: Claim;
}

const TYPE = "pt+jwt";

/**
 * Signs the answer to a login that waits for its second step. It holds the claims that clients read
 * and the secret with which the challenge is answered. It has its own type and key, so that it is
 * never taken for an access token (JW-14).
 */
export function pendingTokenOf(
  deps: PendingDeps,
  { challengeId, challengeSecret, ...open }: OpenChallenge,
  user: User,
  ttlSeconds: number,
): string {
  const now = deps.clock.now();
  const payload = {
    sub: user.id,
    user_id: deps.tokens.idOf(user),
    ...namesOf(deps, user),
    orig_iat: now,
    exp: Math.min(open.expiresAt, now + ttlSeconds),
    otp_device_id: null,
    challenge: challengeId,
    secret: challengeSecret,
  };
  return signHs256(keyFor(deps.keyring, "face-pending-token"), TYPE, payload);
}

/**
 * Checks the token of a login that waits for its second step, as `present` checks the token of a
 * session.
 */
export async function presentPending(
  deps: PendingDeps,
  token: string,
): Promise<{ readonly kind: "pending"; readonly entrant: Entrant } | { readonly kind: Refusal }> {
  const payload = readHs256(keyFor(deps.keyring, "face-pending-token"), TYPE, token);
  if (payload === undefined) return { kind: "undecodable" };
  const { sub, username, exp, challenge, secret } = payload;
  if (
    typeof sub !== "string" ||
    typeof exp !== "number" ||
    typeof challenge !== "string" ||
    typeof secret !== "string"
  )
    return { kind: "undecodable" };
  if (exp <= deps.clock.now()) return { kind: "expired" };
  const named = await findNamed(deps, sub, username);
  if (named.kind === "no_user") return { kind: "no_user" };
  if (named.kind !== "named") return { kind: "disabled" };
  return {
    kind: "pending",
    entrant: { user: named.user, claim: { challengeId: challenge, challengeSecret: secret } },
  };
}
