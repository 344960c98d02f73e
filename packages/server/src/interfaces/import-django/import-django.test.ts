import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { addressOf, attempt, countRows, eventsOf } from "../../../test/steps.ts";
import { eachWorld, type World } from "../../../test/world.ts";
import { checkChain } from "../../records/audit/check.ts";
import { eachDatabase } from "../../platform/db/testing.ts";
import { readArgon2id } from "../../platform/hashing/phc.ts";
import { endAllSessions } from "../../accounts/sessions/revoke.ts";
import { removeUser } from "../../accounts/users/delete-user.ts";
import type { User } from "../../accounts/users/users.store.ts";
import { toUser } from "../../accounts/users/users.store.ts";
import { operator } from "../../records/audit/origin.ts";
import {
  begin,
  deploymentOn,
  done,
  folder,
  freshDeployment,
  portcullis,
} from "../../process/cli/testing.ts";
import {
  custom,
  djangoWith,
  HASHED,
  importInto,
  movingDay,
  onScratchPostgres,
  sqliteFile,
  stock,
  AUTH_USER,
  HASH,
} from "./testing.ts";

const byUsername = { PORTCULLIS_LOGIN_FIELD: "username" } as const;

async function usersOf(world: World): Promise<ReadonlyMap<number, User>> {
  const rows = await world.rules.db.selectFrom("users").selectAll().orderBy("number").execute();
  return new Map(rows.map((row) => [row.number, toUser(row)]));
}

function storedHash(world: World, user: User | undefined): string {
  assert.ok(user !== undefined && user.passwordSealed !== null);
  return world.parts.keyring.open("password-seal", user.id, user.passwordSealed).toString();
}

let callers = 0;
const elsewhere = () => ({ address: addressOf(callers++ % 512) });

/** Signs in and checks that the hash was upgraded. */
async function signsIn(
  world: World,
  number: number,
  identifier: string,
  password: string,
): Promise<void> {
  const before = (await usersOf(world)).get(number);
  assert.equal(
    readArgon2id(storedHash(world, before)),
    undefined,
    `${identifier} has a hash of Django's`,
  );
  const answered = await attempt(world, identifier, password, elsewhere());
  assert.equal(answered.status, 201, `${identifier}: ${answered.text}`);
  const after = (await usersOf(world)).get(number);
  assert.ok(
    readArgon2id(storedHash(world, after)) !== undefined,
    `${identifier} has a hash of ours`,
  );
  assert.equal(
    (await attempt(world, identifier, password, elsewhere())).status,
    201,
    `${identifier} a second time`,
  );
}

async function isRefused(world: World, identifier: string, password: string): Promise<void> {
  assert.equal((await attempt(world, identifier, password, elsewhere())).status, 401, identifier);
}

const algorithms = [
  "pbkdf2_sha256",
  "pbkdf2_sha1",
  "argon2",
  "bcrypt_sha256",
  "bcrypt",
  "sha1",
  "md5",
  "unsalted_sha1",
  "unsalted_md5",
];

eachWorld(
  "PW-09 every user of a stock Django signs in with the old password, with every hash algorithm, and the hash is upgraded",
  async (world) => {
    const ran = await importInto(world, stock);
    assert.equal(ran.refused, undefined);
    assert.match(ran.text, /Users imported: 20; here already: 0; left out: 0\./);
    for (const [index, algorithm] of algorithms.entries())
      await signsIn(world, index + 1, `user-${algorithm}`, `Pass for ${algorithm} 1!`);
    await signsIn(world, 10, "old@example.com", "Pass for old 1!");
    await signsIn(world, 11, "boss", "Pass for boss 1!");
    await signsIn(world, 14, "mixed.case@example.com", "Pass for case 1!");
    await signsIn(world, 17, "no-mail", "Pass for nomail 1!");
    await signsIn(world, 19, "日本語", "パスワード for jp 1!");
    await signsIn(world, 21, "last@example.com", "Pass for last 1!");
    await isRefused(world, "gone", "Pass for gone 1!");
    await isRefused(world, "no-password", "!DE0IIOrBMXh8EQqHccw7r7NAyyyyMMiApN32Mm5V");
    await isRefused(world, "scrambled", "not a hash at all");
  },
);

