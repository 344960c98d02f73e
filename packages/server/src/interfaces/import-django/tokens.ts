import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { ForeignSource, SourceColumn, SourceRow, SourceTable } from "./sources/source.ts";
import { operator } from "../../records/audit/origin.ts";
import type { Finding } from "./findings.ts";
import { findTokens, findUserIds, insertTokens, type ImportedToken } from "./import.store.ts";
import { readKey, readMoment } from "./read-user.ts";
import type { CheckDeps, ImportDeps } from "./run.ts";
import type { Tally } from "./tally.ts";

export interface TokenTables {
  readonly outstanding: SourceTable;
  readonly blacklisted: SourceTable | undefined;
  readonly columns: readonly SourceColumn[];
}

const COLUMNS = ["id", "jti", "user_id", "expires_at"];

/**
 * Finds the tables in which SimpleJWT keeps the refresh tokens that it gave out. Returns
 * `undefined` if there are none.
 */
export function findTokenTables({ tables }: ForeignSource): TokenTables | undefined {
  const outstanding = tables.find(({ name }) => name === "token_blacklist_outstandingtoken");
  const columns = COLUMNS.map((wanted) =>
    outstanding?.columns.find(({ name }) => name === wanted),
  ).filter((column) => column !== undefined);
  if (outstanding === undefined || columns.length < COLUMNS.length) return undefined;
  const blacklisted = tables.find(
    ({ name, schema }) =>
      name === "token_blacklist_blacklistedtoken" && schema === outstanding.schema,
  );
  return { outstanding, blacklisted, columns };
}

export interface TokenCounts {
  readonly outstanding: number;
  readonly blacklisted: number;
  readonly expired: number;
  readonly imported: number;
  readonly here: number;
  readonly unusable: number;
}

/** The tables that are read, and the tally of what is found in them. */
interface TokenImport {
  readonly tables: TokenTables;
  readonly tally: Tally;
}

/** @param users ids of the users who would be here, if nothing is imported */
export async function checkTokens(
  deps: CheckDeps,
  from: TokenImport,
  users: ReadonlySet<string>,
): Promise<TokenCounts> {
  return eachPage(deps, from, async (tokens) => {
    const known = tokens.filter(({ userId }) => users.has(userId));
    const { database } = deps;
    const here =
      database === undefined
        ? new Set()
        : await findTokens(database.db, database.dialect, jtisOf(known));
    return { known: new Set(known), imported: known.filter(({ jti }) => !here.has(jti)).length };
  });
}

export async function importTokens(deps: ImportDeps, from: TokenImport): Promise<TokenCounts> {
  const { db, dialect } = deps.database;
  return eachPage(deps, from, async (tokens) => {
    const users = await findUserIds(db, dialect, [...new Set(tokens.map(({ userId }) => userId))]);
    const known = tokens.filter(({ userId }) => users.has(userId));
    const imported = await transact({ db }, async (tx) => {
      const inserted = await insertTokens(tx, known);
      if (inserted > 0)
        await record(tx, deps, {
          event: "tokens.imported",
          ...operator,
          details: { run: deps.run, tokens: inserted },
        });
      return inserted;
    });
    return { known: new Set(known), imported };
  });
}

const jtisOf = (tokens: readonly ImportedToken[]): readonly string[] =>
  tokens.map(({ jti }) => jti);

interface ReadToken extends ImportedToken {
  readonly key: string;
}

type Take = (
  tokens: readonly ReadToken[],
) => Promise<{ readonly known: ReadonlySet<ImportedToken>; readonly imported: number }>;

async function eachPage(
  deps: CheckDeps,
  { tables, tally }: TokenImport,
  take: Take,
): Promise<TokenCounts> {
  const { source, place, report } = deps;
  const outstanding = await source.count(tables.outstanding);
  const counts = { valid: 0, expired: 0, imported: 0, here: 0, unusable: 0 };
  const without =
    tables.blacklisted === undefined
      ? {}
      : { without: { table: tables.blacklisted, column: "token_id" } };
  for await (const page of source.pages({
    table: tables.outstanding,
    columns: tables.columns,
    orderBy: "id",
    ...without,
  })) {
    const users = deps.idsOf(page.map(([, , user = null]) => readKey(user)));
    const read = page.map((row, index) => readToken(row, users[index] ?? "", place.now));
    const good = read.flatMap((one) => (one.kind === "token" ? [one.token] : []));
    const { known, imported } = await take(good);
    const findings = [
      ...read.flatMap((one): readonly Finding[] =>
        one.kind === "unreadable" ? [{ kind: "token_unreadable", key: one.key }] : [],
      ),
      ...good
        .filter((token) => !known.has(token))
        .map(({ key }): Finding => ({ kind: "token_user_unknown", key })),
    ];
    findings.forEach(tally.note);
    report.findings(findings);
    counts.valid += page.length;
    counts.expired += read.filter(({ kind }) => kind === "expired").length;
    counts.imported += imported;
    counts.here += known.size - imported;
    counts.unusable += findings.length;
    deps.progress.advance(page.length);
  }
  const { valid, ...others } = counts;
  return { outstanding, blacklisted: outstanding - valid, ...others };
}

const JTI = /^[0-9a-f]{32}$/;

function readToken(
  [id = null, jti = null, , expires = null]: SourceRow,
  userId: string,
  now: number,
):
  | { readonly kind: "token"; readonly token: ReadToken }
  | { readonly kind: "expired" }
  | { readonly kind: "unreadable"; readonly key: string } {
  const key = readKey(id).text;
  const expiresAt = readMoment(expires);
  if (expiresAt !== undefined && expiresAt <= now) return { kind: "expired" };
  if (expiresAt === undefined || typeof jti !== "string" || !JTI.test(jti))
    return { kind: "unreadable", key };
  return { kind: "token", token: { key, jti, userId, expiresAt } };
}
