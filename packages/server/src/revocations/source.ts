import type { Client } from "pg";
import type { Clock } from "../kernel/clock.ts";
import type { OpenDatabase, PostgresDatabase, SqliteDatabase } from "../db/open.ts";
import type { FeedPage, FeedSource } from "./feed.ts";
import { revocationsFrom, toRevocation } from "./revocations.store.ts";

export function feedSource(database: OpenDatabase, clock: Clock): FeedSource {
  return database.dialect === "sqlite" ? sqliteSource(database, clock) : postgresSource(database, clock);
}

/** One writer at a time: `seq` is commit order. `PRAGMA data_version` tells in microseconds that nobody committed. */
function sqliteSource(database: SqliteDatabase, clock: Clock): FeedSource {
  let seen: number | undefined;
  return {
    read: async (from) => {
      const version = database.dataVersion();
      if (version === seen && from !== "everything") return undefined;
      const start = from === "everything" ? 0 : from;
      const rows = await revocationsFrom(database.db, start, clock.now());
      seen = version;
      return { rows, appliedBefore: (rows.at(-1)?.position ?? start - 1) + 1 };
    },
    close: async () => {},
  };
}

/**
 * Sequence order is not commit order in PostgreSQL, so the cursor is a transaction id: everything below the
 * snapshot's xmin is finished, everything from there on is read again. Rows may come twice; merging is idempotent.
 */
function postgresSource(database: PostgresDatabase, clock: Clock): FeedSource {
  let client: Client | undefined;

  async function connect(): Promise<Client> {
    if (client !== undefined) return client;
    const opened = await database.connectDirect();
    opened.on("error", () => {
      if (client === opened) client = undefined;
    });
    opened.on("end", () => {
      if (client === opened) client = undefined;
    });
    client = opened;
    return opened;
  }

  return {
    read: async (from): Promise<FeedPage> => {
      // A new connection may have reached another server after a failover: read everything again.
      const start = client === undefined || from === "everything" ? 0 : from;
      const connected = await connect();
      try {
        const { rows } = await connected.query<PollRow>(POLL, [String(start), clock.now()]);
        const [row] = rows;
        if (row === undefined || row.standby) throw new Error("the database this server polls is a standby");
        return { rows: row.rows.map(toRevocation), appliedBefore: Number(row.xmin) };
      } catch (error) {
        client = undefined;
        await connected.end().catch(() => {});
        throw error;
      }
    },
    close: async () => client?.end(),
  };
}

interface PollRow {
  readonly xmin: string;
  readonly standby: boolean;
  readonly rows: readonly Parameters<typeof toRevocation>[0][];
}

const POLL = `
  select pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
         pg_is_in_recovery() as standby,
         coalesce((select json_agg(r) from (
           select scope, subject, min_hard_epoch, min_authorization_epoch, cause, created_at, expires_at
             from revocations where xid >= $1::xid8 and expires_at > $2) r), '[]'::json) as rows`;
