import type { Json, Profile } from "./profile.ts";
import type { Db, Queryable, Tx } from "../db/open.ts";
import type { UnixSeconds } from "../kernel/clock.ts";
import type { Selectable } from "kysely";
import { prepared } from "../db/prepared.ts";
import type { UsersTable } from "../db/tables.ts";

export interface User {
  readonly id: string;
  readonly email: string | null;
  readonly emailCanonical: string | null;
  readonly emailVerifiedAt: UnixSeconds | null;
  readonly username: string | null;
  readonly passwordSealed: Uint8Array | null;
  readonly passwordChangedAt: UnixSeconds | null;
  readonly superuserSince: UnixSeconds | null;
  readonly disabledAt: UnixSeconds | null;
  readonly profile: Profile;
  readonly hardEpoch: number;
  readonly authorizationEpoch: number;
  readonly createdAt: UnixSeconds;
  readonly lastLoginAt: UnixSeconds | null;
}

/** By e-mail address or username, in canonical form. */
export type Identifier = { readonly emailCanonical: string } | { readonly usernameCanonical: string };

const byId = prepared((db, { id }: { readonly id: string }) => db.selectFrom("users").selectAll().where("id", "=", id));

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

export async function findByIdentifier(db: Queryable, identifier: Identifier): Promise<User | undefined> {
  const [row] = await ("emailCanonical" in identifier
    ? byEmail(db, { email: identifier.emailCanonical })
    : byUsername(db, { username: identifier.usernameCanonical }));
  return row && toUser(row);
}

const locking = prepared((db, { id }: { readonly id: string }) => db.selectFrom("users").selectAll().where("id", "=", id).forUpdate());

/** Reads a user and holds the row: what mints, revokes or changes credentials of one user happens in turn. */
export async function lockUser(tx: Tx, id: string): Promise<User | undefined> {
  const [row] = await locking(tx, { id });
  return row && toUser(row);
}

export interface NewUser {
  readonly id: string;
  readonly email: string | null;
  readonly emailCanonical: string | null;
  readonly emailVerifiedAt: UnixSeconds | null;
  readonly username: string | null;
  readonly usernameCanonical: string | null;
  readonly passwordSealed: Uint8Array | null;
  readonly superuserSince: UnixSeconds | null;
  readonly profile: Profile;
  readonly createdAt: UnixSeconds;
}

