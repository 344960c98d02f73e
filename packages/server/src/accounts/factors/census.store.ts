import { sql } from "kysely";
import type { Queryable } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";

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
