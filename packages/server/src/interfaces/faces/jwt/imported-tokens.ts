import { transact } from "../../../platform/db/transact.ts";
import type { RemoteOrigin } from "../../../records/audit/events.ts";
import type { Db, Tx } from "../../../platform/db/open.ts";
import type { Clock } from "../../../platform/kernel/clock.ts";
import { lockUser, type User } from "../../../accounts/users/users.store.ts";
import { findImported, markUsed } from "../../../accounts/sessions/imported-tokens.store.ts";
import {
  openSession,
  recordOpened,
  type Opened,
  type SessionDeps,
} from "../../../accounts/sessions/open.ts";
import type { SessionPolicy } from "../../../accounts/sessions/session-policy.ts";

export interface ExchangeDeps extends SessionDeps {
  readonly db: Db;
}

/** A refresh token of Django's, and the lifetimes of the session that it is exchanged for. */
export interface Exchange {
  readonly jti: string;
  readonly policy: SessionPolicy;
  /** Tells whether the user must show a second factor first (MF-08). The user's row is locked. */
  readonly needsFactor: (tx: Tx, user: User) => Promise<boolean>;
}

export type ExchangeOutcome =
  | { readonly kind: "opened"; readonly user: User; readonly opened: Opened }
  | { readonly kind: "unknown" | "inactive" | "second_factor_required" | "spent" };

/**
 * It is unknown when and how the user proved their identity to Django, so the session counts for no
 * step-up (MF-07).
 */
const UNPROVEN = { amr: [], acr: "aal1", authTime: 0 } as const;

/**
 * Opens a session for a refresh token of Django's, which can be used only once. The caller has
 * checked its signature and its expiry.
 */
export async function exchange(
  deps: ExchangeDeps,
  { jti, policy, needsFactor }: Exchange,
  origin: RemoteOrigin,
): Promise<ExchangeOutcome> {
  return transact(deps, async (tx): Promise<ExchangeOutcome> => {
    const imported = await findImported(tx, jti);
    const user = imported && (await lockUser(tx, imported.userId));
    if (user === undefined) return { kind: "unknown" };
    if (user.disabledAt !== null || user.pausedAt !== null) return { kind: "inactive" };
    if (await needsFactor(tx, user)) return { kind: "second_factor_required" };
    if (!(await markUsed(tx, jti, deps.clock.now()))) return { kind: "spent" };
    const opened = await openSession(tx, deps, { policy, user, proven: UNPROVEN }, origin);
    await recordOpened(tx, deps, { ...opened, method: "imported_token" }, origin);
    return { kind: "opened", user, opened };
  });
}

/** Uses the token up. Returns false if it was used already. */
export async function spend(
  deps: { readonly db: Db; readonly clock: Clock },
  jti: string,
): Promise<boolean> {
  return transact(deps, async (tx) => markUsed(tx, jti, deps.clock.now()));
}
