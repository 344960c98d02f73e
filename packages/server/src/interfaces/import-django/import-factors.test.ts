import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { generateSync } from "otplib";
import { answerChallenge, challenge } from "../../../test/second-factor.ts";
import { addressOf, attempt, countRows, dump } from "../../../test/steps.ts";
import { eachWorld, type TestUser, type World } from "../../../test/world.ts";
import { listUnused } from "../../accounts/factors/recovery-codes.store.ts";
import { listConfirmed } from "../../accounts/factors/totp.store.ts";
import { done, folder, freshDeployment } from "../../process/cli/testing.ts";
import {
  custom,
  djangoWithFactors,
  HASHED,
  importInto,
  movingDay,
  onScratchPostgres,
  TOTP_KEY,
  type DjangoDevice,
} from "./testing.ts";

let callers = 0;
const elsewhere = () => ({ address: addressOf(callers++ % 512) });

interface Shown {
  readonly step?: number;
  readonly digits?: 6 | 8;
  /** Steps from now. */
  readonly steps?: number;
}

/** Computes with otplib what an app with the key of the fixture shows. */
function codeOf(world: World, { step = 30, digits = 6, steps = 0 }: Shown = {}): string {
  return generateSync({
    secret: Buffer.from(TOTP_KEY, "hex"),
    epoch: world.clock.now() + steps * step,
    period: step,
    digits,
  });
}

async function idOf(world: World, number: number): Promise<string> {
  return (
    await world.rules.db
      .selectFrom("users")
      .select("id")
      .where("number", "=", number)
      .executeTakeFirstOrThrow()
  ).id;
}

const imported = async (world: World, number: number): Promise<TestUser> => ({
  id: await idOf(world, number),
  email: `user${number}@example.com`,
  username: `user${number}`,
  password: HASHED,
});

const WRONG_CODE = 422;

/** Returns the status of the answer to a challenge of its own. */
async function answersWith(
  world: World,
  user: TestUser,
  factor: "totp" | "recovery_codes",
  code: string,
): Promise<number> {
  return (
    await answerChallenge(
      world,
      await challenge(world, user, elsewhere()),
      { factor, code },
      elsewhere(),
    )
  ).status;
}

async function devicesOf(world: World, number: number) {
  return listConfirmed(world.rules.db, await idOf(world, number));
}

eachWorld(
  "MF-08 MF-02 a user with an authenticator app in Django is asked for its code, which works once",
  async (world) => {
    const { refused } = await importInto(world, custom, { withoutFactors: true });
    assert.equal(refused, undefined);
    const user = {
      id: await idOf(world, 5),
      email: "totp@example.com",
      username: null,
      password: "Pass for totp 1!",
    };
    const { factors, enrol } = await challenge(world, user, elsewhere());
    assert.deepEqual([factors, enrol], [["totp"], []]);
    assert.equal(await countRows(world, "sessions"), 0);
    assert.equal(await answersWith(world, user, "totp", codeOf(world, { steps: 10 })), WRONG_CODE);
    const code = codeOf(world);
    assert.equal(await answersWith(world, user, "totp", code), 201);
    assert.equal(await answersWith(world, user, "totp", code), WRONG_CODE, "a second time");
    world.clock.advance(30);
    assert.equal(await answersWith(world, user, "totp", codeOf(world)), 201, "the next one");
    assert.equal(
      (await attempt(world, "unconfirmed@example.com", "Pass for unconfirmed 1!", elsewhere()))
        .status,
      201,
    );
  },
);

eachWorld(
  "MF-02 a code that Django has accepted is refused here, and so is one before it",
  async (world) => {
    const lastT = Math.floor(world.clock.now() / 30);
    const file = djangoWithFactors(1, { devices: [{ user: 1, lastT }] });
    await importInto(world, file, {}, (source) => source, world.clock.now());
    const user = await imported(world, 1);
    for (const steps of [-1, 0])
      assert.equal(
        await answersWith(world, user, "totp", codeOf(world, { steps })),
        WRONG_CODE,
        `${steps}`,
      );
    assert.equal(await answersWith(world, user, "totp", codeOf(world, { steps: 1 })), 201);
  },
);

