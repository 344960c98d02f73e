import { Kysely, type Transaction } from "kysely";
import type pg from "pg";
import type { Log } from "../kernel/log.ts";
import { StartError } from "./gates.ts";
import { checkPostgres } from "./postgres/gates.ts";
import { checkSqlite } from "./sqlite/gates.ts";
import { openSqlite } from "./sqlite/open.ts";
import type { Tables } from "./tables.ts";

export type Db = Kysely<Tables>;
export type Tx = Transaction<Tables>;
export type Queryable = Db | Tx;

export interface OpenOptions {
  /** `postgres://…`. Without it the embedded database in `file` is opened. */
  readonly url?: string;
  readonly file: string;
  readonly log: Log;
  /** The highest number of PostgreSQL connections at a time. 10 if not given. */
  readonly poolSize?: number;
  /** PostgreSQL only. 10 s if not given. Migrations are not bound by it. */
  readonly statementTimeoutMilliseconds?: number;
  /** Lets a PostgreSQL standby be opened, for reading only. */
  readonly allowStandby?: boolean;
}

interface Opened {
  readonly db: Db;
  /**
   * The number of statements sent so far, including `begin` and `commit`. It proves that a request
   * asked the database nothing.
   */
  queries(): number;
  close(): Promise<void>;
}

export interface SqliteDatabase extends Opened {
  readonly dialect: "sqlite";
  /**
   * Differs from the last answer if any process has committed in between. Takes a few microseconds.
   */
  dataVersion(): number;
}

export interface PostgresDatabase extends Opened {
  readonly dialect: "postgres";
  /**
   * Opens another connection to the same server, outside the pool and without a statement timeout.
   * The caller ends it.
   */
  connectDirect(): Promise<pg.Client>;
}

export type OpenDatabase = SqliteDatabase | PostgresDatabase;

/**
 * Opens the database and checks that it keeps what it acknowledges (KY-07). It makes no tables:
 * `migrate` does.
 *
 * @throws {StartError} if the database cannot be reached or must not be used
 */
export async function openDatabase(options: OpenOptions): Promise<OpenDatabase> {
  return options.url === undefined ? openFile(options.file) : openServer(options.url, options);
}

function openFile(file: string): SqliteDatabase {
  const sqlite = orRefuse(`The database file ${file} cannot be opened`, () => openSqlite(file));
  try {
    checkSqlite({ nodeVersion: process.versions.node, ...sqlite.facts() });
  } catch (error) {
    sqlite.close();
    throw error;
  }
  const db = new Kysely<Tables>({ dialect: sqlite.dialect });
  return {
    dialect: "sqlite",
    db,
    queries: sqlite.queries,
    dataVersion: sqlite.dataVersion,
    close: async () => {
      await db.destroy();
      sqlite.close();
    },
  };
}

async function openServer(url: string, options: OpenOptions): Promise<PostgresDatabase> {
  if (!/^postgres(?:ql)?:\/\//.test(url))
    throw new StartError("PORTCULLIS_DATABASE_URL must begin with postgres:// or be absent.");
  // Imported only here, so that the embedded database neither loads nor needs `pg`.
  const { openPostgres } = await import("./postgres/open.ts");
  const {
    log,
    poolSize = 10,
    statementTimeoutMilliseconds = 10_000,
    allowStandby = false,
  } = options;
  const server = openPostgres({ url, poolSize, statementTimeoutMilliseconds, log });
  try {
    const facts = await server.facts().catch((cause: unknown) => {
      throw new StartError(
        `PostgreSQL does not let us in (${reason(cause)}): check PORTCULLIS_DATABASE_URL and the server.`,
        { cause },
      );
    });
    checkPostgres({ nodeVersion: process.versions.node, ...facts }, { standby: allowStandby });
  } catch (error) {
    await server.close();
    throw error;
  }
  const db = new Kysely<Tables>({ dialect: server.dialect });
  return {
    dialect: "postgres",
    db,
    queries: server.queries,
    connectDirect: server.connectDirect,
    close: async () => {
      await db.destroy();
      await server.close();
    },
  };
}

function orRefuse<Result>(sentence: string, attempt: () => Result): Result {
  try {
    return attempt();
  } catch (cause) {
    throw new StartError(
      `${sentence} (${reason(cause)}): check that it is a Portcullis database and that we may write there.`,
      { cause },
    );
  }
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ("code" in cause ? String(cause.code) : cause.name);
}
