import { once } from "node:events";
import pg from "pg";
import { type Dialect, PostgresDialect } from "kysely";
import type { Log } from "../../kernel/log.ts";
import type { PostgresFacts } from "../gates.ts";
import { assertStorable } from "../parameters.ts";

export interface PostgresOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly statementTimeoutMilliseconds: number;
  readonly log: Log;
}

export interface PostgresServer {
  readonly dialect: Dialect;
  /** Statements sent through the pool so far, `begin` and `commit` included. */
  queries(): number;
  /**
   * A connection of its own, outside the pool and without a statement timeout; whoever asks for it
   * ends it.
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
    // The server's word does not arrive when the network is cut.
    query_timeout: statementTimeoutMilliseconds + 1000,
    // Frees the rows of a node that froze between two statements.
    idle_in_transaction_session_timeout: 6 * statementTimeoutMilliseconds,
  });
  let sent = 0;
  const lost = (error: Error): void =>
    log.warn("database.connection_lost", { reason: error.message });
  pool.on("error", lost);
  pool.on("connect", (client) => {
    // The pool listens only while a connection is idle; unheard, an error between two statements
    // ends the process.
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

/**
 * Counts and checks what is sent, and drops a connection whose answer did not come in time: the
 * pool would lend it out again.
 */
function watchQueries(client: pg.PoolClient, onSent: () => void): void {
  const send = client.query.bind(client) as (
    text: string,
    values?: readonly unknown[],
  ) => Promise<unknown>;
  const watched = async (text: string, values: readonly unknown[] = []): Promise<unknown> => {
    // Kysely asks the catalogue with booleans; our columns refuse them by themselves.
    assertStorable(values, { booleans: true });
    onSent();
    try {
      return await send(text, values);
    } catch (error) {
      if (error instanceof Error && error.message === "Query read timeout") await drop(client);
      throw error;
    }
  };
  // Kysely calls `query` in this one way only.
  client.query = watched as typeof client.query;
}

async function drop(client: pg.PoolClient): Promise<void> {
  const gone = once(client, "end");
  // The socket is not in the types of `pg`.
  (
    client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }
  ).connection.stream.destroy();
  await gone;
}

/**
 * What holds whole numbers of ours: `bigint`, a transaction id, and what `sum` over integers gives.
 */
const WHOLE_NUMBERS: ReadonlySet<number> = new Set([20, 5069, 1700]);

function typeParser(
  ...[oid, format]: Parameters<typeof pg.types.getTypeParser>
): ReturnType<typeof pg.types.getTypeParser> {
  return WHOLE_NUMBERS.has(oid) ? wholeNumber : pg.types.getTypeParser(oid, format);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("a number from the database does not fit");
  return value;
}

async function readFacts(
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
 * A pooler greets the client with a process id of its own making, may serve each transaction by
 * another process, and forgets or shares what a session has set.
 */
async function isDirect(client: pg.Client): Promise<boolean> {
  const greeted = (client as unknown as { processID: number | null }).processID;
  await client.query("select set_config('portcullis.probe', $1, false)", [String(greeted)]);
  const { rows } = await client.query<{ pid: number; probe: string | null }>(
    "select pg_backend_pid() as pid, current_setting('portcullis.probe', true) as probe",
  );
  return rows[0]?.pid === greeted && rows[0]?.probe === String(greeted);
}