eachWorld(
  "MF-09 the device is imported as Django knew it, and its key is sealed",
  async (world) => {
    const devices: readonly DjangoDevice[] = [
      { user: 1, name: "Ünïcode", lastT: 123 },
      { user: 1, name: " ", step: 60, digits: 8 },
      { user: 1, name: "x".repeat(65), key: TOTP_KEY.toUpperCase(), step: 15 },
      { user: 1, confirmed: 0 },
    ];
    const { text, findings, refused } = await importInto(world, djangoWithFactors(2, { devices }));
    assert.deepEqual([refused, findings], [undefined, []]);
    assert.match(text, /^second factors: authenticator apps: 3; recovery codes: 0$/m);
    const found = await devicesOf(world, 1);
    assert.deepEqual(
      found
        .map(({ name, digits, periodSeconds, lastStep, createdAt, confirmedAt }) => [
          name,
          digits,
          periodSeconds,
          lastStep,
          createdAt,
          confirmedAt,
        ])
        .toSorted((a, b) => Number(a[2]) - Number(b[2])),
      [
        ["Authenticator app", 6, 15, 0, movingDay, movingDay],
        ["Ünïcode", 6, 30, 123, movingDay, movingDay],
        ["Authenticator app", 8, 60, 0, movingDay, movingDay],
      ],
    );
    const { totp_devices: rows } = await dump(world);
    assert.ok(
      !rows.includes(TOTP_KEY) && !rows.includes(Buffer.from(TOTP_KEY, "hex").toString("latin1")),
    );
    assert.equal(
      await answersWith(
        world,
        await imported(world, 1),
        "totp",
        codeOf(world, { step: 60, digits: 8 }),
      ),
      201,
    );
    assert.equal(
      (await attempt(world, "user2@example.com", HASHED, elsewhere())).status,
      201,
      "who had none is asked for none",
    );
  },
);

eachWorld(
  "MF-05 recovery codes of Django keep working, typed as ever and each one once, and are stored as hashes",
  async (world) => {
    const codes = { 1: ["abcdefg2", "HIJK-LMN3", "opqr stu4"] };
    const { findings, text } = await importInto(
      world,
      djangoWithFactors(1, { devices: [{ user: 1 }], codes }),
    );
    assert.deepEqual(findings, []);
    assert.match(text, /^second factors: authenticator apps: 1; recovery codes: 3$/m);
    const rows = await listUnused(world.rules.db, await idOf(world, 1));
    for (const { id, codeSealed } of rows)
      assert.match(
        world.parts.keyring.open("recovery-code-seal", id, codeSealed).toString(),
        /^\$argon2id\$/,
      );
    const user = await imported(world, 1);
    assert.deepEqual((await challenge(world, user, elsewhere())).factors.toSorted(), [
      "recovery_codes",
      "totp",
    ]);
    assert.equal(await answersWith(world, user, "recovery_codes", "abcdefg2"), 201);
    assert.equal(await answersWith(world, user, "recovery_codes", "abcdefg2"), WRONG_CODE);
    assert.equal(await answersWith(world, user, "recovery_codes", "hijk-lmn3"), 201);
    assert.equal(await answersWith(world, user, "recovery_codes", "OPQRSTU4"), 201);
    assert.equal(await answersWith(world, user, "recovery_codes", "vwxyz234"), WRONG_CODE);
  },
);

