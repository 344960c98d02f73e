/** Why a database that is not ours cannot be read, in a sentence that says what to do. */
export class SourceError extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = "SourceError";
  }
}

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

/**
 * @param from a SQLite file, or `postgres://…`
 * @throws {SourceError} if it cannot be read
 */
export async function openForeignSource(from: string): Promise<ForeignSource> {
  const scheme = /^([a-z][a-z0-9+]+):\/\//i.exec(from)?.[1]?.toLowerCase();
  if (scheme === undefined) return (await import("./sqlite.ts")).openSqliteSource(from);
  if (scheme === "postgres" || scheme === "postgresql")
    return (await import("./postgres.ts")).openPostgresSource(from);
  throw new SourceError(
    `A database of the kind ${scheme} cannot be read: give a SQLite file, or postgres://user:password@host/database.`,
  );
}

/** @throws {SourceError} in place of whatever the database says while it is read */
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

export function unreadable(label: string, cause: unknown): SourceError {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new SourceError(
    `${label} cannot be read any further (${reason}): what was imported so far stays; mend it and run this again.`,
    {
      cause,
    },
  );
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
