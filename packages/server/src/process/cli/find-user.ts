import type { Rules } from "../rules.ts";
import { readAddress } from "../../accounts/users/address.ts";
import { readUsername } from "../../accounts/users/username.ts";
import { findByIdentifier, findUser, type User } from "../../accounts/users/users.store.ts";
import { CommandError } from "./command.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws {CommandError} if no user has this id, e-mail address or username */
export async function findOrExplain(rules: Rules, who: string): Promise<User> {
  const user = await find(rules, who);
  if (user === undefined)
    throw new CommandError(
      `There is no user ${who}: give a whole id, e-mail address or username; \`portcullis users list --search\` finds them.`,
    );
  return user;
}

async function find({ db }: Rules, who: string): Promise<User | undefined> {
  if (UUID.test(who)) return findUser(db, who.toLowerCase());
  const address = readAddress(who);
  if (address.kind === "address")
    return findByIdentifier(db, { emailCanonical: address.canonical });
  const username = readUsername(who);
  return username.kind === "username"
    ? findByIdentifier(db, { usernameCanonical: username.canonical })
    : undefined;
}
