import { LONGEST_VALUE, type SourceRow, type SourceValue } from "./sources/source.ts";
import { readForeignHash } from "../../platform/hashing/foreign.ts";
import { readArgon2id } from "../../platform/hashing/phc.ts";
import { isoMoment, type UnixSeconds } from "../../platform/kernel/clock.ts";
import type { Profile } from "../../accounts/users/profile.ts";
import type { Field, Mapping } from "./columns.ts";
import type { Finding, FindingKind } from "./findings.ts";

/** The key that identifies a user in the source. */
export interface Key {
  readonly kind: "number" | "uuid" | "text" | "missing";
  readonly text: string;
  /** The number, if the key can be a user's number here. */
  readonly number: number | undefined;
}

/** One row as the source has it, before it is compared with the users here. */
export interface ReadUser {
  readonly key: Key;
  readonly username: string | undefined;
  readonly email: string | undefined;
  /** The hash as it will be sealed. Undefined if the user cannot sign in with a password. */
  readonly hash: string | undefined;
  readonly active: boolean;
  readonly staff: boolean;
  readonly superuser: boolean;
  readonly joinedAt: UnixSeconds | undefined;
  readonly lastLoginAt: UnixSeconds | undefined;
  readonly profile: Profile;
  readonly findings: readonly Finding[];
}

/** Reads rows of one table. Every value is either read, or a finding says why not. */
export function userReader(mapping: Mapping, now: UnixSeconds): (row: SourceRow) => ReadUser {
  return (row) => readUser(mapping, now, row);
}

function readUser(mapping: Mapping, now: UnixSeconds, row: SourceRow): ReadUser {
  const { at, columns } = mapping;
  const findings: Finding[] = [];
  const valueOf = (field: Field): SourceValue => row[at[field] ?? -1] ?? null;
  const key = readKey(valueOf("id"));
  const note = (kind: FindingKind, column?: string, value?: string): void =>
    void findings.push({ kind, key: key.text, column, value });

  const flag = (field: Field, fallback: boolean): boolean => {
    if (at[field] === undefined) return fallback;
    const read = readFlag(valueOf(field));
    if (read === undefined) note("flag_unreadable", columns[at[field]]?.name);
    return read ?? false;
  };
  const moment = (field: Field): UnixSeconds | undefined => {
    const value = valueOf(field);
    const read = value === null ? undefined : readMoment(value);
    if (value !== null && (read === undefined || read > now))
      note("moment_unreadable", columns[at[field] ?? -1]?.name);
    return read === undefined || read > now ? undefined : read;
  };

  const password = readHash(valueOf("password"));
  if (password.kind === "hash_unknown" || password.kind === "no_hash")
    note(password.kind, columns[at.password ?? -1]?.name);
  const profile: Profile = {};
  const keep = (index: number | undefined, member: string): void => {
    const value = index === undefined ? null : (row[index] ?? null);
    if (index === undefined || value === null || value === "") return;
    const kept = asMember(value, columns[index]?.kind);
    if (kept === undefined) note("value_left_out", columns[index]?.name);
    else profile[member] = kept;
  };
  keep(at.first_name, "firstName");
  keep(at.last_name, "lastName");
  const [staff, superuser] = [flag("is_staff", false), flag("is_superuser", false)];
  if (staff && !superuser) note("staff_dropped", columns[at.is_staff ?? -1]?.name);
  for (const { at: index, member } of mapping.profile) keep(index, member);

  return {
    key,
    username: asText(valueOf("username")),
    email: asText(valueOf("email")),
    hash: password.kind === "hash" ? password.hash : undefined,
    active: flag("is_active", true),
    staff,
    superuser,
    joinedAt: moment("date_joined"),
    lastLoginAt: moment("last_login"),
    profile,
    findings,
  };
}

const UUID =
  /^([0-9a-f]{8})-?([0-9a-f]{4})-?([1-8][0-9a-f]{3})-?([89ab][0-9a-f]{3})-?([0-9a-f]{12})$/i;

/** Django stores a UUID as 32 digits if the database has no type for it. */
export function readKey(value: SourceValue): Key {
  if (typeof value === "number" || typeof value === "bigint")
    return { kind: "number", text: String(value), number: asNumber(value) };
  if (typeof value !== "string" || value === "" || value.length > LONGEST_VALUE)
    return { kind: "missing", text: "", number: undefined };
  const uuid = UUID.exec(value);
  if (uuid === null) return { kind: "text", text: value, number: undefined };
  return { kind: "uuid", text: uuid.slice(1).join("-").toLowerCase(), number: undefined };
}