eachWorld("the facts that Django knew of its users are imported", async (world) => {
  await importInto(world, stock);
  const users = await usersOf(world);
  assert.deepEqual([...users.keys()], [...Array.from({ length: 19 }, (_, index) => index + 1), 21]);
  const first = users.get(1);
  assert.deepEqual(
    [first?.username, first?.email, first?.emailVerifiedAt, first?.createdAt, first?.lastLoginAt],
    ["user-pbkdf2_sha256", "pbkdf2_sha256@example.com", 1_704_110_400, 1_704_110_400, null],
  );
  assert.deepEqual(first?.profile, { firstName: "Ünïcode" });
  assert.deepEqual(users.get(2)?.profile, { lastName: "O'Neil; DROP" });
  assert.equal(users.get(2)?.lastLoginAt, 1_735_776_000);
  assert.deepEqual(
    [users.get(11)?.superuserSince, users.get(11)?.profile],
    [users.get(11)?.createdAt, {}],
  );
  assert.equal(users.get(12)?.disabledAt, movingDay);
  assert.deepEqual([users.get(13)?.passwordSealed, users.get(18)?.passwordSealed], [null, null]);
  assert.deepEqual(
    [users.get(14)?.email, users.get(14)?.username],
    ["Mixed.Case@example.com", "Case"],
  );
  assert.deepEqual([users.get(17)?.email, users.get(17)?.emailVerifiedAt], [null, null]);
});

eachWorld(
  "a number is never reused: a user who joins after an import gets one above the highest that Django gave out",
  async (world) => {
    const file = sqliteFile((database) => {
      database.exec(AUTH_USER);
      database.exec(
        `insert into auth_user values (1, '${HASH}', null, 0, 'a', '', '', 0, 1, '2024-01-01', '')`,
      );
      database.exec(
        `insert into auth_user values (40, '!', null, 0, 'b', '', '', 0, 1, '2024-01-01', ''); delete from auth_user where id = 40`,
      );
    });
    await importInto(world, file);
    await world.user({ username: "later" });
    assert.deepEqual([...(await usersOf(world)).keys()], [1, 41]);
  },
);

eachWorld(
  "if two users have one address, the first is found by it, and the other signs in by username and is listed",
  async (world) => {
    const { findings } = await importInto(world, stock);
    assert.deepEqual(
      findings.map(({ kind, key, value }) => [kind, key, value]),
      [
        ["address_shared", "16", "TWIN@example.com"],
        ["no_hash", "18", undefined],
      ],
    );
    await signsIn(world, 15, "twin@example.com", "Pass for twin 1!");
    await isRefused(world, "twin@example.com", "Pass for twin 2!");
    await signsIn(world, 16, "twin-2", "Pass for twin 2!");
    const row = await world.rules.db
      .selectFrom("users")
      .selectAll()
      .where("number", "=", 16)
      .executeTakeFirstOrThrow();
    assert.deepEqual(
      [row.email, row.email_canonical, row.shared_email_canonical],
      ["TWIN@example.com", null, "twin@example.com"],
    );
  },
);

eachWorld(
  "users of a custom user model sign in; a user whose second factor cannot be imported is imported only if that is agreed to",
  async (world) => {
    const stopped = await importInto(world, custom);
    assert.match(
      stopped.refused ?? "",
      /^Nothing was imported\. Users with a confirmed second factor.+: 1 .+ --without-factors/,
    );
    assert.equal(await countRows(world, "users"), 0);

    const { findings, text } = await importInto(world, custom, { withoutFactors: true });
    assert.match(text, /Not imported: jwt_secret\./);
    assert.deepEqual(
      findings.map(({ kind, key }) => [kind, key]),
      [
        ["factor_unconfirmed", "6"],
        ["codes_without_factor", "7"],
      ],
    );
    const names = {
      1: "pbkdf2_sha256",
      2: "pbkdf2_sha1",
      3: "argon2",
      4: "bcrypt_sha256",
      6: "unconfirmed",
      7: "codes",
      8: "admin",
      11: "last",
    };
    for (const [number, name] of Object.entries(names))
      await signsIn(world, Number(number), `${name}@example.com`, `Pass for ${name} 1!`);
    await isRefused(world, "gone@example.com", "Pass for gone 1!");
    assert.deepEqual(
      [...(await usersOf(world)).values()]
        .filter((user) => user.superuserSince !== null)
        .map(({ number }) => number),
      [8],
    );
  },
);

