import { ImportError } from "../import-error.ts";

/**
 * One value. Texts and bytes are cut after `LONGEST_VALUE`, so that one row cannot fill the memory.
 */
export type SourceValue = string | number | bigint | Uint8Array | null;
export type SourceRow = readonly SourceValue[];

/**
 * The longest value, in characters or bytes. One more is read, which shows that the value was
 * longer.
 */
export const LONGEST_VALUE = 4096;

export interface SourceColumn {
  readonly name: string;
  /**
   * The kind, from the declared type. A `moment` is a number of seconds, or a text if the database
   * has no such type.
   */
  readonly kind: "integer" | "boolean" | "moment" | "text";
}

export interface SourceTable {
  readonly schema: string;
  readonly name: string;
  /** The name as it is given and shown, with its schema if that is needed. */
  readonly label: string;
  readonly columns: readonly SourceColumn[];
  /** Undefined if there is no primary key, or one of several columns. */
  readonly primaryKey: string | undefined;
}

export interface Selection {
  readonly table: SourceTable;
  readonly columns: readonly SourceColumn[];
  readonly orderBy: string;
  /** Leaves out rows whose `orderBy` value occurs in this column. */
  readonly without?: { readonly table: SourceTable; readonly column: string };
}

/** A consistent snapshot of a foreign database, which is only read. */
export interface ForeignSource {
  readonly kind: "sqlite" | "postgres";
  /** Names the database without its password. */
  readonly label: string;
  readonly tables: readonly SourceTable[];
  count(table: SourceTable): Promise<number>;
  /** Yields pages of rows, in the order of a column. */
  pages(selection: Selection): AsyncGenerator<readonly SourceRow[]>;
  /**
   * Returns the last number that the database has given out for this column, or 0 if it gives out
   * none.
   */
  lastNumber(table: SourceTable, column: string): Promise<number>;
  /** Returns the name of the table that a column points to. */
  referenced(table: SourceTable, column: string): Promise<string | undefined>;
  close(): Promise<void>;
}

export const PAGE_ROWS = 1000;

/**
 * Yields the pages.
 *
 * @throws {ImportError} instead of the error of the database, if reading fails
 */
export async function* orExplain(
  label: string,
  pages: AsyncGenerator<readonly SourceRow[]>,
): AsyncGenerator<readonly SourceRow[]> {
  try {
    yield* pages;
  } catch (cause) {
    throw unreadable(label, cause);
  }
}

export function unreadable(label: string, cause: unknown): ImportError {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new ImportError(
    `${label} cannot be read any further (${reason}): what was imported so far stays; mend it and run this again.`,
    {
      cause,
    },
  );
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
