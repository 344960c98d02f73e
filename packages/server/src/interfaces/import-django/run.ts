import { transact } from "../../platform/db/transact.ts";
import { createCipheriv, createHmac } from "node:crypto";
import { record } from "../../records/audit/audit.ts";
import type { ForeignSource } from "./sources/source.ts";
import type { OpenDatabase } from "../../platform/db/open.ts";
import { isUniqueViolation } from "../../platform/db/storage-errors.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { spendSetupLinks } from "../../accounts/users/setup.store.ts";
import { operator } from "../../records/audit/origin.ts";
import type { Mapping } from "./columns.ts";
import { insertFactors, sealFactors, type EnrolDeps, type SealedFactors } from "./enrol.ts";
import type { Finding } from "./findings.ts";
import {
  findTaken,
  insertUsers,
  isEmpty,
  makeRoom,
  raiseNumber,
  type SealedUser,
} from "./import.store.ts";
import {
  place,
  toCandidate,
  type Candidate,
  type NewUser,
  type PlaceDeps,
  type Placed,
  type Taken,
  type Texts,
} from "./place.ts";
import type { Progress } from "./progress.ts";
import { asNumber, userReader, type Key, type ReadUser } from "./read-user.ts";
import type { Report } from "./report.ts";
import { createTally, type Tally } from "./tally.ts";

export interface CheckDeps {
  readonly source: ForeignSource;
  readonly mapping: Mapping;
  readonly place: PlaceDeps;
  readonly idsOf: IdsOf;
  /** Undefined if there is no database yet. */
  readonly database: OpenDatabase | undefined;
  readonly report: Report;
  readonly progress: Progress;
}

export interface ImportDeps extends CheckDeps, EnrolDeps {
  readonly database: OpenDatabase;
  /** Id of the run in the audit. */
  readonly run: string;
}

const nothingTaken: Taken = {
  ids: new Map(),
  deleted: new Set(),
  numbers: new Set(),
  addresses: new Set(),
  usernames: new Set(),
};

export type IdsOf = (keys: readonly Key[]) => readonly string[];

/**
 * Makes the ids of imported users from their keys. They are always the same, so that a second run
 * knows the users that an earlier one has imported. Without the master secret they are as random as
 * any user id (EN-08), and have the same form.
 */
export function createIdsOf(keyring: Keyring, table: string): IdsOf {
  const secret = keyring.mac("import-id", table);
  const cipher = createCipheriv("aes-256-ecb", secret, null);
  return (keys) => {
    // Encrypts the numbers of a page at once: a MAC for each would take longer than reading its
    // row.
    const blocks = Buffer.alloc(BLOCK * keys.length);
    for (const [index, key] of keys.entries())
      blocks.writeBigUInt64BE(BigInt(key.number ?? 0), BLOCK * index + 8);
    const hex = cipher.update(blocks, undefined, "hex");
    return keys.map((key, index) => {
      if (key.kind === "uuid") return key.text;
      if (key.number !== undefined)
        return uuidOf(hex.slice(2 * BLOCK * index, 2 * BLOCK * (index + 1)));
      return uuidOf(createHmac("sha256", secret).update(`${key.kind}\n${key.text}`).digest("hex"));
    });
  };
}

const BLOCK = 16;

/** There can be no users yet if there is no master secret, so any id will do. */
export const plainIds: IdsOf = (keys) => keys.map(({ kind, text }) => `${kind}:${text}`);

