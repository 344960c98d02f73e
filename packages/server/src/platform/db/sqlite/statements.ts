import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { QueryResult } from "kysely";
import { assertStorable } from "../parameters.ts";

/**
 * Keeps the prepared statements of one connection. Lists of varying length make ever new texts, so
 * the number of kept statements is bounded.
 */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #capacity: number;
  readonly #kept = new Map<string, Prepared>();

  constructor(database: DatabaseSync, capacity: number) {
    this.#database = database;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#kept.size;
  }

  get(sql: string): Prepared {
    const known = this.#kept.get(sql);
    if (known !== undefined) {
      known.used = true;
      return known;
    }
    const prepared = new Prepared(this.#database.prepare(sql));
    if (this.#kept.size >= this.#capacity) this.#dropOne();
    this.#kept.set(sql, prepared);
    return prepared;
  }

  /** Drops the oldest statement that was not used again since the last look (second chance). */
  #dropOne(): void {
    for (const [sql, prepared] of this.#kept) {
      this.#kept.delete(sql);
      if (!prepared.used) return;
      prepared.used = false;
      this.#kept.set(sql, prepared);
    }
  }
}

/** A prepared statement. `columns` is empty if it returns no rows. */
export class Prepared {
  readonly #statement: StatementSync;
  readonly #columns: readonly string[];
  /** True if the statement ran since the cache last looked for one to drop. */
  used = false;

  constructor(statement: StatementSync) {
    this.#statement = statement;
    this.#columns = statement.columns().map((column) => column.name);
    // Measured: making objects from arrays here costs a quarter less than the objects that
    // node:sqlite makes, and they are plain ones.
    statement.setReturnArrays(true);
  }

  run<Row>(parameters: readonly unknown[]): QueryResult<Row> {
    assertStorable(parameters);
    const values = parameters as readonly SQLInputValue[];
    const columns = this.#columns;
    if (columns.length === 0) {
      const { changes, lastInsertRowid } = this.#statement.run(...values);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    }
    const rows: unknown[] = this.#statement.all(...values);
    for (let i = 0; i < rows.length; i += 1) rows[i] = named(columns, rows[i] as unknown[]);
    return { rows: rows as Row[] };
  }

  /** Returns the first column of the only row. The statement must have no parameters. */
  get(): unknown {
    return (this.#statement.get() as unknown[] | undefined)?.[0];
  }
}

function named(columns: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i += 1) row[columns[i] as string] = values[i];
  return row;
}
