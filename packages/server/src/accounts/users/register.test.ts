import assert from "node:assert/strict";
import {
  anotherNode,
  codeIn,
  confirm,
  countRows,
  join,
  latestMail,
  mailsTo,
  otherCode,
  par,
  PASSWORD,
  register,
  statuses,
  type Account,
} from "../../../test/steps.ts";
import { eachWorld, type World } from "../../../test/world.ts";

const usersOf = async (world: World) => world.rules.db.selectFrom("users").selectAll().execute();

// ── the mailed code

eachWorld(
  "a registration is completed by the mailed code, and only then there is an account",
  async (world) => {
    const pending = await register(world, "anna@example.com", {
      username: "anna",
      profile: { displayName: "Anna" },
    });
    assert.equal(pending.status, 202);
    assert.equal(await countRows(world, "users"), 0);

    const confirmed = await confirm(
      world,
      pending.body,
      codeIn(await latestMail(world, "anna@example.com")),
    );
    assert.equal(confirmed.status, 201);
    const { id, createdAt, ...rest } = confirmed.body;
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.equal(createdAt, world.clock.now());
    const expected = {
      email: "anna@example.com",
      emailVerifiedAt: createdAt,
      username: "anna",
      profile: { displayName: "Anna" },
      locale: null,
      superuser: false,
      lastLoginAt: null,
    };
    assert.deepEqual(rest, expected);
  },
);

eachWorld(
  "RG-02 the mailed code alone completes nothing: it takes the secret of the client that began",
  async (world) => {
    const attacker = await register(world, "victim@example.com", {
      password: "chosen by somebody else",
    });
    const foreign = codeIn(await latestMail(world, "victim@example.com"));
    const victim = await register(world, "victim@example.com");
    const own = codeIn(await latestMail(world, "victim@example.com"));

    // The victim types the code from the attacker's mail into the page where they registered
    // themselves.
    assert.equal((await confirm(world, victim.body, foreign)).body.code, "invalid_code");
    const withoutSecret = { ...attacker.body, clientSecret: victim.body.clientSecret };
    assert.equal((await confirm(world, withoutSecret, foreign)).body.code, "invalid_code");
    assert.equal(await countRows(world, "users"), 0);
    assert.equal((await confirm(world, victim.body, own)).status, 201);
  },
);

eachWorld("RG-03 a code dies after ten minutes", async (world) => {
  const pending = await register(world, "anna@example.com");
  const code = codeIn(await latestMail(world, "anna@example.com"));
  world.clock.advance(599);
  assert.equal((await confirm(world, pending.body, otherCode(code))).body.code, "invalid_code");
  world.clock.advance(1);
  assert.equal((await confirm(world, pending.body, code)).body.code, "code_expired");
});

eachWorld(
  "RG-03 a code is good until the last second of its ten minutes, and once",
  async (world) => {
    const pending = await register(world, "anna@example.com");
    const code = codeIn(await latestMail(world, "anna@example.com"));
    world.clock.advance(599);
    assert.equal((await confirm(world, pending.body, code)).status, 201);
    assert.equal((await confirm(world, pending.body, code)).body.code, "code_used");
    assert.equal(await countRows(world, "users"), 1);
  },
);

eachWorld(
  "RG-03 the right code is refused after five wrong ones, and the fifth try may still be right",
  async (world) => {
    for (const [email, wrong, status] of [
      ["four@example.com", 4, 201],
      ["five@example.com", 5, 422],
    ] as const) {
      const pending = await register(world, email);
      const code = codeIn(await latestMail(world, email));
      for (let i = 0; i < wrong; i += 1)
        assert.equal(
          (await confirm(world, pending.body, otherCode(code))).body.code,
          "invalid_code",
        );
      assert.equal((await confirm(world, pending.body, code)).status, status);
    }
  },
);

eachWorld("RG-03 RS-05 a code of one flow is worth nothing in another", async (world) => {
  const one = await register(world, "one@example.com");
  const two = await register(world, "two@example.com");
  const ofOne = codeIn(await latestMail(world, "one@example.com"));
  assert.equal((await confirm(world, two.body, ofOne)).body.code, "invalid_code");
  const asReset = await world.request("POST", "/v1/password-resets/confirm", {
    body: { resetId: one.body.registrationId, code: ofOne, newPassword: PASSWORD },
  });
  assert.equal(asReset.body.code, "invalid_code");
  const asToken = await world.request("POST", "/v1/password-resets/confirm", {
    body: { token: one.body.clientSecret, newPassword: PASSWORD },
  });
  assert.equal(asToken.body.code, "invalid_link");
  assert.equal((await confirm(world, one.body, ofOne)).status, 201);
});

