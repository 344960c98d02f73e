import type { Tx } from "../../platform/db/open.ts";

/**
 * Holds the rows of all signing keys, of which there always are some: whoever else wants them waits
 * for this transaction.
 */
export async function holdKeys(tx: Tx): Promise<void> {
  await tx.selectFrom("signing_keys").select("kid").orderBy("kid").forUpdate().execute();
}
