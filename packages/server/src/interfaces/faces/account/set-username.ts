import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Origin } from "../../../records/audit/events.ts";
import type { Db, Tx } from "../../../platform/db/open.ts";
import { hashToken } from "../../../platform/kernel/codes.ts";
import { take } from "../../../records/attempts/attempts.store.ts";
import { isForeignAddress, type Also } from "./create-account.ts";
import { isMailedToken, type MailedTokenDeps } from "./mailed-token.ts";
import type {
  CheckOwnPassword,
  OwnPasswordOutcome,
  SignedIn,
} from "../../../accounts/users/ports.ts";
import type { ReadUsername } from "../../../accounts/users/username.ts";
import {
  findByIdentifier,
  findUser,
  lockUser,
  setUsername,
  type User,
} from "../../../accounts/users/users.store.ts";

export interface RenameDeps extends MailedTokenDeps {
  readonly db: Db;
  readonly readUsername: ReadUsername;
  readonly checkOwnPassword: CheckOwnPassword;
}

interface NewName {
  readonly username: string;
  /** The username once more, where it is asked for twice. */
  readonly repeated?: string | undefined;
}

type Unusable = {
  readonly kind: "invalid_username" | "address_as_username" | "username_taken" | "not_repeated";
};

export type RenameOutcome =
  | { readonly kind: "renamed" | "session_ended" }
  | Unusable
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

/** Changes the username within a session, for the password. */
export async function rename(
  deps: RenameDeps,
  who: SignedIn,
  input: NewName & { readonly currentPassword: string },
  origin: Origin,
  also: Also = async () => {},
): Promise<RenameOutcome> {
  const before = await findUser(deps.db, who.userId);
  const own = await deps.checkOwnPassword(who, input.currentPassword, origin);
  if (own.kind !== "matched") return own;
  if (before === undefined) return { kind: "session_ended" };
  const name = await examine(deps, input, before);
  if (name.kind !== "usable") return name;
  return transact(deps, async (tx): Promise<RenameOutcome> => {
    const user = await lockUser(tx, who.userId);
    // Whoever changed the password meanwhile has ended this session.
    if (user === undefined || user.disabledAt !== null || isAnotherPassword(user, before))
      return { kind: "session_ended" };
    return setName(tx, deps, { user, name }, { ...origin, sessionId: who.sessionId }, also);
  });
}

export type RenameByTokenOutcome =
  | { readonly kind: "renamed" | "unknown" | "invalid_token" }
  | Unusable;

/**
 * Changes the username against the token of a link that a face has mailed. What it is made from may
 * come back, so it is also remembered as spent.
 *
 * @param userId `undefined` where the link names nobody
 */
export async function renameByMailedToken(
  deps: RenameDeps,
  userId: string | undefined,
  input: NewName & { readonly token: string },
  origin: Origin,
  also: Also = async () => {},
): Promise<RenameByTokenOutcome> {
  const found = userId === undefined ? undefined : await findUser(deps.db, userId);
  const name = await examine(deps, input, found);
  if (name.kind !== "usable") return name;
  if (found === undefined) return { kind: "unknown" };
  return transact(deps, async (tx): Promise<RenameByTokenOutcome> => {
    const user = await lockUser(tx, found.id);
    if (
      user === undefined ||
      user.disabledAt !== null ||
      !(await spendNameToken(tx, deps, user, input.token))
    )
      return { kind: "invalid_token" };
    return setName(tx, deps, { user, name }, origin, also);
  });
}

/** The user's row must be held. */
export async function spendNameToken(
  tx: Tx,
  deps: MailedTokenDeps,
  user: User,
  token: string,
): Promise<boolean> {
  if (!isMailedToken(deps, "name", user, token)) return false;
  const once = {
    bucket: `mailed-token:${hashToken(token)}`,
    limit: 1,
    windowSeconds: deps.mailedTokenSeconds + 1,
  };
  return (await take(tx, once, deps.clock.now())).kind === "taken";
}

export function isAnotherPassword(now: User, before: User): boolean {
  return now.passwordChangedAt !== before.passwordChangedAt || now.hardEpoch !== before.hardEpoch;
}

type Usable = { readonly kind: "usable"; readonly username: string; readonly canonical: string };

/** @param user whose address it may be (RG-14) */
async function examine(
  deps: RenameDeps,
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
  deps: RenameDeps,
  { user, name }: { readonly user: User; readonly name: Usable },
  origin: Origin & { readonly sessionId?: string },
  also: Also,
): Promise<{ readonly kind: "renamed" | "username_taken" }> {
  const renamed = await setUsername(tx, user.id, name);
  if (renamed === undefined) return { kind: "username_taken" };
  await also(tx, renamed);
  await record(tx, deps, {
    event: "username.changed",
    ...origin,
    userId: user.id,
    details: { removed: false },
  });
  return { kind: "renamed" };
}
