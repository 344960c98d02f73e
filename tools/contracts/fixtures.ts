import type { Rules } from "../../packages/server/src/process/rules.ts";
import { uuidv4 } from "../../packages/server/src/platform/kernel/ids.ts";
import { readAddress } from "../../packages/server/src/accounts/users/address.ts";
import { normalizePassword } from "../../packages/server/src/accounts/users/password-policy.ts";
import { disable, insertUser } from "../../packages/server/src/accounts/users/users.store.ts";
import type { FixtureUser } from "./contract.ts";

/**
 * Inserts the users of a recording into the store, in their order: their numbers count up from 1.
 */
export async function insertFixtures(rules: Rules, users: readonly FixtureUser[]): Promise<void> {
  const hashes = await hashesOf(rules, users);
  const now = rules.clock.now();
  await rules.db.transaction().execute(async (tx) => {
    for (const user of users) {
      const id = uuidv4(rules.random);
      const hash = user.password === null ? undefined : hashes.get(user.password);
      const inserted = await insertUser(tx, {
        id,
        ...namesOf(rules, user),
        // Django knows no confirmed addresses, and a confirmed one would get notices that no
        // recording has.
        emailVerifiedAt: null,
        passwordSealed:
          hash === undefined ? null : rules.keyring.seal("password-seal", id, Buffer.from(hash)),
        superuserSince: user.staff === true ? now : null,
        profile: {},
        locale: null,
        createdAt: now,
      });
      if (inserted === undefined)
        throw new Error(`two users of the recording are called ${user.username ?? user.email}`);
      if (user.active === false) await disable(tx, inserted, now);
    }
  });
}

type Names = Pick<
  Parameters<typeof insertUser>[1],
  "email" | "emailCanonical" | "username" | "usernameCanonical"
>;

function namesOf(rules: Rules, user: FixtureUser): Names {
  const address = user.email === undefined ? undefined : readAddress(user.email);
  const username = user.username === undefined ? undefined : rules.readUsername(user.username);
  if (address?.kind === "refused" || username?.kind === "refused")
    throw new Error(`no user can be called ${JSON.stringify(user)}`);
  return {
    email: address?.address ?? null,
    emailCanonical: address?.canonical ?? null,
    username: username?.username ?? null,
    usernameCanonical: username?.canonical ?? null,
  };
}

/** Makes one hash for each password and not for each user, because nearly all have the same. */
async function hashesOf(
  rules: Rules,
  users: readonly FixtureUser[],
): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  for (const password of new Set(users.map((user) => user.password))) {
    if (password === null) continue;
    const normalized = normalizePassword(password);
    const hashed =
      normalized.kind === "normalized" ? await rules.hasher.hash(normalized.password) : undefined;
    if (hashed?.kind !== "hashed") throw new Error(`no hash could be made of ${password}`);
    hashes.set(password, hashed.phc);
  }
  return hashes;
}
