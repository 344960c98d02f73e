import pg from "pg";
import { type Dialect, PostgresDialect } from "kysely";
import type { Log } from "../../kernel/log.ts";
import { watchQueries } from "./connection.ts";
import { type PostgresFacts, readFacts } from "./gates.ts";
import { typeParser } from "./values.ts";

export interface PostgresOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly statementTimeoutMilliseconds: number;
  readonly log: Log;
}

export interface PostgresServer {
  readonly dialect: Dialect;
  /** The number of statements sent through the pool so far, including `begin` and `commit`. */
  queries(): number;
  /**
   * Opens a connection outside the pool and without a statement timeout. The caller ends it.
   */
  connectDirect(): Promise<pg.Client>;
  facts(): Promise<Omit<PostgresFacts, "nodeVersion">>;
  close(): Promise<void>;
}

export function openPostgres(options: PostgresOptions): PostgresServer {
  const { log, statementTimeoutMilliseconds } = options;
  const settings: pg.ClientConfig = {
    connectionString: options.url,
    application_name: "portcullis",
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    types: { getTypeParser: typeParser },
  };
  const pool = new pg.Pool({
    ...settings,
    max: options.poolSize,
    statement_timeout: statementTimeoutMilliseconds,
    // The server's own timeout is not heard if the network is cut.
    query_timeout: statementTimeoutMilliseconds + 1000,
    // Frees the rows of a node that froze between two statements.
    idle_in_transaction_session_timeout: 6 * statementTimeoutMilliseconds,
  });
  let sent = 0;
  const lost = (error: Error): void =>
    log.warn("database.connection_lost", { reason: error.message });
  pool.on("error", lost);
  pool.on("connect", (client) => {
    // The pool listens only while a connection is idle. An error between two statements would end
    // the process if no code listened.
    client.on("error", lost);
    watchQueries(client, () => (sent += 1));
  });

  const connectDirect = async (): Promise<pg.Client> => {
    const client = new pg.Client(settings);
    client.on("error", lost);
    await client.connect();
    return client;
  };
  return {
    dialect: new PostgresDialect({ pool: async () => pool }),
    queries: () => sent,
    connectDirect,
    facts: async () => readFacts(connectDirect),
    // Kysely ends a pool that it has used itself.
    close: async () => (pool.ending ? undefined : pool.end()),
  };
}