eachWorld(
  "a second import imports no user and says so, and imports only the users who have joined since",
  async (world) => {
    await importInto(world, stock, { tokens: true });
    const before = await usersOf(world);
    const again = await importInto(world, stock, { tokens: true });
    assert.match(again.text, /All users are here already \(20\), so none were imported\./);
    assert.match(
      again.text,
      /refresh tokens imported: 0 of 9; 3 blacklisted, 1 expired, 5 here already/,
    );
    assert.deepEqual([await usersOf(world), again.findings], [before, []]);

    const grown = join(folder(), "grown.sqlite3");
    writeFileSync(grown, readFileSync(stock));
    const database = new DatabaseSync(grown);
    database.exec(
      "insert into auth_user select 22, password, null, 0, 'newcomer', '', 'new@example.com', 0, 1, date_joined, '' from auth_user where id = 10",
    );
    database.close();
    assert.match((await importInto(world, grown)).text, /Users imported: 1; here already: 20;/);
    await signsIn(world, 22, "newcomer", "Pass for old 1!");
  },
);

eachWorld(
  "AU-01 the audit records every transaction of an import and every superuser in it, and its chain holds",
  async (world) => {
    await importInto(
      world,
      djangoWith(Array.from({ length: 1001 }, (_, index) => ({ superuser: index === 700 }))),
    );
    assert.deepEqual(
      await eventsOf(world).then((events) => events.filter((event) => !event.startsWith("key."))),
      ["superuser.created", "users.imported", "users.imported"],
    );
    const rows = await world.rules.db
      .selectFrom("audit_events")
      .select(["actor_kind", "user_id", "details"])
      .where("event", "=", "users.imported")
      .orderBy("position")
      .execute();
    assert.deepEqual(
      rows.map(({ actor_kind, details }) => [actor_kind, JSON.parse(details).users]),
      [
        ["operator", 1000],
        ["operator", 1],
      ],
    );
    assert.equal((await checkChain(world.rules.db, world.parts.keyring)).kind, "intact");
  },
);

eachWorld(
  "valid refresh tokens are imported, blacklisted or expired ones are not, and a used one stays used",
  async (world) => {
    const { text } = await importInto(world, stock, { tokens: true });
    assert.match(
      text,
      /refresh tokens imported: 5 of 9; 3 blacklisted, 1 expired, 0 here already, 0 of no use/,
    );
    const rows = await world.rules.db
      .selectFrom("imported_tokens")
      .innerJoin("users", "users.id", "user_id")
      .select(["jti", "number", "expires_at"])
      .orderBy("jti")
      .execute();
    assert.deepEqual(
      rows.map(({ jti, number, expires_at }) => [jti, number, expires_at]),
      [
        ["1fc95cd72b714360983719b54b358e8f", 12, 1_797_893_203],
        ["45601ed90ed5495da88b9366c78dfba1", 1, 1_797_893_203],
        ["b5c53a6736a54201ab783001a0f90b2c", 11, 1_797_893_203],
        ["d95635b69be1405092effc1f1b56d5d2", 1, 1_797_893_203],
        ["de3733f8de104748a46b8a4fea3f1664", 11, 1_797_893_203],
      ],
    );
    await world.rules.db.updateTable("imported_tokens").set({ used_at: movingDay }).execute();
    await importInto(world, stock, { tokens: true });
    const unused = await world.rules.db
      .selectFrom("imported_tokens")
      .select("jti")
      .where("used_at", "is", null)
      .execute();
    assert.deepEqual(unused, []);
    assert.match(
      (await importInto(world, custom, { tokens: true, withoutFactors: true })).refused ?? "",
      /has no table token_blacklist_outstandingtoken/,
    );
  },
);

