import { ImportError } from "../import-error.ts";

/** Texts and bytes are cut after `LONGEST_VALUE`, so that one row cannot fill the memory. */
export type SourceValue = string | number | bigint | Uint8Array | null;
export type SourceRow = readonly SourceValue[];

/** Characters, or bytes; one more is read, which tells that there were more. */
export const LONGEST_VALUE = 4096;

export interface SourceColumn {
  readonly name: string;
  /**
   * From its declared type. A `moment` is a number of seconds, or text where the database knows no
   * such type.
   */
  readonly kind: "integer" | "boolean" | "moment" | "text";
}

export interface SourceTable {
  readonly schema: string;
  readonly name: string;
  /** As it is given and shown: with its schema where that is needed. */
  readonly label: string;
  readonly columns: readonly SourceColumn[];
  /** Undefined where there is none, or one of several columns. */
  readonly primaryKey: string | undefined;
}

export interface Selection {
  readonly table: SourceTable;
  readonly columns: readonly SourceColumn[];
  readonly orderBy: string;
  /** Leaves out rows whose `orderBy` occurs in this column. */
  readonly without?: { readonly table: SourceTable; readonly column: string };
}

/** One unchanging state of somebody else's database, which is read and never written. */
export interface ForeignSource {
  readonly kind: "sqlite" | "postgres";
  /** Names the place without the password. */
  readonly label: string;
  readonly tables: readonly SourceTable[];
  count(table: SourceTable): Promise<number>;
  /** Pages of rows, in the order of a column. */
  pages(selection: Selection): AsyncGenerator<readonly SourceRow[]>;
  /** The last number that the database has given out for this column; 0 where it gives out none. */
  lastNumber(table: SourceTable, column: string): Promise<number>;
  /** Name of the table that a column points to. */
  referenced(table: SourceTable, column: string): Promise<string | undefined>;
  close(): Promise<void>;
}

export const PAGE_ROWS = 1000;

/** @throws {ImportError} in place of whatever the database says while it is read */
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
