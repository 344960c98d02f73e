import assert from "node:assert/strict";
import {
  addressOf,
  anotherNode,
  attempt,
  codeIn,
  confirm,
  countRows,
  dump,
  eventsOf,
  join,
  latestMail,
  linkIn,
  mailsTo,
  otherCode,
  par,
  PASSWORD,
  register,
  statuses,
  tokenIn,
  type Pending,
} from "../../../test/steps.ts";
import { begin, confirmByLink, mailed, resend, stateOf } from "../../../test/registration.ts";
import {
  eachWorld,
  publicUrl,
  type Answered,
  type Refused,
  type World,
} from "../../../test/world.ts";
import { composeApp } from "../../process/compose.ts";
import { pruneRegistrations } from "./registrations.store.ts";

const ANNA = "anna@example.com";
const OTHER = "nine grey geese fly";
const DAY = 86_400;

const codes = (answers: readonly Answered<Refused>[]): readonly string[] =>
  answers.map(({ body }) => body.code);
/** Everything a refusal says, but which request it was. */
const told = ({ body }: Answered<Refused>): object => ({ ...body, instance: "" });

const times = <Item>(n: number, item: Item): readonly Item[] =>
  Array.from({ length: n }, () => item);

// ── the mailed code

eachWorld("a code that cannot be used says why: expired, tried too often, used", async (world) => {
  const expired = await begin(world, "expired@example.com");
  world.clock.advance(600);
  assert.equal((await confirm(world, expired, expired.code)).body.code, "code_expired");

  const tried = await begin(world, "tried@example.com");
  for (let i = 0; i < 5; i += 1)
    assert.equal((await confirm(world, tried, otherCode(tried.code))).body.code, "invalid_code");
  assert.equal((await confirm(world, tried, tried.code)).body.code, "code_exhausted");

  const used = await begin(world, "used@example.com");
  assert.equal((await confirm(world, used, used.code)).status, 201);
  assert.equal((await confirm(world, used, used.code)).body.code, "code_used");
  assert.equal((await confirm(world, used, otherCode(used.code))).body.code, "code_used");
});

eachWorld(
  "EN-03 a taken address answers every confirmation, resend and question as a free one does",
  async (world) => {
    await join(world, "taken@example.com");
    const { body: free } = await register(world, "free@example.com");
    const { body: taken } = await register(world, "taken@example.com");
    const guess = async (pending: Pending) => confirm(world, pending, "00000000");
    const ask = async (pending: Pending) => resend(world, pending);
    // Five mails an hour: of the last resends some leave the older code and its tries as they are.
    const steps = [...times(6, guess), ask, guess, ...times(5, ask), ...times(6, guess)];
    for (const step of steps) assert.deepEqual(told(await step(taken)), told(await step(free)));
    world.clock.advance(600);
    assert.deepEqual(told(await guess(taken)), told(await guess(free)));
    assert.deepEqual(
      [await stateOf(world, taken), await stateOf(world, free)],
      ["pending", "pending"],
    );
  },
);

eachWorld(
  "EN-03 an address that gets its owner in another way answers as before",
  async (world) => {
    const [watched, free] = [await begin(world, ANNA), await begin(world, "free@example.com")];
    await join(world, ANNA, { password: OTHER });
    const answersOf = async (pending: typeof watched) => [
      told(await confirm(world, pending, otherCode(pending.code))),
      told(await resend(world, pending)),
      { state: await stateOf(world, pending) },
    ];
    assert.deepEqual(await answersOf(watched), await answersOf(free));
    assert.match((await latestMail(world, ANNA)).subject, /already/, "its owner is told instead");
    assert.equal((await confirm(world, watched, watched.code)).body.code, "invalid_code");
  },
);

