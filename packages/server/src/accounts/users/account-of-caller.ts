import type { Db } from "../../platform/db/open.ts";
import type { Caller } from "../../platform/http/serve.ts";
import { findUser, type User } from "./users.store.ts";

declare module "../../platform/http/serve.ts" {
  interface Caller {
    /**
     * The row, once it has been read for this request. It is kept here, because a `WeakMap` costs
     * each request about a microsecond.
     */
    account?: User;
  }
}

/**
 * Reads the caller's account once for each request, so that a handler that needs the row sees the
 * one on which the policy decided, and costs no second query. What changes the account holds the
 * row in its transaction instead.
 *
 * Returns `undefined` if the user has been deleted.
 */
export async function accountOf(db: Db, caller: Caller): Promise<User | undefined> {
  if (caller.account !== undefined) return caller.account;
  const account = await findUser(db, caller.userId);
  if (account !== undefined) caller.account = account;
  return account;
}
