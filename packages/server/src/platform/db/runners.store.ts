import type { UnixSeconds } from "../kernel/clock.ts";
import type { Db } from "./open.ts";

export interface Hold {
  readonly name: string;
  readonly holder: string;
  readonly now: UnixSeconds;
  /** Unless it is renewed, others may take over after that. */
  readonly seconds: number;
}

/** Further ahead than anybody asks for: written by a clock that was. */
const ABSURD_SECONDS = 3600;

/**
 * Takes or renews what one process of a deployment does for all. Of any number of callers at once,
 * one gets `true`.
 */
export async function holdRunner(db: Db, { name, holder, now, seconds }: Hold): Promise<boolean> {
  const row = await db
    .insertInto("runners")
    .values({ name, holder, held_until: now + seconds })
    .onConflict((conflict) =>
      conflict
        .column("name")
        .doUpdateSet({ holder, held_until: now + seconds })
        .where((eb) =>
          eb.or([
            eb("runners.holder", "=", holder),
            eb("runners.held_until", "<=", now),
            eb("runners.held_until", ">", now + ABSURD_SECONDS),
          ]),
        ),
    )
    .returning("holder")
    .executeTakeFirst();
  return row !== undefined;
}

/** So that a successor need not wait; of no effect for whoever does not hold it. */
export async function releaseRunner(
  db: Db,
  { name, holder }: Pick<Hold, "name" | "holder">,
): Promise<void> {
  await db.deleteFrom("runners").where("name", "=", name).where("holder", "=", holder).execute();
}
