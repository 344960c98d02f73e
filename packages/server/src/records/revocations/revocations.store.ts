import type { EndCause } from "@portcullis/contract";
import type { RevocationRow } from "@portcullis/verifier";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { deleteExpired } from "../../platform/db/delete-expired.ts";
import type { Db, Queryable, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import { isEndCause } from "./causes.ts";

/** The place of a revocation in commit order: the column `xid`. */
export type Position = number;

export interface Revocation extends RevocationRow {
  readonly createdAt: UnixSeconds;
}

export async function insertRevocation(tx: Tx, revocation: Revocation): Promise<Position> {
  const { xid } = await tx
    .insertInto("revocations")
    .values({
      scope: revocation.scope,
      subject: revocation.subject,
      min_hard_epoch: revocation.minHardEpoch,
      min_authorization_epoch: revocation.minAuthorizationEpoch,
      cause: revocation.cause,
      created_at: revocation.createdAt,
      expires_at: revocation.expiresAt,
    })
    .returning("xid")
    .executeTakeFirstOrThrow();
  return xid;
}

/**
 * The number of revocations that are read at a time. All other work of the node waits while one
 * page is applied, and only one page is held in memory.
 */
export const PAGE_ROWS = 5000;

const paging = prepared(
  (db, { from, now }: { readonly from: Position; readonly now: UnixSeconds }) =>
    db
      .selectFrom("revocations")
      .select([
        "scope",
        "subject",
        "min_hard_epoch as minHardEpoch",
        "min_authorization_epoch as minAuthorizationEpoch",
      ])
      .select(["cause", "expires_at as expiresAt", "seq as position"])
      .where("seq", ">=", from)
      .where("expires_at", ">", now)
      .orderBy("seq")
      .limit(PAGE_ROWS),
);

/**
 * Returns the next page of the revocations from `from` on that still matter. SQLite only, where the
 * order of `seq` is commit order.
 */
export async function pageOfRevocations(
  db: Queryable,
  from: Position,
  now: UnixSeconds,
): Promise<readonly (RevocationRow & { readonly position: Position })[]> {
  return (await paging(db, { from, now })).map(withEndCause);
}

/**
 * Returns the hard epoch below which no token of any user is good: that of the latest revocation of
 * everything that is still in force.
 */
export async function hardEpochFloor(tx: Tx): Promise<number> {
  const row = await tx
    .selectFrom("revocations")
    .select((eb) => eb.fn.max("min_hard_epoch").as("floor"))
    .where("scope", "=", "all")
    .executeTakeFirst();
  return Number(row?.floor ?? 0);
}

/**
 * Returns the revocations in force that concern a session, a user or a signing key, including those
 * of everything, with their positions in commit order.
 */
export async function listConcerning(
  tx: Tx,
  subject: {
    readonly sessionId?: string | undefined;
    readonly userId?: string | undefined;
    readonly kid?: string | undefined;
  },
  now: UnixSeconds,
): Promise<readonly { readonly revocation: Revocation; readonly position: Position }[]> {
  const subjects = [subject.sessionId, subject.userId, subject.kid, "*"].filter(
    (one) => one !== undefined,
  );
  const rows = await tx
    .selectFrom("revocations")
    .selectAll()
    .where("subject", "in", subjects)
    .where("expires_at", ">", now)
    .execute();
  return rows.map((row) => ({ revocation: toRevocation(row), position: row.xid }));
}

export async function isRecorded(tx: Tx, subject: string): Promise<boolean> {
  return (
    (await tx
      .selectFrom("revocations")
      .select("seq")
      .where("subject", "=", subject)
      .executeTakeFirst()) !== undefined
  );
}

export async function listRevocations(
  db: Db,
  page: { readonly before?: number | undefined; readonly limit: number; readonly now: UnixSeconds },
): Promise<readonly (Revocation & { seq: number })[]> {
  const rows = await db
    .selectFrom("revocations")
    .selectAll()
    .where("expires_at", ">", page.now)
    .$if(page.before !== undefined, (query) => query.where("seq", "<", page.before ?? 0))
    .orderBy("seq", "desc")
    .limit(page.limit)
    .execute();
  return rows.map((row) => ({ ...toRevocation(row), seq: row.seq }));
}

export async function countRevocations(db: Db, now: UnixSeconds): Promise<number> {
  const { count } = await db
    .selectFrom("revocations")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("expires_at", ">", now)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Forgets a batch of revocations whose last covered token has expired. */
export async function pruneRevocations(db: Db, now: UnixSeconds, limit = 10_000): Promise<number> {
  return deleteExpired(db, "revocations", "seq", { upTo: now, limit });
}

function toRevocation(row: {
  readonly scope: RevocationRow["scope"];
  readonly subject: string;
  readonly min_hard_epoch: number | null;
  readonly min_authorization_epoch: number | null;
  readonly cause: string;
  readonly created_at: number;
  readonly expires_at: number;
}): Revocation {
  return {
    scope: row.scope,
    subject: row.subject,
    minHardEpoch: row.min_hard_epoch,
    minAuthorizationEpoch: row.min_authorization_epoch,
    cause: toEndCause(row.cause),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

/** Reads a cause that this version does not know as `admin`. */
export function withEndCause<Row extends { readonly cause: string }>(
  row: Row,
): Row & { readonly cause: EndCause } {
  return { ...row, cause: toEndCause(row.cause) };
}

function toEndCause(text: string): EndCause {
  return isEndCause(text) ? text : "admin";
}

export interface Lease {
  readonly nodeId: string;
  readonly appliedBefore: Position;
}

export async function renewLease(
  db: Db,
  lease: Lease & { readonly bootId: string; readonly until: UnixSeconds },
): Promise<void> {
  const values = {
    boot_id: lease.bootId,
    lease_until: lease.until,
    applied_before: lease.appliedBefore,
  };
  await db
    .insertInto("leases")
    .values({ node_id: lease.nodeId, ...values })
    .onConflict((conflict) => conflict.column("node_id").doUpdateSet(values))
    .execute();
}

/**
 * Counts the live nodes other than `nodeId` that have not yet applied every revocation up to
 * `position`.
 */
export async function nodesBehind(
  db: Db,
  nodeId: string,
  position: Position,
  now: UnixSeconds,
): Promise<number> {
  const rows = await db
    .selectFrom("leases")
    .select("node_id")
    .where("node_id", "<>", nodeId)
    .where("lease_until", ">", now)
    .where("applied_before", "<=", position)
    .execute();
  return rows.length;
}

export async function dropLease(db: Db, nodeId: string): Promise<void> {
  await db.deleteFrom("leases").where("node_id", "=", nodeId).execute();
}

/** Forgets a batch of nodes whose lease ended before `before` and that did not sign off. */
export async function pruneLeases(db: Db, before: UnixSeconds, limit = 1_000): Promise<number> {
  const result = await db
    .deleteFrom("leases")
    .where("node_id", "in", (eb) =>
      eb.selectFrom("leases").select("node_id").where("lease_until", "<", before).limit(limit),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
