import { sql } from "kysely";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

/** Allows `limit` within `windowSeconds`, counted from the first one. */
export interface Limit {
  readonly bucket: string;
  readonly limit: number;
  readonly windowSeconds: number;
}

export type TakeOutcome =
  | { readonly kind: "taken" }
  | { readonly kind: "exhausted"; readonly retryAfterSeconds: number };

type Taking = {
  readonly bucket: string;
  readonly limit: number;
  readonly now: UnixSeconds;
  readonly endsAt: UnixSeconds;
};

const taking = prepared((db, { bucket, limit, now, endsAt }: Taking) =>
  db
    .insertInto("attempts")
    .values({ bucket, count: 1, window_ends_at: endsAt })
    .onConflict((conflict) =>
      conflict
        .column("bucket")
        .doUpdateSet({
          count: sql<number>`case when attempts.window_ends_at <= ${now} then 1 else attempts.count + 1 end`,
          window_ends_at: sql<number>`case when attempts.window_ends_at <= ${now} then ${endsAt} else attempts.window_ends_at end`,
        })
        .where((eb) =>
          eb.or([eb("attempts.window_ends_at", "<=", now), eb("attempts.count", "<", limit)]),
        ),
    )
    .returning("count"),
);

/**
 * Takes one from a bucket that has one left. However many callers on however many nodes ask,
 * `limit` of them succeed (LG-02).
 */
export async function take(
  tx: Tx,
  { bucket, limit, windowSeconds }: Limit,
  now: UnixSeconds,
): Promise<TakeOutcome> {
  const [row] = await taking(tx, { bucket, limit, now, endsAt: now + windowSeconds });
  if (row !== undefined) return { kind: "taken" };
  const full = await tx
    .selectFrom("attempts")
    .select("window_ends_at")
    .where("bucket", "=", bucket)
    .executeTakeFirst();
  return { kind: "exhausted", retryAfterSeconds: Math.max(1, (full?.window_ends_at ?? now) - now) };
}

/**
 * Takes one of each in turn. The first one that is exhausted answers, and what was taken before
 * stays taken.
 */
export async function takeEach(
  tx: Tx,
  limits: readonly Limit[],
  now: UnixSeconds,
): Promise<TakeOutcome> {
  for (const limit of limits) {
    const outcome = await take(tx, limit, now);
    if (outcome.kind === "exhausted") return outcome;
  }
  return { kind: "taken" };
}

const giving = prepared(
  (db, { bucket, count }: { readonly bucket: string; readonly count: number }) =>
    db
      .updateTable("attempts")
      .set({ count: sql<number>`case when count > ${count} then count - ${count} else 0 end` })
      .where("bucket", "=", bucket),
);

export async function giveBack(tx: Tx, bucket: string, count = 1): Promise<void> {
  await giving(tx, { bucket, count });
}

export async function countOf(db: Queryable, bucket: string, now: UnixSeconds): Promise<number> {
  const row = await db
    .selectFrom("attempts")
    .select("count")
    .where("bucket", "=", bucket)
    .where("window_ends_at", ">", now)
    .executeTakeFirst();
  return row?.count ?? 0;
}

export async function forget(tx: Tx, buckets: readonly string[]): Promise<void> {
  await tx.deleteFrom("attempts").where("bucket", "in", buckets).execute();
}

/**
 * Forgets a batch of buckets whose window has passed. Buckets that another transaction holds wait
 * for the next run, because waiting for each other would be a deadlock.
 */
export async function pruneAttempts(db: Db, now: UnixSeconds, limit = 10_000): Promise<number> {
  const result = await db
    .deleteFrom("attempts")
    .where("bucket", "in", (eb) =>
      eb
        .selectFrom("attempts")
        .select("bucket")
        .where("window_ends_at", "<=", now)
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