const awkward = [
  { username: "anna@home" },
  { username: "Bo" },
  { username: "bo" },
  { username: "cy", email: "cy@localhost" },
] as const;

eachWorld(
  "a user who would lose a username or an address is listed before the import, and imported without it if that is agreed to",
  async (world) => {
    const file = djangoWith(awkward);
    const stopped = await importInto(world, file);
    assert.match(
      stopped.refused ?? "",
      /^Nothing was imported\. Users who would lose something: 3 .+--accept-losses/,
    );
    assert.match(stopped.text, /hint {4}PORTCULLIS_USERNAMES=django/);
    assert.equal(await countRows(world, "users"), 0);

    const { findings } = await importInto(world, file, { acceptLosses: true });
    assert.deepEqual(
      findings.map(({ kind, key, value }) => [kind, key, value]),
      [
        ["username_refused", "1", "anna@home"],
        ["no_identifier", "1", undefined],
        ["username_taken", "3", "bo"],
        ["no_identifier", "3", undefined],
        ["address_refused", "4", "cy@localhost"],
      ],
    );
    const users = await usersOf(world);
    assert.deepEqual(
      [...users.values()].map(({ username, profile }) => [username, profile]),
      [
        [null, { importedUsername: "anna@home" }],
        ["Bo", {}],
        [null, { importedUsername: "bo" }],
        ["cy", { importedEmail: "cy@localhost" }],
      ],
    );
  },
);

eachWorld(
  "Django's usernames are imported unchanged if PORTCULLIS_USERNAMES is django",
  async (world) => {
    const { refused } = await importInto(world, djangoWith(awkward.slice(0, 3)));
    assert.equal(refused, undefined);
    assert.deepEqual(
      [...(await usersOf(world)).values()].map(({ username }) => username),
      ["anna@home", "Bo", "bo"],
    );
  },
  { PORTCULLIS_USERNAMES: "django" },
);

eachWorld("a username that is the user's own address is no loss", async (world) => {
  const { refused, findings } = await importInto(
    world,
    djangoWith([{ username: "Anna@example.com", email: "anna@example.com" }]),
  );
  assert.deepEqual(
    [refused, findings.map(({ kind }) => kind)],
    [undefined, ["username_is_address"]],
  );
  await signsIn(world, 1, "anna@example.com", HASHED);
});

eachWorld(
  "a username that is the user's own address is a loss if users log in by username",
  async (world) => {
    const { refused } = await importInto(
      world,
      djangoWith([{ username: "Anna@example.com", email: "anna@example.com" }]),
    );
    assert.match(refused ?? "", /Users who would lose something: 1 /);
  },
  byUsername,
);

eachWorld("a number or an address that a user has here stays theirs", async (world) => {
  await world.user({ email: "user1@example.com" });
  const file = djangoWith([{ email: "other@example.com" }, { email: "USER1@example.com" }]);
  const stopped = await importInto(world, file);
  assert.match(stopped.text, /loss {4}1 × number that another user has here/);
  assert.ok(stopped.refused !== undefined);
  await importInto(world, file, { acceptLosses: true });
  const users = await usersOf(world);
  assert.deepEqual(
    [...users.values()].map(({ number, email, emailCanonical, username }) => [
      number,
      email,
      emailCanonical,
      username,
    ]),
    [
      [1, "user1@example.com", "user1@example.com", null],
      [2, "USER1@example.com", null, "user2"],
      [3, "other@example.com", "other@example.com", "user1"],
    ],
  );
});

