import type { DatabaseSync } from "node:sqlite";
import type { QueryResult } from "kysely";
import { type Prepared, Statements } from "./statements.ts";

const STATEMENTS_KEPT = 256;

/** One connection to the file, with its prepared statements. */
export class Connection {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  /** The number of statements that were sent. */
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
