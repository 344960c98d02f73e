import { sql } from "kysely";
import type { OpenDatabase, Queryable, Tx } from "../../../platform/db/open.ts";
import type { Tables } from "../../../platform/db/tables.ts";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";

export type Stored = string | number | null | Uint8Array;

/** The values of one row, in the order of the columns in the backup's header. */
export type StoredRow = readonly Stored[];

/**
 * Every table that is backed up, with the columns by which its rows are sorted. A table follows
 * those that its rows point to. Leases and runners belong to running servers and are left out.
 */
const keysOf = {
  users: ["number"],
  registrations: ["id"],
  password_resets: ["id"],
  email_changes: ["id"],
  sessions: ["id"],
  face_tokens: ["token_hash"],
  imported_tokens: ["jti"],
  challenges: ["id"],
  remembered_devices: ["id"],
  totp_devices: ["id"],
  recovery_codes: ["id"],
  email_factors: ["user_id"],
  email_codes: ["flow_id"],
  passkeys: ["id"],
  ceremonies: ["id"],
  signing_keys: ["kid"],
  revocations: ["seq"],
  attempts: ["bucket"],
  counters: ["name", "hour_starts_at"],
  outbox: ["id"],
  suppressions: ["id"],
  audit_events: ["position"],
  audit_head: ["id"],
  setup_links: ["token_hash"],
} as const satisfies {
  readonly [Table in Exclude<keyof Tables, "leases" | "runners">]: readonly (keyof Tables[Table])[];
};

export type TableName = keyof typeof keysOf;

const isTableName = (name: string): name is TableName => Object.hasOwn(keysOf, name);

export const tableNames: readonly TableName[] = Object.keys(keysOf).filter(isTableName);

/** Tables whose rows the database numbers. It never gives out a number twice. */
export const numbered = { users: "number", revocations: "seq" } as const;

export type Numbers = Readonly<Record<keyof typeof numbered, number>>;

/** Columns that each database computes in its own way. */
const DERIVED = "xid";

const PAGE = 500;

/**
 * Runs `read` on one consistent snapshot of the whole database, and blocks no writer.
 *
 * With SQLite that is a deferred transaction, which Kysely cannot open: `db.transaction()` would
 * take the write lock. So `read` must use the statements of this file, which are raw and therefore
 * run on the connection that began the transaction.
 */
export async function inSnapshot<Result>(
  database: OpenDatabase,
  read: (snapshot: Queryable) => Promise<Result>,
): Promise<Result> {
  if (database.dialect === "postgres") {
    return database.db
      .transaction()
      .setIsolationLevel("repeatable read")
      .setAccessMode("read only")
      .execute(read);
  }
  return database.db.connection().execute(async (connection) => {
    await sql`begin deferred`.execute(connection);
    try {
      return await read(connection);
    } finally {
      await sql`rollback`.execute(connection);
    }
  });
}

export type Columns = Readonly<Record<TableName, readonly string[]>>;

export async function readColumns(db: Queryable): Promise<Columns> {
  const found = await db.introspection.getTables();
  const columnsOf = (name: TableName): readonly string[] =>
    found
      .find((table) => table.name === name)
      ?.columns.map((column) => column.name)
      .filter((column) => column !== DERIVED) ?? [];
  return {
    users: columnsOf("users"),
    registrations: columnsOf("registrations"),
    password_resets: columnsOf("password_resets"),
    email_changes: columnsOf("email_changes"),
    sessions: columnsOf("sessions"),
    face_tokens: columnsOf("face_tokens"),
    imported_tokens: columnsOf("imported_tokens"),
    challenges: columnsOf("challenges"),
    remembered_devices: columnsOf("remembered_devices"),
    totp_devices: columnsOf("totp_devices"),
    recovery_codes: columnsOf("recovery_codes"),
    email_factors: columnsOf("email_factors"),
    email_codes: columnsOf("email_codes"),
    passkeys: columnsOf("passkeys"),
    ceremonies: columnsOf("ceremonies"),
    signing_keys: columnsOf("signing_keys"),
    revocations: columnsOf("revocations"),
    attempts: columnsOf("attempts"),
    counters: columnsOf("counters"),
    outbox: columnsOf("outbox"),
    suppressions: columnsOf("suppressions"),
    audit_events: columnsOf("audit_events"),
    audit_head: columnsOf("audit_head"),
    setup_links: columnsOf("setup_links"),
  };
}

