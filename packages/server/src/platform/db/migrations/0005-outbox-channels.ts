import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { words } from "./0001-start.ts";

/**
 * Gives each entry of the outbox its channel. The version before knows mail only and names no
 * channel, so that is the default.
 */
export function outboxChannels(dialect: "sqlite" | "postgres"): Migration {
  const { text } = words[dialect];

  const statements = [
    `alter table outbox add column channel ${text} not null default 'mail'`,
    // Each channel finds its due entries without passing the backlog of another one.
    "create index outbox_due on outbox (channel, next_attempt_at) where sent_at is null and failed_at is null",
    "drop index outbox_next_attempt_at",
  ];

  return {
    up: async (db: Kysely<unknown>) => {
      for (const statement of statements) await sql.raw(statement).execute(db);
    },
  };
}
