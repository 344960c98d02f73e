import { transact } from "../../../platform/db/transact.ts";
import type { Db } from "../../../platform/db/open.ts";
import type { Clock } from "../../../platform/kernel/clock.ts";
import { countOf, take } from "../../../records/attempts/attempts.store.ts";

interface CoolDownDeps {
  readonly db: Db;
  readonly clock: Clock;
}

const AT_LEAST_SECONDS = 0.15;

/**
 * After a wrong code, no code is checked for a second, as in the original. The pause ends with a
 * whole second, 0.15 to 1.15 seconds later. The account's own budget bounds guessing (MF-03).
 */
export async function coolDown({ db, clock }: CoolDownDeps, userId: string): Promise<void> {
  const seconds = clock.wallMilliseconds() / 1000;
  const now = Math.floor(seconds);
  const windowSeconds = Math.ceil(seconds + AT_LEAST_SECONDS) - now;
  await transact({ db }, async (tx) =>
    take(tx, { bucket: bucketOf(userId), limit: 1, windowSeconds }, now),
  );
}

export async function isCoolingDown({ db, clock }: CoolDownDeps, userId: string): Promise<boolean> {
  return (await countOf(db, bucketOf(userId), clock.now())) > 0;
}

function bucketOf(userId: string): string {
  return `tag1-code:${userId}`;
}
