import type { Tx } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Facts } from "../../platform/kernel/log.ts";
import { advanceHead, insertEvent, keepIf, setHeadMac } from "./audit.store.ts";
import { endMac, eventData, eventMacOf } from "./chain.ts";
import type { Actor, AuditEventName } from "./events.ts";

export interface AuditDeps {
  readonly keyring: Keyring;
  readonly clock: Clock;
}

/** Spread an `Origin` into an entry to supply actor, address and request id. */
export interface AuditEntry {
  readonly event: AuditEventName;
  readonly actor: Actor;
  readonly address?: string | null;
  readonly requestId?: string | null;
  /** The user that the event happened to. */
  readonly userId?: string | null;
  readonly sessionId?: string | null;
  /** `done` if not given. */
  readonly result?: "done" | "refused";
  /**
   * Our own words, ids and counts. They never hold a text that a caller typed, an e-mail address or
   * a token (AU-03).
   */
  readonly details?: Facts;
}

/**
 * Appends one event to the chain, in the transaction of the change it reports (AU-01).
 *
 * Call it last: it takes the row lock of `audit_head`, which every other audited change waits for
 * until this transaction ends. Lock order is therefore always the rows of the change first, the
 * head after them.
 *
 * @throws {RangeError} for a text among `details` that could be an address or a token: not
 *   printable ASCII, longer than 64 characters, or with an `@`
 */
export async function record(tx: Tx, deps: AuditDeps, entry: AuditEntry): Promise<void> {
  const details = serialise(entry.details ?? {});
  const head = await advanceHead(tx);
  const event = {
    position: head.position,
    at: deps.clock.now(),
    event: entry.event,
    actor_kind: entry.actor.kind,
    actor_id: "id" in entry.actor ? entry.actor.id : null,
    user_id: entry.userId ?? null,
    session_id: entry.sessionId ?? null,
    address: entry.address ?? null,
    result: entry.result ?? "done",
    request_id: entry.requestId ?? null,
    details,
  };
  const mac = deps.keyring
    .mac("audit-chain", eventData(eventMacOf(head.mac), event))
    .toString("hex");
  await insertEvent(tx, { ...event, mac });
  await setHeadMac(tx, endMac(deps.keyring, "head", event.position, mac));
}

/**
 * Records an event as `record` does, but keeps it only if it is `due`. The work is the same either
 * way, so that the time does not tell (EN-02).
 */
export async function recordIf(
  due: boolean,
  tx: Tx,
  deps: AuditDeps,
  entry: AuditEntry,
): Promise<void> {
  await keepIf(tx, due, async () => record(tx, deps, entry));
}

const PLAIN = /^[\x20-\x3f\x41-\x7e]{0,64}$/;

function serialise(details: Facts): string {
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === "string" && !PLAIN.test(value))
      throw new RangeError(`audit detail ${name} may hold an address or a token`);
  }
  return JSON.stringify(details);
}
