import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * Finds the revocations of one session or user by an index. A repeated logout asks for them, and it
 * may be asked for with any refresh token that has ended, so it must not read the whole log.
 */
export const revocationsBySubject: Migration = {
  up: async (db: Kysely<unknown>) => {
    await sql.raw("create index revocations_subject on revocations (subject)").execute(db);
  },
};