/** `undefined` where the address or the username belongs to somebody already. */
export async function insertUser(tx: Tx, user: NewUser): Promise<User | undefined> {
  const row = await tx
    .insertInto("users")
    .values({
      id: user.id,
      email: user.email,
      email_canonical: user.emailCanonical,
      email_verified_at: user.emailVerifiedAt,
      username: user.username,
      username_canonical: user.usernameCanonical,
      password_sealed: user.passwordSealed,
      password_changed_at: user.passwordSealed === null ? null : user.createdAt,
      superuser_since: user.superuserSince,
      disabled_at: null,
      profile: JSON.stringify(user.profile),
      hard_epoch: user.createdAt,
      authorization_epoch: 0,
      created_at: user.createdAt,
      last_login_at: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  return row && toUser(row);
}

/**
 * Epochs follow the wall clock where they can, so that a database restored from a backup can be put ahead of every
 * epoch it ever gave out; within one second they count up by one.
 */
export async function raiseHardEpoch(tx: Tx, id: string, now: UnixSeconds): Promise<number | undefined> {
  const row = await tx
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
    .executeTakeFirst();
  return row?.hard_epoch;
}

/** Lifts one that is below `floor`: of a user made while everything was being revoked. */
export async function liftHardEpoch(tx: Tx, id: string, floor: number): Promise<void> {
  await tx.updateTable("users").set({ hard_epoch: floor }).where("id", "=", id).where("hard_epoch", "<", floor).execute();
}

/** Raises everybody's hard epoch to one value above all of them and returns it. */
export async function raiseEveryHardEpoch(tx: Tx, now: UnixSeconds): Promise<number> {
  const highest = await tx
    .selectFrom("users")
    .select((eb) => eb.fn.max("hard_epoch").as("epoch"))
    .executeTakeFirst();
  const epoch = Math.max(Number(highest?.epoch ?? 0) + 1, now);
  await tx.updateTable("users").set({ hard_epoch: epoch }).execute();
  return epoch;
}

/** `password_changed_at` differs from what it was even within one second: what was issued for the old password is recognised by it (RS-09). */
export async function setPassword(tx: Tx, id: string, passwordSealed: Uint8Array, now: UnixSeconds): Promise<void> {
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

/** Replaces a hash by a stronger one of the same password, unless the password was changed meanwhile (PW-09). */
export async function upgradePassword(tx: Tx, id: string, from: Uint8Array, to: Uint8Array): Promise<boolean> {
  const row = await tx
    .updateTable("users")
    .set({ password_sealed: to })
    .where("id", "=", id)
    .where("password_sealed", "=", from)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

export async function setProfile(tx: Tx, id: string, profile: Profile): Promise<void> {
  await tx
    .updateTable("users")
    .set({ profile: JSON.stringify(profile) })
    .where("id", "=", id)
    .execute();
}

const loggingIn = prepared((db, { id, now }: { readonly id: string; readonly now: UnixSeconds }) =>
  db.updateTable("users").set({ last_login_at: now }).where("id", "=", id),
);

export async function setLastLogin(tx: Tx, id: string, now: UnixSeconds): Promise<void> {
  await loggingIn(tx, { id, now });
}

export async function markVerified(tx: Tx, id: string, now: UnixSeconds): Promise<void> {
  await tx.updateTable("users").set({ email_verified_at: now }).where("id", "=", id).where("email_verified_at", "is", null).execute();
}

/** False where the user is disabled already. */
export async function disable(tx: Tx, id: string, now: UnixSeconds): Promise<boolean> {
  const row = await tx
    .updateTable("users")
    .set({ disabled_at: now })
    .where("id", "=", id)
    .where("disabled_at", "is", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

export async function enable(tx: Tx, id: string): Promise<boolean> {
  const row = await tx
    .updateTable("users")
    .set({ disabled_at: null })
    .where("id", "=", id)
    .where("disabled_at", "is not", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/** Removes the user and everything that names them but the audit's pseudonym (PV-01); sessions and resets go with the row. */
export async function deleteUser(tx: Tx, user: User): Promise<void> {
  if (user.emailCanonical !== null) await tx.deleteFrom("registrations").where("email_canonical", "=", user.emailCanonical).execute();
  // Mail of an earlier registration may have gone to another spelling.
  if (user.emailCanonical !== null)
    await tx
      .deleteFrom("outbox")
      .where((eb) => eb(eb.fn("lower", ["recipient"]), "=", user.emailCanonical))
      .execute();
  await tx.deleteFrom("users").where("id", "=", user.id).execute();
}

/** Ids of the active superusers, their rows held: who removes one is decided in turn (AD-04). */
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

export async function isActiveSuperuser(db: Db, id: string): Promise<boolean> {
  const row = await db
    .selectFrom("users")
    .select("id")
    .where("id", "=", id)
    .where("superuser_since", "is not", null)
    .where("disabled_at", "is", null)
    .executeTakeFirst();
  return row !== undefined;
}

export async function anySuperuser(db: Queryable): Promise<boolean> {
  const row = await db.selectFrom("users").select("id").where("superuser_since", "is not", null).limit(1).executeTakeFirst();
  return row !== undefined;
}

export function toUser(row: Selectable<UsersTable>): User {
  return {
    id: row.id,
    email: row.email,
    emailCanonical: row.email_canonical,
    emailVerifiedAt: row.email_verified_at,
    username: row.username,
    passwordSealed: row.password_sealed,
    passwordChangedAt: row.password_changed_at,
    superuserSince: row.superuser_since,
    disabledAt: row.disabled_at,
    profile: readProfile(row.profile),
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
