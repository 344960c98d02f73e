import type { Tx } from "../../platform/db/open.ts";

/**
 * Everything a user could show beside the password, and everything begun to set one up. The user's
 * row must be held.
 */
export async function deleteEveryFactor(tx: Tx, userId: string): Promise<void> {
  await tx.deleteFrom("totp_devices").where("user_id", "=", userId).execute();
  await tx.deleteFrom("passkeys").where("user_id", "=", userId).execute();
  await tx.deleteFrom("ceremonies").where("user_id", "=", userId).execute();
  await tx.deleteFrom("email_factors").where("user_id", "=", userId).execute();
  await tx.deleteFrom("email_codes").where("user_id", "=", userId).execute();
  await tx.deleteFrom("recovery_codes").where("user_id", "=", userId).execute();
}
