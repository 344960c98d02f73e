import { sql, type RawBuilder, type Selectable } from "kysely";
import type { Tx } from "../../platform/db/open.ts";
import type { Tables } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

/**
 * The tables whose rows hold a mailed proof: the digest of a code, a link or both, and its tries.
 */
type ProofTable = "registrations" | "password_resets" | "email_changes" | "email_codes";

/** Identifies a proof, with the conditions that must still hold for it. */
export interface OpenProof<Table extends ProofTable> {
  /** Columns and the values that they must have. */
  readonly is: Readonly<Partial<Record<keyof Tables[Table], string>>>;
  /** Columns that must be null: moments that have not come, such as `used_at`. */
  readonly unset?: readonly (keyof Tables[Table] & string)[];
  /** Columns that must lie after a moment, such as `expires_at`. */
  readonly after?: Readonly<Partial<Record<keyof Tables[Table], UnixSeconds>>>;
}

/**
 * Takes one try of a proof by one guarded statement, before anything is compared, so that no number
 * of concurrent guesses gets more than the tries that are left (RG-03). The row stays locked until
 * the transaction ends. Returns `undefined` if there is no such proof, or none that is still open.
 */
export async function takeTry<Table extends ProofTable>(
  tx: Tx,
  table: Table,
  open: OpenProof<Table>,
): Promise<Selectable<Tables[Table]> | undefined> {
  const { rows } = await sql<Selectable<Tables[Table]>>`
    update ${sql.table(table)} set tries_left = tries_left - 1
    where tries_left > 0 and ${conditionOf(open)} returning *`.execute(tx);
  return rows[0];
}

/** Gives back a try that could not be judged, because the server was busy or the input unusable. */
export async function returnTry<Table extends ProofTable>(
  tx: Tx,
  table: Table,
  which: Pick<OpenProof<Table>, "is">,
): Promise<void> {
  await sql`
    update ${sql.table(table)} set tries_left = tries_left + 1
    where ${conditionOf(which)}`.execute(tx);
}

/**
 * Marks a proof as used by one guarded statement: of any number of right answers one is spent.
 * Returns false if it was used already or is no longer open.
 */
export async function spendProof<Table extends "password_resets" | "email_codes">(
  tx: Tx,
  table: Table,
  open: OpenProof<Table>,
  now: UnixSeconds,
): Promise<boolean> {
  const { rows } = await sql`
    update ${sql.table(table)} set used_at = ${now}
    where used_at is null and ${conditionOf(open)} returning used_at`.execute(tx);
  return rows.length > 0;
}

function conditionOf<Table extends ProofTable>({
  is,
  unset = [],
  after,
}: OpenProof<Table>): RawBuilder<unknown> {
  const conditions = [
    ...Object.entries(is).map(([column, value]) => sql`${sql.ref(column)} = ${value}`),
    ...unset.map((column) => sql`${sql.ref(column)} is null`),
    ...Object.entries(after ?? {}).map(([column, moment]) => sql`${sql.ref(column)} > ${moment}`),
  ];
  return sql.join(conditions, sql` and `);
}