eachWorld("RG-03 secret and code are stored as digests only", async (world) => {
  const pending = await register(world, "anna@example.com");
  const stored = JSON.stringify(
    await world.rules.db.selectFrom("registrations").selectAll().execute(),
  );
  const code = codeIn(await latestMail(world, "anna@example.com"));
  assert.ok(Buffer.from(pending.body.clientSecret, "base64url").length * 8 >= 128);
  for (const secret of [pending.body.clientSecret, code]) assert.ok(!stored.includes(secret));
  assert.ok(
    !JSON.stringify(await world.rules.db.selectFrom("outbox").select("data").execute()).includes(
      code,
    ),
    "a sent mail is emptied",
  );
});

eachWorld(
  "RG-04 one of 50 confirmations with the same code, on two nodes, makes the account",
  async (world) => {
    const other = await anotherNode(world);
    const pending = await register(world, "anna@example.com");
    const code = codeIn(await latestMail(world, "anna@example.com"));
    const answers = await par(50, async (i) =>
      confirm(i % 2 === 0 ? world : other, pending.body, code),
    );
    assert.deepEqual(statuses(answers), { 201: 1, 422: 49 });
    assert.equal(await countRows(world, "users"), 1);
  },
);

eachWorld(
  "RG-04 one of five registrations of one address that are confirmed together makes the account",
  async (world) => {
    const pendings = await par(5, async () => register(world, "anna@example.com"));
    const codes = new Map((await world.mails()).map((mail) => [codeIn(mail), mail]));
    const tries = pendings.flatMap(({ body }) =>
      [...codes.keys()].map(async (code) => confirm(world, body, code)),
    );
    const answers = await Promise.all(tries);
    assert.deepEqual(statuses(answers), { 201: 1, 422: 24 });
  },
);

eachWorld("RG-05 a code mailed to one address never confirms another", async (world) => {
  const [toA, toB] = await Promise.all([
    register(world, "a@example.com"),
    register(world, "b@example.com"),
  ]);
  const codeToB = codeIn(await latestMail(world, "b@example.com"));
  assert.equal((await confirm(world, toA.body, codeToB)).body.code, "invalid_code");
  assert.equal((await confirm(world, toB.body, codeToB)).body.email, "b@example.com");
});

eachWorld(
  "RG-06 a value that is no code or no secret never matches: empty, null, lists, objects, prefixes, blanks",
  async (world) => {
    const pending = await register(world, "anna@example.com");
    const code = codeIn(await latestMail(world, "anna@example.com"));
    const { registrationId, clientSecret } = pending.body;
    const hostile = [
      "",
      null,
      [],
      [code],
      {},
      { code },
      true,
      0,
      Number(code),
      code.slice(0, 7),
      `${code} `,
      ` ${code}`,
      `${code}0`,
      "%",
      "________",
      "٠٠٠٠٠٠٠٠",
    ];
    for (const value of hostile) {
      const wrongCode = await world.request("POST", "/v1/users/confirm", {
        body: { registrationId, clientSecret, code: value },
      });
      assert.equal(wrongCode.status, 422, JSON.stringify(value));
      const wrongSecret = await world.request("POST", "/v1/users/confirm", {
        body: { registrationId, clientSecret: value, code },
      });
      assert.equal(wrongSecret.status, 422, JSON.stringify(value));
    }
    assert.equal(await countRows(world, "users"), 0);
    assert.equal((await confirm(world, pending.body, code)).status, 201);
  },
);

// ── addresses

eachWorld(
  "RG-08 an address is one account whatever its case, and mail goes to the stored spelling",
  async (world) => {
    await join(world, "Anna@example.com");
    const again = await register(world, "ANNA@EXAMPLE.COM");
    assert.equal(again.status, 202);
    const [mail] = await world.mails();
    assert.equal(mail?.to, "Anna@example.com");
    assert.match(mail?.subject ?? "", /already have an account/);
    assert.equal(await countRows(world, "users"), 1);
  },
);

