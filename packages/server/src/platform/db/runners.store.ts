import type { UnixSeconds } from "../kernel/clock.ts";
import type { Db } from "./open.ts";

export interface Hold {
  readonly name: string;
  readonly holder: string;
  readonly now: UnixSeconds;
  /** How long the hold lasts unless it is renewed. Afterwards others may take over. */
  readonly seconds: number;
}

/**
 * No caller asks for this much. A hold that ends later was written under a clock that was wrong.
 */
const ABSURD_SECONDS = 3600;

/**
 * Takes or renews the right to do a task for the whole deployment. If several callers ask at once,
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

/** Lets a successor begin without waiting. Has no effect if the caller is not the holder. */
export async function releaseRunner(
  db: Db,
  { name, holder }: Pick<Hold, "name" | "holder">,
): Promise<void> {
  await db.deleteFrom("runners").where("name", "=", name).where("holder", "=", holder).execute();
}
