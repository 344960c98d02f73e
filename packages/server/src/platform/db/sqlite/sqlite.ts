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
import type { SqliteFacts } from "../gates.ts";
import { type Prepared, Statements } from "./statements.ts";

/**
 * A database file, opened twice: one connection writes, one reads, and in WAL mode neither waits
 * for the other.
 */
export interface SqliteFile {
  readonly dialect: Dialect;
  /** Statements sent so far, `begin` and `commit` included. */
  queries(): number;
  /**
   * Differs from the last answer if anybody, in this process or another, has committed in between.
   */
  dataVersion(): number;
  facts(): Omit<SqliteFacts, "nodeVersion">;
  close(): void;
}

/** @param file created if missing, readable by its owner only */
export function openSqliteFile(file: string): SqliteFile {
  createPrivately(file);
  const connection = new Connection(new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MILLISECONDS }));
  // What is deleted is overwritten, not left in the file until its place is needed (PV-01).
  connection.pragmas(
    "journal_mode = wal",
    "synchronous = full",
    "foreign_keys = on",
    "trusted_schema = off",
    "secure_delete = on",
  );
  const reader = new Connection(
    new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MILLISECONDS }),
  );
  reader.pragmas("trusted_schema = off");
  const writer = new Writer(connection);
  const driver = new SqliteFileDriver(writer, reader);
  const version = reader.statement("pragma data_version");
  return {
    dialect: {
      createAdapter: () => new SqliteFileAdapter(),
      createDriver: () => driver,
      createIntrospector: (db: Kysely<unknown>): DatabaseIntrospector => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteFileCompiler(),
    },
    queries: () => connection.sent + reader.sent,
    dataVersion: () => Number(version.get()),
    facts: () => ({
      sqliteVersion: String(connection.statement("select sqlite_version()").get()),
      synchronous: Number(connection.statement("pragma synchronous").get()),
      journalMode: String(connection.statement("pragma journal_mode").get()),
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
 * An existing file is not touched, nor may anybody else in this process open and close it: on POSIX
 * the close would drop the locks SQLite holds (https://sqlite.org/howtocorrupt.html §2.2).
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

interface Member {
  acknowledge(): void;
  fail(error: unknown): void;
}

/** So that the first of a batch does not wait for long. */
const MEMBERS_AT_MOST = 32;

const ENDED = "SQLite rolled this transaction back after a failure";

/**
 * The writing connection, and whose turn it is: first come, first served.
 *
 * Transactions that crowd share one `begin immediate … commit`, since most of what a small one
 * costs is the wait for the disk. They run one after another, each but the first within a
 * savepoint, and none is acknowledged before that commit. If it fails, or SQLite ends the
 * transaction by itself (https://sqlite.org/lang_transaction.html, "Response to errors within a
 * transaction"), nothing of them is stored and every one of them fails. A constraint checked at
 * commit would thus take down the innocent with the guilty: the schema has none that is deferred.
 */
class Writer {
  readonly connection: Connection;
  readonly #waiting: (() => void)[] = [];
  #held = false;
  #members = 0;
  #unacknowledged: Member[] = [];
  #crowded = false;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async runAlone<Row>(sql: string, parameters: readonly unknown[]): Promise<QueryResult<Row>> {
    await this.#turn();
    try {
      this.#commit();
      return this.connection.run<Row>(sql, parameters);
    } finally {
      this.#pass();
    }
  }

  /**
   * @returns whether others of the same batch went before, which `commit` and `rollback` must be
   *   told
   */
  async begin(): Promise<boolean> {
    await this.#turn();
    try {
      if (this.#members >= MEMBERS_AT_MOST) this.#commit();
      const joined = this.#unacknowledged.length > 0;
      this.#send(joined ? "savepoint member" : "begin immediate");
      this.#members = joined ? this.#members + 1 : 1;
      return joined;
    } catch (error) {
      this.#pass();
      throw error;
    }
  }

  /** What follows a transaction that SQLite has ended by itself must not commit alone. */
  run<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row> {
    if (!this.connection.inTransaction) throw new Error(ENDED);
    try {
      return this.connection.run<Row>(sql, parameters);
    } catch (error) {
      if (!this.connection.inTransaction) this.#failAll(error);
      throw error;
    }
  }

  /**
   * When it throws, the turn is not over: `rollback` ends it. Returns what settles with the commit
   * of the batch.
   */
  commit(joined: boolean): { readonly acknowledged: Promise<void> } {
    if (joined) this.run("release member", []);
    else if (!this.connection.inTransaction) throw new Error(ENDED);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#unacknowledged.push({ acknowledge: resolve, fail: reject });
    this.#pass();
    return { acknowledged: promise };
  }

  rollback(joined: boolean): void {
    try {
      if (!this.connection.inTransaction) this.#failAll(new Error(ENDED));
      else if (joined) for (const sql of ["rollback to member", "release member"]) this.#send(sql);
      else this.#send("rollback");
    } catch (error) {
      this.#failAll(error);
      throw error;
    } finally {
      this.#pass();
    }
  }

  close(): void {
    if (this.#held) this.#failAll(new Error("the database was closed"));
    else this.#commit();
    this.connection.close();
  }

  async #turn(): Promise<void> {
    if (this.#held) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#held = true;
  }

  /** Hands over to the next in line, so that it never looks free while somebody waits. */
  #pass(): void {
    const next = this.#waiting.shift();
    this.#held = next !== undefined;
    if (next !== undefined) next();
    else if (this.#unacknowledged.length > 0) this.#commitInTime();
  }

  /**
   * At once, or at the end of a turn of the event loop in which that has happened before:
   * transactions that never leave the processor do not meet here, however many requests arrived
   * together.
   */
  #commitInTime(): void {
    if (this.#crowded) return;
    this.#crowded = true;
    setImmediate(() => {
      this.#crowded = false;
      if (!this.#held) this.#commit();
    });
    this.#commit();
  }

  #commit(): void {
    if (this.#unacknowledged.length === 0) return;
    try {
      this.#send("commit");
    } catch (error) {
      this.#failAll(error);
    }
    for (const member of this.#unacknowledged.splice(0)) member.acknowledge();
  }

  #failAll(error: unknown): void {
    for (const member of this.#unacknowledged.splice(0)) member.fail(error);
    if (this.connection.inTransaction) this.#send("rollback");
  }

  #send(sql: string): void {
    this.connection.run(sql, []);
  }
}

/**
 * What Kysely holds while it runs a statement or a transaction; which connection it means is
 * decided per statement.
 */
class Session implements DatabaseConnection {
  readonly #writer: Writer;
  readonly #reader: Connection;
  /** Of the transaction that is under way. */
  #turn: { readonly joined: boolean } | undefined;

  constructor(writer: Writer, reader: Connection) {
    this.#writer = writer;
    this.#reader = reader;
  }

  async executeQuery<Row>({ query, sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#turn !== undefined) return this.#writer.run<Row>(sql, parameters);
    if (query.kind === "SelectQueryNode") return this.#reader.run<Row>(sql, parameters);
    return this.#writer.runAlone<Row>(sql, parameters);
  }

  // oxlint-disable-next-line require-yield -- Kysely's interface asks for it
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error("a stream would hold the database: read in pages by key");
  }

  async begin(): Promise<void> {
    this.#turn = { joined: await this.#writer.begin() };
  }

  /** When it fails, Kysely rolls back, be there anything left to roll back or not. */
  async commit(): Promise<void> {
    if (this.#turn === undefined) throw new Error("there is no transaction to commit");
    const { acknowledged } = this.#writer.commit(this.#turn.joined);
    this.#turn = undefined;
    await acknowledged;
  }

  rollback(): void {
    if (this.#turn === undefined) return;
    const { joined } = this.#turn;
    this.#turn = undefined;
    this.#writer.rollback(joined);
  }
}

class SqliteFileDriver implements Driver {
  readonly #writer: Writer;
  readonly #reader: Connection;
  readonly #idle: Session[] = [];

  constructor(writer: Writer, reader: Connection) {
    this.#writer = writer;
    this.#reader = reader;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<Session> {
    return this.#idle.pop() ?? new Session(this.#writer, this.#reader);
  }

  async beginTransaction(session: Session): Promise<void> {
    await session.begin();
  }

  async commitTransaction(session: Session): Promise<void> {
    await session.commit();
  }

  async rollbackTransaction(session: Session): Promise<void> {
    session.rollback();
  }

  async releaseConnection(session: Session): Promise<void> {
    session.rollback();
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

  /**
   * True of SQLite; with it Kysely's migrator runs inside one `begin immediate`, which is also its
   * lock.
   */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** A write transaction of SQLite holds the whole database, so row locks need no words. */
class SqliteFileCompiler extends SqliteQueryCompiler {
  protected override visitSelectQuery(node: SelectQueryNode): void {
    const { endModifiers, ...rest } = node;
    const kept =
      endModifiers?.filter((m) => m.modifier === undefined || !rowLocks.has(m.modifier)) ?? [];
    super.visitSelectQuery(kept.length > 0 ? { ...rest, endModifiers: kept } : rest);
  }
}

const rowLocks = new Set<string>([
  "ForUpdate",
  "ForNoKeyUpdate",
  "ForShare",
  "ForKeyShare",
  "NoWait",
  "SkipLocked",
]);
