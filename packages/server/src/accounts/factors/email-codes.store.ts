import { deleteExpired } from "../../platform/db/delete-expired.ts";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { spendProof, takeTry } from "../proofs/tries.store.ts";

export interface EmailCode {
  readonly flowId: string;
  readonly userId: string;
  readonly codeMac: string;
  /** The address that it was mailed to. */
  readonly emailCanonical: string;
  readonly expiresAt: UnixSeconds;
}

/**
 * Gives a flow its code, and replaces the one before (MF-06). Returns false, and changes nothing,
 * if that one was made after `pause`.
 */
export async function replaceCode(
  tx: Tx,
  code: EmailCode & { readonly triesLeft: number; readonly createdAt: UnixSeconds },
  pause: UnixSeconds,
): Promise<boolean> {
  const values = {
    user_id: code.userId,
    code_mac: code.codeMac,
    tries_left: code.triesLeft,
    email_canonical: code.emailCanonical,
    created_at: code.createdAt,
    expires_at: code.expiresAt,
    used_at: null,
  };
  const row = await tx
    .insertInto("email_codes")
    .values({ flow_id: code.flowId, ...values })
    .onConflict((conflict) =>
      conflict.column("flow_id").doUpdateSet(values).where("email_codes.created_at", "<=", pause),
    )
    .returning("flow_id")
    .executeTakeFirst();
  return row !== undefined;
}

export async function codeMailedAt(
  db: Queryable,
  flowId: string,
): Promise<UnixSeconds | undefined> {
  const row = await db
    .selectFrom("email_codes")
    .select("created_at")
    .where("flow_id", "=", flowId)
    .executeTakeFirst();
  return row?.created_at;
}

/** Takes one try of a code that can still be used. Returns `undefined` if the flow has none. */
export async function takeTryOfCode(
  tx: Tx,
  { flowId, userId }: Pick<EmailCode, "flowId" | "userId">,
  now: UnixSeconds,
): Promise<EmailCode | undefined> {
  const row = await takeTry(tx, "email_codes", {
    is: { flow_id: flowId, user_id: userId },
    unset: ["used_at"],
    after: { expires_at: now },
  });
  return (
    row && {
      flowId,
      userId,
      codeMac: row.code_mac,
      emailCanonical: row.email_canonical,
      expiresAt: row.expires_at,
    }
  );
}

/** Uses this very code, and not one that has replaced it since. */
export async function spendCode(
  tx: Tx,
  { flowId, codeMac }: Pick<EmailCode, "flowId" | "codeMac">,
  now: UnixSeconds,
): Promise<boolean> {
  const which = { is: { flow_id: flowId, code_mac: codeMac }, after: { expires_at: now } };
  return spendProof(tx, "email_codes", which, now);
}

/** Returns false if the user has it already. */
export async function insertEmailFactor(
  tx: Tx,
  userId: string,
  now: UnixSeconds,
): Promise<boolean> {
  const row = await tx
    .insertInto("email_factors")
    .values({ user_id: userId, created_at: now })
    .onConflict((conflict) => conflict.column("user_id").doNothing())
    .returning("user_id")
    .executeTakeFirst();
  return row !== undefined;
}

const factor = prepared((db, { userId }: { readonly userId: string }) =>
  db.selectFrom("email_factors").select("created_at").where("user_id", "=", userId),
);

export async function findEmailFactor(
  db: Queryable,
  userId: string,
): Promise<{ readonly createdAt: UnixSeconds } | undefined> {
  const [row] = await factor(db, { userId });
  return row && { createdAt: row.created_at };
}

/**
 * Deletes the factor and every code that is under way. Returns false if the user does not have it.
 */
export async function deleteEmailFactor(tx: Tx, userId: string): Promise<boolean> {
  await tx.deleteFrom("email_codes").where("user_id", "=", userId).execute();
  const result = await tx
    .deleteFrom("email_factors")
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/** Forgets a batch of codes that cannot be used any more. */
export async function pruneEmailCodes(db: Db, now: UnixSeconds, limit: number): Promise<number> {
  return deleteExpired(db, "email_codes", "flow_id", { upTo: now, limit });
}
