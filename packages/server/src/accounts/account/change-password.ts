import { holdUnchanged } from "../users/hold-unchanged.ts";
import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { RemoteOrigin } from "../../records/audit/events.ts";
import { notify } from "../../records/mail/notices.ts";
import {
  checkPassword,
  normalizePassword,
  type PasswordProblem,
} from "../users/password-policy.ts";
import { sealPassword } from "../users/passwords.ts";
import type {
  CheckOwnPassword,
  OwnPasswordOutcome,
  SessionEnding,
  SessionTokens,
  SignedIn,
} from "../users/ports.ts";
import { contextOf, type RegisterDeps } from "../users/register.ts";
import { findUser, setPassword } from "../users/users.store.ts";

export interface ChangePasswordDeps extends Pick<
  RegisterDeps,
  "db" | "clock" | "random" | "keyring" | "hasher" | "passwordPolicy" | "serviceName"
> {
  readonly sessions: SessionEnding;
  readonly checkOwnPassword: CheckOwnPassword;
}

export type ChangePasswordOutcome =
  | { readonly kind: "changed"; readonly tokens: SessionTokens }
  | { readonly kind: "session_ended" }
  | { readonly kind: "unacceptable_password"; readonly reason: PasswordProblem }
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

/**
 * Changes the password, ends every other session and tells the user by mail, in one transaction
 * (PW-07, LG-14).
 */
export async function changePassword(
  deps: ChangePasswordDeps,
  who: SignedIn,
  input: { readonly currentPassword: string; readonly newPassword: string },
  origin: RemoteOrigin,
): Promise<ChangePasswordOutcome> {
  const { userId } = who;
  const own = await deps.checkOwnPassword(who, input.currentPassword, origin);
  if (own.kind !== "matched") return own;
  const before = await findUser(deps.db, userId);
  if (before === undefined) return { kind: "session_ended" };

  const next = normalizePassword(input.newPassword);
  if (next.kind === "refused") return { kind: "unacceptable_password", reason: next.reason };
  const reason = checkPassword(deps.passwordPolicy, next.password, contextOf(deps, before));
  if (reason !== undefined) return { kind: "unacceptable_password", reason };
  const sealed = await sealPassword(deps, userId, next.password);
  if (sealed.kind === "busy") return sealed;

  const renewal = await transact(deps, async (tx) => {
    const user = await holdUnchanged(tx, before, "session");
    if (user === undefined) return undefined;
    const renewed = await deps.sessions.endAllAndReopen(
      tx,
      { user, sessionId: who.sessionId },
      "password_changed",
      origin,
    );
    if (renewed === undefined) return undefined;
    const now = deps.clock.now();
    await setPassword(tx, user, sealed.passwordSealed, now);
    await notify(tx, deps, user, { template: "password_changed", data: { at: now } });
    await record(tx, deps, {
      event: "password.changed",
      ...origin,
      userId,
      sessionId: who.sessionId,
    });
    return renewed;
  });
  if (renewal === undefined) return { kind: "session_ended" };
  return { kind: "changed", tokens: renewal.tokens() };
}