eachWorld(
  "RG-03 RG-15 a registration that nothing was mailed for has no code that could be guessed, and answers as one that has",
  async (world) => {
    const random = { ...world.parts.random, digits: () => "12345678" };
    const node = await anotherNode(world, { random });
    const pendings = [];
    for (let i = 0; i < 6; i += 1) pendings.push((await register(node, ANNA)).body);
    assert.equal((await mailsTo(world, ANNA)).length, 5);
    const [unmailed, last] = [pendings[5], pendings[4]];
    assert.ok(unmailed && last);
    const answers = [];
    for (let i = 0; i < 6; i += 1) answers.push(await confirm(world, unmailed, "12345678"));
    assert.deepEqual(codes(answers), [...times(5, "invalid_code"), "code_exhausted"]);
    assert.equal((await confirm(world, last, "12345678")).status, 201);
  },
);

// ── the mailed link

eachWorld(
  "the mailed link and the password of the registration make the account, and open no session",
  async (world) => {
    const anna = await begin(world, ANNA, {
      username: "anna",
      profile: { displayName: "Anna" },
      locale: "de",
    });
    assert.equal(await stateOf(world, anna), "pending");
    // Hours after the code has expired.
    world.clock.advance(DAY - 1);
    const confirmed = await confirmByLink(world, anna.token);
    assert.equal(confirmed.status, 201, confirmed.text);
    const { email, emailVerifiedAt, username, profile, locale } = confirmed.body;
    assert.deepEqual(
      { email, emailVerifiedAt, username, profile, locale },
      {
        email: ANNA,
        emailVerifiedAt: world.clock.now(),
        username: "anna",
        profile: { displayName: "Anna" },
        locale: "de",
      },
    );
    assert.equal(await countRows(world, "sessions"), 0);
    assert.equal(await stateOf(world, anna), "confirmed");
    assert.equal((await attempt(world, ANNA, PASSWORD)).status, 201);
    assert.ok((await eventsOf(world)).includes("user.confirmed"));
  },
);

eachWorld("RG-03 every link that cannot be used says why", async (world) => {
  const refusedWith = async (token: unknown, password: unknown = PASSWORD) =>
    (await confirmByLink(world, token, password)).body.code;
  const anna = await begin(world, ANNA);
  const foreign = `${anna.registrationId.replace(/^./, (digit) => (digit === "f" ? "0" : "f"))}${anna.token.slice(36)}`;
  assert.equal(await refusedWith(foreign), "invalid_link");
  assert.equal(await refusedWith(anna.token.slice(0, -1)), "invalid_link", "truncated");
  assert.equal(await refusedWith(`${anna.token}x`), "invalid_link");
  assert.equal(await refusedWith(anna.clientSecret), "invalid_link");
  assert.equal(await refusedWith(anna.registrationId), "invalid_link");

  assert.equal((await resend(world, anna)).status, 202);
  assert.equal(await refusedWith(anna.token), "link_void", "a newer mail has taken its place");
  const { token } = await mailed(world, ANNA);
  assert.equal((await confirmByLink(world, token)).status, 201);
  assert.equal(await refusedWith(token), "link_used");
  assert.equal(await refusedWith(token, "quite another one"), "link_used");
  assert.equal(
    await refusedWith(anna.token),
    "link_used",
    "the older one too: what it was for has been done",
  );

  const late = await begin(world, "late@example.com");
  world.clock.advance(DAY);
  assert.equal(await refusedWith(late.token), "link_expired");
  assert.equal(
    await pruneRegistrations(world.rules.db, world.clock.now()),
    0,
    "it is remembered for as long again",
  );
  world.clock.advance(DAY);
  assert.equal(await pruneRegistrations(world.rules.db, world.clock.now()), 2);
  assert.equal(await refusedWith(late.token), "invalid_link");
});