/** Formats a UUID of the version for random ones (RFC 9562 §5.4). */
function uuidOf(hex: string): string {
  const variant = "89ab".charAt(Number.parseInt(hex.charAt(16), 16) & 3);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export interface Counts {
  readonly imported: number;
  readonly here: number;
  readonly leftOut: number;
}

/** The work to be done with one page of the source. */
interface Page {
  readonly users: readonly NewUser[];
  readonly findings: readonly Finding[];
  readonly counts: Counts;
}

/**
 * Number of pages that are kept from the check until the import, which then need not parse them
 * again: about 100 MB.
 */
const PAGES_KEPT = 100;

export interface Checked {
  readonly tally: Tally;
  /** The highest number of all users. */
  readonly highest: number;
  /** Ids of all users who are here or will be imported. */
  readonly ids: ReadonlySet<string>;
  /** The first pages. */
  readonly kept: readonly Page[];
}

async function* readPages({
  source,
  mapping,
  place: placing,
}: CheckDeps): AsyncGenerator<readonly ReadUser[]> {
  const read = userReader(mapping, placing.now);
  const { table, columns, key } = mapping;
  for await (const rows of source.pages({ table, columns, orderBy: key })) yield rows.map(read);
}

function toCandidates(
  { idsOf, place: placing }: CheckDeps,
  users: readonly ReadUser[],
): readonly Candidate[] {
  const ids = idsOf(users.map(({ key }) => key));
  return users.map((user, index) => toCandidate(placing, user, ids[index] ?? ""));
}

/** Finds out row by row what an import would do. */
export async function checkUsers(
  deps: CheckDeps,
  look: (placed: Placed) => void,
): Promise<Checked> {
  const tally = createTally();
  const ids = new Set<string>();
  const seen = { ids: claims(ids), addresses: claims(), usernames: claims() };
  const kept: Page[] = [];
  let highest = 0;
  const findTakenOf = await takenOf(deps.database);
  for await (const users of readPages(deps)) {
    const candidates = toCandidates(deps, users);
    const taken = await findTakenOf(candidates);
    const placed = candidates.map((candidate) => place(deps.place, taken, seen, candidate));
    placed.forEach(tally.add);
    placed.forEach(look);
    for (const { key } of users) highest = Math.max(highest, key.number ?? 0);
    const page = toPage(placed);
    deps.report.findings(page.findings);
    if (kept.length < PAGES_KEPT) kept.push(page);
    deps.progress.advance(placed.length);
  }
  return { tally, highest, ids, kept };
}

function claims(all = new Set<string>()): Texts {
  return {
    claim: (text) => {
      const before = all.size;
      return all.add(text).size > before;
    },
  };
}

/** Looks up which names are taken. Without users there is nothing to look up. */
async function takenOf(
  database: OpenDatabase | undefined,
): Promise<(page: readonly Candidate[]) => Promise<Taken>> {
  if (database === undefined || (await isEmpty(database.db))) return async () => nothingTaken;
  return async (page) => findTaken(database.db, database.dialect, page);
}

function toPage(placed: readonly Placed[]): Page {
  const users = placed.flatMap((one) => (one.kind === "new" ? [one.user] : []));
  const here = placed.filter(({ kind }) => kind === "here").length;
  const counts = { imported: users.length, here, leftOut: placed.length - users.length - here };
  return { users, findings: placed.flatMap(({ findings }) => findings), counts };
}

/**
 * Imports page by page, each in one transaction, so that a later run continues where this one ends.
 */
export async function importUsers(deps: ImportDeps, checked: Checked): Promise<Counts> {
  const { database, source, mapping } = deps;
  const { db, dialect } = database;
  const earlier = new Set<string>();
  const sum = { imported: 0, here: 0, leftOut: 0 };
  await makeRoom(db, dialect);
  const least = Math.max(
    checked.highest,
    asNumber(await source.lastNumber(mapping.table, mapping.key)) ?? 0,
  );
  await transact({ db }, async (tx) => raiseNumber(tx, dialect, least));
  for await (const page of pagesToImport(deps, checked)) {
    const { imported, here, leftOut } = await importPage(deps, page, earlier);
    sum.imported += imported;
    sum.here += here;
    sum.leftOut += leftOut;
    deps.progress.advance(imported + here + leftOut);
  }
  return sum;
}

interface PageToImport {
  readonly page: Page | undefined;
  readonly read: () => Promise<readonly ReadUser[]>;
}

/**
 * Yields the pages to import. The source does not change while it is open, so the first pages are
 * those that were kept.
 */
async function* pagesToImport(
  deps: ImportDeps,
  { kept, tally }: Checked,
): AsyncGenerator<PageToImport> {
  let rows = 0;
  for (const [index, page] of kept.entries()) {
    yield { page, read: async () => readPage(deps, index) };
    rows += page.counts.imported + page.counts.here + page.counts.leftOut;
  }
  if (rows === tally.counts.rows) return;
  let index = 0;
  for await (const users of readPages(deps))
    if (index++ >= kept.length) yield { page: undefined, read: async () => users };
}

async function readPage(deps: ImportDeps, wanted: number): Promise<readonly ReadUser[]> {
  let index = 0;
  for await (const users of readPages(deps)) if (index++ === wanted) return users;
  return [];
}

const TRIES = 5;

/**
 * Imports one page. If a name was taken since the page was checked, the insertion fails and the
 * page is checked again. Names that earlier pages have taken are in the database.
 */
async function importPage(
  deps: ImportDeps,
  { page, read }: PageToImport,
  earlier: Set<string>,
): Promise<Counts> {
  const sealed = new Map<string, SealedFactors>();
  for (let attempt = 1; ; attempt += 1) {
    const { users, findings, counts } =
      (attempt === 1 ? page : undefined) ?? toPage(await placeAgain(deps, await read(), earlier));
    // Reported before the commit: a row that is listed twice after a crash is better than one that
    // is never listed.
    deps.report.findings(findings);
    const missing = users.filter(({ id }) => !sealed.has(id));
    for (const factors of await sealFactors(deps, missing)) sealed.set(factors.userId, factors);
    try {
      await insertPage(
        deps,
        users.map((user) => seal(deps.keyring, user)),
        users.flatMap(({ id }) => sealed.get(id) ?? []),
      );
      for (const { id } of users) earlier.add(id);
      return counts;
    } catch (error) {
      if (!isUniqueViolation(error) || attempt === TRIES) throw error;
    }
  }
}

/** @param earlier ids of the users that this run has imported already */
async function placeAgain(
  deps: ImportDeps,
  users: readonly ReadUser[],
  earlier: ReadonlySet<string>,
): Promise<readonly Placed[]> {
  const candidates = toCandidates(deps, users);
  const taken = await findTaken(deps.database.db, deps.database.dialect, candidates);
  const own = claims();
  const ids = { claim: (id: string) => !earlier.has(id) && own.claim(id) };
  const seen = { ids, addresses: claims(), usernames: claims() };
  return candidates.map((candidate) => place(deps.place, taken, seen, candidate));
}

function seal(keyring: Keyring, user: NewUser): SealedUser {
  return {
    user,
    passwordSealed:
      user.hash === undefined
        ? null
        : keyring.seal("password-seal", user.id, Buffer.from(user.hash)),
  };
}

/**
 * Inserts a page. The audit gets one event for the page and one for each superuser in it, in the
 * same transaction (AU-01). One for each user would say nothing that their rows do not, and the
 * chain would take as long as everything else.
 */
async function insertPage(
  deps: ImportDeps,
  users: readonly SealedUser[],
  factors: readonly SealedFactors[],
): Promise<void> {
  const { db, dialect } = deps.database;
  if (users.length === 0) return;
  const now = deps.clock.now();
  const superusers = users.filter(({ user }) => user.superuserSince !== null);
  await transact({ db }, async (tx) => {
    await insertUsers(tx, dialect, users, now);
    await insertFactors(tx, deps, factors);
    if (superusers.length > 0) await spendSetupLinks(tx, now);
    for (const { user } of superusers)
      await record(tx, deps, {
        event: "superuser.created",
        ...operator,
        userId: user.id,
        details: { run: deps.run },
      });
    await record(tx, deps, {
      event: "users.imported",
      ...operator,
      details: {
        run: deps.run,
        users: users.length,
        superusers: superusers.length,
        authenticators: factors.reduce((sum, { devices }) => sum + devices.length, 0),
        recoveryCodes: factors.reduce((sum, { codes }) => sum + codes.length, 0),
      },
    });
  });
}
