import type { QueryResult } from "kysely";
import type { Connection } from "./connection.ts";

interface Member {
  acknowledge(): void;
  fail(error: unknown): void;
}

/** Bounds the time that the first transaction of a batch waits for its commit. */
const MEMBERS_AT_MOST = 32;

const ENDED = "SQLite rolled this transaction back after a failure";

/**
 * Gives the writing connection to one transaction at a time, in the order in which they ask.
 *
 * Transactions that crowd share one `begin immediate … commit`, because most of the cost of a small
 * one is the wait for the disk (group commit). They run one after another, each except the first
 * within a savepoint, and none is acknowledged before that commit. If the commit fails, or SQLite
 * ends the transaction by itself (https://sqlite.org/lang_transaction.html, "Response to errors
 * within a transaction"), nothing of the batch is stored and all its transactions fail. A
 * constraint that is checked at commit would thus fail transactions that did not violate it, so the
 * schema has no deferred constraint.
 */
export class Writer {
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
   * @returns whether the transaction has joined a batch. `commit` and `rollback` must be told the
   *   same.
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

  /**
   * Throws if SQLite has ended the transaction by itself. Otherwise its later statements would
   * commit on their own.
   */
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
   * Returns a promise of the batch's commit. If this throws, the turn is not over until `rollback`
   * is called.
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

  /** Hands over to the next in line, so that the connection never looks free while one waits. */
  #pass(): void {
    const next = this.#waiting.shift();
    this.#held = next !== undefined;
    if (next !== undefined) next();
    else if (this.#unacknowledged.length > 0) this.#commitInTime();
  }

  /**
   * Commits at once, or, if that has already happened in this turn of the event loop, at its end.
   * Without this, transactions that never wait for anything would not form a batch, however many
   * requests had arrived together.
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
