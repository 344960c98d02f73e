import type { Db } from "../../platform/db/open.ts";
import type { Caller } from "../../platform/http/serve.ts";
import { findUser, type User } from "./users.store.ts";

/** The rows that were read so far. The edge makes a `Caller` for each request. */
const accounts = new WeakMap<Caller, User>();

/**
 * Reads the caller's account once for each request, so that a handler that needs the row sees the
 * one on which the policy decided, and costs no second query. What changes the account holds the
 * row in its transaction instead.
 *
 * Returns `undefined` if the user has been deleted.
 */
export async function accountOf(db: Db, caller: Caller): Promise<User | undefined> {
  const known = accounts.get(caller);
  if (known !== undefined) return known;
  const account = await findUser(db, caller.userId);
  if (account !== undefined) accounts.set(caller, account);
  return account;
}
