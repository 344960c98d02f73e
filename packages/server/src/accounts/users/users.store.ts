import type { Json, Profile } from "./profile.ts";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { sql, type Selectable } from "kysely";
import { asHeld, type Held } from "../../platform/db/held.ts";
import { prepared } from "../../platform/db/prepared.ts";
import { isUniqueViolation } from "../../platform/db/storage-errors.ts";
import type { UsersTable } from "../../platform/db/tables.ts";

export interface User {
  readonly id: string;
  /** The number that the Django faces show as `id`. */
  readonly number: number;
  readonly email: string | null;
  readonly emailCanonical: string | null;
  /** The canonical address if `emailCanonical` of another user has it. A user never has both. */
  readonly sharedEmailCanonical: string | null;
  readonly emailVerifiedAt: UnixSeconds | null;
  readonly username: string | null;
  readonly passwordSealed: Uint8Array | null;
  readonly passwordChangedAt: UnixSeconds | null;
  readonly superuserSince: UnixSeconds | null;
  readonly disabledAt: UnixSeconds | null;
  /** When a face paused the account until the link of its activation mail is followed. */
  readonly pausedAt: UnixSeconds | null;
  readonly profile: Profile;
  readonly locale: string | null;
  readonly hardEpoch: number;
  readonly authorizationEpoch: number;
  readonly createdAt: UnixSeconds;
  readonly lastLoginAt: UnixSeconds | null;
}

/** An e-mail address or a username, in canonical form. */
export type Identifier =
  | { readonly emailCanonical: string }
  | { readonly usernameCanonical: string };

const byId = prepared((db, { id }: { readonly id: string }) =>
  db.selectFrom("users").selectAll().where("id", "=", id),
);

export async function findUser(db: Queryable, id: string): Promise<User | undefined> {
  const [row] = await byId(db, { id });
  return row && toUser(row);
}

const byEmail = prepared((db, { email }: { readonly email: string }) =>
  db.selectFrom("users").selectAll().where("email_canonical", "=", email),
);
const byUsername = prepared((db, { username }: { readonly username: string }) =>
  db.selectFrom("users").selectAll().where("username_canonical", "=", username),
);

export async function findByIdentifier(
  db: Queryable,
  identifier: Identifier,
): Promise<User | undefined> {
  const [row] = await ("emailCanonical" in identifier
    ? byEmail(db, { email: identifier.emailCanonical })
    : byUsername(db, { username: identifier.usernameCanonical }));
  return row && toUser(row);
}

type Spelling = Readonly<Record<"address" | "canonical", string>>;

const bySpelling = prepared((db, { address, canonical }: Spelling) =>
  db
    .selectFrom("users")
    .selectAll()
    .where("email", "=", address)
    .where((eb) =>
      eb.or([eb("email_canonical", "=", canonical), eb("shared_email_canonical", "=", canonical)]),
    )
    .orderBy("number")
    .limit(1),
);

/** Finds the user whose address matches exactly. If several share it, this may not be its owner. */
export async function findBySpelling(db: Queryable, spelling: Spelling): Promise<User | undefined> {
  const { address, canonical } = spelling;
  const [row] = await bySpelling(db, { address, canonical });
  return row && toUser(row);
}

/** Finds a user by the number that the Django faces show as `id`. */
export async function findByNumber(db: Queryable, number: number): Promise<User | undefined> {
  const row = await db
    .selectFrom("users")
    .selectAll()
    .where("number", "=", number)
    .executeTakeFirst();
  return row && toUser(row);
}

/** Highest number of mails to one address that one request can cause. */
const MOST_SHARERS = 5;

/**
 * Finds the users who have an address: first those who have confirmed it, then its owner, because
 * anybody can share it, and the oldest accounts first.
 */
export async function findByAddress(db: Queryable, canonical: string): Promise<readonly User[]> {
  const rows = await db
    .selectFrom("users")
    .selectAll()
    .where((eb) =>
      eb.or([eb("email_canonical", "=", canonical), eb("shared_email_canonical", "=", canonical)]),
    )
    .orderBy((eb) => eb("email_verified_at", "is", null))
    .orderBy((eb) => eb("email_canonical", "is", null))
    .orderBy("number")
    .limit(MOST_SHARERS)
    .execute();
  return rows.map(toUser);
}

/** Lists users in the order of their numbers. */
export async function listUsers(
  db: Queryable,
  page: { readonly after: number; readonly limit: number },
): Promise<readonly User[]> {
  const rows = await db
    .selectFrom("users")
    .selectAll()
    .where("number", ">", page.after)
    .orderBy("number")
    .limit(page.limit)
    .execute();
  return rows.map(toUser);
}

