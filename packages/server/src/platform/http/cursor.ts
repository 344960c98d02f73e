import type { Keyring } from "../kernel/keyring.ts";
import { refuse, type Refusal } from "./serve.ts";

/** Identifies a list by its name and filter. A cursor is valid in its own list only. */
export type Listing = readonly [name: string, ...filter: (string | undefined)[]];

interface RowsBy<Position, Row> {
  readonly listing: Listing;
  readonly read: (page: {
    readonly before: Position | undefined;
    readonly limit: number;
  }) => Promise<readonly Row[]>;
  readonly positionOf: (row: Row) => Position;
}

/**
 * Rows in descending order of position. A row that is inserted while a client reads page after page
 * comes before all pages that are still to be read.
 */
export interface Rows<Row> extends RowsBy<string, Row> {}

/** Rows whose position is a number. */
export function byNumber<Row>({ listing, read, positionOf }: RowsBy<number, Row>): Rows<Row> {
  return {
    listing,
    read: async ({ before, limit }) =>
      read({ before: before === undefined ? undefined : Number(before), limit }),
    positionOf: (row) => String(positionOf(row)),
  };
}

export type PageOutcome<Row> =
  | { readonly kind: "page"; readonly rows: readonly Row[]; readonly nextCursor: string | null }
  | { readonly kind: "invalid_cursor" };

/** Reads one page by key, not by offset, so that the thousandth page costs as much as the first. */
export async function readPage<Row>(
  keyring: Keyring,
  asked: { readonly cursor?: string | undefined; readonly limit: number },
  { listing, read, positionOf }: Rows<Row>,
): Promise<PageOutcome<Row>> {
  const before =
    asked.cursor === undefined ? undefined : readCursor(keyring, listing, asked.cursor);
  if (asked.cursor !== undefined && before === undefined) return { kind: "invalid_cursor" };
  // One row more than was asked for tells whether another page follows.
  const found = await read({ before, limit: asked.limit + 1 });
  const rows = found.slice(0, asked.limit);
  const last = rows.at(-1);
  return {
    kind: "page",
    rows,
    nextCursor:
      found.length > rows.length && last !== undefined
        ? cursorAfter(keyring, listing, positionOf(last))
        : null,
  };
}

export function invalidCursor(): Refusal<"invalid_input"> {
  return refuse("invalid_input", {
    errors: [{ path: "/cursor", message: "is not a cursor of this list" }],
  });
}

const MAC_BYTES = 32;

/** Writes a cursor: a MAC over the position and its list, followed by the position (AD-08). */
export function cursorAfter(keyring: Keyring, listing: Listing, position: string): string {
  return Buffer.concat([
    keyring.mac("cursor", signed(listing, position)),
    Buffer.from(position),
  ]).toString("base64url");
}

/** Returns `undefined` unless the text is exactly a cursor that we gave out for this list. */
export function readCursor(keyring: Keyring, listing: Listing, cursor: string): string | undefined {
  const bytes = Buffer.from(cursor, "base64url");
  // Base64url texts can differ in trailing bits that decoding ignores.
  if (bytes.length <= MAC_BYTES || bytes.toString("base64url") !== cursor) return undefined;
  const position = bytes.subarray(MAC_BYTES).toString();
  return keyring.verifyMac("cursor", signed(listing, position), bytes.subarray(0, MAC_BYTES))
    ? position
    : undefined;
}

function signed(listing: Listing, position: string): string {
  return JSON.stringify([listing, position]);
}
