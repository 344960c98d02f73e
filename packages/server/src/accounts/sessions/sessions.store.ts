import type { EndCause } from "@portcullis/contract";
import { sql, type Selectable } from "kysely";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import type { SessionsTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { isEndCause } from "../../records/revocations/causes.ts";
import { readAmr, type AmrList } from "./amr.ts";

export interface Session {
  readonly id: string;
  readonly userId: string;
  readonly generation: number;
  readonly rotatedAt: UnixSeconds;
  readonly confirmedAt: UnixSeconds | null;
  readonly attemptHash: string | null;
  readonly hardEpoch: number;
  readonly authTime: UnixSeconds;
  readonly amr: AmrList;
  readonly acr: string;
  readonly createdAt: UnixSeconds;
  readonly lastUsedAt: UnixSeconds;
  readonly idleEndsAt: UnixSeconds;
  readonly endsAt: UnixSeconds;
  readonly maxAccessExp: UnixSeconds;
  readonly address: string;
  readonly userAgent: string;
  readonly revokedAt: UnixSeconds | null;
  readonly revokedCause: EndCause | null;
}

/** A session with the state of its user, read together. */
export interface HeldSession extends Session {
  readonly user: {
    readonly number: number;
    readonly hardEpoch: number;
    readonly authorizationEpoch: number;
    readonly disabledAt: UnixSeconds | null;
    readonly pausedAt: UnixSeconds | null;
  };
}

const inserting = prepared((db, row: Pick<SessionsTable, keyof SessionsTable>) =>
  db.insertInto("sessions").values({
    id: row.id,
    user_id: row.user_id,
    generation: row.generation,
    rotated_at: row.rotated_at,
    confirmed_at: row.confirmed_at,
    attempt_hash: row.attempt_hash,
    hard_epoch: row.hard_epoch,
    auth_time: row.auth_time,
    amr: row.amr,
    acr: row.acr,
    created_at: row.created_at,
    last_used_at: row.last_used_at,
    idle_ends_at: row.idle_ends_at,
    ends_at: row.ends_at,
    max_access_exp: row.max_access_exp,
    address: row.address,
    user_agent: row.user_agent,
    revoked_at: row.revoked_at,
    revoked_cause: row.revoked_cause,
  }),
);

export async function insertSession(tx: Tx, session: Session): Promise<void> {
  await inserting(tx, {
    id: session.id,
    user_id: session.userId,
    generation: session.generation,
    rotated_at: session.rotatedAt,
    confirmed_at: session.confirmedAt,
    attempt_hash: session.attemptHash,
    hard_epoch: session.hardEpoch,
    auth_time: session.authTime,
    amr: JSON.stringify(session.amr),
    acr: session.acr,
    created_at: session.createdAt,
    last_used_at: session.lastUsedAt,
    idle_ends_at: session.idleEndsAt,
    ends_at: session.endsAt,
    max_access_exp: session.maxAccessExp,
    address: session.address,
    user_agent: session.userAgent,
    revoked_at: session.revokedAt,
    revoked_cause: session.revokedCause,
  });
}

const withUser = (db: Queryable, { id }: { readonly id: string }) =>
  db
    .selectFrom("sessions")
    .innerJoin("users", "users.id", "sessions.user_id")
    .selectAll("sessions")
    .select([
      "users.hard_epoch as user_hard_epoch",
      "users.authorization_epoch as user_authorization_epoch",
      "users.disabled_at as user_disabled_at",
      "users.paused_at as user_paused_at",
      "users.number as user_number",
    ])
    .where("sessions.id", "=", id);
const reading = prepared(withUser);
const holding = prepared((db, which: { readonly id: string }) =>
  withUser(db, which).forUpdate("sessions"),
);

export async function findSession(db: Queryable, id: string): Promise<HeldSession | undefined> {
  const [row] = await reading(db, { id });
  return row && toHeld(row);
}

/**
 * Reads a session with its user's state and locks the session's row, so that refreshes and
 * revocations take turns (RF-06).
 */
export async function holdSession(tx: Tx, id: string): Promise<HeldSession | undefined> {
  const [row] = await holding(tx, { id });
  return row && toHeld(row);
}

function toHeld(row: Awaited<ReturnType<typeof reading>>[number]): HeldSession {
  return {
    ...toSession(row),
    user: {
      number: row.user_number,
      hardEpoch: row.user_hard_epoch,
      authorizationEpoch: row.user_authorization_epoch,
      disabledAt: row.user_disabled_at,
      pausedAt: row.user_paused_at,
    },
  };
}

type Advance = {
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly rotatedAt: UnixSeconds;
  readonly attemptHash: string | null;
  readonly idleEndsAt: UnixSeconds;
  readonly maxAccessExp: UnixSeconds;
  readonly address: string;
  readonly userAgent: string;
};

const advancing = prepared((db, next: Advance) =>
  db
    .updateTable("sessions")
    .set({
      generation: next.to,
      rotated_at: next.rotatedAt,
      confirmed_at: null,
      attempt_hash: next.attemptHash,
      last_used_at: next.rotatedAt,
      idle_ends_at: next.idleEndsAt,
      max_access_exp: next.maxAccessExp,
      address: next.address,
      user_agent: next.userAgent,
    })
    .where("id", "=", next.id)
    .where("generation", "=", next.from)
    .where("revoked_at", "is", null)
    .returning("id"),
);

/** Moves a live session on to its next generation. Returns false if it is no longer at `from`. */
export async function advance(tx: Tx, next: Omit<Advance, "to">): Promise<boolean> {
  return (await advancing(tx, { ...next, to: next.from + 1 })).length === 1;
}

/** Notes that another access token of the current generation will be signed. */
export async function touch(
  tx: Tx,
  id: string,
  seen: {
    readonly at: UnixSeconds;
    readonly confirmedAt: UnixSeconds | null;
    readonly maxAccessExp: UnixSeconds;
  },
): Promise<void> {
  await tx
    .updateTable("sessions")
    .set({
      last_used_at: seen.at,
      confirmed_at: seen.confirmedAt,
      max_access_exp: seen.maxAccessExp,
    })
    .where("id", "=", id)
    .execute();
}

type Revoking = { readonly id: string; readonly cause: EndCause; readonly now: UnixSeconds };

const revokingAny = (db: Queryable, { id, cause, now }: Revoking) =>
  db
    .updateTable("sessions")
    .set({ revoked_at: now, revoked_cause: cause })
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .returning(["user_id", "max_access_exp"]);
const revoking = prepared(revokingAny);
const revokingOwn = prepared((db, own: Revoking & { readonly userId: string }) =>
  revokingAny(db, own).where("user_id", "=", own.userId),
);

/**
 * Ends a live session. Returns `undefined` if there is none of that id (and, if given, of that
 * user).
 */
export async function markRevoked(
  tx: Tx,
  which: { readonly id: string; readonly userId?: string | undefined },
  cause: EndCause,
  now: UnixSeconds,
): Promise<{ readonly userId: string; readonly maxAccessExp: UnixSeconds } | undefined> {
  const { id, userId } = which;
  const [row] =
    userId === undefined
      ? await revoking(tx, { id, cause, now })
      : await revokingOwn(tx, { id, userId, cause, now });
  return row && { userId: row.user_id, maxAccessExp: row.max_access_exp };
}

/** Ends every live session of a user and returns their number. */
export async function markAllRevoked(
  tx: Tx,
  userId: string,
  cause: EndCause,
  now: UnixSeconds,
): Promise<number> {
  const result = await tx
    .updateTable("sessions")
    .set({ revoked_at: now, revoked_cause: cause })
    .where("user_id", "=", userId)
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

/** An access token is accepted for less than this time after its expiry, wherever it is checked. */
const LATE_SECONDS = 60;

/**
 * Ends every session of a user, except one, that could still be used, if only with an access token.
 */
export async function markOthersRevoked(
  tx: Tx,
  kept: { readonly id: string; readonly userId: string },
  cause: EndCause,
  now: UnixSeconds,
): Promise<readonly { readonly id: string; readonly maxAccessExp: UnixSeconds }[]> {
  const rows = await tx
    .updateTable("sessions")
    .set({ revoked_at: now, revoked_cause: cause })
    .where("user_id", "=", kept.userId)
    .where("id", "<>", kept.id)
    .where("revoked_at", "is", null)
    .where((eb) =>
      eb.or([
        eb("max_access_exp", ">", now - LATE_SECONDS),
        eb.and([eb("idle_ends_at", ">", now), eb("ends_at", ">", now)]),
      ]),
    )
    .returning(["id", "max_access_exp"])
    .execute();
  return rows.map((row) => ({ id: row.id, maxAccessExp: row.max_access_exp }));
}

export async function markEveryoneRevoked(
  tx: Tx,
  cause: EndCause,
  now: UnixSeconds,
): Promise<number> {
  const result = await tx
    .updateTable("sessions")
    .set({ revoked_at: now, revoked_cause: cause })
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  return Number(result.numUpdatedRows);
}

/**
 * Returns the latest expiry of all access tokens of a user's sessions, as far as sessions are still
 * stored. Ended sessions count, too.
 */
export async function latestAccessExpiryOf(tx: Tx, userId: string): Promise<UnixSeconds> {
  const row = await tx
    .selectFrom("sessions")
    .select((eb) => eb.fn.max("max_access_exp").as("latest"))
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return Number(row?.latest ?? 0);
}

const listing = prepared(
  (db, { userId, now }: { readonly userId: string; readonly now: UnixSeconds }) =>
    db
      .selectFrom("sessions")
      .selectAll()
      .where("user_id", "=", userId)
      .where("revoked_at", "is", null)
      .where("idle_ends_at", ">", now)
      .where("ends_at", ">", now)
      .orderBy("last_used_at", "desc")
      .orderBy("id", "desc"),
);

/** Lists the live sessions of a user. The one that was used last comes first. */
export async function listLiveSessions(
  db: Queryable,
  userId: string,
  now: UnixSeconds,
): Promise<readonly Session[]> {
  return (await listing(db, { userId, now })).map(toSession);
}

const surplus = prepared(
  (
    db,
    {
      userId,
      keep,
      now,
    }: { readonly userId: string; readonly keep: number; readonly now: UnixSeconds },
  ) =>
    db
      .selectFrom("sessions")
      .select("id")
      .where("user_id", "=", userId)
      .where("revoked_at", "is", null)
      .where("idle_ends_at", ">", now)
      .where("ends_at", ">", now)
      .orderBy("last_used_at", "desc")
      .orderBy("id", "desc")
      .limit(1000)
      .offset(sql<number>`${keep}`),
);

/** Lists the live sessions of a user except the `keep` that were used last. */
export async function liveSessionsBeyond(
  tx: Tx,
  userId: string,
  keep: number,
  now: UnixSeconds,
): Promise<readonly string[]> {
  return (await surplus(tx, { userId, keep, now })).map((row) => row.id);
}

/** Lists the live sessions of a user and the ended ones that have not been purged, newest first. */
export async function listAllSessions(db: Db, userId: string): Promise<readonly Session[]> {
  const rows = await db
    .selectFrom("sessions")
    .selectAll()
    .where("user_id", "=", userId)
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(500)
    .execute();
  return rows.map(toSession);
}

export async function countLiveSessions(
  db: Db,
  now: UnixSeconds,
  userIds?: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom("sessions")
    .select((eb) => ["user_id", eb.fn.countAll<number>().as("count")])
    .where("revoked_at", "is", null)
    .where("idle_ends_at", ">", now)
    .where("ends_at", ">", now)
    .$if(userIds !== undefined, (query) => query.where("user_id", "in", userIds ?? []))
    .groupBy("user_id")
    .execute();
  return new Map(rows.map((row) => [row.user_id, Number(row.count)]));
}

/** Counts the live sessions of all users. */
export async function countAllLiveSessions(db: Db, now: UnixSeconds): Promise<number> {
  const row = await db
    .selectFrom("sessions")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("revoked_at", "is", null)
    .where("idle_ends_at", ">", now)
    .where("ends_at", ">", now)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Deletes a batch of sessions that ended before `before`, for whatever reason. */
export async function pruneSessions(db: Db, before: UnixSeconds, limit = 1_000): Promise<number> {
  const result = await db
    .deleteFrom("sessions")
    .where("id", "in", (eb) =>
      eb
        .selectFrom("sessions")
        .select("id")
        .where((or) =>
          or.or([
            or("revoked_at", "<", before),
            or("idle_ends_at", "<", before),
            or("ends_at", "<", before),
          ]),
        )
        .where("max_access_exp", "<", before)
        .limit(limit),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

function toSession(row: Selectable<SessionsTable>): Session {
  return {
    id: row.id,
    userId: row.user_id,
    generation: row.generation,
    rotatedAt: row.rotated_at,
    confirmedAt: row.confirmed_at,
    attemptHash: row.attempt_hash,
    hardEpoch: row.hard_epoch,
    authTime: row.auth_time,
    amr: readAmr(row.amr),
    acr: row.acr,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    idleEndsAt: row.idle_ends_at,
    endsAt: row.ends_at,
    maxAccessExp: row.max_access_exp,
    address: row.address,
    userAgent: row.user_agent,
    revokedAt: row.revoked_at,
    revokedCause:
      row.revoked_cause !== null && isEndCause(row.revoked_cause) ? row.revoked_cause : null,
  };
}
