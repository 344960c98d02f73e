import { holdUnchanged } from "../../../accounts/users/hold-unchanged.ts";
import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Origin } from "../../../records/audit/events.ts";
import type { Also } from "./create-account.ts";
import { isMailedToken, type MailedTokenDeps } from "./mailed-token.ts";
import { complaintsAbout, type PasswordComplaint } from "./password-complaints.ts";
import { normalizePassword } from "../../../accounts/users/password-policy.ts";
import { sealPassword } from "../../../accounts/users/passwords.ts";
import { findUser } from "../../../accounts/users/users.store.ts";
import { replaceForgotten, type ResetDeps } from "../../../accounts/account/reset-password.ts";

export type ResetPasswordConfirmOutcome =
  | { readonly kind: "reset" | "unknown" | "invalid_token" | "not_repeated" | "busy" }
  | { readonly kind: "unacceptable_password"; readonly complaints: readonly PasswordComplaint[] };

export interface ResetPasswordConfirm {
  /** Undefined if the link belongs to no user. */
  readonly userId: string | undefined;
  readonly token: string;
  readonly newPassword: string;
  /** The second entry of the password, if the form asks for it twice. */
  readonly repeated?: string | undefined;
}

/**
 * Sets a new password against the token of a mailed link, and ends the same sessions as
 * `confirmReset` (RS-02). Faults of the password alone are reported first, as in the originals.
 * Only the holder of the token learns whether it resembles the user's name or address.
 *
 * @param also writes the mail that tells the user
 */
export async function resetPasswordConfirm(
  deps: Omit<ResetDeps, "random"> & MailedTokenDeps,
  { userId, token, newPassword, repeated }: ResetPasswordConfirm,
  origin: Origin,
  also: Also,
): Promise<ResetPasswordConfirmOutcome> {
  const plain = complaintsAbout(deps, newPassword, null);
  const password = normalizePassword(newPassword);
  if (plain.length > 0 || password.kind === "refused")
    return { kind: "unacceptable_password", complaints: plain };
  if (repeated !== undefined && repeated !== newPassword) return { kind: "not_repeated" };
  const found = userId === undefined ? undefined : await findUser(deps.db, userId);
  if (found === undefined) return { kind: "unknown" };
  if (!isMailedToken(deps, "password", found, token)) return { kind: "invalid_token" };
  const complaints = complaintsAbout(deps, newPassword, found);
  if (complaints.length > 0) return { kind: "unacceptable_password", complaints };
  const sealed = await sealPassword(deps, found.id, password.password);
  if (sealed.kind === "busy") return sealed;

  const kind = await transact(deps, async (tx) => {
    const user = await holdUnchanged(tx, found, "enabled", { whilePaused: true });
    if (user === undefined || !isMailedToken(deps, "password", user, token))
      return "invalid_token" as const;
    await replaceForgotten(tx, deps, user, sealed.passwordSealed);
    await also(tx, user);
    await record(tx, deps, { event: "password.reset", ...origin, userId: user.id });
    return "reset" as const;
  });
  return { kind };
}
