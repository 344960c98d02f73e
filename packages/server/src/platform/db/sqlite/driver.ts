import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from "kysely";
import type { Connection } from "./connection.ts";
import type { Writer } from "./writer.ts";

/**
 * Kysely holds a session while it runs a statement or a transaction. Which connection a statement
 * goes to is decided for each one.
 */
class Session implements DatabaseConnection {
  readonly #writer: Writer;
  readonly #reader: Connection;
  /** The transaction that is under way. */
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

  /** If this fails, Kysely calls `rollback`, even if no transaction is left. */
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

/** Lends out sessions on one writing and one reading connection. */
export class SqliteFileDriver implements Driver {
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
