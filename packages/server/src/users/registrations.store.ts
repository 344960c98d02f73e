import type { Queryable, Tx } from "../db/open.ts";
import type { UnixSeconds } from "../kernel/clock.ts";
import type { Profile } from "./profile.ts";

export interface Registration {
  readonly id: string;
  readonly userId: string;
  readonly email: string;
  readonly emailCanonical: string;
  readonly username: string | null;
  readonly profile: Profile;
  readonly passwordSealed: Uint8Array;
  readonly clientSecretHash: string;
  readonly codeMac: string;
  readonly createdAt: UnixSeconds;
  readonly expiresAt: UnixSeconds;
}

export async function insertRegistration(tx: Tx, registration: Registration, tries: number): Promise<void> {
  await tx
    .insertInto("registrations")
    .values({
      id: registration.id,
      user_id: registration.userId,
      email: registration.email,
      email_canonical: registration.emailCanonical,
      username: registration.username,
      profile: JSON.stringify(registration.profile),
      password_sealed: registration.passwordSealed,
      client_secret_hash: registration.clientSecretHash,
      code_mac: registration.codeMac,
      tries_left: tries,
      created_at: registration.createdAt,
      expires_at: registration.expiresAt,
      confirmed_at: null,
    })
    .execute();
}

/** Takes one try of a registration that is still open to this client; the row stays held until the transaction ends. */
export async function takeTry(tx: Tx, id: string, clientSecretHash: string, now: UnixSeconds): Promise<Registration | undefined> {
  const row = await tx
    .updateTable("registrations")
    .set((eb) => ({ tries_left: eb("tries_left", "-", 1) }))
    .where("id", "=", id)
    .where("client_secret_hash", "=", clientSecretHash)
    .where("confirmed_at", "is", null)
    .where("expires_at", ">", now)
    .where("tries_left", ">", 0)
    .returningAll()
    .executeTakeFirst();
  return (
    row && {
      id: row.id,
      userId: row.user_id,
      email: row.email,
      emailCanonical: row.email_canonical,
      username: row.username,
      profile: JSON.parse(row.profile),
      passwordSealed: row.password_sealed,
      clientSecretHash: row.client_secret_hash,
      codeMac: row.code_mac,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }
  );
}

/**
 * Ends every pending registration of an address: it has an owner now. One that is just being confirmed is passed over, for it
 * waits for us with its row held; it will find the address taken.
 */
export async function closeRegistrations(tx: Tx, emailCanonical: string, now: UnixSeconds): Promise<void> {
  await tx
    .updateTable("registrations")
    .set({ confirmed_at: now })
    .where("id", "in", (eb) =>
      eb
        .selectFrom("registrations")
        .select("id")
        .where("email_canonical", "=", emailCanonical)
        .where("confirmed_at", "is", null)
        .forUpdate()
        .skipLocked(),
    )
    .execute();
}

/** Forgets a batch of registrations that nobody can confirm any more. */
export async function pruneRegistrations(db: Queryable, now: UnixSeconds, limit = 1_000): Promise<number> {
  const result = await db
    .deleteFrom("registrations")
    .where("id", "in", (eb) => eb.selectFrom("registrations").select("id").where("expires_at", "<=", now).limit(limit))
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
