import type { Selectable } from "kysely";
import { deleteExpired } from "../../platform/db/delete-expired.ts";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { RegistrationsTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import type { StoredProof } from "../proofs/mailed-proof.ts";
import { returnTry, takeTry } from "../proofs/tries.store.ts";
import type { Profile } from "./profile.ts";

export interface NewRegistration extends Omit<StoredProof, "tokenHash"> {
  /** Null in rows of earlier versions for which no link was mailed. */
  readonly tokenHash: string | null;
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly emailCanonical: string;
  readonly username: string | null;
  readonly profile: Profile;
  readonly locale: string | null;
  readonly passwordSealed: Uint8Array;
  readonly clientSecretHash: string;
  readonly createdAt: UnixSeconds;
}

export interface Registration extends NewRegistration {
  readonly confirmedAt: UnixSeconds | null;
}

/** Identifies a registration for the client that began it. */
export interface Asking {
  readonly id: string;
  readonly clientSecretHash: string;
}

/**
 * Rows are kept for as long again as their link was valid, so that a link that is opened late is
 * told to be expired.
 */
const KEPT_SECONDS = 86_400;

export async function insertRegistration(tx: Tx, registration: NewRegistration): Promise<void> {
  await tx
    .insertInto("registrations")
    .values({
      id: registration.id,
      user_id: registration.userId,
      email: registration.email,
      email_canonical: registration.emailCanonical,
      username: registration.username,
      profile: JSON.stringify(registration.profile),
      locale: registration.locale,
      password_sealed: registration.passwordSealed,
      client_secret_hash: registration.clientSecretHash,
      created_at: registration.createdAt,
      confirmed_at: null,
      ...columnsOf(registration),
    })
    .execute();
}

export async function findAsked(db: Queryable, asking: Asking): Promise<Registration | undefined> {
  const row = await db
    .selectFrom("registrations")
    .selectAll()
    .where("id", "=", asking.id)
    .where("client_secret_hash", "=", asking.clientSecretHash)
    .executeTakeFirst();
  return row && toRegistration(row);
}

export async function findRegistration(
  db: Queryable,
  id: string,
): Promise<Registration | undefined> {
  const row = await db
    .selectFrom("registrations")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirst();
  return row && toRegistration(row);
}

/** Takes one try of a code that is still good. The row stays locked until the transaction ends. */
export async function takeTryOfCode(
  tx: Tx,
  asking: Asking,
  now: UnixSeconds,
): Promise<Registration | undefined> {
  const row = await takeTry(tx, "registrations", {
    is: { id: asking.id, client_secret_hash: asking.clientSecretHash },
    unset: ["confirmed_at"],
    after: { code_expires_at: now },
  });
  return row && toRegistration(row);
}

/** Takes one try of a link that is still good. */
export async function takeTryOfLink(
  tx: Tx,
  tokenHash: string,
  now: UnixSeconds,
): Promise<Registration | undefined> {
  const row = await takeTry(tx, "registrations", {
    is: { token_hash: tokenHash },
    unset: ["confirmed_at"],
    after: { expires_at: now },
  });
  return row && toRegistration(row);
}

/** Gives back a try of a link that could not be judged. */
export async function giveTryBack(tx: Tx, tokenHash: string): Promise<void> {
  await returnTry(tx, "registrations", { is: { token_hash: tokenHash } });
}

/** Locks the registration of a link. Returns false if the link is replaced, used or expired. */
export async function holdLink(tx: Tx, tokenHash: string, now: UnixSeconds): Promise<boolean> {
  const row = await tx
    .selectFrom("registrations")
    .select("id")
    .where("token_hash", "=", tokenHash)
    .where("confirmed_at", "is", null)
    .where("expires_at", ">", now)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Replaces code and link. Returns false if the registration is confirmed, expired or belongs to
 * another client.
 */
export async function replaceProof(
  tx: Tx,
  asking: Asking,
  proof: StoredProof,
  now: UnixSeconds,
): Promise<boolean> {
  const row = await tx
    .updateTable("registrations")
    .set(columnsOf(proof))
    .where("id", "=", asking.id)
    .where("client_secret_hash", "=", asking.clientSecretHash)
    .where("confirmed_at", "is", null)
    .where("expires_at", ">", now)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Marks a locked registration as confirmed and deletes its personal data, which the user can now
 * change and delete in the account.
 */
export async function markConfirmed(tx: Tx, id: string, now: UnixSeconds): Promise<void> {
  await tx
    .updateTable("registrations")
    .set({ confirmed_at: now, username: null, profile: "{}", password_sealed: new Uint8Array() })
    .where("id", "=", id)
    .execute();
}

/** Deletes a batch of registrations that ended more than a day ago. */
export async function pruneRegistrations(
  db: Queryable,
  now: UnixSeconds,
  limit = 1_000,
): Promise<number> {
  return deleteExpired(db, "registrations", "id", { upTo: now - KEPT_SECONDS, limit });
}

function columnsOf(proof: Omit<StoredProof, "tokenHash"> & { readonly tokenHash: string | null }) {
  return {
    code_mac: proof.codeMac,
    token_hash: proof.tokenHash,
    tries_left: proof.triesLeft,
    code_expires_at: proof.codeExpiresAt,
    expires_at: proof.expiresAt,
  };
}

function toRegistration(row: Selectable<RegistrationsTable>): Registration {
  return {
    id: row.id,
    userId: row.user_id,
    email: row.email,
    emailCanonical: row.email_canonical,
    username: row.username,
    profile: JSON.parse(row.profile),
    locale: row.locale,
    passwordSealed: row.password_sealed,
    clientSecretHash: row.client_secret_hash,
    tokenHash: row.token_hash,
    codeMac: row.code_mac,
    triesLeft: row.tries_left,
    codeExpiresAt: row.code_expires_at,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    confirmedAt: row.confirmed_at,
  };
}
