import { ImportError } from "../import-error.ts";
import pg from "pg";
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
  type SourceValue,
  unreadable,
} from "./source.ts";

/**
 * Opens a PostgreSQL database for reading.
 *
 * @throws {ImportError} if it cannot be read
 */
export async function openPostgresSource(url: string): Promise<ForeignSource> {
  const label = withoutPassword(url);
  const client = await connect(url, label);
  try {
    // One snapshot is kept for as long as the source is open.
    await client.query("begin isolation level repeatable read read only");
    for (const setting of [
      "statement_timeout = 0",
      "idle_in_transaction_session_timeout = 0",
      "timezone = 'UTC'",
      "datestyle = 'ISO'",
    ])
      await client.query(`set local ${setting}`);
    return sourceOf(client, label, await readTables(client));
  } catch (cause) {
    await client.end();
    throw new ImportError(
      `${label} cannot be read (${reasonOf(cause)}): give a user who may read Django's tables.`,
      { cause },
    );
  }
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url))
    throw new ImportError(
      "--from is not an address such as postgres://user:password@host/database.",
    );
  const shown = new URL(url);
  shown.password = "";
  shown.search = "";
  return shown.href;
}

async function connect(url: string, label: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "portcullis",
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  });
  // The statement under way fails with this error; without a listener it would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    return client;
  } catch (cause) {
    await client.end().catch(() => {});
    throw new ImportError(
      `${label} does not let us in (${reasonOf(cause)}): check host, port, user, password and database in --from.`,
      {
        cause,
      },
    );
  }
}

function sourceOf(client: pg.Client, label: string, tables: readonly SourceTable[]): ForeignSource {
  const one = async (
    sql: string,
    values: readonly string[] = [],
  ): Promise<SourceValue | undefined> => {
    const { rows } = await client
      .query<[SourceValue]>({ text: sql, values: [...values], rowMode: "array" })
      .catch((cause: unknown) => Promise.reject(unreadable(label, cause)));
    return rows[0]?.[0];
  };
  /**
   * A user who may read a table need not be allowed to read its sequence, and a refusal would end
   * the transaction.
   */
  const oneIfAllowed = async (
    sql: string,
    values: readonly string[],
  ): Promise<SourceValue | undefined> => {
    await client.query("savepoint perhaps");
    const found = await one(sql, values).catch(() => undefined);
    await client.query("rollback to savepoint perhaps");
    return found;
  };
  return {
    kind: "postgres",
    label,
    tables,
    count: async (table) => Number(await one(`select count(*) from ${nameOf(table)}`)),
    pages: (selection) => orExplain(label, pagesOf(client, selection)),
    lastNumber: async (table, column) => {
      const sql = "select pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass)::text";
      return Number((await oneIfAllowed(sql, [nameOf(table), column])) ?? 0);
    },
    referenced: async (table, column) => {
      const found = await one(
        `select r.relname from pg_constraint f join pg_class r on r.oid = f.confrelid
          join pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
          where f.contype = 'f' and f.conrelid = $1::regclass and a.attname = $2 limit 1`,
        [nameOf(table), column],
      );
      return typeof found === "string" ? found : undefined;
    },
    close: async () => client.end(),
  };
}

const CATALOGUE = `select n.nspname as schema, c.relname as name, a.attname as column, b.typname as type, n.nspname = current_schema() as here,
    exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1 and a.attnum = i.indkey[0]) as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    join pg_type t on t.oid = a.atttypid join pg_type b on b.oid = case when t.typbasetype = 0 then t.oid else t.typbasetype end
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
    and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
  order by n.nspname, c.relname, a.attnum`;

interface CatalogueRow {
  readonly schema: string;
  readonly name: string;
  readonly column: string;
  readonly type: string;
  readonly here: boolean;
  readonly key: boolean;
}

async function readTables(client: pg.Client): Promise<readonly SourceTable[]> {
  const { rows } = await client.query<CatalogueRow>(CATALOGUE);
  const byTable = Map.groupBy(rows, ({ schema, name }) => JSON.stringify([schema, name]));
  return [...byTable.values()].flatMap((columns) => {
    const [first] = columns;
    if (first === undefined) return [];
    const { schema, name, here } = first;
    return {
      schema,
      name,
      label: here ? name : `${schema}.${name}`,
      columns: columns.map(({ column, type }) => ({ name: column, kind: kindOf(type) })),
      primaryKey: columns.find(({ key }) => key)?.column,
    };
  });
}

function kindOf(type: string): SourceColumn["kind"] {
  if (/^int[248]$/.test(type)) return "integer";
  if (type === "bool") return "boolean";
  return type.startsWith("timestamp") ? "moment" : "text";
}

let cursors = 0;

async function* pagesOf(
  client: pg.Client,
  selection: Selection,
): AsyncGenerator<readonly SourceRow[]> {
  const cursor = `portcullis_${++cursors}`;
  await client.query(`declare ${cursor} no scroll cursor for ${selectOf(selection)}`);
  for (;;) {
    const { rows } = await client.query<(string | null)[]>({
      text: `fetch ${PAGE_ROWS} from ${cursor}`,
      rowMode: "array",
    });
    if (rows.length > 0)
      yield rows.map((row) =>
        row.map((value, index) => valueOf(value, selection.columns[index]?.kind)),
      );
    if (rows.length < PAGE_ROWS) break;
  }
  await client.query(`close ${cursor}`);
}

function selectOf({ table, columns, orderBy, without }: Selection): string {
  const key = `t.${quoted(orderBy)}`;
  const where =
    without === undefined
      ? ""
      : `where not exists (select 1 from ${nameOf(without.table)} w where w.${quoted(without.column)} = ${key})`;
  return `select ${columns.map(textOf).join(", ")} from ${nameOf(table)} t ${where} order by ${key}`;
}

/** Reads every value as text, because the driver would parse it in another way than SQLite does. */
function textOf({ name, kind }: SourceColumn): string {
  const column = `t.${quoted(name)}`;
  if (kind === "integer") return `${column}::text`;
  if (kind === "boolean") return `${column}::int::text`;
  return kind === "moment"
    ? `floor(extract(epoch from ${column}))::text`
    : `left(${column}::text, ${LONGEST_VALUE + 1})`;
}

function valueOf(text: string | null, kind: SourceColumn["kind"] | undefined): SourceValue {
  return text !== null && kind !== "text" && /^-?\d{1,19}$/.test(text) ? BigInt(text) : text;
}

function nameOf({ schema, name }: SourceTable): string {
  return `${quoted(schema)}.${quoted(name)}`;
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ("code" in cause ? String(cause.code) : cause.name);
}
