import type { Selectable } from "kysely";
import type { Queryable, Tx } from "../../../platform/db/open.ts";
import { prepared } from "../../../platform/db/prepared.ts";
import type { PasskeysTable } from "../../../platform/db/tables.ts";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";

export interface Passkey {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  /** Base64url. */
  readonly credentialId: string;
  /** COSE key. */
  readonly publicKey: Uint8Array;
  readonly signCount: number;
  readonly transports: readonly string[];
  readonly kind: PasskeysTable["kind"];
  readonly backedUpAt: UnixSeconds | null;
  readonly verifiedAt: UnixSeconds | null;
  readonly suspectSince: UnixSeconds | null;
  readonly aaguid: string;
  readonly createdAt: UnixSeconds;
  readonly lastUsedAt: UnixSeconds | null;
}

/** Returns false if its credential is registered already, for any user (PK-04). */
export async function insertPasskey(tx: Tx, passkey: Passkey): Promise<boolean> {
  const row = await tx
    .insertInto("passkeys")
    .values({
      id: passkey.id,
      user_id: passkey.userId,
      name: passkey.name,
      credential_id: passkey.credentialId,
      public_key: passkey.publicKey,
      sign_count: passkey.signCount,
      transports: JSON.stringify(passkey.transports),
      kind: passkey.kind,
      backed_up_at: passkey.backedUpAt,
      verified_at: passkey.verifiedAt,
      suspect_since: passkey.suspectSince,
      aaguid: passkey.aaguid,
      created_at: passkey.createdAt,
      last_used_at: passkey.lastUsedAt,
    })
    .onConflict((conflict) => conflict.column("credential_id").doNothing())
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

const ofUser = prepared((db, { userId }: { readonly userId: string }) =>
  db.selectFrom("passkeys").selectAll().where("user_id", "=", userId).orderBy("id"),
);

/** Lists passkeys in the order in which they were registered. */
export async function listPasskeys(db: Queryable, userId: string): Promise<readonly Passkey[]> {
  return (await ofUser(db, { userId })).map(toPasskey);
}

const anyOf = prepared((db, { userId }: { readonly userId: string }) =>
  db.selectFrom("passkeys").select("id").where("user_id", "=", userId).limit(1),
);

export async function hasPasskey(db: Queryable, userId: string): Promise<boolean> {
  return (await anyOf(db, { userId })).length > 0;
}

const byCredential = prepared((db, { credentialId }: { readonly credentialId: string }) =>
  db.selectFrom("passkeys").selectAll().where("credential_id", "=", credentialId),
);

export async function findPasskey(
  db: Queryable,
  credentialId: string,
): Promise<Passkey | undefined> {
  const [row] = await byCredential(db, { credentialId });
  return row && toPasskey(row);
}

interface Use {
  readonly id: string;
  /** The count that was compared. */
  readonly from: number;
  readonly to: number;
  readonly backedUp: boolean;
  readonly verified: boolean;
}

/** Returns false if it is gone, or if another use came first. */
export async function usePasskey(
  tx: Tx,
  { id, from, to, backedUp, verified }: Use,
  now: UnixSeconds,
): Promise<boolean> {
  const row = await tx
    .updateTable("passkeys")
    .set((eb) => ({
      sign_count: to,
      last_used_at: now,
      backed_up_at: backedUp ? eb.fn.coalesce("backed_up_at", eb.lit(now)) : null,
      ...(verified && { verified_at: now }),
    }))
    .where("id", "=", id)
    .where("sign_count", "=", from)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/** Returns false if it was suspect before. */
export async function markSuspect(tx: Tx, id: string, now: UnixSeconds): Promise<boolean> {
  const row = await tx
    .updateTable("passkeys")
    .set({ suspect_since: now })
    .where("id", "=", id)
    .where("suspect_since", "is", null)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/** Names a passkey by our id. No passkey is found if it belongs to another user (PK-05). */
export interface OwnPasskey {
  readonly id: string;
  readonly userId: string;
}

export async function setName(
  tx: Tx,
  { id, userId }: OwnPasskey,
  name: string,
): Promise<Passkey | undefined> {
  const row = await tx
    .updateTable("passkeys")
    .set({ name })
    .where("id", "=", id)
    .where("user_id", "=", userId)
    .returningAll()
    .executeTakeFirst();
  return row && toPasskey(row);
}

export async function deletePasskey(tx: Tx, { id, userId }: OwnPasskey): Promise<boolean> {
  const row = await tx
    .deleteFrom("passkeys")
    .where("id", "=", id)
    .where("user_id", "=", userId)
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

function toPasskey(row: Selectable<PasskeysTable>): Passkey {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    credentialId: row.credential_id,
    publicKey: row.public_key,
    signCount: row.sign_count,
    transports: readTransports(row.transports),
    kind: row.kind,
    backedUpAt: row.backed_up_at,
    verifiedAt: row.verified_at,
    suspectSince: row.suspect_since,
    aaguid: row.aaguid,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  };
}

function readTransports(text: string): readonly string[] {
  const parsed: unknown = JSON.parse(text);
  return Array.isArray(parsed)
    ? parsed.filter((value): value is string => typeof value === "string")
    : [];
}
