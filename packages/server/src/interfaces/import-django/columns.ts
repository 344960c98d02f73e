import type { ForeignSource, SourceColumn, SourceTable } from "./sources/source.ts";
import { ImportError } from "./import-error.ts";

/**
 * The fields that can be imported, by their names in Django's stock user model, each with the names
 * that other user models use.
 */
const guesses = {
  id: ["id"],
  username: ["username", "user_name", "login"],
  email: ["email", "email_address", "mail"],
  password: ["password"],
  is_active: ["is_active", "active"],
  is_staff: ["is_staff"],
  is_superuser: ["is_superuser", "is_admin"],
  date_joined: ["date_joined", "joined_at", "created_at", "created"],
  last_login: ["last_login"],
  first_name: ["first_name"],
  last_name: ["last_name"],
} as const;

export type Field = keyof typeof guesses;

const isField = (name: string): name is Field => Object.hasOwn(guesses, name);
const fields: readonly Field[] = Object.keys(guesses).filter(isField);

/** The place to which each field goes, as the mapping is shown. */
const destinations: Readonly<Record<Field, string>> = {
  id: "number, or id if it is a UUID",
  username: "username",
  email: "email",
  password: "password, rehashed with Argon2id at the next sign-in",
  is_active: "not disabled",
  is_staff: "nothing, unless superuser",
  is_superuser: "superuser",
  date_joined: "created",
  last_login: "last login",
  first_name: "profile.firstName",
  last_name: "profile.lastName",
};

/** Members of the profile that the import itself writes. */
const ownMembers = ["firstName", "lastName", "importedEmail", "importedUsername"] as const;

export interface Mapping {
  readonly table: SourceTable;
  /** Name of the column that identifies users. Rows are read in its order. */
  readonly key: string;
  /** The columns that are read. */
  readonly columns: readonly SourceColumn[];
  /** The position of each field in `columns`. A field without a column is missing. */
  readonly at: Readonly<Partial<Record<Field, number>>>;
  readonly profile: readonly { readonly at: number; readonly member: string }[];
  readonly ignored: readonly string[];
}

export interface MappingOptions {
  /** Entries such as `email=mail`. With nothing after the `=`, the field is not imported. */
  readonly column: readonly string[];
  /** Entries such as `phone=phoneNumber`. */
  readonly profile: readonly string[];
}

/**
 * Maps the columns of a table to fields.
 *
 * @throws {ImportError} if a column is missing; the message names the columns that exist
 */
export function mapColumns(table: SourceTable, options: MappingOptions): Mapping {
  const given = new Map(options.column.map((text) => readField(text)));
  const chosen = fields.flatMap((field) => {
    const column = given.has(field) ? columnOf(table, given.get(field) ?? "") : guess(table, field);
    return column === undefined ? [] : [{ field, column }];
  });
  const members = options.profile.map((text) => readMember(table, text));
  const columns = [...chosen.map(({ column }) => column), ...members.map(({ column }) => column)];
  const at: Partial<Record<Field, number>> = {};
  for (const [index, { field }] of chosen.entries()) at[field] = index;
  const key = chosen.find(({ field }) => field === "id")?.column.name;
  for (const field of ["id", "password"] as const)
    if (at[field] === undefined)
      throw new ImportError(`Which column of ${table.label} is the ${field}? ${say(field, table)}`);
  if (key === undefined || (at.email === undefined && at.username === undefined))
    throw new ImportError(
      `Which column of ${table.label} do users sign in by? ${say("email", table)}`,
    );
  return {
    table,
    key,
    columns,
    at,
    profile: members.map(({ member }, index) => ({ member, at: chosen.length + index })),
    ignored: table.columns.filter((column) => !columns.includes(column)).map(({ name }) => name),
  };
}

function guess(table: SourceTable, field: Field): SourceColumn | undefined {
  const names: readonly string[] =
    field === "id" && table.primaryKey !== undefined ? [table.primaryKey] : guesses[field];
  return names
    .map((name) => table.columns.find((column) => column.name === name))
    .find((column) => column !== undefined);
}

