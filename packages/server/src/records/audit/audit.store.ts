import { sql, type Selectable } from "kysely";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import { prepared } from "../../platform/db/prepared.ts";
import type { AuditEventsTable, AuditHeadTable } from "../../platform/db/tables.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import type { Link } from "./chain.ts";

const advancing = prepared((db) =>
  db
    .updateTable("audit_head")
    .set((eb) => ({ position: eb("position", "+", 1) }))
    .returning(["position", "mac"]),
);

/**
 * Takes the next position, and with it the row lock that brings all events into one order. `mac` is
 * still that of the event before.
 */
export async function advanceHead(
  tx: Tx,
): Promise<{ readonly position: number; readonly mac: string }> {
  const [head] = await advancing(tx, {});
  if (head === undefined) throw new Error("the audit has no head");
  return head;
}

const signing = prepared((db, { mac }: { readonly mac: string }) =>
  db.updateTable("audit_head").set({ mac }),
);

export async function setHeadMac(tx: Tx, mac: string): Promise<void> {
  await signing(tx, { mac });
}

/** The columns are named, because a statement is prepared with all of them. */
type NewEvent = Pick<AuditEventsTable, keyof AuditEventsTable>;

const inserting = prepared((db, event: NewEvent) =>
  db.insertInto("audit_events").values({
    position: event.position,
    at: event.at,
    event: event.event,
    actor_kind: event.actor_kind,
    actor_id: event.actor_id,
    user_id: event.user_id,
    session_id: event.session_id,
    address: event.address,
    result: event.result,
    request_id: event.request_id,
    details: event.details,
    mac: event.mac,
  }),
);

export async function insertEvent(tx: Tx, event: AuditEventsTable): Promise<void> {
  await inserting(tx, event);
}

/** Does `work` within the transaction and undoes it, and nothing else, unless `keep` is true. */
export async function keepIf(tx: Tx, keep: boolean, work: () => Promise<void>): Promise<void> {
  await sql`savepoint perhaps`.execute(tx);
  await work();
  await (keep ? sql`release savepoint perhaps` : sql`rollback to savepoint perhaps`).execute(tx);
}

/** Both ends of the chain. */
export interface Head extends Link {
  readonly pruned: Link;
}

const bothEnds = (db: Queryable) =>
  db.selectFrom("audit_head").select(["position", "mac", "pruned_position", "pruned_mac"]);

export async function findHead(db: Queryable): Promise<Head | undefined> {
  const row = await bothEnds(db).executeTakeFirst();
  return row && toHead(row);
}

/** Locks the row that every audited change waits for. */
export async function holdHead(tx: Tx): Promise<Head> {
  return toHead(await bothEnds(tx).forUpdate().executeTakeFirstOrThrow());
}

function toHead(
  row: Pick<AuditHeadTable, "position" | "mac" | "pruned_position" | "pruned_mac">,
): Head {
  return {
    position: row.position,
    mac: row.mac,
    pruned: { position: row.pruned_position, mac: row.pruned_mac },
  };
}

/**
 * Lists events after a position, oldest first. Without `position` it begins with the very first
 * row.
 */
export async function eventsAfter(
  db: Queryable,
  position: number | undefined,
  limit: number,
): Promise<Selectable<AuditEventsTable>[]> {
  const select = db.selectFrom("audit_events").selectAll().orderBy("position").limit(limit);
  return (position === undefined ? select : select.where("position", ">", position)).execute();
}

/** Returns when the newest of the events up to `at` was recorded. */
export async function newestEventUpTo(
  db: Queryable,
  at: UnixSeconds,
): Promise<UnixSeconds | undefined> {
  const row = await db
    .selectFrom("audit_events")
    .select("at")
    .where("at", "<=", at)
    .orderBy("position", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.at;
}

export async function oldestEvent(db: Queryable): Promise<UnixSeconds | undefined> {
  return (
    await db.selectFrom("audit_events").select("at").orderBy("position").limit(1).executeTakeFirst()
  )?.at;
}

/** Removes the events up to and including that of `pruned`, which is remembered in their place. */
export async function removeEvents(tx: Tx, pruned: Link): Promise<void> {
  await tx.deleteFrom("audit_events").where("position", "<=", pruned.position).execute();
  await tx
    .updateTable("audit_head")
    .set({ pruned_position: pruned.position, pruned_mac: pruned.mac })
    .execute();
}

export interface AuditEvent {
  readonly position: number;
  readonly at: UnixSeconds;
  readonly event: string;
  readonly actorKind: AuditEventsTable["actor_kind"];
  readonly actorId: string | null;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly address: string | null;
  readonly result: AuditEventsTable["result"];
  readonly requestId: string | null;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export interface EventQuery {
  readonly userId?: string | undefined;
  /** May be any text. A name that no event has finds no events. */
  readonly event?: string | undefined;
  /** Position of the last event on the page before. The listing continues after it. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Lists events, newest first. */
export async function listEvents(db: Queryable, query: EventQuery): Promise<AuditEvent[]> {
  let select = db
    .selectFrom("audit_events")
    .selectAll()
    .orderBy("position", "desc")
    .limit(query.limit);
  if (query.userId !== undefined) select = select.where("user_id", "=", query.userId);
  if (query.event !== undefined) select = select.where("event", "=", query.event);
  if (query.before !== undefined) select = select.where("position", "<", query.before);
  return (await select.execute()).map(eventOf);
}

function eventOf(row: Selectable<AuditEventsTable>): AuditEvent {
  const details: AuditEvent["details"] = JSON.parse(row.details);
  return {
    position: row.position,
    at: row.at,
    event: row.event,
    actorKind: row.actor_kind,
    actorId: row.actor_id,
    userId: row.user_id,
    sessionId: row.session_id,
    address: row.address,
    result: row.result,
    requestId: row.request_id,
    details,
  };
}
