import type { Command } from "commander";
import { createWriteStream, existsSync } from "node:fs";
import { link, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { schemaState } from "../../../platform/db/migrate.ts";
import type { OpenDatabase, Queryable } from "../../../platform/db/open.ts";
import { systemClock, type UnixSeconds } from "../../../platform/kernel/clock.ts";
import { systemRandom } from "../../../platform/kernel/random.ts";
import { CommandError, configOf, demandDatabase, withDatabase } from "../command.ts";
import { print } from "../terminal.ts";
import {
  inSnapshot,
  readColumns,
  readNumbers,
  readRows,
  tableNames,
  type Columns,
  type StoredRow,
} from "./backup.store.ts";
import { FORMAT, writeLines, type Header } from "./format.ts";

export function addBackup(program: Command): void {
  program
    .command("backup")
    .argument("<file>", "path of the new file; it must not exist yet")
    .description(
      "write the whole database to one file while the server runs; SQLite and PostgreSQL can both restore it",
    )
    .addHelpText(
      "after",
      "\nThe file holds personal data but not the master secret: keep both, apart from each other.",
    )
    .action(async (file: string, _options: object, command: Command) => {
      const config = configOf(command);
      demandDatabase(config);
      if (existsSync(file)) throw new CommandError(`${file} exists already: give another name.`);
      await withDatabase(config, async (database) =>
        writeBackup(database, file, systemClock.now()),
      );
      print(
        `Backed up to ${file}. The master secret is not in it: keep PORTCULLIS_SECRET, or the file \`secret\` of the data directory, elsewhere.`,
      );
    });
}

/**
 * Writes the file under another name and links it into place once it is on the disk, so that a file
 * of that name is complete.
 */
async function writeBackup(database: OpenDatabase, file: string, now: UnixSeconds): Promise<void> {
  const { applied, pending, unknown } = await schemaState(database);
  if (pending.length > 0 || unknown.length > 0)
    throw new CommandError(
      "The schema belongs to another version: run `portcullis migrate` first.",
    );
  const unfinished = `${file}.${systemRandom.bytes(6).toString("hex")}`;
  try {
    await inSnapshot(database, async (snapshot) => {
      const tables = await readColumns(snapshot);
      const head: Header = {
        ...FORMAT,
        schema: [...applied],
        createdAt: now,
        tables: copied(tables),
        numbers: await readNumbers(snapshot, database.dialect),
      };
      const lines = Readable.from(writeLines(head, everyRow(snapshot, tables)));
      await pipeline(
        lines,
        createGzip(),
        createWriteStream(unfinished, { flags: "wx", mode: 0o600, flush: true }),
      );
    });
    await link(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
}

function copied(tables: Columns): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(tables).map(([table, columns]) => [table, [...columns]]),
  );
}

async function* everyRow(
  snapshot: Queryable,
  tables: Columns,
): AsyncGenerator<readonly [string, StoredRow]> {
  for (const table of tableNames) {
    for await (const row of readRows(snapshot, table, tables[table])) yield [table, row];
  }
}