eachWorld(
  "a user who registers during an import keeps the address, and the import goes on",
  async (world) => {
    const file = djangoWith([{ email: "anna@example.com" }, { email: "bo@example.com" }]);
    const { findings, refused } = await importInto(world, file, {}, (source) => ({
      ...source,
      lastNumber: async (table, column) => {
        await world.user({ email: "anna@example.com", username: "first" });
        return 10 + (await source.lastNumber(table, column));
      },
    }));
    assert.equal(refused, undefined);
    const kinds = findings.map(({ kind, key }) => `${kind} ${key}`);
    assert.ok(kinds.includes("address_shared 1") && kinds.includes("number_taken 1"), kinds.join());
    await isRefused(world, "anna@example.com", HASHED);
    assert.equal((await attempt(world, "user1", HASHED, elsewhere())).status, 201);
    assert.equal(await countRows(world, "users"), 3);
  },
);

eachWorld(
  "PV-01 a user who was deleted here since the first import does not come back with the second",
  async (world) => {
    await importInto(world, stock);
    const user = (await usersOf(world)).get(17);
    assert.ok(user !== undefined);
    assert.equal((await removeUser(world.rules, user.id, operator)).kind, "done");
    const { findings, text } = await importInto(world, stock);
    assert.deepEqual(
      findings.map(({ kind, key }) => [kind, key]),
      [["deleted_here", "17"]],
    );
    assert.match(text, /Users imported: 0; here already: 19; left out: 1/);
    assert.equal((await usersOf(world)).get(17), undefined);
  },
);

eachWorld(
  "users of another site with the same keys are not mistaken for users who are here",
  async (world) => {
    await importInto(world, stock);
    const { refused, findings } = await importInto(
      world,
      djangoWith([{ id: 2, username: "stranger" }]),
      { acceptLosses: true },
    );
    assert.deepEqual(
      [refused, findings.map(({ kind, key }) => [kind, key])],
      [undefined, [["another_here", "2"]]],
    );
  },
);

eachWorld("UUIDs that are keys in Django stay the users' ids", async (world) => {
  const file = sqliteFile((database) => {
    database.exec(
      "create table people (id char(32) not null primary key, password text, last_login datetime, email text, is_email_confirmed bool, phone text)",
    );
    database
      .prepare("insert into people values (?, ?, null, 'anna@example.com', 0, '+49 30 1')")
      .run("0f8fad5bd9cb469fa16570867728950e", HASH);
  });
  const { text } = await importInto(world, file, { profile: ["phone=phone"] });
  assert.match(text, /Not imported: is_email_confirmed\./);
  assert.match(text, /hint {4}PORTCULLIS_USER_ID_FIELD=id/);
  const [user] = (await usersOf(world)).values();
  assert.deepEqual(
    [user?.id, user?.profile],
    ["0f8fad5b-d9cb-469f-a165-70867728950e", { phone: "+49 30 1" }],
  );
  assert.match((await importInto(world, file)).text, /All users are here already \(1\)/);
});

eachWorld(
  "EN-08 the ids of imported users reveal neither their order nor, without the secret, their number",
  async (world) => {
    await importInto(world, djangoWith(Array.from({ length: 300 }, () => ({}))));
    const ids = [...(await usersOf(world)).values()].map(({ id }) => id);
    const rising = ids.filter((id, index) => index > 0 && id > (ids[index - 1] ?? "")).length;
    assert.ok(rising > 100 && rising < 200, `${rising} of 299 neighbours rise`);
    for (const id of ids)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  },
);

eachWorld("no address counts as confirmed with --unverified", async (world) => {
  const { text } = await importInto(world, stock, { unverified: true });
  assert.match(text, /hint {4}users with an address cannot sign in .+ --unverified/);
  assert.ok(
    [...(await usersOf(world)).values()].every(({ emailVerifiedAt }) => emailVerifiedAt === null),
  );
});

eachWorld(
  "a logout everywhere ends the session of an imported user like any other",
  async (world) => {
    await importInto(world, stock);
    const { body } = await attempt(world, "old-rounds", HASHED, elsewhere());
    const user = (await usersOf(world)).get(10);
    assert.ok(user !== undefined);
    await endAllSessions(world.rules, user.id, "admin", operator);
    assert.equal(
      (await world.request("GET", "/v1/token", { token: body.accessToken })).status,
      401,
    );
  },
);

