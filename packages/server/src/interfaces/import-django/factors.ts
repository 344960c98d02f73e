import type {
  ForeignSource,
  SourceColumn,
  SourceRow,
  SourceTable,
  SourceValue,
} from "./sources/source.ts";
import { normalizeCode } from "../../accounts/factors/recovery-codes.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import type { Finding } from "./findings.ts";
import { isStorable, readFlag, readKey } from "./read-user.ts";

/** The second factors of one user, as they were found. */
export interface FoundFactors {
  readonly devices: readonly FoundDevice[];
  /** Recovery codes in the form in which they are compared. */
  readonly codes: readonly string[];
  readonly findings: readonly FactorFinding[];
}

/** An authenticator app that works here as it did with Django. */
export interface FoundDevice {
  readonly name: string;
  readonly secret: Uint8Array;
  readonly digits: number;
  readonly periodSeconds: number;
  readonly lastStep: number;
}

type FactorFinding = Omit<Finding, "key">;

/**
 * Tables of django-otp, its plugins and django-two-factor-auth. Authenticators of django-allauth
 * have another name.
 */
const DEVICES = /^(?:otp_|two_factor_|phonenumber_)/;
const AUTHENTICATORS = "mfa_authenticator";

/** The number of recovery codes that a user gets here. */
const MOST_CODES = 10;
/** The shortest text that sign-in takes for a code. */
const SHORTEST_CODE = 4;
const LONGEST_CODE = 64;

/**
 * Reads the confirmed second factors by the key of their user. A user whose factors cannot be
 * imported gets a finding.
 */
export async function readFactors(
  source: ForeignSource,
  users: SourceTable,
  now: UnixSeconds,
): Promise<ReadonlyMap<string, FoundFactors>> {
  const drafts = new Map<string, Draft>();
  const draftOf = (user: string): Draft => {
    const draft = drafts.get(user) ?? {
      devices: [],
      codes: new Set(),
      findings: [],
      leftOut: 0,
      hadCodes: false,
      unconfirmed: false,
    };
    drafts.set(user, draft);
    return draft;
  };
  for (const table of source.tables) {
    const isDevice =
      DEVICES.test(table.name) && columnsOf(table, ["user_id", "confirmed"]) !== undefined;
    const isAuthenticator =
      table.name === AUTHENTICATORS && columnsOf(table, ["user_id"]) !== undefined;
    if (!isDevice && !isAuthenticator) continue;
    const isTheirs =
      table.schema === users.schema &&
      [undefined, users.name].includes(await source.referenced(table, "user_id"));
    await ((isTheirs ? readerFor(source, table) : undefined) ?? dropAll)({
      source,
      table,
      now,
      draftOf,
    });
  }
  return new Map([...drafts].map(([user, draft]) => [user, finished(draft)]));
}

interface Draft {
  readonly devices: FoundDevice[];
  readonly codes: Set<string>;
  readonly findings: FactorFinding[];
  /** Number of codes that are not among `codes`. */
  leftOut: number;
  /** Whether the user had recovery codes as a factor, even if all are used up. */
  hadCodes: boolean;
  unconfirmed: boolean;
}

interface Reading {
  readonly source: ForeignSource;
  readonly table: SourceTable;
  readonly now: UnixSeconds;
  readonly draftOf: (user: string) => Draft;
}

function finished({
  devices,
  codes,
  findings,
  leftOut,
  hadCodes,
  unconfirmed,
}: Draft): FoundFactors {
  const hasAny = devices.length > 0 || hadCodes || findings.length > 0;
  const more: readonly FactorFinding[] = [
    ...(hadCodes && devices.length === 0 ? [{ kind: "codes_without_factor" } as const] : []),
    ...(leftOut > 0 ? [{ kind: "codes_left_out", value: String(leftOut) } as const] : []),
    ...(unconfirmed && !hasAny ? [{ kind: "factor_unconfirmed" } as const] : []),
  ];
  return { devices, codes: [...codes], findings: [...findings, ...more] };
}

/**
 * Chooses the reader for a table of this kind. Returns `undefined` if its factors cannot be
 * imported.
 */
function readerFor(
  source: ForeignSource,
  table: SourceTable,
): ((reading: Reading) => Promise<void>) | undefined {
  if (table.name === "otp_totp_totpdevice") {
    const columns = columnsOf(table, TOTP_COLUMNS);
    return columns && (async (reading) => readDevices(reading, columns));
  }
  if (table.name !== "otp_static_staticdevice") return undefined;
  const devices = columnsOf(table, ["user_id", "confirmed", "id"]);
  const tokens = source.tables.find(
    ({ name, schema }) => name === "otp_static_statictoken" && schema === table.schema,
  );
  const codes = tokens && columnsOf(tokens, ["id", "device_id", "token"]);
  return (
    devices &&
    tokens &&
    codes &&
    (async (reading) => readCodes(reading, devices, { table: tokens, columns: codes }))
  );
}

/** Returns the columns in this order, or `undefined` if one is missing. */
function columnsOf(
  { columns }: SourceTable,
  names: readonly string[],
): readonly SourceColumn[] | undefined {
  const found = names
    .map((wanted) => columns.find(({ name }) => name === wanted))
    .filter((column) => column !== undefined);
  return found.length === names.length ? found : undefined;
}

