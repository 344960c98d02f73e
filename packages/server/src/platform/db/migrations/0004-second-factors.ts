import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { words } from "./0001-start.ts";

export function secondFactors(dialect: "sqlite" | "postgres"): Migration {
  const { text, integer, bytes, strict } = words[dialect];
  const ofUser = `user_id ${text} not null references users (id) on delete cascade`;

  const statements = [
    `create table challenges (
      id ${text} not null primary key,
      ${ofUser},
      secret_hash ${text} not null,
      standing ${text} not null,
      enrols ${integer} not null,
      tries_left ${integer} not null,
      address ${text} not null,
      trusted_device ${text},
      created_at ${integer} not null,
      expires_at ${integer} not null,
      done_at ${integer}
    )${strict}`,
    "create index challenges_user_id on challenges (user_id)",
    "create index challenges_expires_at on challenges (expires_at)",

    `create table remembered_devices (
      id ${text} not null primary key,
      ${ofUser},
      password_changed_at ${integer},
      address ${text} not null,
      user_agent ${text} not null,
      created_at ${integer} not null,
      last_used_at ${integer} not null,
      expires_at ${integer} not null
    )${strict}`,
    "create index remembered_devices_user_id on remembered_devices (user_id)",
    "create index remembered_devices_expires_at on remembered_devices (expires_at)",

    `create table totp_devices (
      id ${text} not null primary key,
      ${ofUser},
      name ${text} not null,
      flow_id ${text} not null,
      secret_sealed ${bytes} not null,
      digits ${integer} not null,
      period_seconds ${integer} not null,
      last_step ${integer} not null,
      created_at ${integer} not null,
      confirmed_at ${integer}
    )${strict}`,
    "create index totp_devices_user_id on totp_devices (user_id)",
    "create index totp_devices_unconfirmed on totp_devices (created_at) where confirmed_at is null",

    `create table recovery_codes (
      id ${text} not null primary key,
      ${ofUser},
      code_sealed ${bytes} not null,
      created_at ${integer} not null,
      used_at ${integer}
    )${strict}`,
    "create index recovery_codes_user_id on recovery_codes (user_id)",

    `create table email_factors (
      user_id ${text} not null primary key references users (id) on delete cascade,
      created_at ${integer} not null
    )${strict}`,

    `create table email_codes (
      flow_id ${text} not null primary key,
      ${ofUser},
      code_mac ${text} not null,
      tries_left ${integer} not null,
      email_canonical ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer} not null,
      used_at ${integer}
    )${strict}`,
    "create index email_codes_user_id on email_codes (user_id)",
    "create index email_codes_expires_at on email_codes (expires_at)",

    `create table passkeys (
      id ${text} not null primary key,
      ${ofUser},
      name ${text} not null,
      credential_id ${text} not null,
      public_key ${bytes} not null,
      sign_count ${integer} not null,
      transports ${text} not null,
      kind ${text} not null,
      backed_up_at ${integer},
      verified_at ${integer},
      suspect_since ${integer},
      aaguid ${text} not null,
      created_at ${integer} not null,
      last_used_at ${integer}
    )${strict}`,
    "create unique index passkeys_credential_id on passkeys (credential_id)",
    "create index passkeys_user_id on passkeys (user_id)",

    `create table ceremonies (
      id ${text} not null primary key,
      kind ${text} not null,
      challenge ${text} not null,
      user_id ${text} references users (id) on delete cascade,
      flow_id ${text} not null,
      standing ${text} not null,
      created_at ${integer} not null,
      expires_at ${integer} not null
    )${strict}`,
    "create index ceremonies_user_id on ceremonies (user_id)",
    "create index ceremonies_expires_at on ceremonies (expires_at)",
  ];

  return {
    up: async (db: Kysely<unknown>) => {
      for (const statement of statements) await sql.raw(statement).execute(db);
    },
  };
}