eachWorld(
  "RG-02 the link without the password of its registration confirms nothing, and five wrong ones are the end of it",
  async (world) => {
    const anna = await begin(world, ANNA);
    for (let i = 0; i < 4; i += 1)
      assert.equal((await confirmByLink(world, anna.token, OTHER)).body.code, "wrong_password");
    assert.equal(
      (await confirmByLink(world, anna.token)).status,
      201,
      "the fifth try may be the right one",
    );

    const eve = await begin(world, "eve@example.com");
    for (let i = 0; i < 5; i += 1)
      assert.equal((await confirmByLink(world, eve.token, OTHER)).body.code, "wrong_password");
    assert.equal((await confirmByLink(world, eve.token)).body.code, "link_void");
    assert.equal(
      (await confirm(world, eve, eve.code)).body.code,
      "code_exhausted",
      "code and link share their tries",
    );
    assert.equal(await countRows(world, "users"), 1);

    assert.equal((await resend(world, eve)).status, 202);
    assert.equal(
      (await confirmByLink(world, (await mailed(world, "eve@example.com")).token)).status,
      201,
      "a new mail has new tries",
    );
  },
);

eachWorld("PW-04 the password typed behind the link is compared as at sign-in", async (world) => {
  const anna = await begin(world, ANNA, { password: "siebzehn m\u00fcde Eulen" });
  assert.equal((await confirmByLink(world, anna.token, "siebzehn mu\u0308de Eulen")).status, 201);
});

eachWorld("a server too busy to compare the password has not used up a try", async (world) => {
  const anna = await begin(world, ANNA);
  const hasher = { ...world.parts.hasher, verify: async () => ({ kind: "busy" as const }) };
  const crowded = await anotherNode(world, { hasher });
  for (let i = 0; i < 6; i += 1) {
    const answered = await confirmByLink(crowded, anna.token);
    assert.deepEqual([answered.status, answered.headers.get("retry-after")], [503, "1"]);
  }
  assert.equal((await confirmByLink(world, anna.token)).status, 201);
});

eachWorld(
  "a link to an address that has its owner by now is void, whatever password comes with it",
  async (world) => {
    const first = await begin(world, ANNA);
    await join(world, ANNA, { password: OTHER });
    for (const password of [PASSWORD, OTHER])
      assert.equal((await confirmByLink(world, first.token, password)).body.code, "link_void");
    assert.equal(await stateOf(world, first), "pending", "its client learns nothing");
  },
);

eachWorld(
  "a username that another user has taken since is said to be taken, and the link stays good",
  async (world) => {
    const anna = await begin(world, ANNA, { username: "anna" });
    const { id } = await join(world, "hannah@example.com", { username: "anna" });
    assert.deepEqual(codes([await confirmByLink(world, anna.token)]), ["username_taken"]);
    await world.rules.db.deleteFrom("users").where("id", "=", id).execute();
    assert.equal((await confirmByLink(world, anna.token)).status, 201);
  },
);

eachWorld(
  "RG-06 a value that is no token or no password never matches: empty, null, lists, objects, prefixes, blanks",
  async (world) => {
    const { token } = await begin(world, ANNA);
    const hostile = [
      "",
      null,
      [],
      [token],
      {},
      { token },
      true,
      0,
      token.slice(0, 40),
      ` ${token}`,
      `${token} `,
      "%",
      "_".repeat(79),
      "\0".repeat(79),
      "x".repeat(257),
    ];
    for (const value of hostile) {
      assert.ok(
        [400, 422].includes((await confirmByLink(world, value)).status),
        JSON.stringify(value),
      );
      const withPassword = await confirmByLink(
        world,
        token,
        typeof value === "string" && value !== "" ? 7 : value,
      );
      assert.deepEqual(
        [withPassword.status, withPassword.body.code],
        [422, "invalid_input"],
        JSON.stringify(value),
      );
    }
    for (const body of [
      {},
      { token },
      { password: PASSWORD },
      { token, password: PASSWORD, userId: "x" },
    ])
      assert.equal(
        (await world.request("POST", "/v1/users/confirm/link", { body })).body.code,
        "invalid_input",
      );
    assert.equal(await countRows(world, "users"), 0);
    assert.equal((await confirmByLink(world, token)).status, 201);
  },
);

