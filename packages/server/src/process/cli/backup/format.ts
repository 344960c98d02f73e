import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { CommandError } from "../command.ts";
import type { Stored, StoredRow } from "./backup.store.ts";

/**
 * A backup is JSON lines, compressed with gzip: a header, then the rows of each table in the order
 * of the header's tables as `["users", [values in the order of its columns]]`, with bytes as
 * `{"base64": …}`, and an end that proves that the file is complete.
 */
const header = z.strictObject({
  format: z.literal("portcullis-backup"),
  version: z.int(),
  /** Names of the migrations that the database had. */
  schema: z.array(z.string()),
  createdAt: z.int(),
  note: z.string(),
  /** Names of the columns of each table. */
  tables: z.record(z.string(), z.array(z.string()).min(1)),
  numbers: z.strictObject({ users: z.int(), revocations: z.int() }),
});

export type Header = Readonly<z.output<typeof header>>;

export const FORMAT = {
  format: "portcullis-backup",
  version: 1,
  note: "The master secret (PORTCULLIS_SECRET, or the file `secret` of the data directory) is not in here; without it passwords and keys cannot be opened.",
} as const;

const bytes = z.strictObject({ base64: z.base64() });
const row = z.tuple([z.string(), z.array(z.union([z.string(), z.number(), z.null(), bytes]))]);
const end = z.strictObject({ rows: z.record(z.string(), z.int()), sha256: z.string() });

export type Counts = Readonly<Record<string, number>>;

/** Yields the lines of a backup, including its end. */
export async function* writeLines(
  head: Header,
  tables: AsyncIterable<readonly [table: string, row: StoredRow]>,
): AsyncGenerator<string> {
  const hash = createHash("sha256");
  const rows: Record<string, number> = Object.fromEntries(
    Object.keys(head.tables).map((table) => [table, 0]),
  );
  const hashed = (value: unknown): string => {
    const line = `${JSON.stringify(value)}\n`;
    hash.update(line);
    return line;
  };
  yield hashed(head);
  for await (const [table, values] of tables) {
    rows[table] = (rows[table] ?? 0) + 1;
    yield hashed([
      table,
      values.map((value) =>
        value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value,
      ),
    ]);
  }
  yield `${JSON.stringify({ rows, sha256: hash.digest("hex") })}\n`;
}

/** @throws {CommandError} if this is no backup, or one of an unknown format */
export async function readHeader(file: string): Promise<Header> {
  for await (const line of linesOf(file)) {
    const parsed = header.safeParse(parse(line));
    if (!parsed.success) break;
    if (parsed.data.version !== FORMAT.version)
      throw new CommandError(
        `${file} was made by a newer Portcullis: restore it with that version.`,
      );
    return parsed.data;
  }
  throw new CommandError(
    `${file} is not a backup of Portcullis: give the path of a file that \`portcullis backup\` made.`,
  );
}

/**
 * Yields the rows of a backup. Only once it returns without throwing is it certain that they are
 * what was backed up.
 *
 * @throws {CommandError} if the file was cut short or changed
 */
export async function* readRows(
  file: string,
): AsyncGenerator<readonly [table: string, row: StoredRow], Counts> {
  const damaged = new CommandError(
    `${file} is damaged or was changed: use another backup. Nothing was restored.`,
  );
  const hash = createHash("sha256");
  const counted: Record<string, number> = {};
  let first = true;
  let whole: Counts | undefined;
  for await (const line of linesOf(file)) {
    if (whole !== undefined) throw damaged;
    const value = parse(line);
    const closing = end.safeParse(value);
    if (closing.success) {
      if (closing.data.sha256 !== hash.digest("hex") || !agree(closing.data.rows, counted))
        throw damaged;
      whole = closing.data.rows;
      continue;
    }
    hash.update(`${line}\n`);
    if (first) {
      first = false;
      continue;
    }
    const parsed = row.safeParse(value);
    if (!parsed.success) throw damaged;
    const [table, values] = parsed.data;
    counted[table] = (counted[table] ?? 0) + 1;
    yield [table, values.map(toStored)];
  }
  if (whole === undefined) throw damaged;
  return whole;
}

function toStored(value: string | number | null | z.output<typeof bytes>): Stored {
  return typeof value === "object" && value !== null ? Buffer.from(value.base64, "base64") : value;
}

function agree(told: Counts, counted: Counts): boolean {
  return (
    Object.entries(told).every(([table, count]) => (counted[table] ?? 0) === count) &&
    Object.keys(counted).every((table) => table in told)
  );
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** No row is longer. The limit prevents a file of another kind from filling the memory. */
const LONGEST_LINE = 16 * 1024 * 1024;

/**
 * Yields lines that end in a line feed; the rest after the last one is no line. Ends early if the
 * compressed data are damaged.
 */
async function* linesOf(file: string): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  try {
    const unpacked = createGunzip();
    pipeline(createReadStream(file), unpacked, () => {});
    for await (const chunk of unpacked) {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > LONGEST_LINE) return;
      yield* lines;
    }
  } catch (error) {
    // A damaged file just has no end. A file that cannot be read is a fault.
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("Z_")))
      throw error;
  }
}