eachWorld(
  "RG-08 RG-09 the single recipient is the stored address, for every spelling that is accepted",
  async (world) => {
    const addresses = [
      ["anna@example.com", "anna@example.com"],
      ["ANNA.B@EXAMPLE.COM", "ANNA.B@example.com"],
      ["o'hara+tag@example.com", "o'hara+tag@example.com"],
      ["anna@bücher.example", "anna@xn--bcher-kva.example"],
      ["anna@BÜCHER.example", "anna@xn--bcher-kva.example"],
      ["anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"],
    ] as const;
    for (const [typed, stored] of addresses) {
      assert.equal((await register(world, typed)).status, 202, typed);
      const [mail] = await world.mails();
      assert.equal(mail?.to, stored);
      const row = await world.rules.db
        .selectFrom("registrations")
        .select("email_canonical")
        .where("email", "=", stored)
        .executeTakeFirstOrThrow();
      assert.equal(row.email_canonical, stored.toLowerCase());
    }
  },
);

const REFUSED_ADDRESSES = [
  "anna",
  "@example.com",
  "anna@",
  "anna@localhost",
  "anna@@example.com",
  "a@b@example.com",
  "anna@example.com,eve@example.com",
  "anna@example.com;eve@example.com",
  "anna@example.com eve@example.com",
  '"anna b"@example.com',
  "anna(comment)@example.com",
  "anna@example.com(comment)",
  "Anna <anna@example.com>",
  "<anna@example.com>",
  "=?utf-8?q?eve=40example.com=3e?=@example.com",
  "anna@example.com\r\nBcc: eve@example.com",
  "anna@example.com\n",
  " anna@example.com",
  "anna@example.com ",
  "anna@[192.0.2.1]",
  "anna@192.0.2.1",
  "anna@exam ple.com",
  ".anna@example.com",
  "anna.@example.com",
  "an..na@example.com",
  "anna@example..com",
  "anna@.example.com",
  "anna@-a.example",
  "anna＠example.com",
  "anna@example。com",
  "аnna@example.com",
  "ann\u0131@example.com",
  "anna@exa\u00ADmple.com",
  "anna%eve@example.com@",
  `${"a".repeat(65)}@example.com`,
  `anna@${"a".repeat(250)}.com`,
  "mailto:anna@example.com",
  "anna@example.c",
  "anna@xn--zzzzzz--.example",
  "\u212Aelvin@example.com",
];

eachWorld(
  "RG-09 whatever is not exactly one plain address is refused, and nothing is stored or mailed",
  async (world) => {
    for (const [i, email] of REFUSED_ADDRESSES.entries()) {
      const answered = await register(world, email, {}, { address: `192.0.2.${i + 1}` });
      assert.equal(answered.status, 422, JSON.stringify(email));
      assert.equal(answered.body.code, "invalid_input");
    }
    for (const email of [
      null,
      7,
      ["anna@example.com"],
      { email: "anna@example.com" },
      ["anna@example.com", "eve@example.com"],
    ]) {
      assert.equal(
        (await world.request("POST", "/v1/users", { body: { email, password: PASSWORD } })).status,
        422,
      );
    }
    assert.deepEqual(
      [await countRows(world, "registrations"), await countRows(world, "outbox")],
      [0, 0],
    );
  },
);

// ── permitted members

eachWorld(
  "RG-10 no column can be set by a registration, whatever it is called",
  async (world) => {
    const columns = Object.keys(await columnsOfAUser(world));
    const camel = columns.map((name) =>
      name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    );
    const names = new Set([
      ...columns,
      ...camel,
      "role",
      "roles",
      "admin",
      "isAdmin",
      "is_superuser",
      "superuser",
      "verified",
      "emailVerified",
      "__proto__x",
    ]);
    for (const name of ["email", "username", "password", "profile"]) names.delete(name);
    for (const [i, name] of [...names].entries()) {
      const answered = await register(
        world,
        "anna@example.com",
        { [name]: name.endsWith("at") || name.endsWith("At") ? 1 : "x" },
        { address: `192.0.2.${i + 1}` },
      );
      assert.equal(answered.status, 422, name);
    }
    for (const profile of [{ superuser: true }, { emailVerifiedAt: 1 }, { role: "admin" }]) {
      assert.equal((await register(world, "anna@example.com", { profile })).status, 422);
    }
    assert.equal(await countRows(world, "users"), 0);
  },
  { PORTCULLIS_REGISTRATION: "immediate" },
);

