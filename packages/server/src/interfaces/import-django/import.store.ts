import { CompiledQuery, sql } from "kysely";
import type { Db, OpenDatabase, Queryable, Tx } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import type { Candidate, NewUser, Taken } from "./place.ts";

type Dialect = OpenDatabase["dialect"];

/** Uses one parameter however long the list is, so that the statement stays the same. */
function among(dialect: Dialect, values: readonly (string | number)[], type: "text" | "bigint") {
  const list = JSON.stringify(values);
  return dialect === "sqlite"
    ? sql`(select value from json_each(${list}))`
    : sql`(select value::${sql.raw(type)} from json_array_elements_text(${list}::json))`;
}

const present = <Value>(values: readonly (Value | undefined)[]): Value[] =>
  values.filter((value) => value !== undefined);

/** Tells whether there never was a user. */
export async function isEmpty(db: Queryable): Promise<boolean> {
  const user = await db.selectFrom("users").select("id").limit(1).executeTakeFirst();
  const gone = await db
    .selectFrom("audit_events")
    .select("position")
    .where("event", "=", "user.deleted")
    .limit(1)
    .executeTakeFirst();
  return user === undefined && gone === undefined;
}

/**
 * SQLite only, and only for this connection: keeps the indices in memory and writes their pages
 * less often.
 */
export async function makeRoom(db: Db, dialect: Dialect): Promise<void> {
  if (dialect !== "sqlite") return;
  await sql`pragma cache_size = -65536`.execute(db);
  await sql`pragma wal_autocheckpoint = 8192`.execute(db);
}

export async function findTaken(
  db: Queryable,
  dialect: Dialect,
  page: readonly Candidate[],
): Promise<Taken> {
  const ids = among(
    dialect,
    page.map(({ id }) => id),
    "text",
  );
  const numbers = among(dialect, present(page.map(({ read }) => read.key.number)), "bigint");
  const addresses = among(dialect, present(page.map(({ address }) => address?.canonical)), "text");
  const usernames = among(
    dialect,
    present(page.map(({ username }) => username?.canonical)),
    "text",
  );
  const here = await sql<{
    id: string;
    at: number;
  }>`select id, created_at as at from users where id in ${ids}`.execute(db);
  const gone = await sql<{
    id: string;
  }>`select user_id as id from audit_events where user_id in ${ids} and event = 'user.deleted'`.execute(
    db,
  );
  const numbered = await sql<{
    value: number;
  }>`select number as value from users where number in ${numbers}`.execute(db);
  const addressed = await sql<{
    value: string;
  }>`select email_canonical as value from users where email_canonical in ${addresses}`.execute(db);
  const named = await sql<{
    value: string;
  }>`select username_canonical as value from users where username_canonical in ${usernames}`.execute(
    db,
  );
  return {
    ids: new Map(here.rows.map(({ id, at }) => [id, at])),
    deleted: new Set(gone.rows.map(({ id }) => id)),
    numbers: new Set(numbered.rows.map(({ value }) => value)),
    addresses: new Set(addressed.rows.map(({ value }) => value)),
    usernames: new Set(named.rows.map(({ value }) => value)),
  };
}

export interface SealedUser {
  readonly user: NewUser;
  readonly passwordSealed: Uint8Array | null;
}

const COLUMNS = [
  "id",
  "email",
  "email_canonical",
  "shared_email_canonical",
  "email_verified_at",
  "username",
  "username_canonical",
  "password_sealed",
  "password_changed_at",
  "superuser_since",
  "disabled_at",
  "profile",
  "hard_epoch",
  "authorization_epoch",
  "created_at",
  "last_login_at",
] as const;

/**
 * Inserts many users in one statement. Its text is put together by hand, because the query builder
 * would take longer over it than the database. Fails as a whole if an id, number, address or
 * username has been taken in the meantime.
 */
