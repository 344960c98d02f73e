import type { Db, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import { HOUR, type UnixSeconds } from "../../platform/kernel/clock.ts";

export function hourOf(at: UnixSeconds): UnixSeconds {
  return at - (at % HOUR);
}

const counting = prepared(
  (db, { name, hour }: { readonly name: string; readonly hour: UnixSeconds }) =>
    db
      .insertInto("counters")
      .values({ name, hour_starts_at: hour, count: 1 })
      .onConflict((conflict) =>
        conflict
          .columns(["name", "hour_starts_at"])
          .doUpdateSet((eb) => ({ count: eb("counters.count", "+", 1) })),
      )
      .returning("count"),
);

/** Adds one and returns the hour's count so far. */
export async function countUp(tx: Tx, name: string, now: UnixSeconds): Promise<number> {
  const [row] = await counting(tx, { name, hour: hourOf(now) });
  return row?.count ?? 0;
}

/** Returns counts by hour. Hours in which nothing was counted are left out. */
export async function countsByHour(
  db: Db,
  name: string,
  from: UnixSeconds,
): Promise<ReadonlyMap<UnixSeconds, number>> {
  const rows = await db
    .selectFrom("counters")
    .select(["hour_starts_at", "count"])
    .where("name", "=", name)
    .where("hour_starts_at", ">=", hourOf(from))
    .execute();
  return new Map(rows.map((row) => [row.hour_starts_at, row.count]));
}

/** Forgets a batch of hours that began before `before`. */
export async function pruneCounters(db: Db, before: UnixSeconds, limit = 1_000): Promise<number> {
  const result = await db
    .deleteFrom("counters")
    .where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple("name", "hour_starts_at"),
        "in",
        selectFrom("counters")
          .select(["name", "hour_starts_at"])
          .where("hour_starts_at", "<", before)
          .limit(limit)
          .$asTuple("name", "hour_starts_at"),
      ),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