async function columnsOfAUser(world: World): Promise<object> {
  const { id } = await world.user();
  const row = await world.rules.db
    .selectFrom("users")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  await world.rules.db.deleteFrom("users").where("id", "=", id).execute();
  return row;
}

eachWorld("RG-10 a new account has the defaults", async (world) => {
  await join(world, "anna@example.com");
  const [row] = await usersOf(world);
  assert.deepEqual(
    [
      row?.superuser_since,
      row?.disabled_at,
      row?.authorization_epoch,
      row?.last_login_at,
      row?.profile,
    ],
    [null, null, 0, null, "{}"],
  );
});

eachWorld(
  "RG-11 no call of their own lets users declare their address confirmed or themselves somebody else",
  async (world) => {
    const anna = await world.user();
    const { accessToken: token } = await world.signIn(anna);
    await world.rules.db.updateTable("users").set({ email_verified_at: null }).execute();
    const bodies = [
      { emailVerifiedAt: 1 },
      { email_verified_at: 1 },
      { verified: true },
      { superuser: true },
      { superuserSince: 1 },
      { id: anna.id },
      { email: "eve@example.com" },
      { username: "eve" },
      { hardEpoch: 0 },
      { disabledAt: 1 },
    ];
    for (const extra of bodies) {
      const calls = [
        ["PATCH", "/v1/me", { profile: {}, ...extra }],
        ["PATCH", "/v1/me", { profile: extra }],
        [
          "POST",
          "/v1/me/password",
          { currentPassword: anna.password, newPassword: "nine grey geese fly", ...extra },
        ],
        ["DELETE", "/v1/me", { password: anna.password, ...extra }],
      ] as const;
      for (const [method, path, body] of calls)
        assert.equal(
          (await world.request(method, path, { token, body })).status,
          422,
          `${method} ${path} ${JSON.stringify(body)}`,
        );
    }
    const [row] = await usersOf(world);
    assert.deepEqual(
      [row?.email_verified_at, row?.superuser_since, row?.email],
      [null, null, anna.email],
    );
  },
);

eachWorld("RG-14 a username is no address and never looks like one", async (world) => {
  await join(world, "victim@example.com");
  const usernames = [
    "victim@example.com",
    "victim＠example.com",
    "victim﹫example.com",
    "VICTIM@EXAMPLE.COM",
    "victim\u200b@example.com",
    "vіctim",
    "ann\u0430",
    "anna\u200d",
  ];
  for (const [i, username] of usernames.entries()) {
    const answered = await register(world, `eve${i}@example.com`, { username });
    assert.deepEqual([answered.status, answered.body.code], [422, "invalid_input"], username);
  }
});

eachWorld("a username belongs to one account, whatever its case", async (world) => {
  await join(world, "anna@example.com", { username: "Anna.Bell" });
  const answered = await register(world, "eve@example.com", { username: "anna.bell" });
  assert.deepEqual([answered.status, answered.body.code], [409, "username_taken"]);
});

eachWorld(
  "the first of two pending users with one username who confirms gets it",
  async (world) => {
    const [one, two] = [
      await register(world, "one@example.com", { username: "anna" }),
      await register(world, "two@example.com", { username: "anna" }),
    ];
    assert.equal(
      (await confirm(world, two.body, codeIn(await latestMail(world, "two@example.com")))).status,
      201,
    );
    const late = await confirm(world, one.body, codeIn(await latestMail(world, "one@example.com")));
    assert.deepEqual([late.status, late.body.code], [409, "username_taken"]);
  },
);

// ── answers that reveal nothing

eachWorld(
  "EN-03 a new, a pending and a taken address get the same answer at the same number of statements",
  async (world) => {
    await join(world, "taken@example.com");
    await register(world, "pending@example.com");
    const told: string[] = [];
    for (const email of ["fresh@example.com", "pending@example.com", "taken@example.com"]) {
      const before = world.queries();
      const answered = await register(world, email);
      const headers = [...answered.headers]
        .filter(([name]) => name !== "x-request-id")
        .map(([name, value]) => `${name}: ${value}`);
      const { registrationId, clientSecret, expiresAt } = answered.body;
      assert.equal(Object.keys(answered.body).length, 3);
      told.push(
        JSON.stringify([
          answered.status,
          headers,
          registrationId.length,
          clientSecret.length,
          expiresAt,
          world.queries() - before,
        ]),
      );
    }
    assert.deepEqual(told, [told[0], told[0], told[0]]);
  },
);

