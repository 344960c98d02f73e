import type pg from "pg";
import { nodeComplaints, refuseIf } from "../gates.ts";

export interface PostgresFacts {
  readonly nodeVersion: string;
  /** `server_version_num`, for example 160004. */
  readonly serverVersion: number;
  readonly synchronousCommit: string;
  readonly inRecovery: boolean;
  readonly encoding: string;
  /** False if a pooler lends out the connection. */
  readonly direct: boolean;
}

/**
 * Refuses a PostgreSQL that may lose what it has acknowledged, or hide revocations (KY-07).
 *
 * @throws {StartError} naming everything that is wrong
 */
export function checkPostgres(facts: PostgresFacts, allowed: { readonly standby: boolean }): void {
  refuseIf([
    ...nodeComplaints(facts.nodeVersion),
    facts.serverVersion < 140_000 &&
      `PostgreSQL ${Math.floor(facts.serverVersion / 10_000)} is too old: Portcullis needs PostgreSQL 14 or later.`,
    facts.synchronousCommit === "off" &&
      "PostgreSQL acknowledges commits it may lose (synchronous_commit is off): set it to on for this database or role.",
    facts.inRecovery &&
      !allowed.standby &&
      "This PostgreSQL is a standby, which cannot be written to: connect to the primary.",
    facts.encoding !== "UTF8" &&
      `The database is encoded in ${facts.encoding}: create it with ENCODING 'UTF8'.`,
    !facts.direct &&
      "A connection pooler (such as PgBouncer) stands before PostgreSQL, and revocations could go unseen: connect to the server directly.",
  ]);
}

/** Asks the server over a connection of its own. */
export async function readFacts(
  connectDirect: () => Promise<pg.Client>,
): Promise<Omit<PostgresFacts, "nodeVersion">> {
  const client = await connectDirect();
  try {
    const { rows } = await client.query<{
      version: string;
      synchronous: string;
      standby: boolean;
      encoding: string;
    }>(
      `select current_setting('server_version_num') as version, current_setting('synchronous_commit') as synchronous,
        pg_is_in_recovery() as standby, current_setting('server_encoding') as encoding`,
    );
    const found = rows[0];
    if (found === undefined) throw new Error("PostgreSQL does not tell its settings");
    return {
      serverVersion: Number(found.version),
      synchronousCommit: found.synchronous,
      inRecovery: found.standby,
      encoding: found.encoding,
      direct: await isDirect(client),
    };
  } finally {
    await client.end();
  }
}

/**
 * Detects a pooler. It greets the client with a process id of its own making, may serve each
 * transaction by another process, and forgets or shares the settings of a session.
 */
async function isDirect(client: pg.Client): Promise<boolean> {
  const greeted = (client as unknown as { processID: number | null }).processID;
  await client.query("select set_config('portcullis.probe', $1, false)", [String(greeted)]);
  const { rows } = await client.query<{ pid: number; probe: string | null }>(
    "select pg_backend_pid() as pid, current_setting('portcullis.probe', true) as probe",
  );
  return rows[0]?.pid === greeted && rows[0]?.probe === String(greeted);
}
