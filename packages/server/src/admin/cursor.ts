import type { Keyring } from "../kernel/keyring.ts";

/** A list by its name and filter; the cursor of one is worth nothing in another. */
export type Listing = readonly [name: string, ...filter: (string | undefined)[]];

/** Rows are numbered, and a list shows the highest number first: what is inserted meanwhile comes before every page still to be read. */
export interface Rows<Row> {
  readonly listing: Listing;
  readonly read: (page: { readonly before: number | undefined; readonly limit: number }) => Promise<readonly Row[]>;
  readonly positionOf: (row: Row) => number;
}

export type PageOutcome<Row> =
  | { readonly kind: "page"; readonly rows: readonly Row[]; readonly nextCursor: string | null }
  | { readonly kind: "invalid_cursor" };

/** Reads one page by key, never by offset, so that the thousandth costs what the first does. */
export async function readPage<Row>(
  keyring: Keyring,
  asked: { readonly cursor?: string | undefined; readonly limit: number },
  { listing, read, positionOf }: Rows<Row>,
): Promise<PageOutcome<Row>> {
  const before = asked.cursor === undefined ? undefined : readCursor(keyring, listing, asked.cursor);
  if (asked.cursor !== undefined && before === undefined) return { kind: "invalid_cursor" };
  // One more than was asked for tells whether another page follows.
  const found = await read({ before, limit: asked.limit + 1 });
  const rows = found.slice(0, asked.limit);
  const last = rows.at(-1);
  return {
    kind: "page",
    rows,
    nextCursor: found.length > rows.length && last !== undefined ? cursorAfter(keyring, listing, positionOf(last)) : null,
  };
}

const POSITION_BYTES = 6;

/** A position with a MAC over it and the list it belongs to (AD-08). */
export function cursorAfter(keyring: Keyring, listing: Listing, position: number): string {
  const bytes = Buffer.alloc(POSITION_BYTES);
  bytes.writeUIntBE(position, 0, POSITION_BYTES);
  return Buffer.concat([bytes, keyring.mac("cursor", signed(listing, position))]).toString("base64url");
}

/** `undefined` for anything but a cursor of this very list, exactly as it was given out. */
export function readCursor(keyring: Keyring, listing: Listing, cursor: string): number | undefined {
  const bytes = Buffer.from(cursor, "base64url");
  // Base64url has spellings that differ in bits nobody decodes.
  if (bytes.length <= POSITION_BYTES || bytes.toString("base64url") !== cursor) return undefined;
  const position = bytes.readUIntBE(0, POSITION_BYTES);
  return keyring.verifyMac("cursor", signed(listing, position), bytes.subarray(POSITION_BYTES)) ? position : undefined;
}

function signed(listing: Listing, position: number): string {
  return JSON.stringify([listing, position]);
}
