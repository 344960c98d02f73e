import { holdUnchanged } from "../../../accounts/users/hold-unchanged.ts";
import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { RemoteOrigin } from "../../../records/audit/events.ts";
import type { Db } from "../../../platform/db/open.ts";
import type { Clock } from "../../../platform/kernel/clock.ts";
import type { Also } from "./create-account.ts";
import {
  complaintsAbout,
  type ComplaintsDeps,
  type PasswordComplaint,
} from "./password-complaints.ts";
import { normalizePassword } from "../../../accounts/users/password-policy.ts";
import { sealPassword, type PasswordDeps } from "../../../accounts/users/passwords.ts";
import type {
  CheckOwnPassword,
  OwnPasswordOutcome,
  SessionEnding,
  SignedIn,
} from "../../../accounts/users/ports.ts";
import { findUser, setPassword } from "../../../accounts/users/users.store.ts";

export interface SetOwnPasswordDeps extends PasswordDeps, ComplaintsDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly sessions: SessionEnding;
  readonly checkOwnPassword: CheckOwnPassword;
}

export type SetOwnPasswordOutcome =
  | { readonly kind: "set" | "not_repeated" | "session_ended" }
  | { readonly kind: "unacceptable_password"; readonly complaints: readonly PasswordComplaint[] }
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

/**
 * Changes the password as `changePassword` does and ends every other session (PW-07). The caller's
 * own session keeps its tokens, because the originals give out no new ones here.
 */
export async function setOwnPassword(
  deps: SetOwnPasswordDeps,
  who: SignedIn,
  input: {
    readonly currentPassword: string;
    readonly newPassword: string;
    readonly repeated?: string | undefined;
    /** Writes the mail that tells the user. */
    readonly also: Also;
  },
  origin: RemoteOrigin,
): Promise<SetOwnPasswordOutcome> {
  const { userId, sessionId } = who;
  const before = await findUser(deps.db, userId);
  const own = await deps.checkOwnPassword(who, input.currentPassword, origin);
  if (own.kind !== "matched") return own;
  if (before === undefined) return { kind: "session_ended" };

  const complaints = complaintsAbout(deps, input.newPassword, before);
  const next = normalizePassword(input.newPassword);
  if (complaints.length > 0 || next.kind === "refused")
    return { kind: "unacceptable_password", complaints };
  if (input.repeated !== undefined && input.repeated !== input.newPassword)
    return { kind: "not_repeated" };
  const sealed = await sealPassword(deps, userId, next.password);
  if (sealed.kind === "busy") return sealed;

  return transact(deps, async (tx): Promise<SetOwnPasswordOutcome> => {
    const user = await holdUnchanged(tx, before, "password");
    if (user === undefined) return { kind: "session_ended" };
    if (!(await deps.sessions.endOthers(tx, user, sessionId, "password_changed")))
      return { kind: "session_ended" };
    await setPassword(tx, user, sealed.passwordSealed, deps.clock.now());
    await input.also(tx, user);
    await record(tx, deps, { event: "password.changed", ...origin, userId, sessionId });
    return { kind: "set" };
  });
}