eachWorld("RG-03 RG-06 a token of one flow is worth nothing in another", async (world) => {
  const anna = await begin(world, ANNA);
  await world.request("POST", "/v1/password-resets", {
    body: { email: (await world.user({ email: "root@example.com" })).email },
  });
  const ofReset = tokenIn(await latestMail(world, "root@example.com"));
  assert.equal((await confirmByLink(world, ofReset)).body.code, "invalid_link");
  const calls = [
    ["/v1/password-resets/confirm", { token: anna.token, newPassword: OTHER }],
    ["/v1/email-changes/confirm", { token: anna.token, password: PASSWORD }],
    ["/v1/email-changes/undo", { token: anna.token }],
  ] as const;
  for (const [path, body] of calls)
    assert.equal((await world.request("POST", path, { body })).body.code, "invalid_link", path);
  const setup = await world.request("POST", "/v1/setup", {
    body: { setupToken: anna.token, email: ANNA, password: PASSWORD },
  });
  assert.equal(setup.body.code, "setup_closed");
  assert.equal((await confirmByLink(world, anna.token)).status, 201);
});

eachWorld("RG-05 a link mailed to one address confirms that one and no other", async (world) => {
  const [a, b] = await Promise.all(
    ["a@example.com", "b@example.com"].map(async (email) => (await register(world, email)).body),
  );
  assert.ok(a && b);
  const ofB = await mailed(world, "b@example.com");
  const mixed = a.registrationId + ofB.token.slice(36);
  assert.equal((await confirmByLink(world, mixed)).body.code, "link_void");
  assert.equal((await confirmByLink(world, ofB.token)).body.email, "b@example.com");
  assert.equal(await stateOf(world, a), "pending");
});

eachWorld(
  "RG-03 the token has 256 bits of chance and is stored as a digest, and a confirmed registration keeps no password",
  async (world) => {
    const anna = await begin(world, ANNA, { profile: { displayName: "Anna Bell" } });
    assert.equal(Buffer.from(anna.token.slice(36), "base64url").length, 32);
    assert.ok(!JSON.stringify(await dump(world)).includes(anna.token.slice(36)));
    await confirmByLink(world, anna.token);
    const row = await world.rules.db
      .selectFrom("registrations")
      .selectAll()
      .executeTakeFirstOrThrow();
    assert.deepEqual([row.username, row.profile, row.password_sealed.length], [null, "{}", 0]);
  },
);

eachWorld(
  "RG-12 registration that has been closed is closed to links and resends too",
  async (world) => {
    const anna = await begin(world, ANNA);
    const closed = await anotherNode(world, {
      config: { ...world.parts.config, registration: "closed" },
    });
    for (const answered of [await confirmByLink(closed, anna.token), await resend(closed, anna)])
      assert.deepEqual([answered.status, answered.body.code], [403, "registration_closed"]);
    assert.equal(await countRows(world, "users"), 0);
  },
);

// ── at once

eachWorld(
  "RG-04 one of 50 presses on the same link, on two nodes, makes the account",
  async (world) => {
    const other = await anotherNode(world);
    const anna = await begin(world, ANNA);
    const answers = await par(50, async (i) =>
      confirmByLink(i % 2 === 0 ? world : other, anna.token),
    );
    assert.deepEqual(statuses(answers), { 201: 1, 422: 49 });
    assert.deepEqual(
      [await countRows(world, "users"), await stateOf(world, anna)],
      [1, "confirmed"],
    );
  },
);

eachWorld(
  "RG-04 one of 50 simultaneous confirmations by code and by link makes the account",
  async (world) => {
    const other = await anotherNode(world);
    const anna = await begin(world, ANNA);
    const answers = await par(50, async (i) => {
      const node = i % 4 < 2 ? world : other;
      return i % 2 === 0 ? confirmByLink(node, anna.token) : confirm(node, anna, anna.code);
    });
    assert.deepEqual(statuses(answers), { 201: 1, 422: 49 });
    assert.equal(await countRows(world, "users"), 1);
  },
);

