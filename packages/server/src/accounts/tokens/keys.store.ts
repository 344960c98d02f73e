import type { SigningAlgorithm } from "./algorithms.ts";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

/**
 * A signing key's record. Its moments tell its state: announced, then active, then retiring, then
 * removed.
 */
export interface KeyRecord {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicJwk: string;
  readonly privateSealed: Uint8Array | null;
  readonly announcedAt: UnixSeconds;
  readonly activatedAt: UnixSeconds | null;
  readonly retiredAt: UnixSeconds | null;
  readonly removedAt: UnixSeconds | null;
}

export async function listKeys(db: Queryable): Promise<readonly KeyRecord[]> {
  const rows = await db
    .selectFrom("signing_keys")
    .selectAll()
    .orderBy("announced_at")
    .orderBy("kid")
    .execute();
  return rows.map((row) => ({
    kid: row.kid,
    algorithm: toAlgorithm(row.algorithm),
    publicJwk: row.public_jwk,
    privateSealed: row.private_sealed,
    announcedAt: row.announced_at,
    activatedAt: row.activated_at,
    retiredAt: row.retired_at,
    removedAt: row.removed_at,
  }));
}

export async function insertKey(
  tx: Tx,
  key: Pick<KeyRecord, "kid" | "algorithm" | "publicJwk" | "announcedAt"> & {
    readonly privateSealed: Uint8Array;
  },
): Promise<void> {
  await tx
    .insertInto("signing_keys")
    .values({
      kid: key.kid,
      algorithm: key.algorithm,
      public_jwk: key.publicJwk,
      private_sealed: key.privateSealed,
      announced_at: key.announcedAt,
      activated_at: null,
      retired_at: null,
      removed_at: null,
    })
    .execute();
}

/**
 * Locks a key's row, so that of the nodes that would announce its successor, one continues at a
 * time.
 */
export async function holdKey(tx: Tx, kid: string): Promise<void> {
  await tx.selectFrom("signing_keys").select("kid").where("kid", "=", kid).forUpdate().execute();
}

/**
 * Activates an announced key, retires those that were active before it and returns them. Returns
 * `undefined` if another node did so first.
 */
export async function activateKey(
  tx: Tx,
  kid: string,
  now: UnixSeconds,
): Promise<readonly string[] | undefined> {
  const activated = await tx
    .updateTable("signing_keys")
    .set({ activated_at: now })
    .where("kid", "=", kid)
    .where("activated_at", "is", null)
    .where("removed_at", "is", null)
    .returning("kid")
    .executeTakeFirst();
  if (activated === undefined) return undefined;
  const retired = await tx
    .updateTable("signing_keys")
    .set({ retired_at: now })
    .where("kid", "<>", kid)
    .where("activated_at", "is not", null)
    .where("retired_at", "is", null)
    .where("removed_at", "is", null)
    .returning("kid")
    .execute();
  return retired.map((key) => key.kid);
}

/**
 * Marks a key as removed and deletes its private half. Returns false if it did not exist or was
 * removed already.
 */
export async function removeKey(tx: Tx, kid: string, now: UnixSeconds): Promise<boolean> {
  const removed = await tx
    .updateTable("signing_keys")
    .set({ removed_at: now, private_sealed: null })
    .where("kid", "=", kid)
    .where("removed_at", "is", null)
    .returning("kid")
    .executeTakeFirst();
  return removed !== undefined;
}

export async function latestAccessExpiry(db: Db | Tx): Promise<UnixSeconds> {
  const row = await db
    .selectFrom("sessions")
    .select((eb) => eb.fn.max("max_access_exp").as("latest"))
    .executeTakeFirst();
  return Number(row?.latest ?? 0);
}

function toAlgorithm(text: string): SigningAlgorithm {
  if (text === "ES256" || text === "EdDSA" || text === "RS256") return text;
  throw new Error(`signing key with the unknown algorithm ${text}`);
}

/**
 * Locks the rows of all signing keys, of which there is always at least one. Another transaction
 * that wants them waits for this one.
 */
export async function holdKeys(tx: Tx): Promise<void> {
  await tx.selectFrom("signing_keys").select("kid").orderBy("kid").forUpdate().execute();
}