eachWorld("EN-03 no answer shows how many mails an address had this hour", async (world) => {
  await join(world, "taken@example.com");
  const told = new Set<string>();
  for (const email of ["fresh@example.com", "taken@example.com"]) {
    for (let i = 0; i < 5; i += 1) await register(world, email);
    const before = world.queries();
    const answered = await register(world, email);
    told.add(
      JSON.stringify([answered.status, Object.keys(answered.body), world.queries() - before]),
    );
  }
  assert.equal(told.size, 1);
});

eachWorld(
  "EN-03 confirming the registration of a taken address says no more than a wrong code does",
  async (world) => {
    await join(world, "taken@example.com");
    const taken = await register(world, "taken@example.com");
    const fresh = await register(world, "fresh@example.com");
    const answers = [
      await confirm(world, taken.body, "00000000"),
      await confirm(world, fresh.body, "00000000"),
    ];
    const bodies = answers.map(({ body }) => ({ ...body, instance: "" }));
    assert.deepEqual(bodies[0], bodies[1]);
  },
);

// ── resends

eachWorld(
  "RG-15 an address gets at most five mails an hour, however often it is registered, and five again an hour later",
  async (world) => {
    for (let i = 0; i < 20; i += 1)
      assert.equal(
        (await register(world, "Anna@example.com", {}, { address: `192.0.2.${i + 1}` })).status,
        202,
      );
    assert.equal((await mailsTo(world, "Anna@example.com")).length, 5);
    world.clock.advance(3600);
    await register(world, "anna@example.com");
    assert.equal((await world.mails()).length, 6);
  },
);

eachWorld(
  "RG-15 a client can register 60 times an hour, then is told when to come back",
  async (world) => {
    const answers = [];
    for (let i = 0; i < 61; i += 1) answers.push(await register(world, "not an address"));
    assert.deepEqual(statuses(answers), { 422: 60, 429: 1 });
    assert.equal(answers.at(-1)?.headers.get("retry-after"), "3600");
  },
);

// ── modes

const immediate = { PORTCULLIS_REGISTRATION: "immediate" } as const;

eachWorld(
  "where registration is immediate the account is there at once, unconfirmed, and a taken address is said to be",
  async (world) => {
    const answered = await world.request<Account>("POST", "/v1/users", {
      body: { email: "anna@example.com", username: "anna", password: PASSWORD },
    });
    assert.deepEqual([answered.status, answered.body.emailVerifiedAt], [201, null]);
    assert.equal(
      (
        await world.signIn({
          id: answered.body.id,
          email: "anna@example.com",
          username: "anna",
          password: PASSWORD,
        })
      ).tokenType,
      "Bearer",
    );
    assert.equal((await register(world, "ANNA@example.com")).body.code, "email_taken");
    assert.equal(
      (await register(world, "eve@example.com", { username: "ANNA" })).body.code,
      "username_taken",
    );
    assert.equal((await world.mails()).length, 0);
  },
  immediate,
);

eachWorld(
  "of 50 who register one address and username at once where registration is immediate, one succeeds",
  async (world) => {
    const answers = await par(50, async (i) =>
      register(world, i % 2 === 0 ? "anna@example.com" : "ANNA@example.com", { username: "anna" }),
    );
    assert.deepEqual(statuses(answers), { 201: 1, 409: 49 });
  },
  immediate,
);

eachWorld(
  "RG-12 closed registration is closed on every path, that of a registration begun before included",
  async (world) => {
    const open = await anotherNode(world, {
      config: { ...world.parts.config, registration: "confirm" },
    });
    const { body: pending } = await register(open, "anna@example.com");
    const code = codeIn(await latestMail(world, "anna@example.com"));

    const late = await confirm(world, pending, code);
    assert.deepEqual([late.status, late.body.code], [403, "registration_closed"]);
    const fresh = await register(world, "eve@example.com");
    assert.deepEqual([fresh.status, fresh.body.code], [403, "registration_closed"]);
    const setup = await world.request("POST", "/v1/setup", {
      body: { setupToken: "x".repeat(43), email: "eve@example.com", password: PASSWORD },
    });
    assert.deepEqual([setup.status, setup.body.code], [403, "setup_closed"]);
    assert.equal(await countRows(world, "users"), 0);
  },
  { PORTCULLIS_REGISTRATION: "closed" },
);