eachWorld(
  "the first ten recovery codes are imported if there are more, and codes of an unknown form are left out",
  async (world) => {
    const made = Array.from({ length: 12 }, (_, index) => `code${String.fromCharCode(97 + index)}`);
    const file = djangoWithFactors(2, {
      devices: [{ user: 1 }, { user: 2 }],
      codes: { 1: made, 2: ["", "ä?", "good2"] },
    });
    const { findings, refused } = await importInto(world, file);
    assert.deepEqual(
      [refused, findings.map(({ kind, key, value }) => [kind, key, value])],
      [
        undefined,
        [
          ["codes_left_out", "1", "2"],
          ["codes_left_out", "2", "2"],
        ],
      ],
    );
    assert.equal(await countRows(world, "recovery_codes"), 11);
    const user = await imported(world, 1);
    assert.equal(
      await answersWith(world, user, "recovery_codes", "codek"),
      WRONG_CODE,
      "the eleventh",
    );
    assert.equal(await answersWith(world, user, "recovery_codes", "codea"), 201);
  },
);

eachWorld(
  "MF-08 recovery codes alone are no factor here, so a user with nothing else stops the import",
  async (world) => {
    const file = djangoWithFactors(2, { codes: { 1: ["abcdefg2"], 2: [] } });
    const stopped = await importInto(world, file);
    assert.match(
      stopped.refused ?? "",
      /^Nothing was imported\. Users with a confirmed second factor that cannot be imported: 2 /,
    );
    assert.match(
      stopped.text,
      /^factor {2}2 × recovery codes as the only second factor, .+ \(1, 2\)$/m,
    );
    assert.equal(await countRows(world, "users"), 0);
    const { refused } = await importInto(world, file, { withoutFactors: true });
    assert.equal(refused, undefined);
    assert.deepEqual(
      [await countRows(world, "recovery_codes"), await countRows(world, "totp_devices")],
      [1, 0],
    );
    assert.equal((await attempt(world, "user1@example.com", HASHED, elsewhere())).status, 201);
  },
);

const unusable: readonly (readonly [
  column: string,
  device: Omit<DjangoDevice, "user">,
  value: string | undefined,
])[] = [
  ["t0", { t0: 1 }, "1"],
  ["digits", { digits: 7 }, "7"],
  ["step", { step: 14 }, "14"],
  ["step", { step: 301 }, "301"],
  ["key", { key: "" }, undefined],
  ["key", { key: "abc" }, undefined],
  ["key", { key: "not hexadecimal!" }, undefined],
  ["last_t", { lastT: 2 ** 40 }, String(2 ** 40)],
];

eachWorld(
  "an unsupported authenticator app stops the import and is listed with the reason",
  async (world) => {
    const devices = [
      ...unusable.map(([, device], index) => ({ ...device, user: index + 1 })),
      { user: 1 },
    ];
    const file = djangoWithFactors(unusable.length, { devices });
    assert.match(
      (await importInto(world, file)).refused ?? "",
      new RegExp(`cannot be imported: ${unusable.length} `),
    );
    const { findings, refused } = await importInto(world, file, { withoutFactors: true });
    assert.equal(refused, undefined);
    assert.deepEqual(
      findings,
      unusable.map(([column, , value], index) => ({
        kind: "factor_dropped",
        key: String(index + 1),
        table: "otp_totp_totpdevice",
        column,
        value,
      })),
    );
    assert.equal(await countRows(world, "totp_devices"), 1);
    assert.equal(
      await answersWith(world, await imported(world, 1), "totp", codeOf(world)),
      201,
      "who has another one is asked for it",
    );
    assert.equal((await attempt(world, "user2@example.com", HASHED, elsewhere())).status, 201);
  },
);

eachWorld("an app whose clock differs from Django's is imported and noted", async (world) => {
  const { findings, refused } = await importInto(
    world,
    djangoWithFactors(1, { devices: [{ user: 1, drift: -3 }] }),
  );
  assert.equal(refused, undefined);
  assert.deepEqual(
    findings.map(({ kind, key, value }) => [kind, key, value]),
    [["clock_drifts", "1", "-3"]],
  );
  assert.equal((await devicesOf(world, 1)).length, 1);
});

const OTHERS = `
  create table otp_email_emaildevice (id integer primary key, name text, confirmed bool, user_id integer, email text);
  insert into otp_email_emaildevice values (1, '', 1, 1, 'a@example.com'), (2, '', 0, 2, 'b@example.com');
  create table mfa_authenticator (id integer primary key, type text, data text, user_id integer);
  insert into mfa_authenticator values (1, 'totp', '{}', 3)`;