/**
 * Yields rows of confirmed factors, which begin with the user and the flag. A factor counts as
 * confirmed unless the flag is plainly false.
 */
async function* confirmedRows(
  { source, table, draftOf }: Reading,
  columns: readonly SourceColumn[],
): AsyncGenerator<{ readonly draft: Draft; readonly row: SourceRow }> {
  const orderBy = table.columns.some(({ name }) => name === "id") ? "id" : "user_id";
  for await (const page of source.pages({ table, columns, orderBy })) {
    for (const row of page) {
      const draft = draftOf(readKey(row[0] ?? null).text);
      // Some tables have no such flag.
      const [, confirmed = 1] = row;
      if (readFlag(confirmed) === false) draft.unconfirmed = true;
      else yield { draft, row };
    }
  }
}

async function dropAll(reading: Reading): Promise<void> {
  const { table } = reading;
  const columns = columnsOf(table, ["user_id", "confirmed"]) ?? columnsOf(table, ["user_id"]) ?? [];
  for await (const { draft } of confirmedRows(reading, columns))
    draft.findings.push({ kind: "factor_dropped", table: table.label });
}

const TOTP_COLUMNS = [
  "user_id",
  "confirmed",
  "name",
  "key",
  "step",
  "t0",
  "digits",
  "drift",
  "last_t",
];

async function readDevices(reading: Reading, columns: readonly SourceColumn[]): Promise<void> {
  const table = reading.table.label;
  for await (const { draft, row } of confirmedRows(reading, columns)) {
    const read = readDevice(row, reading.now);
    if (read.kind === "unusable") {
      draft.findings.push({
        kind: "factor_dropped",
        table,
        column: read.column,
        value: read.value,
      });
      continue;
    }
    draft.devices.push(read.device);
    if (read.drift !== 0)
      draft.findings.push({
        kind: "clock_drifts",
        table,
        column: "drift",
        value: String(read.drift),
      });
  }
}

const KEY = /^(?:[0-9a-f]{2})+$/i;
const DEFAULT_NAME = "Authenticator app";
const LONGEST_NAME = 64;
const LONGEST_AHEAD_SECONDS = 86_400;

type ReadDevice =
  | { readonly kind: "device"; readonly device: FoundDevice; readonly drift: number }
  | { readonly kind: "unusable"; readonly column: string; readonly value?: string };

/**
 * Reads a device of RFC 6238 with T0 = 0, which is all that authenticator apps know, within the
 * bounds of what can be enrolled here.
 */
function readDevice(
  [, , name = null, key = null, ...numbers]: SourceRow,
  now: UnixSeconds,
): ReadDevice {
  const [step, t0, digits, drift = 0, lastStep] = numbers.map(readInteger);
  if (typeof key !== "string" || !KEY.test(key)) return { kind: "unusable", column: "key" };
  if (step === undefined || step < 15 || step > 300)
    return { kind: "unusable", column: "step", value: String(step) };
  if (t0 !== 0) return { kind: "unusable", column: "t0", value: String(t0) };
  if (digits !== 6 && digits !== 8)
    return { kind: "unusable", column: "digits", value: String(digits) };
  // A last step far in the future would make every code of its user be refused.
  if (lastStep === undefined || lastStep > (now + LONGEST_AHEAD_SECONDS) / step)
    return { kind: "unusable", column: "last_t", value: String(lastStep) };
  const device = {
    name:
      typeof name === "string" &&
      name.trim() !== "" &&
      name.length <= LONGEST_NAME &&
      isStorable(name)
        ? name
        : DEFAULT_NAME,
    secret: Buffer.from(key, "hex"),
    digits,
    periodSeconds: step,
    // A code that Django has accepted is not accepted again here (MF-02). Django begins with -1.
    lastStep: Math.max(lastStep, 0),
  };
  return { kind: "device", device, drift };
}

function readInteger(value: SourceValue): number | undefined {
  const number = typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
  return Number.isSafeInteger(number) ? number : undefined;
}

interface Tokens {
  readonly table: SourceTable;
  readonly columns: readonly SourceColumn[];
}

/**
 * Reads the recovery codes of a user. If there are more than a user gets here, the first ones are
 * taken.
 */
async function readCodes(
  reading: Reading,
  columns: readonly SourceColumn[],
  tokens: Tokens,
): Promise<void> {
  const owners = new Map<string, Draft>();
  for await (const { draft, row } of confirmedRows(reading, columns)) {
    draft.hadCodes = true;
    owners.set(readKey(row[2] ?? null).text, draft);
  }
  for await (const page of reading.source.pages({ ...tokens, orderBy: "id" })) {
    for (const [, device = null, token = null] of page) {
      const draft = owners.get(readKey(device).text);
      if (draft !== undefined) addCode(draft, token);
    }
  }
}

function addCode(draft: Draft, token: SourceValue): void {
  const code = typeof token === "string" ? normalizeCode(token) : "";
  const isTypable = code.length >= SHORTEST_CODE && code.length <= LONGEST_CODE;
  if (!isTypable || (draft.codes.size >= MOST_CODES && !draft.codes.has(code))) draft.leftOut += 1;
  else draft.codes.add(code);
}
