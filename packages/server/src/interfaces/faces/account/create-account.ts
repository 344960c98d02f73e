import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Origin } from "../../../records/audit/events.ts";
import type { Db, Queryable, Tx } from "../../../platform/db/open.ts";
import type { Clock } from "../../../platform/kernel/clock.ts";
import { uuidv4 } from "../../../platform/kernel/ids.ts";
import type { Random } from "../../../platform/kernel/random.ts";
import { readAddress } from "../../../accounts/users/address.ts";
import {
  complaintsAbout,
  type ComplaintsDeps,
  type PasswordComplaint,
} from "./password-complaints.ts";
import { normalizePassword } from "../../../accounts/users/password-policy.ts";
import { sealPassword, type PasswordDeps } from "../../../accounts/users/passwords.ts";
import type { RegistrationMode } from "../../../accounts/users/register.ts";
import type { ReadUsername } from "../../../accounts/users/username.ts";
import {
  findByIdentifier,
  findBySpelling,
  insertUser,
  lockUser,
  type User,
} from "../../../accounts/users/users.store.ts";

export interface CreateAccountDeps extends PasswordDeps, ComplaintsDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly readUsername: ReadUsername;
}

export interface Address {
  readonly address: string;
  readonly canonical: string;
}

export interface NewAccount {
  /** The mode of registration at this face. The rule refuses if it is `closed`. */
  readonly registration: RegistrationMode;
  readonly address: Address | null;
  readonly username: string | null;
  readonly password: string;
  /** The second entry of the password, if the form asks for it twice. */
  readonly repeated?: string | undefined;
  /**
   * Whether another user may have the same address. `in_other_letters` permits it only if they
   * spell it differently, for faces whose users log in by the exact spelling.
   */
  readonly mayShareAddress: boolean | "in_other_letters";
  /** The user cannot log in until they follow the link of the activation mail. */
  readonly paused: boolean;
}

/** Writes further rows in the transaction of a change, such as the mail that belongs to it. */
export type Also = (tx: Tx, user: User) => Promise<void>;

/** A change that a face may add rows to. */
export interface Extended {
  readonly also?: Also | undefined;
}

export type CreateAccountOutcome =
  | { readonly kind: "created"; readonly user: User }
  | {
      readonly kind:
        | "closed"
        | "invalid_username"
        | "address_as_username"
        | "email_taken"
        | "username_taken"
        | "not_repeated"
        | "busy";
    }
  | { readonly kind: "unacceptable_password"; readonly complaints: readonly PasswordComplaint[] };

/**
 * Creates an account at once, as the Django faces do, which tell whether a username or an address
 * is taken. The first user who writes an address down holds it. Later ones share it: it gets mail
 * for them, but does not identify them.
 */
export async function createAccount(
  deps: CreateAccountDeps,
  account: NewAccount,
  origin: Origin,
  also: Also = async () => {},
): Promise<CreateAccountOutcome> {
  if (account.registration === "closed") return { kind: "closed" };
  const { address } = account;
  const username = account.username === null ? null : deps.readUsername(account.username);
  if (username?.kind === "refused") return { kind: "invalid_username" };
  if (username !== null && isForeignAddress(username.username, address?.canonical))
    return { kind: "address_as_username" };
  if (
    username !== null &&
    (await findByIdentifier(deps.db, { usernameCanonical: username.canonical })) !== undefined
  )
    return { kind: "username_taken" };
  const holder =
    address === null
      ? undefined
      : await findByIdentifier(deps.db, { emailCanonical: address.canonical });
  if (address !== null && holder !== undefined && !(await mayShare(deps.db, account, address)))
    return { kind: "email_taken" };
  if (username !== null && holder !== undefined && isForeignAddress(username.username, null))
    return { kind: "address_as_username" };

  const person = { username: username?.username ?? null, email: address?.address ?? null };
  const complaints = complaintsAbout(deps, account.password, person);
  const password = normalizePassword(account.password);
  if (complaints.length > 0 || password.kind === "refused")
    return { kind: "unacceptable_password", complaints };
  if (account.repeated !== undefined && account.repeated !== account.password)
    return { kind: "not_repeated" };
  const id = uuidv4(deps.random);
  const sealed = await sealPassword(deps, id, password.password);
  if (sealed.kind === "busy") return sealed;

  return transact(deps, async (tx): Promise<CreateAccountOutcome> => {
    const now = deps.clock.now();
    const newUser = {
      id,
      ...person,
      emailCanonical: address?.canonical ?? null,
      emailVerifiedAt: null,
      usernameCanonical: username?.canonical ?? null,
      passwordSealed: sealed.passwordSealed,
      superuserSince: null,
      ...(account.paused && { pausedAt: now }),
      profile: {},
      locale: null,
      createdAt: now,
    };
    const held = await insertUser(tx, newUser);
    const mayBeShared = username === null || !isForeignAddress(username.username, null);
    const shares =
      held === undefined &&
      address !== null &&
      mayBeShared &&
      (await mayShareInTurn(tx, account, address));
    const user = shares
      ? await insertUser(tx, {
          ...newUser,
          emailCanonical: null,
          sharedEmailCanonical: address.canonical,
        })
      : held;
    if (user === undefined) return { kind: await whichIsTaken(tx, username) };
    await also(tx, user);
    await record(tx, deps, { event: "user.registered", ...origin, userId: user.id });
    return { kind: "created", user };
  });
}

async function mayShare(
  db: Queryable,
  { mayShareAddress }: NewAccount,
  address: Address,
): Promise<boolean> {
  return mayShareAddress === "in_other_letters"
    ? (await findBySpelling(db, address)) === undefined
    : mayShareAddress;
}

/**
 * Locks the row of the user who holds the address. Two accounts with the same spelling are thus
 * created one after the other, and the second one sees the first.
 */
async function mayShareInTurn(tx: Tx, account: NewAccount, address: Address): Promise<boolean> {
  const holder = await findByIdentifier(tx, { emailCanonical: address.canonical });
  if (holder !== undefined) await lockUser(tx, holder.id);
  return mayShare(tx, account, address);
}

/**
 * Tells whether a username reads as an address that is not the user's own, or that they share.
 * Others would take it for its owner's (RG-14).
 */
export function isForeignAddress(
  username: string,
  ownCanonical: string | null | undefined,
): boolean {
  const read = readAddress(username);
  return read.kind === "address" && read.canonical !== ownCanonical;
}

async function whichIsTaken(
  tx: Tx,
  username: { readonly canonical: string } | null,
): Promise<"email_taken" | "username_taken"> {
  if (username === null) return "email_taken";
  const owner = await findByIdentifier(tx, { usernameCanonical: username.canonical });
  return owner === undefined ? "email_taken" : "username_taken";
}