export async function insertUsers(
  tx: Tx,
  dialect: Dialect,
  users: readonly SealedUser[],
  now: UnixSeconds,
): Promise<void> {
  const numbered = users.filter(({ user }) => user.number !== undefined);
  await insert(tx, dialect, { columns: ["number", ...COLUMNS], users: numbered, now });
  if (numbered.length === users.length) return;
  await insert(tx, dialect, {
    columns: COLUMNS,
    users: users.filter(({ user }) => user.number === undefined),
    now,
  });
}

interface Rows {
  readonly columns: readonly string[];
  readonly users: readonly SealedUser[];
  readonly now: UnixSeconds;
}

async function insert(tx: Tx, dialect: Dialect, { columns, users, now }: Rows): Promise<void> {
  if (users.length === 0) return;
  const values: unknown[] = [];
  for (const { user, passwordSealed } of users) {
    if (user.number !== undefined) values.push(user.number);
    values.push(
      user.id,
      user.email,
      user.emailCanonical,
      user.sharedEmailCanonical,
      user.emailVerifiedAt,
    );
    values.push(
      user.username,
      user.usernameCanonical,
      passwordSealed,
      passwordSealed === null ? null : user.createdAt,
    );
    values.push(
      user.superuserSince,
      user.disabledAt,
      user.profile,
      now,
      0,
      user.createdAt,
      user.lastLoginAt,
    );
  }
  await tx.executeQuery(CompiledQuery.raw(insertion(dialect, columns, users.length), values));
}

function insertion(dialect: Dialect, columns: readonly string[], rows: number): string {
  const width = columns.length;
  const row = (first: number): string =>
    columns.map((_, index) => (dialect === "sqlite" ? "?" : `$${first + index + 1}`)).join(",");
  const places = Array.from({ length: rows }, (_, index) => row(index * width));
  return `insert into users (${columns.join(", ")}) values (${places.join("),(")})`;
}

/**
 * Raises the next number before the first user is inserted, so that a user who registers during the
 * import gets no number that is still to come. It is never lowered, and stays if the database is
 * ahead, because others take numbers at the same time.
 */
export async function raiseNumber(tx: Tx, dialect: Dialect, least: number): Promise<void> {
  if (least < 1) return;
  if (dialect === "postgres") {
    await sql`select setval(s.name, ${least}) from (select pg_get_serial_sequence('users', 'number')::regclass as name) s
      where coalesce(pg_sequence_last_value(s.name), 0) < ${least}`.execute(tx);
    return;
  }
  await sql`insert into sqlite_sequence (name, seq)
    select 'users', 0 where not exists (select 1 from sqlite_sequence where name = 'users')`.execute(
    tx,
  );
  await sql`update sqlite_sequence set seq = ${least} where name = 'users' and seq < ${least}`.execute(
    tx,
  );
}

/** Returns those of the ids that belong to users here. */
export async function findUserIds(
  db: Queryable,
  dialect: Dialect,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{
    id: string;
  }>`select id from users where id in ${among(dialect, ids, "text")}`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

export interface ImportedToken {
  readonly jti: string;
  readonly userId: string;
  readonly expiresAt: UnixSeconds;
}

/**
 * Inserts tokens and returns how many were new. Those that are here already stay as they are,
 * including used ones.
 */
export async function insertTokens(tx: Tx, tokens: readonly ImportedToken[]): Promise<number> {
  if (tokens.length === 0) return 0;
  const rows = await tx
    .insertInto("imported_tokens")
    .values(
      tokens.map(({ jti, userId, expiresAt }) => ({
        jti,
        user_id: userId,
        expires_at: expiresAt,
        used_at: null,
      })),
    )
    .onConflict((conflict) => conflict.column("jti").doNothing())
    .returning("jti")
    .execute();
  return rows.length;
}

export async function findTokens(
  db: Queryable,
  dialect: Dialect,
  jtis: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{
    jti: string;
  }>`select jti from imported_tokens where jti in ${among(dialect, jtis, "text")}`.execute(db);
  return new Set(rows.map(({ jti }) => jti));
}
