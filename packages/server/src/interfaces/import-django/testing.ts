import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import pg from "pg";
import type { World } from "../../../test/world.ts";
import { openForeignSource } from "./sources/open.ts";
import type { ForeignSource } from "./sources/source.ts";
import { manualClock } from "../../platform/kernel/clock.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { ImportError } from "./import-error.ts";
import { chooseTable, mapColumns } from "./columns.ts";
import type { Finding } from "./findings.ts";
import { runImport, type ImportOptions } from "./import-django.ts";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/django/${name}`, import.meta.url));

/** Databases written by a real Django. The README of the folder says what is in them. */
export const stock = fixture("django-stock.sqlite3");
export const custom = fixture("django-custom-user.sqlite3");

/** A moment after Django has written them and before their refresh tokens have expired. */
export const movingDay = 1_795_400_000;

export interface Ran {
  /** The text that was printed. */
  readonly text: string;
  readonly findings: readonly Finding[];
  /** Says why it stopped, if it did. */
  readonly refused: string | undefined;
}

/**
 * @param change wraps the source of the import
 * @param at the moment at which it runs
 */
export async function importInto(
  world: World,
  from: string,
  options: Partial<ImportOptions> = {},
  change: (source: ForeignSource) => ForeignSource = (source) => source,
  at = movingDay,
): Promise<Ran> {
  const source = await openForeignSource(from);
  const lines: string[] = [];
  const findings: Finding[] = [];
  const given = { from, column: [], profile: [], ...options };
  try {
    const mapping = mapColumns(await chooseTable(source, given.table), given);
    await runImport(
      {
        source: change(source),
        mapping,
        config: world.parts.config,
        profileRules: world.rules.profileRules,
        report: {
          run: () => {},
          findings: (found) => void findings.push(...found),
          close: () => {},
        },
        clock: manualClock(at),
        random: systemRandom,
        hasher: world.parts.hasher,
        print: (line) => void lines.push(line),
        database: world.database,
        keyring: world.parts.keyring,
      },
      given,
    );
    return { text: lines.join("\n"), findings, refused: undefined };
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    return { text: lines.join("\n"), findings, refused: error.message };
  } finally {
    await source.close();
  }
}

/** Makes a SQLite file that is removed when the tests of this file have ended. */
export function sqliteFile(fill: (database: DatabaseSync) => void): string {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-django-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "db.sqlite3");
  const database = new DatabaseSync(file);
  fill(database);
  database.close();
  return file;
}

export const AUTH_USER = `create table auth_user (id integer not null primary key autoincrement, password varchar(128) not null,
  last_login datetime null, is_superuser bool not null, username varchar(150) not null unique, last_name varchar(150) not null,
  email varchar(254) not null, is_staff bool not null, is_active bool not null, date_joined datetime not null, first_name varchar(150) not null)`;

/** The hash of "Pass for old 1!", cheap to check. */
export const HASH =
  "pbkdf2_sha256$10000$oldsaltoldsalt$zjLad+sBPJEjYs57G5H27WVEBdqPxWA2rHjiGaoXeHQ=";
export const HASHED = "Pass for old 1!";

export interface DjangoUser {
  readonly id?: number | null;
  readonly username?: string;
  readonly email?: string;
  readonly password?: string;
  readonly superuser?: boolean;
}

/** Makes a stock user table. */
export function djangoWith(users: readonly DjangoUser[]): string {
  return sqliteFile((database) => {
    database.exec(AUTH_USER);
    const insert = database.prepare(
      "insert into auth_user values (?, ?, null, ?, ?, '', ?, 0, 1, '2024-01-01 12:00:00.123456', '')",
    );
    database.exec("begin");
    for (const [
      index,
      { id = index + 1, username = `user${id}`, email = "", password = HASH, superuser = false },
    ] of users.entries())
      insert.run(id, password, superuser ? 1 : 0, username, email);
    database.exec("commit");
  });
}

/** The key of RFC 6238, Appendix B. */
export const TOTP_KEY = "3132333435363738393031323334353637383930";

export interface DjangoDevice {
  readonly user: number;
  readonly name?: string;
  readonly confirmed?: number;
  readonly key?: string;
  readonly step?: number;
  readonly t0?: number;
  readonly digits?: number;
  readonly drift?: number;
  readonly lastT?: number;
}

export interface DjangoFactors {
  readonly devices?: readonly DjangoDevice[];
  /** Tokens of one static device, by user. */
  readonly codes?: Readonly<Record<number, readonly string[]>>;
}

/** Makes a stock user table with `users` rows and the tables of django-otp. */
export function djangoWithFactors(
  users: number,
  { devices = [], codes = {} }: DjangoFactors,
  more: (database: DatabaseSync) => void = () => {},
): string {
  return sqliteFile((database) => {
    database.exec(`${AUTH_USER};
      create table otp_totp_totpdevice (id integer not null primary key autoincrement, name varchar(64) not null, confirmed bool not null,
        "key" varchar(80) not null, step smallint unsigned not null, t0 bigint not null, digits smallint unsigned not null,
        tolerance smallint unsigned not null, drift smallint not null, last_t bigint not null,
        user_id integer not null references auth_user (id));
      create table otp_static_staticdevice (id integer not null primary key autoincrement, name varchar(64) not null,
        confirmed bool not null, user_id integer not null references auth_user (id));
      create table otp_static_statictoken (id integer not null primary key autoincrement, token varchar(16) not null,
        device_id integer not null references otp_static_staticdevice (id))`);
    database.exec("begin");
    const user = database.prepare(
      "insert into auth_user values (?, ?, null, 0, ?, '', ?, 0, 1, '2024-01-01', '')",
    );
    for (let id = 1; id <= users; id += 1) user.run(id, HASH, `user${id}`, `user${id}@example.com`);
    const device = database.prepare(
      "insert into otp_totp_totpdevice values (null, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
    );
    for (const {
      name = "phone",
      confirmed = 1,
      key = TOTP_KEY,
      step = 30,
      t0 = 0,
      digits = 6,
      drift = 0,
      lastT = -1,
      ...of
    } of devices)
      device.run(name, confirmed, key, step, t0, digits, drift, lastT, of.user);
    const holder = database.prepare(
      "insert into otp_static_staticdevice values (?, 'backup', 1, ?)",
    );
    const token = database.prepare("insert into otp_static_statictoken values (null, ?, ?)");
    for (const [index, [of, tokens]] of Object.entries(codes).entries()) {
      holder.run(index + 1, Number(of));
      for (const each of tokens) token.run(each, index + 1);
    }
    more(database);
    database.exec("commit");
  });
}

const POSTGRES_TYPES: readonly (readonly [RegExp, string])[] = [
  [/^bool/, "boolean"],
  [/^datetime/, "timestamp with time zone"],
  [/ unsigned$/, "integer"],
];

/** Offers the same database as Django would have it on PostgreSQL, while `use` runs. */
export async function onScratchPostgres(
  server: string,
  file: string,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const name = `portcullis_django_${randomUUID().replaceAll("-", "")}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name} template template0 encoding 'UTF8'`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  try {
    await copyTables(file, url.href);
    await use(url.href);
  } finally {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  }
}

async function copyTables(file: string, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const database = new DatabaseSync(file, { readOnly: true });
  const tables = database
    .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
    .all();
  for (const { name } of tables) {
    const table = `"${String(name)}"`;
    const columns = database.prepare(`pragma table_info(${table})`).all() as unknown as {
      name: string;
      type: string;
      pk: number;
    }[];
    const declared = columns.map((column) => {
      const type =
        POSTGRES_TYPES.find(([pattern]) => pattern.test(column.type))?.[1] ?? column.type;
      return `"${column.name}" ${column.pk === 1 && type === "integer" ? "integer generated by default as identity primary key" : type}`;
    });
    await client.query(`create table ${table} (${declared.join(", ")})`);
    const zoned = (value: unknown, type: string): unknown =>
      type === "datetime" && typeof value === "string" ? `${value}+00` : value;
    for (const row of database.prepare(`select * from ${table}`).all()) {
      const values = columns.map((column) => zoned(row[column.name], column.type));
      await client.query(
        `insert into ${table} values (${values.map((_, index) => `$${index + 1}`).join(", ")})`,
        values,
      );
    }
  }
  database.close();
  await client.end();
}