/** Reads a table page by page in the order of its key. */
export async function* readRows(
  snapshot: Queryable,
  table: TableName,
  columns: readonly string[],
): AsyncGenerator<StoredRow> {
  const keys = keysOf[table];
  const key = sql.join(keys.map((column) => sql.ref(column)));
  const selected = sql.join(columns.map((column) => sql.ref(column)));
  let after: readonly Stored[] | undefined;
  for (;;) {
    const where = after === undefined ? sql`` : sql`where (${key}) > (${sql.join(after)})`;
    const { rows } = await sql<
      Readonly<Record<string, Stored>>
    >`select ${selected} from ${sql.table(table)} ${where} order by ${key} limit ${PAGE}`.execute(
      snapshot,
    );
    for (const row of rows) yield columns.map((column) => row[column] ?? null);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = keys.map((column) => last[column] ?? null);
  }
}

/** Returns the highest number that was given out, deleted rows included. */
export async function readNumbers(
  db: Queryable,
  dialect: OpenDatabase["dialect"],
): Promise<Numbers> {
  return {
    users: await lastNumber(db, dialect, "users"),
    revocations: await lastNumber(db, dialect, "revocations"),
  };
}

async function lastNumber(
  db: Queryable,
  dialect: OpenDatabase["dialect"],
  table: keyof typeof numbered,
): Promise<number> {
  const { rows } =
    dialect === "sqlite"
      ? await sql<{
          last: number;
        }>`select seq as last from sqlite_sequence where name = ${table}`.execute(db)
      : await sql<{
          last: number | null;
        }>`select pg_sequence_last_value(pg_get_serial_sequence(${table}, ${numbered[table]})::regclass) as last`.execute(
          db,
        );
  return rows[0]?.last ?? 0;
}

/** Raises the number, and never lowers it, because a number is given out once. */
async function raiseNumber(
  tx: Tx,
  dialect: OpenDatabase["dialect"],
  table: keyof typeof numbered,
  least: number,
): Promise<void> {
  const number = Math.max(least, await lastNumber(tx, dialect, table));
  if (number === 0) return;
  if (dialect === "postgres") {
    await sql`select setval(pg_get_serial_sequence(${table}, ${numbered[table]})::regclass, ${number})`.execute(
      tx,
    );
    return;
  }
  await sql`delete from sqlite_sequence where name = ${table}`.execute(tx);
  await sql`insert into sqlite_sequence (name, seq) values (${table}, ${number})`.execute(tx);
}

export async function raiseNumbers(
  tx: Tx,
  dialect: OpenDatabase["dialect"],
  numbers: Numbers,
): Promise<void> {
  await raiseNumber(tx, dialect, "users", numbers.users);
  await raiseNumber(tx, dialect, "revocations", numbers.revocations);
}

/**
 * Tells whether the database holds only what a server writes at its first start: its keys, and the
 * audit of making them.
 */
export async function isUnused(db: Queryable): Promise<boolean> {
  const user = await db.selectFrom("users").select("id").limit(1).executeTakeFirst();
  const registration = await db
    .selectFrom("registrations")
    .select("id")
    .limit(1)
    .executeTakeFirst();
  const event = await db
    .selectFrom("audit_events")
    .select("position")
    .where("event", "not like", "key.%")
    .limit(1)
    .executeTakeFirst();
  return user === undefined && registration === undefined && event === undefined;
}

/** Counts the servers that hold a lease and so may be running. */
export async function countLeases(db: Queryable, now: UnixSeconds): Promise<number> {
  const rows = await db
    .selectFrom("leases")
    .select("node_id")
    .where("lease_until", ">", now)
    .execute();
  return rows.length;
}

export async function clearTables(tx: Tx, dialect: OpenDatabase["dialect"]): Promise<void> {
  if (dialect === "postgres") {
    await sql`truncate ${sql.join(tableNames.map((name) => sql.table(name)))}`.execute(tx);
    return;
  }
  for (const name of tableNames.toReversed()) await tx.deleteFrom(name).execute();
}

export async function insertRows(
  tx: Tx,
  table: TableName,
  columns: readonly string[],
  rows: readonly StoredRow[],
): Promise<void> {
  const values = rows.map((row) => sql`(${sql.join(row)})`);
  await sql`insert into ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))}) values ${sql.join(values)}`.execute(
    tx,
  );
}

/** Voids one-time proofs: those that were spent after the backup would be unspent again. */
export async function voidProofs(tx: Tx): Promise<void> {
  await tx.deleteFrom("password_resets").execute();
  await tx.deleteFrom("setup_links").execute();
}

/**
 * Keeps the revocation of everything in force until `until`, because the restored sessions do not
 * tell which tokens were minted later.
 */
export async function extendRevocationOfAll(tx: Tx, until: UnixSeconds): Promise<void> {
  await tx
    .updateTable("revocations")
    .set({ expires_at: until })
    .where("scope", "=", "all")
    .where("expires_at", "<", until)
    .execute();
}