const scratch = process.env["TEST_DATABASE_URL"];

eachWorld("a Django on PostgreSQL yields the same users as one on SQLite", async (world) => {
  if (scratch === undefined) return;
  const columns = async () =>
    [...(await usersOf(world)).values()].map(({ passwordSealed, ...user }) => ({
      ...user,
      hash: passwordSealed === null ? null : storedHash(world, { ...user, passwordSealed }),
    }));
  await importInto(world, stock, { tokens: true });
  const fromSqlite = await columns();
  const tokens = await world.rules.db
    .selectFrom("imported_tokens")
    .selectAll()
    .orderBy("jti")
    .execute();
  await world.rules.db.deleteFrom("users").execute();
  await onScratchPostgres(scratch, stock, async (url) => {
    const { text, refused } = await importInto(world, url, { tokens: true });
    assert.equal(refused, undefined);
    assert.match(text, /Users imported: 20;/);
  });
  assert.deepEqual(await columns(), fromSqlite);
  assert.deepEqual(
    await world.rules.db.selectFrom("imported_tokens").selectAll().orderBy("jti").execute(),
    tokens,
  );
  await onScratchPostgres(scratch, custom, async (url) => {
    assert.match(
      (await importInto(world, url)).refused ?? "",
      /Users with a confirmed second factor.+: 1 /,
    );
  });
});

const HOSTILE: readonly (string | number | bigint | Uint8Array | null)[] = [
  null,
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "é\u{1f600}",
  "x".repeat(5000),
  "é".repeat(70_000),
  "anna@example.com",
  "__proto__",
  "constructor",
  "'; drop table users; --",
  "2024-02-30 25:61:61",
  "0000-00-00",
  "9999-12-31 23:59:59+14:00",
  "infinity",
  "true",
  "-1",
  0,
  -1,
  1,
  1.5,
  1e300,
  2 ** 53,
  9_223_372_036_854_775_807n,
  -9_223_372_036_854_775_808n,
  new Uint8Array([0xff, 0xfe, 0]),
  "pbkdf2_sha256$99999999$salt$AAAA",
  "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAA",
  "argon2$",
  "crypt$$abc",
  "!",
  "$$$$",
  "0f8fad5bd9cb469fa16570867728950e",
  "0F8FAD5B-D9CB-469F-A165-70867728950E",
];

const FIELDS = [
  "id",
  "password",
  "last_login",
  "is_superuser",
  "username",
  "last_name",
  "email",
  "is_staff",
  "is_active",
  "date_joined",
  "first_name",
  "extra",
];

eachWorld(
  "IN-04 every row is imported or listed with any content of its columns, and nothing breaks",
  async (world) => {
    const file = sqliteFile((database) => {
      database.exec(`create table hostile (${FIELDS.join(", ")})`);
      const insert = database.prepare(
        `insert into hostile values (${FIELDS.map(() => "?").join(", ")})`,
      );
      for (const [index, value] of HOSTILE.entries()) {
        insert.run(...FIELDS.map(() => value));
        for (const [at] of FIELDS.entries()) {
          const plain = [
            1000 + index * 20 + at,
            HASH,
            null,
            0,
            `u${index}-${at}`,
            "",
            `u${index}-${at}@example.com`,
            0,
            1,
            "2024-01-01",
            "",
            "",
          ];
          insert.run(...plain.map((normal, column) => (column === at ? value : normal)));
        }
      }
    });
    const options = { table: "hostile", profile: ["extra=extra"], acceptLosses: true } as const;
    const { text, findings } = await importInto(world, file, options);
    const [, imported, left] =
      /Users imported: (\d+); here already: 0; left out: (\d+)/.exec(text) ?? [];
    assert.equal(Number(imported) + Number(left), HOSTILE.length * (FIELDS.length + 1));
    assert.equal(
      findings.filter(({ kind }) => kind === "key_missing" || kind === "key_repeated").length,
      Number(left),
    );
    assert.equal(await countRows(world, "users"), Number(imported));
    const again = await importInto(world, file, options);
    assert.match(again.text, /Users imported: 0;/);
    const { accessToken: token } = await world.signIn(await world.user({ superuser: true }));
    const listed = await world.request<{ items: readonly unknown[] }>(
      "GET",
      "/v1/admin/users?limit=200",
      { token },
    );
    assert.equal(listed.status, 200, listed.text);
  },
);