eachWorld("confirmed factors of other kinds stop the import, and each is listed", async (world) => {
  const file = djangoWithFactors(4, { devices: [{ user: 1 }, { user: 4 }] }, (database) =>
    database.exec(OTHERS),
  );
  assert.match((await importInto(world, file)).refused ?? "", /cannot be imported: 2 /);
  const { findings } = await importInto(world, file, { withoutFactors: true });
  assert.deepEqual(
    findings.map(({ kind, key, table }) => [kind, key, table]),
    [
      ["factor_dropped", "1", "otp_email_emaildevice"],
      ["factor_unconfirmed", "2", undefined],
      ["factor_dropped", "3", "mfa_authenticator"],
    ],
  );
  for (const number of [1, 4])
    assert.equal(
      await answersWith(
        world,
        await imported(world, number),
        "totp",
        codeOf(world, { steps: number === 1 ? 0 : 1 }),
      ),
      201,
    );
});

eachWorld(
  "no user gets the factors of users of another user model with the same keys",
  async (world) => {
    const file = djangoWithFactors(1, { devices: [{ user: 1 }] }, (database) =>
      database.exec(`create table staff (id integer primary key, password text, last_login datetime, email text);
        insert into staff select id, password, null, 'staff@example.com' from auth_user`),
    );
    assert.match(
      (await importInto(world, file, { table: "staff" })).refused ?? "",
      /cannot be imported: 1 /,
    );
    await importInto(world, file, { table: "staff", withoutFactors: true });
    assert.equal(await countRows(world, "totp_devices"), 0);
  },
);

eachWorld(
  "factors are imported with their users, once and in one transaction, even if other changes happen at the same time",
  async (world) => {
    const file = djangoWithFactors(2, {
      devices: [{ user: 1 }, { user: 2 }],
      codes: { 1: ["abcdefg2"] },
    });
    const count = async () => [
      await countRows(world, "users"),
      await countRows(world, "totp_devices"),
      await countRows(world, "recovery_codes"),
    ];
    const taking = async () => {
      await world.user({ email: "user1@example.com", username: "first" });
      return 10;
    };
    await importInto(world, file, {}, (source) => ({ ...source, lastNumber: taking }));
    assert.deepEqual(await count(), [3, 2, 1], "the page was placed and inserted a second time");
    const again = await importInto(world, file);
    assert.match(again.text, /All users are here already/);
    assert.deepEqual([await count(), again.findings], [[3, 2, 1], []]);
  },
);

eachWorld(
  "users who are here already stay as they are: a factor that was removed here does not come back",
  async (world) => {
    const file = djangoWithFactors(1, { devices: [{ user: 1 }] });
    await importInto(world, file);
    await world.rules.db.deleteFrom("totp_devices").execute();
    await importInto(world, file);
    assert.equal(await countRows(world, "totp_devices"), 0);
  },
);

eachWorld("AU-01 the audit counts the factors of a page", async (world) => {
  await importInto(
    world,
    djangoWithFactors(2, { devices: [{ user: 1 }, { user: 2 }], codes: { 2: ["abcdefg2"] } }),
  );
  const { details } = await world.rules.db
    .selectFrom("audit_events")
    .select("details")
    .where("event", "=", "users.imported")
    .executeTakeFirstOrThrow();
  const { users, authenticators, recoveryCodes } = JSON.parse(details);
  assert.deepEqual([users, authenticators, recoveryCodes], [2, 2, 1]);
});

const HOSTILE = [
  null,
  "",
  "x".repeat(5000),
  "\0",
  "\ud800",
  "a\0b",
  "0".repeat(79),
  "zz",
  -1,
  0,
  1.5,
  1e300,
  2n ** 63n - 1n,
  new Uint8Array([1, 255]),
];
const COLUMNS = ["name", "confirmed", "key", "step", "t0", "digits", "drift", "last_t", "user_id"];
const PLAIN = ["phone", 1, TOTP_KEY, 30, 0, 6, 0, -1, 1];