eachWorld(
  "RG-04 one of five registrations of one address whose links are pressed together makes the account",
  async (world) => {
    const pendings = await par(5, async () => register(world, ANNA));
    const tokens = (await mailsTo(world, ANNA)).map(tokenIn);
    const answers = await Promise.all(tokens.map(async (token) => confirmByLink(world, token)));
    assert.deepEqual(statuses(answers), { 201: 1, 422: 4 });
    const states = await Promise.all(pendings.map(async ({ body }) => stateOf(world, body)));
    assert.deepEqual(states.toSorted(), ["confirmed", "pending", "pending", "pending", "pending"]);
  },
);

eachWorld(
  "RG-04 RG-15 a resend and a confirmation at once leave an account, or a registration whose newest mail is good",
  async (world) => {
    const anna = await begin(world, ANNA);
    const [again, confirmed] = await Promise.all([
      resend(world, anna),
      confirmByLink(world, anna.token),
    ]);
    if (confirmed.status === 201) return assert.ok([202, 404].includes(again.status), again.text);
    assert.deepEqual([again.status, confirmed.body.code], [202, "link_void"]);
    assert.equal((await confirmByLink(world, (await mailed(world, ANNA)).token)).status, 201);
  },
);

// ── once more

eachWorld(
  "RG-15 a new mail voids the one before it, code and link, and starts their time anew",
  async (world) => {
    const first = await begin(world, ANNA);
    world.clock.advance(599);
    const again = await resend(world, first);
    assert.deepEqual([again.status, again.body.expiresAt], [202, world.clock.now() + 600]);
    const second = await mailed(world, ANNA);
    assert.equal((await confirm(world, first, first.code)).body.code, "invalid_code");
    assert.equal((await confirmByLink(world, first.token)).body.code, "link_void");
    world.clock.advance(599);
    assert.equal((await confirm(world, first, second.code)).status, 201);
    assert.deepEqual(
      [(await resend(world, first)).body.code, await stateOf(world, first)],
      ["not_found", "confirmed"],
    );
  },
);

eachWorld(
  "RG-15 at most five mails an hour leave for 20 resends, the answers are the same, and the last mail is the one that works",
  async (world) => {
    const anna = await begin(world, ANNA);
    const answers: string[] = [];
    for (let i = 0; i < 20; i += 1) {
      world.clock.advance(1);
      const { status, body } = await resend(world, anna, { address: addressOf(i) });
      answers.push(
        `${status} ${Object.keys(body).join(" ")} ${body.expiresAt - world.clock.now()}`,
      );
    }
    assert.deepEqual([...new Set(answers)], ["202 expiresAt 600"]);
    const mails = await mailsTo(world, ANNA);
    assert.equal(mails.length, 5);
    for (const mail of mails.slice(1))
      assert.equal((await confirmByLink(world, tokenIn(mail))).body.code, "link_void");
    assert.equal((await confirmByLink(world, tokenIn(await latestMail(world, ANNA)))).status, 201);
  },
);

eachWorld("RG-15 a client can ask for 30 resends an hour", async (world) => {
  const anna = await begin(world, ANNA);
  const answers = await par(31, async () => resend(world, anna));
  assert.deepEqual(statuses(answers), { 202: 30, 429: 1 });
});

eachWorld(
  "a resend is for the client that registered, and for as long as there is something to confirm",
  async (world) => {
    const [anna, eve] = [await begin(world, ANNA), await begin(world, "eve@example.com")];
    for (const answered of [
      await resend(world, { ...anna, clientSecret: eve.clientSecret }),
      await resend(world, { ...anna, registrationId: eve.registrationId }),
    ])
      assert.deepEqual([answered.status, answered.body.code], [404, "not_found"]);
    assert.equal(await stateOf(world, { ...anna, clientSecret: eve.clientSecret }), "not_found");
    assert.equal((await world.mails()).length, 2);
    world.clock.advance(DAY);
    assert.equal((await resend(world, anna)).body.code, "not_found");
    assert.equal(await stateOf(world, anna), "not_found");
  },
);

