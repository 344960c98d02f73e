import type { RevocationRow } from "@portcullis/verifier";
import type { Client } from "pg";
import { nextTurn, type Clock, type UnixSeconds } from "../../platform/kernel/clock.ts";
import type { OpenDatabase, PostgresDatabase, SqliteDatabase } from "../../platform/db/open.ts";
import type { FeedSource } from "./feed.ts";
import { PAGE_ROWS, pageOfRevocations, withEndCause, type Position } from "./revocations.store.ts";

export function feedSource(database: OpenDatabase, clock: Clock): FeedSource {
  return database.dialect === "sqlite"
    ? sqliteSource(database, clock)
    : postgresSource(database, clock);
}

/**
 * SQLite has one writer at a time, so `seq` is commit order. `PRAGMA data_version` tells in
 * microseconds that nothing has been committed.
 */
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
        if (page.length < PAGE_ROWS) break;
        await nextTurn();
      }
      seen = version;
      return next;
    },
    close: async () => {},
  };
}

/**
 * In PostgreSQL the order of a sequence is not commit order, so the cursor is a transaction id.
 * Every transaction below the snapshot's xmin is finished, and every row from there on is read
 * again. Rows may come twice, because merging is idempotent.
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
        return start === 0
          ? await readAll(connected, clock.now(), apply)
          : await readSince(connected, start, clock.now(), apply);
      } catch (error) {
        client = undefined;
        await connected.end().catch(() => {});
        throw error;
      }
    },
    close: async () => client?.end(),
  };
}

type Apply = Parameters<FeedSource["read"]>[1];

/**
 * Pages are read by `seq`, because one transaction may have written any number of rows. Only the
 * snapshot of the first page counts: a row that is committed after it may stand before the page
 * that is read next, and comes with the next poll.
 */
async function readAll(client: Client, now: UnixSeconds, apply: Apply): Promise<Position> {
  let appliedBefore: Position | undefined;
  for (let after = 0; ;) {
    const { xmin, page } = await poll(client, NEXT_PAGE, [after, now]);
    appliedBefore ??= Number(xmin);
    for (const row of page) apply(withEndCause(row));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return appliedBefore;
    after = last.seq;
  }
}

async function readSince(
  client: Client,
  from: Position,
  now: UnixSeconds,
  apply: Apply,
): Promise<Position> {
  const { xmin, page } = await poll(client, SINCE, [String(from), now]);
  for (const row of page) apply(withEndCause(row));
  return Number(xmin);
}

async function poll(
  client: Client,
  statement: string,
  values: readonly (string | number)[],
): Promise<Polled> {
  const { rows } = await client.query<Polled>(statement, [...values]);
  const [polled] = rows;
  if (polled === undefined || polled.standby)
    throw new Error("the database this server polls is a standby");
  return polled;
}

interface Polled {
  readonly xmin: string;
  readonly standby: boolean;
  readonly page: readonly (Omit<RevocationRow, "cause"> & {
    readonly cause: string;
    readonly seq: number;
  })[];
}

const polling = (which: string): string => `
  select pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
         pg_is_in_recovery() as standby,
         coalesce((select json_agg(r) from (
           select seq, scope, subject, min_hard_epoch as "minHardEpoch", min_authorization_epoch as "minAuthorizationEpoch",
                  cause, expires_at as "expiresAt"
             from revocations where ${which}) r), '[]'::json) as page`;

const NEXT_PAGE = polling(`seq > $1 and expires_at > $2 order by seq limit ${PAGE_ROWS}`);
const SINCE = polling("xid >= $1::xid8 and expires_at > $2");
