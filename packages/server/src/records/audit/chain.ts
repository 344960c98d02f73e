import type { AuditEventsTable } from "../../platform/db/tables.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";

export type UnsignedEvent = Omit<AuditEventsTable, "mac">;

/** The number of hex digits of one HMAC-SHA-256. */
const MAC_LENGTH = 64;

/**
 * Returns the data that the MAC of an event is taken over: the MAC of the event before (`""` for
 * the first one), then every column.
 */
export function eventData(previousMac: string, event: UnsignedEvent): string {
  return JSON.stringify([
    "event",
    previousMac,
    event.position,
    event.at,
    event.event,
    event.actor_kind,
    event.actor_id,
    event.user_id,
    event.session_id,
    event.address,
    event.result,
    event.request_id,
    event.details,
  ]);
}

/**
 * The two ends of the chain that is stored: the last event, and the last one that retention has
 * removed.
 */
export type End = "head" | "pruned";

/**
 * Returns what `audit_head.mac` and `audit_head.pruned_mac` hold: the MAC of the event at that end,
 * then another MAC over end, position and MAC. Without the second one, an attacker who can write to
 * the database could cut the chain at either end and store there the MAC of the event that is now
 * the last, or of the one before the first.
 */
export function endMac(keyring: Keyring, end: End, position: number, eventMac: string): string {
  return eventMac + keyring.mac("audit-chain", endData(end, position, eventMac)).toString("hex");
}

export function eventMacOf(end: string): string {
  return end.slice(0, MAC_LENGTH);
}

export function isEndMac(keyring: Keyring, end: End, position: number, mac: string): boolean {
  return keyring.verifyMac(
    "audit-chain",
    endData(end, position, eventMacOf(mac)),
    Buffer.from(mac.slice(MAC_LENGTH), "hex"),
  );
}

function endData(end: End, position: number, eventMac: string): string {
  return JSON.stringify([end, position, eventMac]);
}

/** The event before the one at which a chain is taken up. */
export interface Link {
  readonly position: number;
  readonly mac: string;
}

/**
 * Returns the problem of an event, or `undefined` if it has none.
 *
 * - `missing`: no event has this position, though later ones exist
 * - `altered`: this event or one inserted before it is not what was recorded, or it was recorded
 *   under a secret that we do not know
 */
export function problemOf(
  keyring: Keyring,
  previous: Link,
  event: AuditEventsTable,
): "missing" | "altered" | undefined {
  if (event.position > previous.position + 1) return "missing";
  const genuine = keyring.verifyMac(
    "audit-chain",
    eventData(previous.mac, event),
    Buffer.from(event.mac, "hex"),
  );
  return genuine ? undefined : "altered";
}

/**
 * Returns the event before the oldest one that retention has left. Returns `undefined` if the
 * stored form of it was not written by us.
 */
export function anchorOf(keyring: Keyring, pruned: Link): Link | undefined {
  if (pruned.position === 0 && pruned.mac === "") return pruned;
  return isEndMac(keyring, "pruned", pruned.position, pruned.mac)
    ? { position: pruned.position, mac: eventMacOf(pruned.mac) }
    : undefined;
}
