import { ImportError } from "../import-error.ts";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import {
  type ForeignSource,
  LONGEST_VALUE,
  orExplain,
  PAGE_ROWS,
  quoted,
  type Selection,
  type SourceColumn,
  type SourceRow,
  type SourceTable,
  unreadable,
} from "./source.ts";

const BUSY_TIMEOUT_MILLISECONDS = 5000;
const NOT_A_DATABASE = 26;
const CANNOT_OPEN = 14;

/**
 * Opens a SQLite file for reading.
 *
 * @throws {ImportError} if it cannot be read
 */
export function openSqliteSource(file: string): ForeignSource {
  checkFile(file);
  const database = openReadOnly(file);
  try {
    return sourceOf(file, database);
  } catch (cause) {
    database.close();
    if (cause instanceof ImportError) throw cause;
    throw new ImportError(`${file} cannot be read (${reasonOf(cause)}).`, { cause });
  }
}

const MAGIC = "SQLite format 3\0";

function checkFile(file: string): void {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new ImportError(`There is no file ${file}: give the path of Django's SQLite database.`);
  if (!stat.isFile())
    throw new ImportError(`${file} is no file: give the path of Django's SQLite database.`);
  const head = Buffer.alloc(MAGIC.length);
  const handle = openSync(file, "r");
  try {
    readSync(handle, head);
  } finally {
    closeSync(handle);
  }
  if (head.toString("latin1") !== MAGIC) throw notADatabase(file);
}

function notADatabase(file: string): ImportError {
  return new ImportError(
    `${file} is not a SQLite database: give the file that NAME in Django's DATABASES names.`,
  );
}

/**
 * Opens the file with SQLite's locks, because Django may be writing. A database with a write-ahead
 * log needs a file beside it, so in a read-only folder it can be read only if no process uses it.
 */
function openReadOnly(file: string): DatabaseSync {
  try {
    return begun(new DatabaseSync(file, options));
  } catch (cause) {
    const code = codeOf(cause);
    if (code === NOT_A_DATABASE) throw notADatabase(file);
    if (
      code === CANNOT_OPEN &&
      (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0
    )
      return openUnused(file);
    throw new ImportError(
      `${file} cannot be read (${reasonOf(cause)}): copy it, with the files of the same name beside it, and import the copy.`,
      {
        cause,
      },
    );
  }
}

const options = { readOnly: true, timeout: BUSY_TIMEOUT_MILLISECONDS } as const;

function openUnused(file: string): DatabaseSync {
  const url = pathToFileURL(resolve(file));
  url.searchParams.set("immutable", "1");
  return begun(new DatabaseSync(url, options));
}

/** Begins one snapshot, which is kept for as long as the source is open. */
function begun(database: DatabaseSync): DatabaseSync {
  try {
    database.exec("pragma trusted_schema = off");
    database.exec("begin");
    database.prepare("select count(*) from sqlite_schema").get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function sourceOf(file: string, database: DatabaseSync): ForeignSource {
  const one = (sql: string, ...values: readonly string[]): unknown => {
    try {
      return Object.values(database.prepare(sql).get(...values) ?? {})[0];
    } catch (cause) {
      throw unreadable(file, cause);
    }
  };
  return {
    kind: "sqlite",
    label: file,
    tables: readTables(database),
    count: async (table) => Number(one(`select count(*) from ${quoted(table.name)}`)),
    pages: (selection) => orExplain(file, pagesOf(database, selection)),
    lastNumber: async (table) => {
      if (one("select 1 from sqlite_schema where name = 'sqlite_sequence'") === undefined) return 0;
      // Read as text, because JavaScript cannot represent the largest integers of SQLite.
      return Number(
        one("select cast(seq as text) from sqlite_sequence where name = ?", table.name) ?? 0,
      );
    },
    referenced: async (table, column) => {
      const found = one(
        `select "table" from pragma_foreign_key_list(?) where "from" = ?`,
        table.name,
        column,
      );
      return typeof found === "string" ? found : undefined;
    },
    close: async () => database.close(),
  };
}

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
}

function readTables(database: DatabaseSync): readonly SourceTable[] {
  const names = database
    .prepare("select name from sqlite_schema where type in ('table', 'view') order by name")
    .all() as {
    name: string;
  }[];
  return names.flatMap(({ name }) => {
    const infos = columnsOf(database, name);
    const keys = infos.filter((info) => info.pk > 0);
    const columns = infos.map((info): SourceColumn => ({
      name: info.name,
      kind: kindOf(info.type),
    }));
    return {
      schema: "main",
      name,
      label: name,
      columns,
      primaryKey: keys.length === 1 ? keys[0]?.name : undefined,
    };
  });
}

/**
 * Returns the columns of a table. A virtual table whose module is missing, or a view of something
 * that is gone, has none.
 */
function columnsOf(database: DatabaseSync, table: string): readonly ColumnInfo[] {
  try {
    return database
      .prepare("select name, type, pk from pragma_table_info(?)")
      .all(table) as unknown as ColumnInfo[];
  } catch {
    return [];
  }
}

/** Reads the types that Django's SQLite backend declares. */
function kindOf(declared: string): SourceColumn["kind"] {
  if (/^bool/i.test(declared)) return "boolean";
  if (/int/i.test(declared)) return "integer";
  return /^(?:datetime|timestamp)/i.test(declared) ? "moment" : "text";
}

async function* pagesOf(
  database: DatabaseSync,
  selection: Selection,
): AsyncGenerator<readonly SourceRow[]> {
  let page: SourceRow[] = [];
  for (const row of select(database, selection).iterate()) {
    // `setReturnArrays` makes each row an array.
    page.push(row as unknown as SourceRow);
    if (page.length < PAGE_ROWS) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function select(
  database: DatabaseSync,
  { table, columns, orderBy, without }: Selection,
): StatementSync {
  const values = columns.map(({ name }) => {
    const column = `t.${quoted(name)}`;
    return `iif(octet_length(${column}) > ${LONGEST_VALUE}, substr(${column}, 1, ${LONGEST_VALUE + 1}), ${column})`;
  });
  const key = `t.${quoted(orderBy)}`;
  const where =
    without === undefined
      ? ""
      : `where not exists (select 1 from ${quoted(without.table.name)} w where w.${quoted(without.column)} = ${key})`;
  const statement = database.prepare(
    `select ${values.join(", ")} from ${quoted(table.name)} t ${where} order by ${key}`,
  );
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return statement;
}

function codeOf(error: unknown): number {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : 0;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
