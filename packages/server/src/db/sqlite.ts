import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  type SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { SqliteFacts } from "./gates.ts";
import { type Prepared, Statements } from "./statements.ts";

/** A database file, opened twice: one connection writes, one reads, and in WAL mode neither waits for the other. */
export interface SqliteFile {
  readonly dialect: Dialect;
  /** Statements sent so far, `begin` and `commit` included. */
  queries(): number;
  /** Differs from the last answer if anybody, in this process or another, has committed in between. */
  dataVersion(): number;
  facts(): Omit<SqliteFacts, "nodeVersion">;
  close(): void;
}

/** @param file created if missing, readable by its owner only */
export function openSqliteFile(file: string): SqliteFile {
  createPrivately(file);
  const writer = new Connection(new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MILLISECONDS }));
  // What is deleted is overwritten, not left in the file until its place is needed (PV-01).
  writer.pragmas("journal_mode = wal", "synchronous = full", "foreign_keys = on", "trusted_schema = off", "secure_delete = on");
  const reader = new Connection(new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MILLISECONDS }));
  reader.pragmas("trusted_schema = off");
  const driver = new SqliteFileDriver(writer, reader);
  const version = reader.statement("pragma data_version");
  return {
    dialect: {
      createAdapter: () => new SqliteFileAdapter(),
      createDriver: () => driver,
      createIntrospector: (db: Kysely<unknown>): DatabaseIntrospector => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteFileCompiler(),
    },
    queries: () => writer.sent + reader.sent,
    dataVersion: () => Number(version.get()),
    facts: () => ({
      sqliteVersion: String(writer.statement("select sqlite_version()").get()),
      synchronous: Number(writer.statement("pragma synchronous").get()),
      journalMode: String(writer.statement("pragma journal_mode").get()),
    }),
    close: () => {
      reader.close();
      writer.close();
    },
  };
}

const BUSY_TIMEOUT_MILLISECONDS = 5000;

const STATEMENTS_KEPT = 256;

/**
 * Makes an empty file that only its owner may read; SQLite gives the files beside it the same mode.
 *
 * An existing file is not touched, nor may anybody else in this process open and close it: on POSIX the close would drop
 * the locks SQLite holds (https://sqlite.org/howtocorrupt.html §2.2).
 */
export function createPrivately(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

class Connection {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  sent = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = new Statements(database, STATEMENTS_KEPT);
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  pragmas(...settings: readonly string[]): void {
    for (const setting of settings) this.#database.exec(`pragma ${setting}`);
  }

  run<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row> {
    this.sent += 1;
    return this.statement(sql).run<Row>(parameters);
  }

  statement(sql: string): Prepared {
    return this.#statements.get(sql);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** First come, first served. Nothing is awaited while nobody holds it. */
class Mutex {
  #waiting: (() => void)[] = [];
  held = false;

  acquire(): Promise<void> | undefined {
    if (this.held) return new Promise((resolve) => this.#waiting.push(resolve));
    this.held = true;
    return undefined;
  }

  /** Hands over to the next in line, so that it never looks free while somebody waits. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.held = false;
    else next();
  }
}

/** What Kysely holds while it runs a statement or a transaction; which connection it means is decided per statement. */
class Session implements DatabaseConnection {
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #mutex: Mutex;
  #ownsWriter = false;

  constructor(writer: Connection, reader: Connection, mutex: Mutex) {
    this.#writer = writer;
    this.#reader = reader;
    this.#mutex = mutex;
  }

  async executeQuery<Row>({ query, sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#ownsWriter) return this.#runInTransaction<Row>(sql, parameters);
    if (query.kind === "SelectQueryNode") return this.#reader.run<Row>(sql, parameters);
    if (!this.#mutex.held) return this.#writer.run<Row>(sql, parameters);
    await this.#mutex.acquire();
    try {
      return this.#writer.run<Row>(sql, parameters);
    } finally {
      this.#mutex.release();
    }
  }

  // oxlint-disable-next-line require-yield -- Kysely's interface asks for it
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error("a stream would hold the database: read in pages by key");
  }

  /** SQLite ends a transaction by itself on a full disk or an I/O error; what follows must not commit alone. */
  #runInTransaction<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row> {
    if (!this.#writer.inTransaction) throw new Error("SQLite rolled this transaction back after a failure");
    return this.#writer.run<Row>(sql, parameters);
  }

  async begin(): Promise<void> {
    await this.#mutex.acquire();
    try {
      this.#writer.run("begin immediate", []);
      this.#ownsWriter = true;
    } catch (error) {
      this.#mutex.release();
      throw error;
    }
  }

  /** When it throws, Kysely rolls back. */
  commit(): void {
    this.#writer.run("commit", []);
    this.#leave();
  }

  rollback(): void {
    try {
      if (this.#writer.inTransaction) this.#writer.run("rollback", []);
    } finally {
      this.#leave();
    }
  }

  release(): void {
    if (this.#ownsWriter) this.rollback();
  }

  #leave(): void {
    this.#ownsWriter = false;
    this.#mutex.release();
  }
}

class SqliteFileDriver implements Driver {
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #mutex = new Mutex();
  readonly #idle: Session[] = [];

  constructor(writer: Connection, reader: Connection) {
    this.#writer = writer;
    this.#reader = reader;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<Session> {
    return this.#idle.pop() ?? new Session(this.#writer, this.#reader, this.#mutex);
  }

  async beginTransaction(session: Session): Promise<void> {
    await session.begin();
  }

  async commitTransaction(session: Session): Promise<void> {
    session.commit();
  }

  async rollbackTransaction(session: Session): Promise<void> {
    session.rollback();
  }

  async releaseConnection(session: Session): Promise<void> {
    session.release();
    this.#idle.push(session);
  }

  async destroy(): Promise<void> {
    this.#reader.close();
    this.#writer.close();
  }
}

class SqliteFileAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  /** True of SQLite; with it Kysely's migrator runs inside one `begin immediate`, which is also its lock. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** A write transaction of SQLite holds the whole database, so row locks need no words. */
class SqliteFileCompiler extends SqliteQueryCompiler {
  protected override visitSelectQuery(node: SelectQueryNode): void {
    const { endModifiers, ...rest } = node;
    const kept = endModifiers?.filter((m) => m.modifier === undefined || !rowLocks.has(m.modifier)) ?? [];
    super.visitSelectQuery(kept.length > 0 ? { ...rest, endModifiers: kept } : rest);
  }
}

const rowLocks = new Set<string>(["ForUpdate", "ForNoKeyUpdate", "ForShare", "ForKeyShare", "NoWait", "SkipLocked"]);