const locking = prepared((db, { id }: { readonly id: string }) =>
  db.selectFrom("users").selectAll().where("id", "=", id).forUpdate(),
);

/**
 * Reads a user and locks the row, so that everything that mints, revokes or changes credentials of
 * one user happens in turn.
 */
export async function lockUser(tx: Tx, id: string): Promise<Held<User> | undefined> {
  const [row] = await locking(tx, { id });
  return row && asHeld(toUser(row));
}

export interface NewUser {
  readonly id: string;
  readonly email: string | null;
  readonly emailCanonical: string | null;
  /** Set in place of `emailCanonical` if another user has the address. */
  readonly sharedEmailCanonical?: string;
  readonly emailVerifiedAt: UnixSeconds | null;
  readonly username: string | null;
  readonly usernameCanonical: string | null;
  readonly passwordSealed: Uint8Array | null;
  readonly superuserSince: UnixSeconds | null;
  readonly pausedAt?: UnixSeconds;
  readonly profile: Profile;
  readonly locale: string | null;
  readonly createdAt: UnixSeconds;
}

/** Inserts a user. Returns `undefined` if another user has the address or the username. */
export async function insertUser(tx: Tx, user: NewUser): Promise<Held<User> | undefined> {
  const row = await tx
    .insertInto("users")
    .values({
      id: user.id,
      email: user.email,
      email_canonical: user.emailCanonical,
      shared_email_canonical: user.sharedEmailCanonical ?? null,
      email_verified_at: user.emailVerifiedAt,
      username: user.username,
      username_canonical: user.usernameCanonical,
      password_sealed: user.passwordSealed,
      password_changed_at: user.passwordSealed === null ? null : user.createdAt,
      superuser_since: user.superuserSince,
      disabled_at: null,
      paused_at: user.pausedAt ?? null,
      profile: JSON.stringify(user.profile),
      locale: user.locale,
      hard_epoch: user.createdAt,
      authorization_epoch: 0,
      created_at: user.createdAt,
      last_login_at: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  return row && asHeld(toUser(row));
}

/**
 * Raises the hard epoch and returns it. Epochs follow the wall clock, so that a database restored
 * from a backup can be put ahead of every epoch that it ever gave out. Within one second they count
 * up by one.
 */
export async function raiseHardEpoch(
  tx: Tx,
  { id }: Held<User>,
  now: UnixSeconds,
): Promise<number> {
  const { hard_epoch: raised } = await tx
    .updateTable("users")
    .set((eb) => ({
      hard_epoch: eb
        .case()
        .when("hard_epoch", ">=", now)
        .then(eb("hard_epoch", "+", 1))
        .else(now)
        .end(),
    }))
    .where("id", "=", id)
    .returning("hard_epoch")
    .executeTakeFirstOrThrow();
  return raised;
}

/**
 * Lifts a hard epoch that is below `floor`, of a user who was created while everything was being
 * revoked. The condition guards it, so the row need not be held.
 */
export async function liftHardEpoch(tx: Tx, id: string, floor: number): Promise<void> {
  await tx
    .updateTable("users")
    .set({ hard_epoch: floor })
    .where("id", "=", id)
    .where("hard_epoch", "<", floor)
    .execute();
}

/**
 * Raises the hard epoch of all users to one value above all of them, at least `least`, and returns
 * it. It covers every row, so none need be held.
 */
export async function raiseEveryHardEpoch(tx: Tx, least: number): Promise<number> {
  const highest = await tx
    .selectFrom("users")
    .select((eb) => eb.fn.max("hard_epoch").as("epoch"))
    .executeTakeFirst();
  const epoch = Math.max(Number(highest?.epoch ?? 0) + 1, least);
  await tx.updateTable("users").set({ hard_epoch: epoch }).execute();
  return epoch;
}

/**
 * Sets the password; null means that the user cannot sign in with one. `password_changed_at`
 * changes even within one second, because everything that was issued for the old password is
 * recognised by it (RS-09).
 */
export async function setPassword(
  tx: Tx,
  { id }: Held<User>,
  passwordSealed: Uint8Array | null,
  now: UnixSeconds,
): Promise<void> {
  await tx
    .updateTable("users")
    .set((eb) => ({
      password_sealed: passwordSealed,
      password_changed_at: eb
        .case()
        .when("password_changed_at", ">=", now)
        .then(eb("password_changed_at", "+", 1))
        .else(now)
        .end(),
    }))
    .where("id", "=", id)
    .execute();
}

/**
 * Replaces a hash by a stronger one of the same password, unless the password has been changed in
 * the meantime (PW-09). It compares and sets, so the row need not be held.
 */
export async function upgradePassword(
  tx: Tx,
  id: string,
  from: Uint8Array,
  to: Uint8Array,
): Promise<boolean> {
  const row = await tx
    .updateTable("users")
    .set({ password_sealed: to })
    .where("id", "=", id)
    .where("password_sealed", "=", from)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

export async function setProfile(
  tx: Tx,
  { id }: Held<User>,
  { profile, locale }: { readonly profile: Profile; readonly locale: string | null },
): Promise<void> {
  await tx
    .updateTable("users")
    .set({ profile: JSON.stringify(profile), locale })
    .where("id", "=", id)
    .execute();
}

const loggingIn = prepared((db, { id, now }: { readonly id: string; readonly now: UnixSeconds }) =>
  db.updateTable("users").set({ last_login_at: now }).where("id", "=", id),
);

export async function setLastLogin(tx: Tx, id: string, now: UnixSeconds): Promise<void> {
  await loggingIn(tx, { id, now });
}

/**
 * Marks the address as confirmed. A user who reads mail at it need not wait for the activation mail
 * any more.
 */
export async function markVerified(tx: Tx, { id }: Held<User>, now: UnixSeconds): Promise<void> {
  await tx
    .updateTable("users")
    .set({ email_verified_at: now, paused_at: null })
    .where("id", "=", id)
    .where("email_verified_at", "is", null)
    .execute();
}

/** Ends the pause of an account. Returns false if it was not paused. */
export async function unpause(tx: Tx, { id }: Held<User>): Promise<boolean> {
  const row = await tx
    .updateTable("users")
    .set({ paused_at: null })
    .where("id", "=", id)
    .where("paused_at", "is not", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/** Sets an address that has just been confirmed. Returns `undefined` if another user has it. */
export async function setEmail(
  tx: Tx,
  { id }: Held<User>,
  email: { readonly address: string; readonly canonical: string },
  now: UnixSeconds,
): Promise<Held<User> | undefined> {
  return unlessTaken(tx, "email_canonical", () =>
    tx
      .updateTable("users")
      .set({
        email: email.address,
        email_canonical: email.canonical,
        shared_email_canonical: null,
        email_verified_at: now,
        paused_at: null,
      })
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirst(),
  );
}

export interface UnconfirmedEmail {
  /** Null removes the address. */
  readonly address: { readonly address: string; readonly canonical: string } | null;
  /** Whether another user may have the same address. */
  readonly mayShare: boolean;
  /** If set, the account is paused until the address is confirmed. */
  readonly pausedAt: UnixSeconds | null;
}

/**
 * Sets an address that is not confirmed. Returns `undefined` if another user has it and it cannot
 * be shared.
 */
export async function setUnconfirmedEmail(
  tx: Tx,
  { id }: Held<User>,
  { address, mayShare, pausedAt }: UnconfirmedEmail,
): Promise<Held<User> | undefined> {
  const set = async (
    canonical: string | null,
    shared: string | null,
  ): Promise<Held<User> | undefined> =>
    unlessTaken(tx, "email_canonical", () =>
      tx
        .updateTable("users")
        .set({
          email: address?.address ?? null,
          email_canonical: canonical,
          shared_email_canonical: shared,
          email_verified_at: null,
          paused_at: pausedAt,
        })
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirst(),
    );
  const held = await set(address?.canonical ?? null, null);
  return held === undefined && mayShare && address !== null ? set(null, address.canonical) : held;
}

/**
 * Gives an address that its owner does not use any more to the user who has shared it longest.
 * Returns true if such a user exists. It is one guarded statement about another user, whose row
 * need not be held.
 */
export async function bequeathEmail(tx: Tx, canonical: string): Promise<boolean> {
  const heir = await unlessTaken(tx, "email_canonical", () =>
    tx
      .updateTable("users")
      .set({ email_canonical: canonical, shared_email_canonical: null })
      .where("number", "=", (eb) =>
        eb
          .selectFrom("users")
          .select((inner) => inner.fn.min("number").as("number"))
          .where("shared_email_canonical", "=", canonical),
      )
      .returningAll()
      .executeTakeFirst(),
  );
  return heir !== undefined;
}

/**
 * Takes an unconfirmed address from its owner, who shares it from then on with the user who is to
 * own it. It is one guarded statement about another user, whose row need not be held.
 */
export async function displaceUnconfirmed(
  tx: Tx,
  canonical: string,
  userId: string,
): Promise<void> {
  await tx
    .updateTable("users")
    .set({ email_canonical: null, shared_email_canonical: canonical })
    .where("email_canonical", "=", canonical)
    .where("email_verified_at", "is", null)
    .where("id", "!=", userId)
    .execute();
}

/**
 * Sets the username; null removes it if the user has an address. Returns `undefined` if another
 * user has it, or if the user would have no name left.
 */
export async function setUsername(
  tx: Tx,
  { id }: Held<User>,
  username: { readonly username: string; readonly canonical: string } | null,
): Promise<Held<User> | undefined> {
  return unlessTaken(tx, "username_canonical", () =>
    tx
      .updateTable("users")
      .set({
        username: username?.username ?? null,
        username_canonical: username?.canonical ?? null,
      })
      .where("id", "=", id)
      .$if(username === null, (update) => update.where("email", "is not", null))
      .returningAll()
      .executeTakeFirst(),
  );
}

/**
 * Lets the unique index decide. PostgreSQL aborts a transaction in which a statement fails; with a
 * savepoint only the update is lost.
 */
async function unlessTaken(
  tx: Tx,
  column: keyof UsersTable,
  update: () => Promise<Selectable<UsersTable> | undefined>,
): Promise<Held<User> | undefined> {
  await sql`savepoint unless_taken`.execute(tx);
  try {
    const row = await update();
    await sql`release savepoint unless_taken`.execute(tx);
    return row && asHeld(toUser(row));
  } catch (error) {
    if (!isUniqueViolation(error, column)) throw error;
    await sql`rollback to savepoint unless_taken`.execute(tx);
    return undefined;
  }
}

/** Disables a user. Returns false if the user is disabled already. */
export async function disable(tx: Tx, { id }: Held<User>, now: UnixSeconds): Promise<boolean> {
  const row = await tx
    .updateTable("users")
    .set({ disabled_at: now })
    .where("id", "=", id)
    .where("disabled_at", "is", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

export async function enable(tx: Tx, { id }: Held<User>): Promise<boolean> {
  const row = await tx
    .updateTable("users")
    .set({ disabled_at: null })
    .where("id", "=", id)
    .where("disabled_at", "is not", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Deletes the user and everything that names them except the pseudonym in the audit (PV-01).
 * Sessions and resets go with the row.
 */
export async function deleteUser(tx: Tx, user: Held<User>): Promise<void> {
  await tx.deleteFrom("users").where("id", "=", user.id).execute();
  const canonical = user.emailCanonical ?? user.sharedEmailCanonical;
  if (canonical === null || (await isAddressOfAnother(tx, canonical))) return;
  await tx.deleteFrom("registrations").where("email_canonical", "=", canonical).execute();
  // Mail of an earlier registration may have gone to another spelling.
  await tx
    .deleteFrom("outbox")
    .where((eb) => eb(eb.fn("lower", ["recipient"]), "=", canonical))
    .execute();
  await tx.deleteFrom("suppressions").where("address", "=", canonical).execute();
}

/** Tells whether an address that has just been given up belongs to another user now. */
async function isAddressOfAnother(tx: Tx, canonical: string): Promise<boolean> {
  const holder = await tx
    .selectFrom("users")
    .select("id")
    .where("email_canonical", "=", canonical)
    .executeTakeFirst();
  return holder !== undefined || (await bequeathEmail(tx, canonical));
}

/**
 * Locks the rows of all active superusers and returns their ids, so that two who remove each other
 * take turns (AD-04).
 */
export async function lockActiveSuperusers(tx: Tx): Promise<readonly string[]> {
  const rows = await tx
    .selectFrom("users")
    .select("id")
    .where("superuser_since", "is not", null)
    .where("disabled_at", "is", null)
    .orderBy("number")
    .forUpdate()
    .execute();
  return rows.map((row) => row.id);
}

export async function anySuperuser(db: Queryable): Promise<boolean> {
  const row = await db
    .selectFrom("users")
    .select("id")
    .where("superuser_since", "is not", null)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export function toUser(row: Selectable<UsersTable>): User {
  return {
    id: row.id,
    number: row.number,
    email: row.email,
    emailCanonical: row.email_canonical,
    sharedEmailCanonical: row.shared_email_canonical,
    emailVerifiedAt: row.email_verified_at,
    username: row.username,
    passwordSealed: row.password_sealed,
    passwordChangedAt: row.password_changed_at,
    superuserSince: row.superuser_since,
    disabledAt: row.disabled_at,
    pausedAt: row.paused_at,
    profile: readProfile(row.profile),
    locale: row.locale,
    hardEpoch: row.hard_epoch,
    authorizationEpoch: row.authorization_epoch,
    createdAt: row.created_at,
    lastLoginAt: row.last_login_at,
  };
}

function readProfile(text: string): Profile {
  const parsed: Json = text === "{}" ? {} : JSON.parse(text);
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? parsed : {};
}
