import type { Selectable } from "kysely";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import type { TotpDevicesTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { UNCONFIRMED_APP_SECONDS } from "../proofs/lifetimes.ts";

export interface TotpDevice {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  /** The challenge or session that it was begun in. */
  readonly flowId: string;
  /** The secret is sealed for this id. */
  readonly secretSealed: Uint8Array;
  readonly digits: number;
  readonly periodSeconds: number;
  /** The time step of the last code accepted. */
  readonly lastStep: number;
  readonly createdAt: UnixSeconds;
  readonly confirmedAt: UnixSeconds | null;
}

export async function insertTotp(tx: Tx, device: TotpDevice): Promise<void> {
  await tx
    .insertInto("totp_devices")
    .values({
      id: device.id,
      user_id: device.userId,
      name: device.name,
      flow_id: device.flowId,
      secret_sealed: device.secretSealed,
      digits: device.digits,
      period_seconds: device.periodSeconds,
      last_step: device.lastStep,
      created_at: device.createdAt,
      confirmed_at: device.confirmedAt,
    })
    .execute();
}

/** Finds the device that waits for its first code, however old it is. */
export async function findUnconfirmed(
  db: Queryable,
  userId: string,
): Promise<TotpDevice | undefined> {
  const row = await db
    .selectFrom("totp_devices")
    .selectAll()
    .where("user_id", "=", userId)
    .where("confirmed_at", "is", null)
    .executeTakeFirst();
  return row && toDevice(row);
}

const confirmed = prepared((db, { userId }: { readonly userId: string }) =>
  db
    .selectFrom("totp_devices")
    .selectAll()
    .where("user_id", "=", userId)
    .where("confirmed_at", "is not", null)
    .orderBy("id"),
);

export async function listConfirmed(db: Queryable, userId: string): Promise<readonly TotpDevice[]> {
  return (await confirmed(db, { userId })).map(toDevice);
}

const any = prepared((db, { userId }: { readonly userId: string }) =>
  db
    .selectFrom("totp_devices")
    .select("id")
    .where("user_id", "=", userId)
    .where("confirmed_at", "is not", null)
    .limit(1),
);

export async function hasConfirmed(db: Queryable, userId: string): Promise<boolean> {
  return (await any(db, { userId })).length > 0;
}

/**
 * Lets a device count from now on. The code that confirmed it is thereby used up (MF-02). Returns
 * false if it is too late.
 */
export async function confirmTotp(
  tx: Tx,
  { id, step }: { readonly id: string; readonly step: number },
  now: UnixSeconds,
): Promise<boolean> {
  const row = await tx
    .updateTable("totp_devices")
    .set({ confirmed_at: now, last_step: step })
    .where("id", "=", id)
    .where("confirmed_at", "is", null)
    .where("created_at", ">", now - UNCONFIRMED_APP_SECONDS)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

const spending = prepared((db, { id, step }: { readonly id: string; readonly step: number }) =>
  db
    .updateTable("totp_devices")
    .set({ last_step: step })
    .where("id", "=", id)
    .where("confirmed_at", "is not", null)
    .where("last_step", "<", step)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("totp_devices as other")
            .select("other.id")
            .whereRef("other.user_id", "=", "totp_devices.user_id")
            .whereRef("other.period_seconds", "=", "totp_devices.period_seconds")
            .where("other.last_step", ">=", step),
        ),
      ),
    )
    .returning("id"),
);

/**
 * Uses a time step, by one guarded statement. Each step is good once for the user, on any of their
 * devices, and after it no earlier step is good (MF-02).
 */
export async function spendStep(
  tx: Tx,
  device: { readonly id: string; readonly step: number },
): Promise<boolean> {
  return (await spending(tx, { id: device.id, step: device.step })).length > 0;
}

/** Returns false if the user has no such confirmed device. */
export async function deleteTotp(
  tx: Tx,
  which: { readonly id: string; readonly userId: string },
): Promise<boolean> {
  const result = await tx
    .deleteFrom("totp_devices")
    .where("id", "=", which.id)
    .where("user_id", "=", which.userId)
    .where("confirmed_at", "is not", null)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function deleteUnconfirmed(tx: Tx, userId: string): Promise<void> {
  await tx
    .deleteFrom("totp_devices")
    .where("user_id", "=", userId)
    .where("confirmed_at", "is", null)
    .execute();
}

/** Returns how many there were, unconfirmed ones included. */
export async function deleteAllTotp(tx: Tx, userId: string): Promise<number> {
  const result = await tx
    .deleteFrom("totp_devices")
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Forgets a batch of devices that have waited for confirmation since before this moment. */
export async function pruneUnconfirmed(
  db: Db,
  before: UnixSeconds,
  limit: number,
): Promise<number> {
  const stale = db
    .selectFrom("totp_devices")
    .select("id")
    .where("confirmed_at", "is", null)
    .where("created_at", "<=", before)
    .limit(limit);
  const result = await db
    .deleteFrom("totp_devices")
    .where("id", "in", stale)
    .where("confirmed_at", "is", null)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

function toDevice(row: Selectable<TotpDevicesTable>): TotpDevice {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    flowId: row.flow_id,
    secretSealed: row.secret_sealed,
    digits: row.digits,
    periodSeconds: row.period_seconds,
    lastStep: row.last_step,
    createdAt: row.created_at,
    confirmedAt: row.confirmed_at,
  };
}
