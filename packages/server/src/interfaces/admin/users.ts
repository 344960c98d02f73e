import type { Db } from "../../platform/db/open.ts";
import { byNumber, readPage, type PageOutcome } from "../../platform/http/cursor.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { countLiveSessions } from "../../accounts/sessions/sessions.store.ts";
import { toAccount, type Account } from "../../accounts/users/account.ts";
import { readAddress } from "../../accounts/users/address.ts";
import { foldUsername } from "../../accounts/users/username.ts";
import { findUser, type User } from "../../accounts/users/users.store.ts";
import { listUsers, type Search, type UserStatus } from "./users.store.ts";

export interface FindUsersDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly keyring: Keyring;
}

export interface AdministeredUser extends Account {
  readonly disabledAt: number | null;
  readonly liveSessions: number;
}

export interface FindUsersQuery {
  /** Beginning of an e-mail address or username, or a whole id. */
  readonly search?: string | undefined;
  readonly status?: UserStatus | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** Returns a page of users, newest first, with the number of their live sessions. */
export async function findUsers(
  deps: FindUsersDeps,
  query: FindUsersQuery,
): Promise<PageOutcome<AdministeredUser>> {
  const { search, status } = query;
  const rows = byNumber({
    listing: ["users", search, status],
    read: async (asked) =>
      listUsers(deps.db, {
        ...asked,
        status,
        search: search === undefined ? undefined : readSearch(search),
      }),
    positionOf: (row) => row.number,
  });
  const page = await readPage(deps.keyring, query, rows);
  if (page.kind !== "page") return page;
  return {
    ...page,
    rows: await administered(
      deps,
      page.rows.map((row) => row.user),
    ),
  };
}

export async function findAdministeredUser(
  deps: FindUsersDeps,
  id: string,
): Promise<AdministeredUser | undefined> {
  const user = await findUser(deps.db, id);
  return user && (await administered(deps, [user]))[0];
}

async function administered(
  deps: FindUsersDeps,
  users: readonly User[],
): Promise<readonly AdministeredUser[]> {
  if (users.length === 0) return [];
  const ids = users.map((user) => user.id);
  const live = await countLiveSessions(deps.db, deps.clock.now(), ids);
  return users.map((user) => ({
    ...toAccount(user),
    disabledAt: user.disabledAt,
    liveSessions: live.get(user.id) ?? 0,
  }));
}

/**
 * Reads a whole address as an address, so that its domain is found in any form. The beginning of
 * one is only folded.
 */
function readSearch(text: string): Search {
  const address = readAddress(text);
  return {
    emailStart: address.kind === "address" ? address.canonical : text.toLowerCase(),
    usernameStart: foldUsername(text),
    id: text.toLowerCase(),
  };
}
