import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { words } from "./0001-start.ts";

export function faces(dialect: "sqlite" | "postgres"): Migration {
  const { text, integer, strict } = words[dialect];

  const statements = [
    `alter table users add column shared_email_canonical ${text}`,
    `alter table users add column paused_at ${integer}`,
    "create index users_shared_email_canonical on users (shared_email_canonical) where shared_email_canonical is not null",

    `create table face_tokens (
      token_hash ${text} not null primary key,
      session_id ${text} not null references sessions (id) on delete cascade,
      user_id ${text} not null references users (id) on delete cascade,
      created_at ${integer} not null
    )${strict}`,
    "create unique index face_tokens_session_id on face_tokens (session_id)",
    "create index face_tokens_user_id on face_tokens (user_id)",

    `create table imported_tokens (
      jti ${text} not null primary key,
      user_id ${text} not null references users (id) on delete cascade,
      expires_at ${integer} not null,
      used_at ${integer}
    )${strict}`,
    "create index imported_tokens_user_id on imported_tokens (user_id)",
    "create index imported_tokens_expires_at on imported_tokens (expires_at)",
  ];

  return {
    up: async (db: Kysely<unknown>) => {
      for (const statement of statements) await sql.raw(statement).execute(db);
    },
  };
}
