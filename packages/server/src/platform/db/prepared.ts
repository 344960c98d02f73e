import type { Compilable, CompiledQuery } from "kysely";
import type { Queryable } from "./open.ts";

type Value = string | number | null | Uint8Array;

/** Stands for an argument while a statement is built. */
class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * Builds a statement once for each kind of database and then only runs it. On the hot paths
 * building a statement costs more than SQLite needs to answer it.
 *
 * @param build gets a stand-in for each argument, to be used as a value and nowhere else
 */
export function prepared<Arguments extends Readonly<Record<string, Value>>, Row>(
  build: (db: Queryable, slots: Arguments) => Compilable<Row>,
): (db: Queryable, values: Arguments) => Promise<readonly Row[]> {
  const built = new WeakMap<
    object,
    { readonly query: CompiledQuery<Row>; readonly order: readonly unknown[] }
  >();
  // The query builder carries values through untouched, so a stand-in may pass for any of them.
  const slots = new Proxy({}, { get: (_, name) => new Slot(String(name)) }) as Arguments;

  return async (db, values) => {
    const kind = db.getExecutor().adapter;
    let statement = built.get(kind);
    if (statement === undefined) {
      const query = build(db, slots).compile();
      statement = { query, order: query.parameters };
      built.set(kind, statement);
    }
    const parameters = statement.order.map((given) =>
      given instanceof Slot ? values[given.name] : given,
    );
    return (await db.executeQuery<Row>({ ...statement.query, parameters })).rows;
  };
}
