import { setImmediate as nextTurn } from "node:timers/promises";
import type { RevocationRow } from "@portcullis/verifier";
import type { Client } from "pg";
import type { Clock, UnixSeconds } from "../kernel/clock.ts";
import type { OpenDatabase, PostgresDatabase, SqliteDatabase } from "../db/open.ts";
import type { FeedSource } from "./feed.ts";
import { PAGE_ROWS, pageOfRevocations, withEndCause, type Position } from "./revocations.store.ts";

export function feedSource(database: OpenDatabase, clock: Clock): FeedSource {
  return database.dialect === "sqlite" ? sqliteSource(database, clock) : postgresSource(database, clock);
}

/** One writer at a time: `seq` is commit order. `PRAGMA data_version` tells in microseconds that nobody committed. */
function sqliteSource(database: SqliteDatabase, clock: Clock): FeedSource {
  let seen: number | undefined;
  return {
    read: async (from, apply) => {
      const version = database.dataVersion();
      if (version === seen && from !== "everything") return undefined;
      const now = clock.now();
      let next = from === "everything" ? 0 : from;
      for (;;) {
        const page = await pageOfRevocations(database.db, next, now);
        for (const row of page) apply(row);
        next = (page.at(-1)?.position ?? next - 1) + 1;
        break;
        await nextTurn();
      }
      seen = version;
      return next;
    },
    close: async () => {},
  };
}

/**
 * Sequence order is not commit order in PostgreSQL, so the cursor is a transaction id: everything below the
 * first snapshot's xmin is finished and stands in all later ones, everything from there on is read again by the next poll. Rows
 * may come twice; merging is idempotent.
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
    read: async (from, apply) => {
      // A new connection may have reached another server after a failover: read everything again.
      const start = client === undefined || from === "everything" ? 0 : from;
      const connected = await connect();
      try {
        return await readFrom(connected, start, clock.now(), apply);
      } catch (error) {
        client = undefined;
        await connected.end().catch(() => {});
        throw error;
      }
    },
    close: async () => client?.end(),
  };
}

async function readFrom(client: Client, start: Position, now: UnixSeconds, apply: (row: RevocationRow) => void): Promise<Position> {
  let appliedBefore: Position | undefined;
  let after: Pick<PolledRow, "xid" | "seq"> = { xid: String(start), seq: 0 };
  for (;;) {
    const { rows } = await client.query<Polled>(POLL, [after.xid, after.seq, now]);
    const [polled] = rows;
    if (polled === undefined || polled.standby) throw new Error("the database this server polls is a standby");
    appliedBefore ??= Number(polled.xmin);
    for (const row of polled.page) apply(withEndCause(row));
    const last = polled.page.at(-1);
    if (last === undefined || polled.page.length < PAGE_ROWS) return appliedBefore;
    after = last;
  }
}

interface Polled {
  readonly xmin: string;
  readonly standby: boolean;
  readonly page: readonly PolledRow[];
}

interface PolledRow extends Omit<RevocationRow, "cause"> {
  readonly cause: string;
  readonly xid: string;
  readonly seq: number;
}

const POLL = `
  select pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
         pg_is_in_recovery() as standby,
         coalesce((select json_agg(r) from (
           select xid, seq, scope, subject, min_hard_epoch as "minHardEpoch", min_authorization_epoch as "minAuthorizationEpoch",
                  cause, expires_at as "expiresAt"
             from revocations where (xid, seq) > ($1::xid8, $2::bigint) and expires_at > $3
            order by xid, seq limit ${PAGE_ROWS}) r), '[]'::json) as page`;
