import type { Clock, UnixSeconds } from "./clock.ts";
import type { Random } from "./random.ts";

/**
 * Makes a time-ordered identifier (RFC 9562 §5.7), for rows that only their owner or an operator
 * sees.
 */
export function uuidv7(deps: { readonly clock: Clock; readonly random: Random }): string {
  const bytes = deps.random.bytes(16);
  bytes.writeUIntBE(deps.clock.wallMilliseconds(), 0, 6);
  return format(bytes, 0x70);
}

/** Returns when a `uuidv7` was made. For any other UUID the result means nothing. */
export function momentOf(id: string): UnixSeconds {
  return Math.floor(Number.parseInt(id.replace("-", "").slice(0, 12), 16) / 1000);
}

/**
 * Makes a random identifier (RFC 9562 §5.4), for rows that strangers see, because it does not tell
 * the order of creation (EN-08).
 */
export function uuidv4(random: Random): string {
  return format(random.bytes(16), 0x40);
}

function format(bytes: Buffer, version: number): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | version, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
