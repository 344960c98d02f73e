import type { Selectable } from "kysely";
import { deleteExpired } from "../../../platform/db/delete-expired.ts";
import type { Db, Tx } from "../../../platform/db/open.ts";
import type { CeremoniesTable } from "../../../platform/db/tables.ts";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";

export interface Ceremony {
  readonly id: string;
  readonly kind: CeremoniesTable["kind"];
  /** Base64url. */
  readonly challenge: string;
  readonly userId: string | null;
  readonly flowId: string;
  readonly standing: string;
  readonly createdAt: UnixSeconds;
  readonly expiresAt: UnixSeconds;
}

/** Inserts a ceremony. It replaces the ceremony of the same kind that its flow has. */
export async function insertCeremony(tx: Tx, ceremony: Ceremony): Promise<void> {
  const { kind, userId, flowId } = ceremony;
  await tx
    .deleteFrom("ceremonies")
    .where("user_id", "=", userId)
    .where("flow_id", "=", flowId)
    .where("kind", "=", kind)
    .execute();
  await tx
    .insertInto("ceremonies")
    .values({
      id: ceremony.id,
      kind,
      challenge: ceremony.challenge,
      user_id: userId,
      flow_id: flowId,
      standing: ceremony.standing,
      created_at: ceremony.createdAt,
      expires_at: ceremony.expiresAt,
    })
    .execute();
}

/**
 * Remembers that a ceremony is over that was never stored. Returns false if that is remembered
 * already.
 */
export async function insertSpent(
  tx: Tx,
  { id, kind, challenge, createdAt, expiresAt }: Ceremony,
): Promise<boolean> {
  const inserted = await tx
    .insertInto("ceremonies")
    .values({
      id,
      kind,
      challenge,
      user_id: null,
      flow_id: "",
      standing: "",
      created_at: createdAt,
      expires_at: expiresAt,
    })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .returning("id")
    .executeTakeFirst();
  return inserted !== undefined;
}

/**
 * Consumes a ceremony. If several callers finish it at once, only one gets it (PK-01). The row that
 * marks a sign-in as over stays.
 */
export async function consumeCeremony(tx: Tx, id: string): Promise<Ceremony | undefined> {
  const row = await tx
    .deleteFrom("ceremonies")
    .where("id", "=", id)
    .where("kind", "<>", "sign_in")
    .returningAll()
    .executeTakeFirst();
  return row && toCeremony(row);
}

/** Forgets a batch of ceremonies that cannot be finished any more. */
export async function pruneCeremonies(db: Db, now: UnixSeconds, limit: number): Promise<number> {
  return deleteExpired(db, "ceremonies", "id", { upTo: now, limit });
}

function toCeremony(row: Selectable<CeremoniesTable>): Ceremony {
  return {
    id: row.id,
    kind: row.kind,
    challenge: row.challenge,
    userId: row.user_id,
    flowId: row.flow_id,
    standing: row.standing,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
