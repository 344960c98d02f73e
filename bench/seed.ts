import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { keyring, type Keyring } from "../packages/server/src/platform/kernel/keyring.ts";
import { systemRandom } from "../packages/server/src/platform/kernel/random.ts";
import type { Passkey } from "./authenticators.ts";
import { databaseFile, startPortcullis, type Setup } from "./portcullis.ts";
import { uuid } from "./uuid.ts";

/**
 * Makes a data directory with the server's own schema and fills it by SQL while the server is
 * stopped.
 */
export async function seeded(
  dataDir: string,
  fill: (db: DatabaseSync) => void,
  setup: Partial<Setup> = {},
): Promise<void> {
  await (await startPortcullis({ cores: "all", ...setup, dataDir })).stop();
  const db = new DatabaseSync(databaseFile(dataDir));
  db.exec("begin");
  fill(db);
  db.exec("commit");
  db.exec("pragma wal_checkpoint(truncate)");
  db.close();
}

export function addUsers(db: DatabaseSync, count: number): void {
  const at = now();
  const insert = db.prepare(
    `insert into users (id, number, email, email_canonical, email_verified_at, profile, hard_epoch, authorization_epoch, created_at)
     values (?, ?, ?, ?, ?, '{}', 1, 1, ?)`,
  );
  repeat(count, (index) =>
    insert.run(
      uuid(index, 1),
      1000 + index,
      `seed${index}@example.com`,
      `seed${index}@example.com`,
      at,
      at,
    ),
  );
}

/** Adds one session for each of the first `count` users of `addUsers`. */
export function addSessions(db: DatabaseSync, count: number): void {
  const at = now();
  const insert = db.prepare(
    `insert into sessions (id, user_id, generation, rotated_at, hard_epoch, auth_time, amr, acr, created_at, last_used_at, idle_ends_at, ends_at,
       max_access_exp, address, user_agent)
     values (?, ?, 1, ?, 1, ?, '["pwd"]', 'aal1', ?, ?, ?, ?, ?, '127.0.0.1', 'bench')`,
  );
  repeat(count, (index) =>
    insert.run(uuid(index, 5), uuid(index, 1), at, at, at, at, at + 86_400, at + 864_000, at),
  );
}

/** A range of the users of `addUsers`, beginning with `from`. */
export interface Range {
  readonly from: number;
  readonly count: number;
}

/** Gives all users the same password, sealed for each. */
export function addPasswords(
  db: DatabaseSync,
  dataDir: string,
  { from, count }: Range,
  phc: string,
): void {
  const keys = keysOf(dataDir);
  const at = now();
  const update = db.prepare(
    "update users set password_sealed = ?, password_changed_at = ? where id = ?",
  );
  repeat(count, (index) => {
    const id = uuid(from + index, 1);
    update.run(keys.seal("password-seal", id, Buffer.from(phc)), at, id);
  });
}

/** Gives all users the same secret, sealed for each. */
export function addTotp(
  db: DatabaseSync,
  dataDir: string,
  { from, count }: Range,
  secret: Uint8Array,
): void {
  const keys = keysOf(dataDir);
  const at = now();
  const insert = db.prepare(
    `insert into totp_devices (id, user_id, name, flow_id, secret_sealed, digits, period_seconds, last_step, created_at, confirmed_at)
     values (?, ?, 'bench', '', ?, 6, 30, 0, ?, ?)`,
  );
  repeat(count, (index) => {
    const id = uuid(from + index, 7);
    insert.run(id, uuid(from + index, 1), keys.seal("totp-seal", id, secret), at, at);
  });
}

/** Gives all users the same key. */
export function addPasskeys(
  db: DatabaseSync,
  { from, count }: Range,
  publicCose: Uint8Array,
): void {
  const at = now();
  const insert = db.prepare(
    `insert into passkeys (id, user_id, name, credential_id, public_key, sign_count, transports, kind, verified_at, aaguid, created_at)
     values (?, ?, 'bench', ?, ?, 0, '["internal"]', 'single_device', ?, '00000000-0000-0000-0000-000000000000', ?)`,
  );
  repeat(count, (index) => {
    const { credentialId } = passkeyOf(from + index);
    insert.run(uuid(from + index, 8), uuid(from + index, 1), credentialId, publicCose, at, at);
  });
}

export function passkeyOf(index: number): Passkey {
  return { credentialId: bytesOf(uuid(index, 8)), userHandle: bytesOf(uuid(index, 1)) };
}

function bytesOf(id: string): string {
  return Buffer.from(id.replaceAll("-", ""), "hex").toString("base64url");
}

/** Adds revocations that live for a day, longer than any measurement. */
export function addRevocations(db: DatabaseSync, sessions: number, users: number): void {
  const at = now();
  const session = db.prepare(
    "insert into revocations (scope, subject, cause, created_at, expires_at) values ('session', ?, 'logout', ?, ?)",
  );
  const user = db.prepare(
    `insert into revocations (scope, subject, min_hard_epoch, min_authorization_epoch, cause, created_at, expires_at)
     values ('user', ?, 2, 1, 'logout_everywhere', ?, ?)`,
  );
  repeat(sessions, (index) => session.run(uuid(index, 2), at, at + 86_400));
  repeat(users, (index) => user.run(uuid(index, 3), at, at + 86_400));
}

/** Adds notices that are due, sealed as the server seals them. */
export function addMails(db: DatabaseSync, dataDir: string, count: number): void {
  const keys = keysOf(dataDir);
  const at = now();
  const insert = db.prepare(
    `insert into outbox (id, recipient, template, data, created_at, attempts, next_attempt_at) values (?, ?, 'password_changed', ?, ?, 0, ?)`,
  );
  const data = Buffer.from(JSON.stringify({ at }));
  repeat(count, (index) => {
    const id = uuid(index, 6);
    insert.run(
      id,
      `seed${index}@example.com`,
      keys.seal("mail-seal", id, data).toString("base64url"),
      at,
      at,
    );
  });
}

function keysOf(dataDir: string): Keyring {
  return keyring([Buffer.from(readFileSync(join(dataDir, "secret"), "utf8").trim())], systemRandom);
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

function repeat(count: number, work: (index: number) => void): void {
  for (let index = 0; index < count; index += 1) work(index);
}
