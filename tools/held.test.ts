import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { filesOfTree } from "./tree.ts";

const root = join(import.meta.dirname, "..");
const SERVER = "packages/server/src/";

interface Source {
  readonly path: string;
  readonly text: string;
}

const sources: readonly Source[] = filesOfTree(root)
  .filter((path) => path.startsWith(SERVER) && path.endsWith(".ts") && !path.endsWith(".test.ts"))
  .map((path) => ({
    path: path.slice(SERVER.length),
    text: readFileSync(join(root, path), "utf8"),
  }));

/** Functions that write users without holding a row, each with what guards it instead. */
const guarded: Readonly<Record<string, string>> = {
  insertUser: "the unique indices",
  liftHardEpoch: "its condition hard_epoch < floor",
  raiseEveryHardEpoch: "it covers every row",
  upgradePassword: "compare and set of the old hash",
  setLastLogin: "the last one wins, whichever it is",
  bequeathEmail: "one statement on the heir, and the unique index",
  displaceUnconfirmed: "its condition that the address is not confirmed",
};

/** The exported functions of a store that write the table of users, with their parameters. */
function writersIn(
  text: string,
): readonly { readonly name: string; readonly parameters: string }[] {
  const functions = [...text.matchAll(/^export async function (\w+)\(([\s\S]*?)\): [\s\S]*?^\}/gm)];
  const statements = new Map(
    [...text.matchAll(/^const (\w+) = prepared\([\s\S]*?^\);/gm)].map((m) => [m[1] ?? "", m[0]]),
  );
  const writes = /\.(updateTable|deleteFrom|insertInto)\("users"\)/;
  return functions
    .filter(([body]) => {
      const called = [...statements].filter(([name]) => body.includes(`${name}(tx`));
      return writes.test(body) || called.some(([, statement]) => writes.test(statement));
    })
    .map(([, name = "", parameters = ""]) => ({ name, parameters }));
}

function complaintsAboutWriters({ path, text }: Source): readonly string[] {
  return writersIn(text)
    .filter(({ name, parameters }) => !/\bHeld</.test(parameters) && !(name in guarded))
    .map(({ name }) => `${path}: ${name} writes users without a held row, and no guard is named`);
}

test("what changes a user takes a held row, or names its guard", () => {
  assert.deepEqual(sources.filter(isStore).flatMap(complaintsAboutWriters), []);
  const names = sources
    .filter(isStore)
    .flatMap(({ text }) => writersIn(text).map((one) => one.name));
  assert.ok(names.length >= 15, `only ${names.length} writers seen`);
  for (const name of Object.keys(guarded))
    assert.ok(names.includes(name), `${name} writes no users`);
});

function isStore({ path }: Source): boolean {
  return path.startsWith("accounts/") && path.endsWith(".store.ts");
}

/** Ways around the mechanisms, and the only files in which they may stand. */
const ways: readonly { readonly way: RegExp; readonly door: RegExp; readonly words: string }[] = [
  {
    way: /\basHeld\(|as Held</,
    door: /\.store\.ts$|^platform\/db\/held\.ts$/,
    words: "only a store that has locked a row says that it is held",
  },
  {
    way: /\b(passwordChangedAt|passwordSealed) [!=]== [a-z]\w*[.?]/,
    door: /^accounts\/users\/hold-unchanged\.ts$|^accounts\/sign-in\/device-token\.ts$/,
    words: "whether an account is still the one that was checked is asked of hold-unchanged.ts",
  },
  {
    way: /\buser\.hardEpoch [!=]==|[!=]== (user|held|before)\??\.hardEpoch/,
    door: /^accounts\/users\/hold-unchanged\.ts$/,
    words: "whether an account is still the one that was checked is asked of hold-unchanged.ts",
  },
  {
    way: /fingerprintOf\(\w+\) [!=]==/,
    door: /^accounts\/users\/hold-unchanged\.ts$|^accounts\/sign-in\/challenge\.ts$/,
    words: "whether an account is still the one that was checked is asked of hold-unchanged.ts",
  },
];

function complaintsAboutWays({ path, text }: Source): readonly string[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      ways
        .filter(({ way, door }) => way.test(line) && !door.test(path))
        .map(({ words }) => `${path}:${index + 1}: ${words}`),
    );
}

test("no rule goes round a held row or the question whether the account is unchanged", () => {
  assert.deepEqual(sources.flatMap(complaintsAboutWays), []);
});

test("the check is awake: it finds what it is there to find", () => {
  const bad = [
    "const user = asHeld(await findUser(db, id));",
    "if (user.passwordChangedAt !== before.passwordChangedAt) return;",
    "if (user.disabledAt !== null || user.hardEpoch !== claims.hep) return;",
    "return fingerprintOf(now) === fingerprintOf(user);",
  ];
  for (const text of bad)
    assert.equal(complaintsAboutWays({ path: "accounts/users/a.ts", text }).length, 1, text);
  const store = `export async function rename(tx: Tx, id: string): Promise<void> {
  await tx.updateTable("users").set({ username: null }).where("id", "=", id).execute();
}`;
  assert.equal(
    complaintsAboutWriters({ path: "accounts/users/a.store.ts", text: store }).length,
    1,
  );
  const good = store.replace("id: string", "{ id }: Held<User>");
  assert.deepEqual(complaintsAboutWriters({ path: "accounts/users/a.store.ts", text: good }), []);
});