eachDatabase(
  "an import that was killed continues where it stopped, and no user is imported twice or left out",
  async (database) => {
    const environment = deploymentOn(database);
    const file = djangoWith(
      Array.from({ length: 30_000 }, (_, index) => ({
        id: 2 * index + 1,
        email: `user${index}@example.com`,
      })),
    );
    await done(environment, "migrate");
    const there = async (): Promise<number> => {
      if (database.dialect === "postgres")
        return Number(
          (
            await database.db
              .selectFrom("users")
              .select((eb) => eb.fn.countAll().as("n"))
              .executeTakeFirstOrThrow()
          ).n,
        );
      const embedded = new DatabaseSync(
        join(environment["PORTCULLIS_DATA_DIR"] ?? "", "portcullis.sqlite3"),
        { readOnly: true },
      );
      const row = embedded.prepare("select count(*) as n from users").get();
      embedded.close();
      return Number(row?.["n"]);
    };
    const first = begin(environment, "import-django", "--from", file);
    const ended = once(first, "exit");
    while ((await there()) === 0 && first.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 5));
    first.kill("SIGKILL");
    await ended;
    const before = await there();
    assert.ok(before > 0 && before < 30_000, `${before} were imported when it was killed`);
    assert.equal(before % 1000, 0, "whole pages");
    const printed = await done(environment, "import-django", "--from", file);
    assert.ok(
      printed.includes(
        `Users imported: ${(30_000 - before).toLocaleString("en")}; here already: ${before.toLocaleString("en")};`,
      ),
      printed,
    );
    assert.equal(await there(), 30_000);
    assert.match(await done(environment, "doctor"), /^ok {4}audit/m);
  },
);

