import { sql } from "kysely";
import type { Held } from "../../platform/db/held.ts";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import type { User } from "../users/users.store.ts";

/** The number of factors of each kind that a user could sign in with beside the password. */
export interface Census {
  /** Only confirmed authenticator apps are counted. */
  readonly totp: number;
  readonly passkeys: number;
  /** The passkeys that can stand for two factors. */
  readonly verifyingPasskeys: number;
  readonly email: number;
  /** Only unused codes are counted. */
  readonly recoveryCodes: number;
}

const counting = prepared((db, { userId }: { readonly userId: string }) => {
  const count = sql<number>`count(*)`;
  return db.selectNoFrom((eb) => [
    eb
      .selectFrom("totp_devices")
      .select(count.as("n"))
      .where("user_id", "=", userId)
      .where("confirmed_at", "is not", null)
      .as("totp"),
    eb.selectFrom("passkeys").select(count.as("n")).where("user_id", "=", userId).as("passkeys"),
    eb
      .selectFrom("passkeys")
      .select(count.as("n"))
      .where("user_id", "=", userId)
      .where("verified_at", "is not", null)
      .as("verifying"),
    eb.selectFrom("email_factors").select(count.as("n")).where("user_id", "=", userId).as("email"),
    eb
      .selectFrom("recovery_codes")
      .select(count.as("n"))
      .where("user_id", "=", userId)
      .where("used_at", "is", null)
      .as("recovery_codes"),
  ]);
});

export async function takeCensus(db: Queryable, userId: string): Promise<Census> {
  const [row] = await counting(db, { userId });
  return {
    totp: Number(row?.totp ?? 0),
    passkeys: Number(row?.passkeys ?? 0),
    verifyingPasskeys: Number(row?.verifying ?? 0),
    email: Number(row?.email ?? 0),
    recoveryCodes: Number(row?.recovery_codes ?? 0),
  };
}

/** Deletes every second factor of a user, and every setup of one that has begun. */
export async function deleteEveryFactor(tx: Tx, { id: userId }: Held<User>): Promise<void> {
  await tx.deleteFrom("totp_devices").where("user_id", "=", userId).execute();
  await tx.deleteFrom("passkeys").where("user_id", "=", userId).execute();
  await tx.deleteFrom("ceremonies").where("user_id", "=", userId).execute();
  await tx.deleteFrom("email_factors").where("user_id", "=", userId).execute();
  await tx.deleteFrom("email_codes").where("user_id", "=", userId).execute();
  await tx.deleteFrom("recovery_codes").where("user_id", "=", userId).execute();
}
