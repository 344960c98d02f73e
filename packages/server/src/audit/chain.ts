import type { AuditEventsTable } from "../db/tables.ts";
import type { Keyring } from "../kernel/keyring.ts";

export type UnsignedEvent = Omit<AuditEventsTable, "mac">;

/** Hex digits of one HMAC-SHA-256. */
const MAC_LENGTH = 64;

/** What the MAC of an event is taken over: the MAC of the event before it (`""` for the first), then every column. */
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
 * What `audit_head.mac` holds: the last event's MAC, then one of its own over position and MAC. Without the second, whoever
 * can write to the database could cut the tail and copy the new last event's MAC into the head.
 */
export function headMac(keyring: Keyring, position: number, lastMac: string): string {
  return lastMac + keyring.mac("audit-chain", headData(position, lastMac)).toString("hex");
}

export function lastMacOf(head: string): string {
  return head.slice(0, MAC_LENGTH);
}

export function isHeadMac(keyring: Keyring, position: number, lastMac: string, head: string): boolean {
  return (
    head.startsWith(lastMac) && keyring.verifyMac("audit-chain", headData(position, lastMac), Buffer.from(head.slice(MAC_LENGTH), "hex"))
  );
}

function headData(position: number, lastMac: string): string {
  return JSON.stringify(["head", position, lastMac]);
}
