import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { words } from "./0001-start.ts";

export function mail(dialect: "sqlite" | "postgres"): Migration {
  const { text, integer, strict, busy } = words[dialect];

  const statements = [
    `alter table users add column locale ${text}`,

    `alter table registrations add column locale ${text}`,
    `alter table registrations add column token_hash ${text}`,
    // A user who waits for a code while the server is upgraded has to ask for another one.
    `alter table registrations add column code_expires_at ${integer} not null default 0`,
    "create unique index registrations_token_hash on registrations (token_hash)",

    `create table email_changes (
      id ${text} not null primary key,
      user_id ${text} not null references users (id) on delete cascade,
      email ${text} not null,
      email_canonical ${text} not null,
      token_hash ${text} not null,
      code_mac ${text} not null,
      tries_left ${integer} not null,
      password_changed_at ${integer},
      old_email ${text},
      old_email_canonical ${text},
      created_at ${integer} not null,
      code_expires_at ${integer} not null,
      expires_at ${integer} not null,
      confirmed_at ${integer},
      void_at ${integer},
      undo_hash ${text},
      undo_expires_at ${integer},
      undone_at ${integer}
    )${strict}`,
    "create unique index email_changes_token_hash on email_changes (token_hash)",
    "create unique index email_changes_undo_hash on email_changes (undo_hash)",
    "create index email_changes_user_id on email_changes (user_id)",
    "create index email_changes_expires_at on email_changes (expires_at)",

    `alter table outbox add column locale ${text}`,
    `alter table outbox add column expires_at ${integer}`,
    `alter table outbox add column claimed_by ${text}`,
    // The first index lists the few entries that are not sent, newest first. The second one finds
    // those that are forgotten before all others.
    "create index outbox_open on outbox (id) where sent_at is null",
    "create index outbox_nothing on outbox (created_at) where template = ''",

    `create table suppressions (
      id ${text} not null primary key,
      address ${text} not null,
      reason ${text} not null,
      created_at ${integer} not null
    )${strict}`,
    "create unique index suppressions_address on suppressions (address)",

    `create table runners (
      name ${text} not null primary key,
      holder ${text} not null,
      held_until ${integer} not null
    )${busy}`,

    `alter table audit_head add column pruned_position ${integer} not null default 0`,
    `alter table audit_head add column pruned_mac ${text} not null default ''`,
  ];

  return {
    up: async (db: Kysely<unknown>) => {
      for (const statement of statements) await sql.raw(statement).execute(db);
    },
  };
}