function readField(text: string): readonly [Field, string] {
  const [, field = "", column = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (!isField(field))
    throw new ImportError(
      `--column ${text}: write FIELD=COLUMN, where FIELD is one of ${fields.join(", ")}.`,
    );
  return [field, column];
}

const MEMBER = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

function readMember(
  table: SourceTable,
  text: string,
): { readonly column: SourceColumn; readonly member: string } {
  const [, name = "", member = ""] = /^(.*)=([^=]*)$/s.exec(text) ?? [];
  const column = columnOf(table, name);
  if (
    column === undefined ||
    !MEMBER.test(member) ||
    member === "constructor" ||
    ownMembers.some((own) => own === member)
  )
    throw new ImportError(
      `--profile ${text}: write COLUMN=MEMBER, where MEMBER is a word such as phoneNumber, and none of ${ownMembers.join(", ")}.`,
    );
  return { column, member };
}

function columnOf(table: SourceTable, name: string): SourceColumn | undefined {
  if (name === "") return undefined;
  const column = table.columns.find((each) => each.name === name);
  if (column === undefined)
    throw new ImportError(`${table.label} has no column ${name}; it has ${namesOf(table)}.`);
  return column;
}

function say(field: Field, table: SourceTable): string {
  return `Say so with --column ${field}=COLUMN; there are ${namesOf(table)}.`;
}

function namesOf(table: SourceTable): string {
  return table.columns.map(({ name }) => name).join(", ");
}

/** Returns pairs for a table on the terminal: a column, and where its values go. */
export function describeMapping({ at, columns, profile }: Mapping): readonly (readonly string[])[] {
  const known = fields.flatMap((field) => {
    const index = at[field];
    return index === undefined ? [] : [[columns[index]?.name ?? "", destinations[field]]];
  });
  return [
    ...known,
    ...profile.map(({ at: index, member }) => [columns[index]?.name ?? "", `profile.${member}`]),
  ];
}

/**
 * Chooses the table of the user model: the one that is named, or the only one that looks like one
 * (AbstractBaseUser), or among several the one that Django's own tables point to.
 *
 * @throws {ImportError} if none or several fit; the message names the candidates
 */
export async function chooseTable(
  source: ForeignSource,
  named: string | undefined,
): Promise<SourceTable> {
  if (named !== undefined) {
    const table = source.tables.find(
      ({ label, schema, name }) => label === named || `${schema}.${name}` === named,
    );
    if (table !== undefined) return table;
    throw new ImportError(`${source.label} has no table ${named}; ${candidatesIn(source)}`);
  }
  const found = candidates(source);
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first;
  const pointed = await pointedTo(source, found);
  if (pointed !== undefined) return pointed;
  throw new ImportError(
    first === undefined
      ? `${source.label} has no table with the columns password and last_login, as Django's users have: name yours with --table.`
      : `Which table are the users in? Name it with --table; ${candidatesIn(source)}`,
  );
}

/**
 * Leaves out history tables (django-simple-history), which have the columns of the table that they
 * watch.
 */
function candidates({ tables }: ForeignSource): readonly SourceTable[] {
  const has = (table: SourceTable, column: string): boolean =>
    table.columns.some(({ name }) => name === column);
  return tables.filter(
    (table) => has(table, "password") && has(table, "last_login") && !has(table, "history_id"),
  );
}

function candidatesIn(source: ForeignSource): string {
  const labels = candidates(source).map(({ label }) => label);
  return labels.length > 0
    ? `these look like it: ${labels.join(", ")}.`
    : `none looks like Django's users.`;
}

const pointers = ["django_admin_log", "authtoken_token", "token_blacklist_outstandingtoken"];

async function pointedTo(
  source: ForeignSource,
  found: readonly SourceTable[],
): Promise<SourceTable | undefined> {
  for (const table of source.tables.filter(({ name }) => pointers.includes(name))) {
    const name = await source.referenced(table, "user_id");
    const target = found.find(
      (candidate) => candidate.name === name && candidate.schema === table.schema,
    );
    if (target !== undefined) return target;
  }
  return undefined;
}
