import type { Held } from "../../../platform/db/held.ts";
import { holdUnchanged } from "../../../accounts/users/hold-unchanged.ts";
import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Origin, RemoteOrigin } from "../../../records/audit/events.ts";
import type { Db, Tx } from "../../../platform/db/open.ts";
import { hashToken } from "../../../platform/kernel/codes.ts";
import { take } from "../../../records/attempts/attempts.store.ts";
import { isForeignAddress, type Extended } from "./create-account.ts";
import { isMailedToken, type MailedTokenDeps } from "./mailed-token.ts";
import type {
  CheckOwnPassword,
  OwnPasswordOutcome,
  SignedIn,
} from "../../../accounts/users/ports.ts";
import { enrolledFactors, type Factor } from "../../../accounts/sign-in/factor.ts";
import type { ReadUsername } from "../../../accounts/users/username.ts";
import {
  findByIdentifier,
  findUser,
  lockUser,
  setUsername,
  type User,
} from "../../../accounts/users/users.store.ts";

export interface SpendNameTokenDeps extends MailedTokenDeps {
  readonly factors: readonly Factor[];
}

export interface SetUsernameDeps extends SpendNameTokenDeps {
  readonly db: Db;
  readonly readUsername: ReadUsername;
  readonly checkOwnPassword: CheckOwnPassword;
}

interface NewName extends Extended {
  readonly username: string;
  /** The second entry of the username, if the form asks for it twice. */
  readonly repeated?: string | undefined;
}

type Unusable = {
  readonly kind: "invalid_username" | "address_as_username" | "username_taken" | "not_repeated";
};

export type SetOwnUsernameOutcome =
  | { readonly kind: "renamed" | "session_ended" }
  | Unusable
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

/** Changes the username (`set_username`). It requires a session and the current password. */
export async function setOwnUsername(
  deps: SetUsernameDeps,
  who: SignedIn,
  input: NewName & { readonly currentPassword: string },
  origin: RemoteOrigin,
): Promise<SetOwnUsernameOutcome> {
  const before = await findUser(deps.db, who.userId);
  const own = await deps.checkOwnPassword(who, input.currentPassword, origin);
  if (own.kind !== "matched") return own;
  if (before === undefined) return { kind: "session_ended" };
  const name = await examine(deps, input, before);
  if (name.kind !== "usable") return name;
  return transact(deps, async (tx): Promise<SetOwnUsernameOutcome> => {
    const user = await holdUnchanged(tx, before, "password");
    if (user === undefined) return { kind: "session_ended" };
    return setName(
      tx,
      deps,
      { user, name, also: input.also },
      { ...origin, sessionId: who.sessionId },
    );
  });
}

export type ResetUsernameConfirmOutcome =
  | { readonly kind: "renamed" | "unknown" | "invalid_token" | "factor_needed" }
  | Unusable;

/**
 * Changes the username against the token of a mailed link (`reset_username_confirm`).
 *
 * @param userId `undefined` if the link belongs to no user
 */
export async function resetUsernameConfirm(
  deps: SetUsernameDeps,
  userId: string | undefined,
  input: NewName & { readonly token: string },
  origin: Origin,
): Promise<ResetUsernameConfirmOutcome> {
  const found = userId === undefined ? undefined : await findUser(deps.db, userId);
  const name = await examine(deps, input, found);
  if (name.kind !== "usable") return name;
  if (found === undefined) return { kind: "unknown" };
  return transact(deps, async (tx): Promise<ResetUsernameConfirmOutcome> => {
    const user = await lockUser(tx, found.id);
    if (user === undefined || user.disabledAt !== null) return { kind: "invalid_token" };
    const token = await spendNameToken(tx, deps, user, input.token);
    if (token !== "spent") return { kind: token };
    return setName(tx, deps, { user, name, also: input.also }, origin);
  });
}

/**
 * Checks a `name` token and uses it up. The state that the token covers may come back, so the token
 * itself is remembered as used.
 *
 * A mailbox is no second factor: a user who has one changes what they sign in by within a session
 * that has shown it (AD-14). The token then stays unused.
 */
export async function spendNameToken(
  tx: Tx,
  deps: SpendNameTokenDeps,
  user: Held<User>,
  token: string,
): Promise<"spent" | "invalid_token" | "factor_needed"> {
  if (!isMailedToken(deps, "name", user, token)) return "invalid_token";
  const bucket = `mailed-token:${hashToken(token)}`;
  const windowSeconds = deps.mailedTokenSeconds + 1;
  const enrolled = await enrolledFactors(tx, deps.factors, user.id);
  if (enrolled.length > 0) return "factor_needed";
  const taken = await take(tx, { bucket, limit: 1, windowSeconds }, deps.clock.now());
  return taken.kind === "taken" ? "spent" : "invalid_token";
}

type Usable = { readonly kind: "usable"; readonly username: string; readonly canonical: string };

/** @param user may have their own address as their username (RG-14) */
async function examine(
  deps: SetUsernameDeps,
  { username, repeated }: NewName,
  user: User | undefined,
): Promise<Usable | Unusable> {
  const read = deps.readUsername(username);
  if (read.kind === "refused") return { kind: "invalid_username" };
  if ((await findByIdentifier(deps.db, { usernameCanonical: read.canonical })) !== undefined)
    return { kind: "username_taken" };
  if (isForeignAddress(read.username, user?.emailCanonical)) return { kind: "address_as_username" };
  if (repeated !== undefined && repeated !== username) return { kind: "not_repeated" };
  return { kind: "usable", username: read.username, canonical: read.canonical };
}

async function setName(
  tx: Tx,
  deps: SetUsernameDeps,
  { user, name, also }: Extended & { readonly user: Held<User>; readonly name: Usable },
  origin: Origin & { readonly sessionId?: string },
): Promise<{ readonly kind: "renamed" | "username_taken" }> {
  const renamed = await setUsername(tx, user, name);
  if (renamed === undefined) return { kind: "username_taken" };
  await also?.(tx, renamed);
  await record(tx, deps, {
    event: "username.changed",
    ...origin,
    userId: user.id,
    details: { removed: false },
  });
  return { kind: "renamed" };
}
