import { sql, type Expression, type ExpressionBuilder, type SqlBool } from "kysely";
import type { Db } from "../../platform/db/open.ts";
import type { Tables } from "../../platform/db/tables.ts";
import { toUser, type User } from "../../accounts/users/users.store.ts";

export type UserStatus = "active" | "disabled" | "unverified" | "superuser";

/** The meanings of a search text, each in the form in which it is stored. */
export interface Search {
  readonly emailStart: string;
  readonly usernameStart: string;
  readonly id: string;
}

export interface UserQuery {
  readonly search?: Search | undefined;
  readonly status?: UserStatus | undefined;
  /** Number of the last user of the previous page, which is not repeated. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface NumberedUser {
  readonly number: number;
  readonly user: User;
}

type Where = (eb: ExpressionBuilder<Tables, "users">) => Expression<SqlBool>;

const statuses: Readonly<Record<UserStatus, Where>> = {
  active: (eb) => eb("disabled_at", "is", null),
  disabled: (eb) => eb("disabled_at", "is not", null),
  unverified: (eb) => eb.and([eb("email", "is not", null), eb("email_verified_at", "is", null)]),
  superuser: (eb) => eb("superuser_since", "is not", null),
};

/** Lists users, newest first. */
export async function listUsers(db: Db, query: UserQuery): Promise<readonly NumberedUser[]> {
  const { search, status, before } = query;
  let select = db.selectFrom("users").selectAll().orderBy("number", "desc").limit(query.limit);
  if (before !== undefined) select = select.where("number", "<", before);
  if (status !== undefined) select = select.where(statuses[status]);
  if (search !== undefined)
    select = select.where(matches(search, { byIndex: !(await isWide(db, search)) }));
  return (await select.execute()).map((row) => ({ number: row.number, user: toUser(row) }));
}

/**
 * If a search has more hits than this, reading users newest first until the page is full costs less
 * than finding all hits by the index and sorting them.
 */
const WIDE = 10_000;

async function isWide(db: Db, search: Search): Promise<boolean> {
  for (const [column, start] of starts(search)) {
    const nth = db
      .selectFrom("users")
      .select(column)
      .where(startsWith(column, start))
      .orderBy(column)
      .limit(1)
      .offset(WIDE);
    if ((await nth.executeTakeFirst()) !== undefined) return true;
  }
  return false;
}

function matches(search: Search, how: { readonly byIndex: boolean }): Where {
  return (eb) =>
    eb.or([
      eb("id", "=", search.id),
      ...starts(search).map(([column, start]) => startsWith(column, start, how)(eb)),
    ]);
}

function starts(search: Search) {
  return [
    ["email_canonical", search.emailStart],
    ["username_canonical", search.usernameStart],
  ] as const;
}

/**
 * Compares with a range, which both databases read from the index and in which no character has a
 * special meaning. An expression would use no index.
 */
function startsWith(
  column: "email_canonical" | "username_canonical",
  start: string,
  { byIndex } = { byIndex: true },
): Where {
  const value = byIndex ? sql<string>`${sql.ref(column)}` : sql<string>`${sql.ref(column)} || ''`;
  return (eb) => eb.and([eb(value, ">=", start), eb(value, "<", `${start}\u{10FFFF}`)]);
}

export async function countUsers(db: Db): Promise<number> {
  const { count } = await db
    .selectFrom("users")
    .select(sql<number>`count(*)`.as("count"))
    .executeTakeFirstOrThrow();
  return count;
}
