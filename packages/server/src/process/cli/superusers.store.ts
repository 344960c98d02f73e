import type { Tx } from "../../platform/db/open.ts";

/**
 * Locks the rows of all signing keys, of which there is always at least one. Another transaction
 * that wants them waits for this one.
 */
export async function holdKeys(tx: Tx): Promise<void> {
  await tx.selectFrom("signing_keys").select("kid").orderBy("kid").forUpdate().execute();
}
