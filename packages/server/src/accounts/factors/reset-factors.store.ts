import type { User } from "../users/users.store.ts";
import type { Held } from "../../platform/db/held.ts";
import type { Tx } from "../../platform/db/open.ts";

/**
 * Deletes everything that a user could show beside the password, and everything begun to set a
 * factor up.
 */
export async function deleteEveryFactor(tx: Tx, { id: userId }: Held<User>): Promise<void> {
  await tx.deleteFrom("totp_devices").where("user_id", "=", userId).execute();
  await tx.deleteFrom("passkeys").where("user_id", "=", userId).execute();
  await tx.deleteFrom("ceremonies").where("user_id", "=", userId).execute();
  await tx.deleteFrom("email_factors").where("user_id", "=", userId).execute();
  await tx.deleteFrom("email_codes").where("user_id", "=", userId).execute();
  await tx.deleteFrom("recovery_codes").where("user_id", "=", userId).execute();
}