eachWorld(
  "a registration whose mail could not leave this hour can be mailed the next",
  async (world) => {
    for (let i = 0; i < 5; i += 1) await register(world, ANNA);
    const { body: sixth } = await register(world, ANNA);
    world.clock.advance(3600);
    assert.equal((await resend(world, sixth)).status, 202);
    assert.equal((await confirm(world, sixth, codeIn(await latestMail(world, ANNA)))).status, 201);
  },
);

// ── the mail

eachWorld(
  "RG-13 a link leads to the configured address, whatever the request claims it was sent to",
  async (world) => {
    const app = composeApp(world.parts, world.rules, () => "ready");
    const hostile = {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "http",
      "x-forwarded-port": "666",
      "x-original-url": "http://evil.example/",
      forwarded: "host=evil.example;proto=http",
      origin: "https://evil.example",
      referer: "https://evil.example/",
    };
    const answered = await app.fetch(
      new Request("http://evil.example:666/v1/users", {
        method: "POST",
        headers: { ...hostile, "content-type": "application/json" },
        body: JSON.stringify({ email: ANNA, password: PASSWORD }),
      }),
      { remoteAddress: "192.0.2.1" },
    );
    assert.equal(answered.status, 202);
    const mail = await latestMail(world, ANNA);
    assert.equal(linkIn(mail, "/confirm"), `${publicUrl}/confirm#${tokenIn(mail)}`);
    assert.doesNotMatch(JSON.stringify(mail), /evil\.example|:666/);
  },
);

eachWorld(
  "mail speaks the language of the registration, or of the owner who is there already",
  async (world) => {
    await begin(world, ANNA, { locale: "de-CH" });
    assert.match((await latestMail(world, ANNA)).subject, /Code für/);
    await join(world, "hans@example.com", { locale: "de" });
    await register(world, "hans@example.com", { locale: "en" });
    assert.doesNotMatch((await latestMail(world, "hans@example.com")).subject, /already/);
  },
);

eachWorld(
  "the mail of a registration is of no use after a day, and does not leave then",
  async (world) => {
    await register(world, ANNA);
    world.clock.advance(DAY);
    assert.equal((await world.mails()).length, 0);
  },
);

// ── the page

const visit = async (world: World, method: string, asked = {}) =>
  world.request<string>(method, "/confirm", asked);

eachWorld(
  "RG-07 scanners may follow the link as often as they like: nothing changes, and the press works once",
  async (world) => {
    const anna = await begin(world, ANNA);
    const { pathname } = new URL(linkIn(await latestMail(world, ANNA), "/confirm"));
    assert.equal(pathname, "/confirm");
    const before = await dump(world);
    for (let i = 0; i < 10; i += 1) {
      const [page, head] = [await visit(world, "GET"), await visit(world, "HEAD")];
      assert.deepEqual([page.status, head.status, head.text], [200, 200, ""]);
      const shown = ([name]: [string, string]): boolean =>
        name !== "x-request-id" && name !== "content-security-policy";
      assert.deepEqual([...page.headers].filter(shown), [...head.headers].filter(shown));
    }
    // A scanner that does not keep the fragment to itself, or tries the address itself.
    await world.request("GET", `/confirm?token=${anna.token}`);
    assert.equal((await world.request("GET", "/v1/users/confirm/link")).status, 405);
    assert.equal(
      (await world.request("GET", `/v1/users/confirm/link?token=${anna.token}`)).status,
      405,
    );
    assert.deepEqual(await dump(world), before);
    assert.deepEqual(
      codes([await confirmByLink(world, anna.token), await confirmByLink(world, anna.token)]),
      [undefined, "link_used"],
    );
  },
);