eachWorld(
  "IN-04 a user is imported or the factor listed with any content of its columns, and nothing breaks",
  async (world) => {
    const hostile = HOSTILE.flatMap((value) =>
      COLUMNS.map((_, at) => PLAIN.map((plain, index) => (index === at ? value : plain))),
    );
    const file = djangoWithFactors(hostile.length, {}, (database) => {
      database.exec(`drop table otp_totp_totpdevice; drop table otp_static_statictoken;
      create table otp_totp_totpdevice (id integer primary key, ${COLUMNS.join(", ")});
      create table otp_static_statictoken (id integer primary key, token, device_id);
      insert into otp_static_staticdevice values (1, '', 1, 1)`);
      const device = database.prepare(
        `insert into otp_totp_totpdevice values (null, ${COLUMNS.map(() => "?").join(", ")})`,
      );
      for (const [index, values] of hostile.entries())
        device.run(
          ...values.map((value, at) =>
            COLUMNS[at] === "user_id" && value === 1 ? index + 1 : value,
          ),
        );
      const token = database.prepare("insert into otp_static_statictoken values (null, ?, ?)");
      for (const value of HOSTILE) {
        token.run(value, 1);
        token.run("abcdefg2", value);
      }
    });
    const { text, refused, findings } = await importInto(world, file, { withoutFactors: true });
    assert.equal(refused, undefined);
    assert.ok(text.includes(`Users imported: ${hostile.length};`), text);
    const listed = new Set(findings.map(({ key }) => Number(key)));
    for (const [index, values] of hostile.entries()) {
      const found = (await devicesOf(world, index + 1)).length;
      if (values.at(-1) === 1) assert.ok(found === 1 || listed.has(index + 1), `${index}`);
      else assert.equal(found, 0, `${index}`);
    }
  },
);

const scratch = process.env["TEST_DATABASE_URL"];

eachWorld("a Django on PostgreSQL yields the same factors as one on SQLite", async (world) => {
  if (scratch === undefined) return;
  await onScratchPostgres(scratch, custom, async (url) => {
    const { refused } = await importInto(world, url, { withoutFactors: true });
    assert.equal(refused, undefined);
  });
  const [device, ...others] = await devicesOf(world, 5);
  assert.deepEqual(
    [device?.name, device?.digits, device?.periodSeconds, device?.lastStep, others],
    ["phone", 6, 30, 0, []],
  );
  assert.equal(await countRows(world, "recovery_codes"), 3);
  const user = { id: "", email: "totp@example.com", username: null, password: "Pass for totp 1!" };
  assert.equal(await answersWith(world, user, "totp", codeOf(world)), 201);
});

test("neither the output nor the report contains a key or a code, and both say what happened to factors", async () => {
  const environment = freshDeployment();
  const report = join(folder(), "report.jsonl");
  const file = djangoWithFactors(2, {
    devices: [{ user: 1 }, { user: 2, digits: 7 }],
    codes: { 1: ["abcdefg2", "+"] },
  });
  const printed = await done(
    environment,
    "import-django",
    "--from",
    file,
    "--without-factors",
    "--report",
    report,
  );
  assert.match(printed, /^second factors: authenticator apps: 1; recovery codes: 1$/m);
  assert.match(printed, /^Users imported: 2;/m);
  const written = readFileSync(report, "utf8");
  for (const secret of [TOTP_KEY, "abcdefg2"])
    assert.ok(!printed.includes(secret) && !written.includes(secret));
  const lines = written
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ finding }) => finding !== undefined);
  assert.deepEqual(
    lines.map(({ key, finding, severity, table, column, value }) => [
      key,
      finding,
      severity,
      table,
      column,
      value,
    ]),
    [
      ["1", "codes_left_out", "note", undefined, undefined, "1"],
      ["2", "factor_dropped", "factor", "otp_totp_totpdevice", "digits", "7"],
    ],
  );
});
