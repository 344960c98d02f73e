import { holdUnchanged } from "../users/hold-unchanged.ts";
import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { RemoteOrigin } from "../../records/audit/events.ts";
import type { OwnPasswordOutcome, SignedIn } from "../users/ports.ts";
import { readUsername, type UsernameProblem } from "../users/username.ts";
import { findUser, setUsername, type User } from "../users/users.store.ts";
import type { ChangeEmailDeps } from "./change-email.ts";

export type ChangeUsernameDeps = Pick<
  ChangeEmailDeps,
  "db" | "clock" | "keyring" | "checkOwnPassword"
>;

export type ChangeUsernameOutcome =
  | { readonly kind: "changed"; readonly user: User }
  | { readonly kind: "username_taken" | "no_address" | "session_ended" }
  | { readonly kind: "invalid"; readonly reason: UsernameProblem }
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

/**
 * Sets or changes the username; null removes it. A user without an address keeps the username,
 * because something must name the account.
 */
export async function changeUsername(
  deps: ChangeUsernameDeps,
  who: SignedIn,
  input: { readonly username: string | null; readonly password?: string | undefined },
  origin: RemoteOrigin,
): Promise<ChangeUsernameOutcome> {
  const next = input.username === null ? null : readUsername(input.username);
  if (next?.kind === "refused") return { kind: "invalid", reason: next.reason };
  const before = await findUser(deps.db, who.userId);
  const own = await deps.checkOwnPassword(who, input.password, origin);
  if (own.kind !== "matched") return own;

  return transact(deps, async (tx): Promise<ChangeUsernameOutcome> => {
    const user = before && (await holdUnchanged(tx, before, "session"));
    if (user === undefined) return { kind: "session_ended" };
    const changed = await setUsername(tx, user, next);
    if (changed === undefined) return { kind: next === null ? "no_address" : "username_taken" };
    const details = { removed: next === null };
    await record(tx, deps, {
      event: "username.changed",
      ...origin,
      userId: user.id,
      sessionId: who.sessionId,
      details,
    });
    return { kind: "changed", user: changed };
  });
}
