import type { Selectable } from "kysely";
import { deleteExpired } from "../../platform/db/delete-expired.ts";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import type { ChallengesTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";

export interface Challenge {
  readonly id: string;
  readonly userId: string;
  readonly secretHash: string;
  readonly standing: string;
  /** Whether it is answered with a factor that is set up during the sign-in. */
  readonly enrols: boolean;
  readonly triesLeft: number;
  readonly address: string;
  readonly trustedDevice: string | null;
  readonly createdAt: UnixSeconds;
  readonly expiresAt: UnixSeconds;
  readonly doneAt: UnixSeconds | null;
}

export async function insertChallenge(tx: Tx, challenge: Omit<Challenge, "doneAt">): Promise<void> {
  await tx
    .insertInto("challenges")
    .values({
      id: challenge.id,
      user_id: challenge.userId,
      secret_hash: challenge.secretHash,
      standing: challenge.standing,
      enrols: challenge.enrols ? 1 : 0,
      tries_left: challenge.triesLeft,
      address: challenge.address,
      trusted_device: challenge.trustedDevice,
      created_at: challenge.createdAt,
      expires_at: challenge.expiresAt,
      done_at: null,
    })
    .execute();
}

const open = prepared((db, { id, now }: { readonly id: string; readonly now: UnixSeconds }) =>
  db
    .selectFrom("challenges")
    .selectAll()
    .where("id", "=", id)
    .where("done_at", "is", null)
    .where("expires_at", ">", now),
);

/** Finds a challenge that can still be answered. */
export async function findOpen(
  db: Queryable,
  id: string,
  now: UnixSeconds,
): Promise<Challenge | undefined> {
  const [row] = await open(db, { id, now });
  return row && toChallenge(row);
}

const trying = prepared((db, { id, now }: { readonly id: string; readonly now: UnixSeconds }) =>
  db
    .updateTable("challenges")
    .set((eb) => ({ tries_left: eb("tries_left", "-", 1) }))
    .where("id", "=", id)
    .where("done_at", "is", null)
    .where("tries_left", ">", 0)
    .where("expires_at", ">", now)
    .returning("tries_left"),
);

/** Takes one try. Returns false if none is left. */
export async function takeTry(tx: Tx, id: string, now: UnixSeconds): Promise<boolean> {
  return (await trying(tx, { id, now })).length > 0;
}

const finishing = prepared((db, { id, now }: { readonly id: string; readonly now: UnixSeconds }) =>
  db
    .updateTable("challenges")
    .set({ done_at: now })
    .where("id", "=", id)
    .where("done_at", "is", null)
    .where("expires_at", ">", now)
    .returning("id"),
);

/**
 * Marks a challenge as answered. Returns true for only one of several simultaneous right answers
 * (MF-04).
 */
export async function markDone(tx: Tx, id: string, now: UnixSeconds): Promise<boolean> {
  return (await finishing(tx, { id, now })).length > 0;
}

export async function isDone(tx: Tx, id: string): Promise<boolean> {
  const row = await tx
    .selectFrom("challenges")
    .select("done_at")
    .where("id", "=", id)
    .executeTakeFirst();
  return row?.done_at !== null;
}

/** Deletes a batch of challenges that cannot be answered any more. */
export async function pruneChallenges(db: Db, now: UnixSeconds, limit: number): Promise<number> {
  return deleteExpired(db, "challenges", "id", { upTo: now, limit });
}

function toChallenge(row: Selectable<ChallengesTable>): Challenge {
  return {
    id: row.id,
    userId: row.user_id,
    secretHash: row.secret_hash,
    standing: row.standing,
    enrols: row.enrols === 1,
    triesLeft: row.tries_left,
    address: row.address,
    trustedDevice: row.trusted_device,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    doneAt: row.done_at,
  };
}
