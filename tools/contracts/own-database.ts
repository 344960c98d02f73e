import { openDatabase } from "../../packages/server/src/platform/db/open.ts";
import { silentLog } from "../../packages/server/src/platform/kernel/log.ts";

/** A database for one server, on a PostgreSQL that others use, too. */
export interface OwnDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** @param server URL of a database, with a user who may create others beside it */
export async function makeOwnDatabase(server: string, name: string): Promise<OwnDatabase> {
  await say(server, `create database ${name} template template0 encoding 'UTF8'`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: async () => say(server, `drop database ${name} with (force)`) };
}

async function say(server: string, statement: string): Promise<void> {
  const database = await openDatabase({ url: server, file: "", log: silentLog, poolSize: 1 });
  if (database.dialect !== "postgres") throw new Error(`${server} is no PostgreSQL`);
  const client = await database.connectDirect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
    await database.close();
  }
}
