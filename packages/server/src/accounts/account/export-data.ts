import type { Db } from "../../platform/db/open.ts";
import type { Json } from "../../platform/http/serve.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import { findUser } from "../users/users.store.ts";
import { personalRows, shown } from "./export-data.store.ts";
import { personalData, type LeftOut, type Shown } from "./personal-data.ts";

export interface ExportDeps {
  readonly db: Db;
  readonly clock: Clock;
}

export interface Exported {
  readonly exportedAt: number;
  /** For each kind of data, what is kept about the user, newest first. */
  readonly data: Readonly<Record<string, readonly Readonly<Record<string, Json>>[]>>;
  /** The kinds that have more rows than an export holds. */
  readonly truncated: readonly string[];
}

const MOST_ROWS = 10_000;

/**
 * Collects everything that is kept about a user (PV-03). Secrets are left out: they are digests or
 * sealed, and the user would only lose them. Returns `undefined` if the user has been deleted.
 */
export async function exportData(
  { db, clock }: ExportDeps,
  userId: string,
): Promise<Exported | undefined> {
  const user = await findUser(db, userId);
  if (user === undefined) return undefined;
  const addresses = [...new Set([user.email, user.emailCanonical])].filter((it) => it !== null);
  const data: Record<string, readonly Readonly<Record<string, Json>>[]> = {};
  const truncated: string[] = [];
  for (const [table, personal] of Object.entries(personalData)) {
    if ("because" in personal) continue;
    const columns = shownColumns(personal.columns);
    const rows = await personalRows(db, {
      table,
      columns: columns.map(([name]) => name),
      column: personal.rows.column,
      values: personal.rows.by === "user" ? [userId] : addresses,
      limit: MOST_ROWS + 1,
    });
    if (rows.length > MOST_ROWS) truncated.push(camel(table));
    data[camel(table)] = rows
      .slice(0, MOST_ROWS)
      .map((row) =>
        Object.fromEntries(columns.map(([name, how]) => [camel(name), shown(row[name], how)])),
      );
  }
  return { exportedAt: clock.now(), data, truncated };
}

function shownColumns(
  columns: Readonly<Record<string, Shown | LeftOut>>,
): readonly (readonly [string, Shown])[] {
  return Object.entries(columns).filter(
    (entry): entry is [string, Shown] => typeof entry[1] === "string",
  );
}

const camel = (name: string): string =>
  name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