/** Leaves room for the numbers that will be given out after the highest imported one. */
const HIGHEST_NUMBER = 2 ** 52;

export function asNumber(value: number | bigint): number | undefined {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 && number <= HIGHEST_NUMBER ? number : undefined;
}

function asText(value: SourceValue): string | undefined {
  if (value === null || value === "") return undefined;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  return String(value);
}

/** Reads a flag. Null is false, as it is to Django. */
export function readFlag(value: SourceValue): boolean | undefined {
  if (value === null || value === 0n || value === 0) return false;
  return value === 1n || value === 1 ? true : undefined;
}

const DJANGO_MOMENT =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?(?: ?(Z|[+-]\d\d(?::?\d\d)?))?$/;

/**
 * Reads a moment. A number means seconds. A text without a zone is UTC, as Django writes it to a
 * database that knows no zones.
 */
export function readMoment(value: SourceValue): UnixSeconds | undefined {
  if (typeof value === "bigint" || typeof value === "number")
    return value >= 0 && value < 2 ** 40 ? Math.floor(Number(value)) : undefined;
  const parts = typeof value === "string" ? DJANGO_MOMENT.exec(value) : null;
  if (parts === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", zone] = parts;
  return secondsOf(
    [Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second)],
    zone,
  );
}

type Parts = readonly [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
];

function secondsOf(
  [year, month, day, hour, minute, second]: Parts,
  zone: string | undefined,
): UnixSeconds | undefined {
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month))
    return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - offsetOf(zone);
  return seconds >= 0 ? seconds : undefined;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
  const leaps = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return (DAYS[month - 1] ?? 0) + (leaps ? 1 : 0);
}

function offsetOf(zone: string | undefined): number {
  if (zone === undefined) return 0;
  const [, sign, hours = 0, minutes = 0] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
}

type PasswordColumn =
  | { readonly kind: "hash"; readonly hash: string }
  | { readonly kind: "none" | "hash_unknown" | "no_hash" };

/**
 * Matches `algorithm$…`. Without such a prefix Django does not treat the value as a hash either.
 */
const SOMEBODYS_HASH = /^\$?[a-z0-9_.-]{1,40}\$|^\$[a-z0-9]/i;

function readHash(value: SourceValue): PasswordColumn {
  const text = asText(value);
  if (text === undefined || text.startsWith("!")) return { kind: "none" };
  // A bare Argon2id hash gets Django's prefix. Otherwise it would be taken for one of our own
  // hashes, which are made from a normalised password.
  const hash = text.startsWith("$") && readArgon2id(text) !== undefined ? `argon2${text}` : text;
  if (readForeignHash(hash) !== undefined) return { kind: "hash", hash };
  return { kind: SOMEBODYS_HASH.test(text) ? "hash_unknown" : "no_hash" };
}

/** Names the algorithm as Django does. */
export function schemeOf(hash: string): string {
  const [, name] = /^([a-z0-9_]+)\$/.exec(hash) ?? [];
  if (name !== undefined) return name;
  return hash.startsWith("$argon2") ? "argon2" : hash.startsWith("$") ? "bcrypt" : "unsalted_md5";
}

const LONGEST_MEMBER = 1000;

function asMember(
  value: Exclude<SourceValue, null>,
  kind: Mapping["columns"][number]["kind"] | undefined,
): string | number | boolean | undefined {
  if (value instanceof Uint8Array) return undefined;
  if (kind === "boolean") return readFlag(value);
  if (kind === "moment") {
    const at = readMoment(value);
    return at === undefined ? undefined : isoMoment(at);
  }
  if (typeof value === "string")
    return value.length <= LONGEST_MEMBER && isStorable(value) ? value : undefined;
  const number = Number(value);
  return Number.isFinite(number) && (typeof value === "number" || Number.isSafeInteger(number))
    ? number
    : String(value);
}

/** Tells whether both databases store the text unchanged. */
export function isStorable(text: string): boolean {
  return text.length <= LONGEST_VALUE && !text.includes("\0") && text.isWellFormed();
}