test("a dry run says what would happen and creates nothing, and the source is never changed", async () => {
  const environment = freshDeployment();
  const report = join(folder(), "report.jsonl");
  const digest = (): string => createHash("sha256").update(readFileSync(custom)).digest("hex");
  const before = digest();
  const printed = await done(
    environment,
    "import-django",
    "--from",
    custom,
    "--dry-run",
    "--report",
    report,
  );
  assert.match(printed, /^users to import: 10; here already: 0; left out: 0$/m);
  assert.match(
    printed,
    /Dry run: nothing was changed\. Without --dry-run this would stop: Users with a confirmed second factor.+: 1 /,
  );
  assert.match(printed, /^second factors: authenticator apps: 1; recovery codes: 3$/m);
  assert.equal(existsSync(environment["PORTCULLIS_DATA_DIR"] ?? ""), false);
  const lines = readFileSync(report, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([lines[0].rows, lines[0].dryRun], [10, true]);
  assert.deepEqual(
    lines.slice(1).map(({ key, finding, severity }) => [key, finding, severity]),
    [
      ["6", "factor_unconfirmed", "note"],
      ["7", "codes_without_factor", "factor"],
    ],
  );
  assert.equal((await portcullis(environment, "import-django", "--from", custom)).code, 1);
  assert.match(
    await done(environment, "import-django", "--from", custom, "--without-factors"),
    /Users imported: 10;/,
  );
  assert.match(
    await done(environment, "import-django", "--from", custom, "--dry-run"),
    /users to import: 0; here already: 10;/,
  );
  assert.deepEqual(
    [digest(), existsSync(`${custom}-wal`), existsSync(`${custom}-journal`)],
    [before, false, false],
  );
});

test("a source that cannot be read is reported in one sentence", async () => {
  const environment = freshDeployment();
  const text = join(folder(), "text.sqlite3");
  writeFileSync(
    text,
    "This is no database, though it is long enough to be taken for one. ".repeat(50),
  );
  const damaged = join(folder(), "damaged.sqlite3");
  writeFileSync(damaged, readFileSync(stock).fill(0x5a, 4096));
  const empty = sqliteFile((database) =>
    database.exec("create table notes (id integer primary key)"),
  );
  const twice = sqliteFile((database) => {
    for (const name of ["staff", "customers"])
      database.exec(
        `create table ${name} (id integer primary key, password text, last_login text, email text)`,
      );
  });
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--from", text], /is not a SQLite database: give the file/],
    [["--from", join(folder(), "missing")], /^portcullis: There is no file/],
    [["--from", folder()], /is no file: give the path/],
    [["--from", damaged], /cannot be read/],
    [
      ["--from", "mysql://root@localhost/django"],
      /kind mysql cannot be read: give a SQLite file, or postgres/,
    ],
    [
      ["--from", "postgres://anna:secret@127.0.0.1:1/django"],
      /^portcullis: postgres:\/\/anna@127\.0\.0\.1:1\/django does not let us in/,
    ],
    [["--from", empty], /has no table with the columns password and last_login/],
    [["--from", twice], /Name it with --table; these look like it: customers, staff\./],
    [
      ["--from", twice, "--table", "people"],
      /has no table people; these look like it: customers, staff\./,
    ],
    [
      ["--from", stock, "--column", "email=mail"],
      /auth_user has no column mail; it has id, password/,
    ],
    [
      ["--from", stock, "--column", "mail=email"],
      /write FIELD=COLUMN, where FIELD is one of id, username/,
    ],
    [["--from", stock, "--profile", "email=firstName"], /write COLUMN=MEMBER/],
    [
      ["--from", empty, "--table", "notes"],
      /Which column of notes is the password\? Say so with --column password=COLUMN/,
    ],
  ];
  for (const [args, sentence] of cases) {
    const { code, stderr } = await portcullis(environment, "import-django", "--dry-run", ...args);
    assert.deepEqual([code, stderr.trim().split("\n").length], [1, 1], stderr);
    assert.match(stderr, sentence);
    assert.ok(!stderr.includes("secret"));
  }
  assert.equal(existsSync(environment["PORTCULLIS_DATA_DIR"] ?? ""), false);
});

eachWorld(
  "a source with a write-ahead log is read including the log, while Django goes on writing",
  async (world) => {
    const file = djangoWith([{}]);
    const django = new DatabaseSync(file);
    django.exec("pragma journal_mode = wal");
    django.exec(
      `insert into auth_user values (2, '${HASH}', null, 0, 'user2', '', '', 0, 1, '2024-01-01', '')`,
    );
    const { text } = await importInto(world, file, {}, (source) => ({
      ...source,
      lastNumber: async (table, column) => {
        django.exec(
          `insert into auth_user values (3, '${HASH}', null, 0, 'user3', '', '', 0, 1, '2024-01-01', '')`,
        );
        return source.lastNumber(table, column);
      },
    }));
    assert.match(text, /Users imported: 2;/);
    assert.match((await importInto(world, file)).text, /Users imported: 1; here already: 2;/);
    django.close();
  },
);

test("a history table of users is not mistaken for the users", async () => {
  const file = sqliteFile((database) => {
    database.exec(
      "create table people (id integer primary key, password text, last_login datetime, email text)",
    );
    database.exec(
      "create table historicalpeople (id integer, password text, last_login datetime, email text, history_id integer primary key)",
    );
  });
  assert.match(
    await done(freshDeployment(), "import-django", "--from", file, "--dry-run"),
    /table people: 0 rows/,
  );
});

test("if several tables look like users, the one that Django's own tables point to is chosen", async () => {
  const file = sqliteFile((database) => {
    database.exec(
      "create table app_customer (id integer primary key, password text, last_login datetime, email text)",
    );
    database.exec(
      "create table app_user (id integer primary key, password text, last_login datetime, email text)",
    );
    database.exec(
      "create table django_admin_log (id integer primary key, user_id integer references app_user (id))",
    );
  });
  assert.match(
    await done(freshDeployment(), "import-django", "--from", file, "--dry-run"),
    /table app_user: 0 rows/,
  );
});
