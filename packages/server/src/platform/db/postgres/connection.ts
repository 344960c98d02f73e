import { once } from "node:events";
import type pg from "pg";
import { assertStorable } from "../parameters.ts";

/**
 * Counts and checks the statements of a connection. If an answer does not come in time, the
 * connection is dropped, because the pool would lend it out again.
 */
export function watchQueries(client: pg.PoolClient, onSent: () => void): void {
  const send = client.query.bind(client) as (
    text: string,
    values?: readonly unknown[],
  ) => Promise<unknown>;
  const watched = async (text: string, values: readonly unknown[] = []): Promise<unknown> => {
    // Kysely asks the catalogue with booleans. Our columns refuse them by themselves.
    assertStorable(values, { booleans: true });
    onSent();
    try {
      return await send(text, values);
    } catch (error) {
      if (error instanceof Error && error.message === "Query read timeout") await drop(client);
      throw error;
    }
  };
  // Kysely calls `query` in this one way only.
  client.query = watched as typeof client.query;
}

async function drop(client: pg.PoolClient): Promise<void> {
  const gone = once(client, "end");
  // The socket is not in the types of `pg`.
  (
    client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }
  ).connection.stream.destroy();
  await gone;
}
