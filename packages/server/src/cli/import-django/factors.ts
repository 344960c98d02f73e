import type { ForeignSource, SourceTable } from "../../db/foreign-source.ts";
import { readFlag, readKey } from "./read-user.ts";

/** Devices of django-otp, its plugins and django-two-factor-auth; authenticators of django-allauth. */
const DEVICES = /^(?:otp_|two_factor_|phonenumber_)/;
const AUTHENTICATORS = "mfa_authenticator";

/** By the key of its user, whether a second factor was confirmed. */
export async function readFactors(source: ForeignSource): Promise<ReadonlyMap<string, boolean>> {
  const found = new Map<string, boolean>();
  for (const table of source.tables) {
    const columns = table.columns.filter(({ name }) => name === "user_id" || name === "confirmed");
    const isDevice = DEVICES.test(table.name) && columns.length === 2;
    const isAuthenticator = table.name === AUTHENTICATORS && columns.length === 1;
    if (!isDevice && !isAuthenticator) continue;
    await readTable(source, table, columns, (user, confirmed) => found.set(user, confirmed || found.get(user) === true));
  }
  return found;
}

async function readTable(
  source: ForeignSource,
  table: SourceTable,
  columns: SourceTable["columns"],
  note: (user: string, confirmed: boolean) => void,
): Promise<void> {
  const [user, confirmed] = ["user_id", "confirmed"].map((wanted) => columns.findIndex(({ name }) => name === wanted));
  for await (const page of source.pages({ table, columns, orderBy: "user_id" })) {
    // Whatever is not plainly unconfirmed counts: nobody is to lose a factor by a misunderstanding.
    for (const row of page) note(readKey(row[user ?? -1] ?? null).text, readFlag(row[confirmed ?? -1] ?? 1) !== false);
  }
}
