import type { Selectable } from "kysely";
import { deleteExpired } from "../../platform/db/delete-expired.ts";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import type { RememberedDevicesTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

export interface RememberedDevice {
  readonly id: string;
  readonly userId: string;
  readonly passwordChangedAt: UnixSeconds | null;
  readonly address: string;
  readonly userAgent: string;
  readonly createdAt: UnixSeconds;
  readonly lastUsedAt: UnixSeconds;
  readonly expiresAt: UnixSeconds;
}

export async function insertDevice(tx: Tx, device: RememberedDevice): Promise<void> {
  await tx
    .insertInto("remembered_devices")
    .values({
      id: device.id,
      user_id: device.userId,
      password_changed_at: device.passwordChangedAt,
      address: device.address,
      user_agent: device.userAgent,
      created_at: device.createdAt,
      last_used_at: device.lastUsedAt,
      expires_at: device.expiresAt,
    })
    .execute();
}

/** Notes the use of a remembered device. Returns false if the device is not remembered any more. */
export async function useDevice(
  tx: Tx,
  device: {
    readonly id: string;
    readonly userId: string;
    readonly passwordChangedAt: UnixSeconds | null;
  },
  now: UnixSeconds,
): Promise<boolean> {
  const row = await tx
    .updateTable("remembered_devices")
    .set({ last_used_at: now })
    .where("id", "=", device.id)
    .where("user_id", "=", device.userId)
    .where("password_changed_at", "is not distinct from", device.passwordChangedAt)
    .where("expires_at", ">", now)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

export async function listDevices(
  db: Queryable,
  userId: string,
  now: UnixSeconds,
): Promise<readonly RememberedDevice[]> {
  const rows = await db
    .selectFrom("remembered_devices")
    .selectAll()
    .where("user_id", "=", userId)
    .where("expires_at", ">", now)
    .orderBy("id", "desc")
    .execute();
  return rows.map(toDevice);
}

/** Deletes a remembered device. Returns false if the user has no such device. */
export async function deleteDevice(
  tx: Tx,
  which: { readonly id: string; readonly userId: string },
): Promise<boolean> {
  const result = await tx
    .deleteFrom("remembered_devices")
    .where("id", "=", which.id)
    .where("user_id", "=", which.userId)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/**
 * Deletes the remembered devices of a user when a factor is removed or an operator resets all
 * factors, because the devices stood for those factors.
 */
export async function deleteDevicesOf(tx: Tx, userId: string): Promise<void> {
  await tx.deleteFrom("remembered_devices").where("user_id", "=", userId).execute();
}

export async function pruneDevices(db: Db, now: UnixSeconds, limit: number): Promise<number> {
  return deleteExpired(db, "remembered_devices", "id", { upTo: now, limit });
}

function toDevice(row: Selectable<RememberedDevicesTable>): RememberedDevice {
  return {
    id: row.id,
    userId: row.user_id,
    passwordChangedAt: row.password_changed_at,
    address: row.address,
    userAgent: row.user_agent,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  };
}
