import {
  type Dialect,
  type Driver,
  type SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";

export function sqliteDialect(driver: Driver): Dialect {
  return {
    createAdapter: () => new SqliteFileAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteFileCompiler(),
  };
}

class SqliteFileAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  /**
   * SQLite can roll back changes of the schema. Because this is true, Kysely's migrator runs inside
   * one `begin immediate`, which is also its lock.
   */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Leaves row locks out, because a write transaction of SQLite holds the whole database. */
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
