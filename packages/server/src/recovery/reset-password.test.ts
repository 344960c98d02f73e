import assert from "node:assert/strict";
import { endpoints } from "@portcullis/contract";
import fc from "fast-check";
import {
  addressOf,
  anotherNode,
  attempt,
  codeIn,
  confirm,
  countRows,
  dump,
  eventsOf,
  isAccepted,
  latestMail,
  longCodeIn,
  mailsTo,
  otherCode,
  par,
  refresh,
  register,
  servedBy,
  statuses,
} from "../../test/steps.ts";
import { eachWorld, type AnswerOf, type Refused, type TestUser, type World } from "../../test/world.ts";
import { composeApp } from "../compose.ts";
import { createHasher } from "../hashing/pool.ts";
import { systemClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { openSetup } from "../users/setup.ts";

type Started = AnswerOf<typeof endpoints.startPasswordReset, 202>;
const NEXT = "nine grey geese fly";

const start = async (world: World, email: unknown, address = "192.0.2.1") =>
  world.request<Started & Refused>("POST", "/v1/password-resets", { body: { email }, address });
const finish = async (world: World, proof: object, newPassword = NEXT, address = "192.0.2.1") =>
  world.request("POST", "/v1/password-resets/confirm", { body: { ...proof, newPassword }, address });

/** A reset that has been asked for, and what its mail says. */
async function begun(world: World, user: TestUser): Promise<{ readonly resetId: string; readonly code: string; readonly token: string }> {
  const { resetId } = (await start(world, user.email)).body;
  const mail = await latestMail(world, user.email);
  return { resetId, code: codeIn(mail), token: longCodeIn(mail) };
}

const opens = async (world: World, user: TestUser, password: string) => (await attempt(world, user.email, password)).status === 201;

eachWorld("a forgotten password is replaced with the mailed token, or with the mailed code", async (world) => {
  for (const by of ["token", "code"] as const) {
    const user = await world.user();
    const { resetId, code, token } = await begun(world, user);
    assert.equal((await finish(world, by === "token" ? { token } : { resetId, code })).status, 204);
    assert.deepEqual([await opens(world, user, user.password), await opens(world, user, NEXT)], [false, true]);
  }
  assert.equal((await eventsOf(world)).filter((event) => event === "password.reset").length, 2);
});

// ── the proof

eachWorld("RS-01 the token has 256 bits, is stored as a digest, and works once", async (world) => {
  const user = await world.user();
  const { token, code, resetId } = await begun(world, user);
  assert.equal(Buffer.from(token, "base64url").length, 32);
  const stored = await dump(world);
  for (const secret of [token, code]) for (const [table, text] of Object.entries(stored)) assert.ok(!text.includes(secret), `in ${table}`);
  assert.equal((await finish(world, { token })).status, 204);
  for (const proof of [{ token }, { resetId, code }])
    assert.equal((await finish(world, proof, "another quiet heron")).body.code, "invalid_code");
  assert.ok(await opens(world, user, NEXT));
});

eachWorld("RS-01 the token lives half an hour, the code beside it ten minutes", async (world) => {
  const [one, two] = [await world.user(), await world.user()];
  const first = await begun(world, one);
  const second = await begun(world, two);
  world.clock.advance(600);
  assert.equal((await finish(world, { resetId: first.resetId, code: first.code })).body.code, "invalid_code");
  world.clock.advance(1199);
  assert.equal((await finish(world, { token: first.token })).status, 204);
  world.clock.advance(1);
  assert.equal((await finish(world, { token: second.token })).body.code, "invalid_code");
});

for (const by of ["token", "code"] as const) {
  eachWorld(`RS-01 of 50 who use one ${by} at once, on two nodes, one sets the password`, async (world) => {
    const user = await world.user();
    const other = await anotherNode(world);
    const { resetId, code, token } = await begun(world, user);
    const proof = by === "token" ? { token } : { resetId, code };
    const answers = await par(50, async (i) => finish(i % 2 === 0 ? world : other, proof, `grey geese number ${i} fly south`));
    assert.deepEqual(statuses(answers), { 204: 1, 422: 49 });
    const winner = answers.findIndex(({ status }) => status === 204);
    assert.ok(await opens(world, user, `grey geese number ${winner} fly south`));
    assert.equal((await eventsOf(world)).filter((event) => event === "password.reset").length, 1);
  });
}

eachWorld("RG-03 the right code is refused after five wrong ones, and so is the token of that reset", async (world) => {
  const user = await world.user();
  const { resetId, code, token } = await begun(world, user);
  for (let i = 0; i < 5; i += 1) assert.equal((await finish(world, { resetId, code: otherCode(code) })).body.code, "invalid_code");
  for (const proof of [{ resetId, code }, { token }]) assert.equal((await finish(world, proof)).body.code, "invalid_code");
  assert.ok(await opens(world, user, user.password));
  assert.equal((await finish(world, { token: (await begun(world, user)).token })).status, 204, "another reset is not affected");
});

eachWorld("a password that cannot be used and a busy server cost no try", async (world) => {
  const user = await world.user();
  const { resetId, code } = await begun(world, user);
  const proof = { resetId, code };
  for (let i = 0; i < 6; i += 1) assert.equal((await finish(world, proof, "short")).body.code, "unacceptable_password");
  const name = user.email.split("@")[0] ?? "";
  for (let i = 0; i < 6; i += 1) assert.equal((await finish(world, proof, `${name}.example`)).body.code, "unacceptable_password");
  const hasher = createHasher({
    log: silentLog,
    clock: systemClock,
    random: systemRandom,
    concurrency: 1,
    params: { memoryCost: 64, timeCost: 1, parallelism: 1 },
  });
  await hasher.close();
  for (let i = 0; i < 6; i += 1) assert.equal((await finish(servedBy(world, { ...world.rules, hasher }), proof)).body.code, "busy");
  assert.equal((await finish(world, proof)).status, 204);
});

eachWorld("RG-03 RG-15 a reset that was not mailed cannot be redeemed by guessing its code", async (world) => {
  const user = await world.user();
  for (let i = 0; i < 8; i += 1) assert.equal((await start(world, user.email)).status, 202);
  const rows = await world.rules.db.selectFrom("password_resets").select("tries_left").orderBy("tries_left").execute();
  assert.deepEqual(
    rows.map((row) => row.tries_left),
    [0, 0, 0, 5, 5, 5, 5, 5],
  );
});

// ── what a reset does

eachWorld(
  "RS-02 a reset ends every session, refresh and device, voids the other resets, and lets the owner in from anywhere",
  async (world) => {
    const user = await world.user();
    const signedIn = await par(3, async () => (await attempt(world, user.email, user.password)).body);
    const earlier = await begun(world, user);
    await par(101, async (i) => attempt(world, user.email, "wrong", { address: addressOf(i) }));
    const { token } = await begun(world, user);

    assert.equal((await finish(world, { token })).status, 204);
    for (const { accessToken, refreshToken } of signedIn) {
      assert.equal(await isAccepted(world, accessToken), false);
      assert.deepEqual((await refresh(world, refreshToken)).body["cause"], "password_reset");
    }
    for (const proof of [{ token: earlier.token }, { resetId: earlier.resetId, code: earlier.code }])
      assert.equal((await finish(world, proof)).body.code, "invalid_code");
    const device = signedIn[0]?.deviceToken ?? "";
    for (let i = 0; i < 20; i += 1) await attempt(world, user.email, "wrong", { address: "203.0.113.66" });
    assert.equal(
      (await attempt(world, user.email, "wrong", { address: "203.0.113.66", deviceToken: device })).status,
      429,
      "the device is trusted no more",
    );
    assert.equal((await attempt(world, user.email, NEXT, { address: "203.0.113.5" })).status, 201);
  },
);

eachWorld("RS-02 a reset that cannot be recorded changes nothing at all", async (world) => {
  const user = await world.user();
  const tokens = await world.signIn(user);
  const { token } = await begun(world, user);
  const { position } = await world.rules.db.selectFrom("audit_head").select("position").executeTakeFirstOrThrow();
  await world.rules.db
    .updateTable("audit_head")
    .set({ position: position - 1 })
    .execute();
  assert.ok((await finish(world, { token })).status >= 500);
  await world.rules.db.updateTable("audit_head").set({ position }).execute();
  assert.ok(await isAccepted(world, tokens.accessToken));
  assert.ok(await opens(world, user, user.password));
  assert.equal((await finish(world, { token })).status, 204, "nor was the token spent");
});

eachWorld("RS-03 a reset does not sign in, and does not stand in for a second factor", async (world) => {
  const user = await world.user();
  const guarded = servedBy(world, { ...world.rules, factors: [{ name: "totp", isEnrolled: async (_, userId) => userId === user.id }] });
  const { token } = await begun(guarded, user);
  const done = await finish(guarded, { token });
  assert.deepEqual([done.status, done.text, done.headers.getSetCookie()], [204, "", []]);
  assert.equal(await countRows(world, "sessions"), 0);
  const answered = await attempt(guarded, user.email, NEXT);
  assert.deepEqual([answered.status, answered.body.code], [401, "second_factor_required"]);
});

eachWorld("a reset confirms the address it was mailed to, but enables nobody", async (world) => {
  const [unconfirmed, disabled] = [await world.user(), await world.user()];
  await world.rules.db.updateTable("users").set({ email_verified_at: null }).where("id", "=", unconfirmed.id).execute();
  assert.equal(await opens(world, unconfirmed, unconfirmed.password), false);
  assert.equal((await finish(world, { token: (await begun(world, unconfirmed)).token })).status, 204);
  assert.ok(await opens(world, unconfirmed, NEXT));

  const { token } = await begun(world, disabled);
  await world.rules.db.updateTable("users").set({ disabled_at: world.clock.now() }).where("id", "=", disabled.id).execute();
  await finish(world, { token });
  assert.equal(await opens(world, disabled, NEXT), false);
  await start(world, disabled.email);
  assert.equal((await mailsTo(world, disabled.email)).length, 1, "nor is a disabled user mailed");
});

// ── ways around it

eachWorld("RS-04 no order of calls sets a password without a valid proof", async (world) => {
  const victim = await world.user();
  const attacker = await world.user();
  const own = await begun(world, attacker);
  const theirs = (await start(world, victim.email)).body;
  const pending = (await register(world, "new@example.com")).body;
  const { accessToken } = await world.signIn(attacker);
  const hashes = async () =>
    world.rules.db.selectFrom("users").select("password_sealed").where("id", "=", victim.id).executeTakeFirstOrThrow();
  const before = await hashes();
  const call = (path: string, body: object, token?: string) => async () =>
    world.request("POST", path, { body, ...(token && { token }), address: addressOf(7) });
  const steps = [
    call("/v1/password-resets", { email: attacker.email }),
    call("/v1/password-resets/confirm", { resetId: theirs.resetId, code: own.code, newPassword: NEXT }),
    call("/v1/password-resets/confirm", { resetId: own.resetId, code: "00000000", newPassword: NEXT }),
    call("/v1/password-resets/confirm", { token: own.token, newPassword: NEXT }),
    call("/v1/password-resets/confirm", { token: own.token, email: victim.email, newPassword: NEXT }),
    call("/v1/password-resets/confirm", { resetId: theirs.resetId, token: own.token, newPassword: NEXT }),
    call("/v1/password-resets/confirm", { resetId: pending.registrationId, code: own.code, newPassword: NEXT }),
    call("/v1/password-resets/confirm", { resetId: theirs.resetId, newPassword: NEXT }),
    call("/v1/users/confirm", { registrationId: theirs.resetId, clientSecret: pending.clientSecret, code: own.code }),
    call("/v1/me/password", { currentPassword: attacker.password, newPassword: NEXT, userId: victim.id }, accessToken),
    call("/v1/me/password", { newPassword: NEXT }, accessToken),
    call("/v1/users", { email: victim.email, password: NEXT }),
    call("/v1/setup", { setupToken: own.token, email: victim.email, password: NEXT }),
  ];
  const [order] = fc.sample(fc.array(fc.nat(steps.length - 1), { minLength: 60, maxLength: 60 }), { seed: 11, numRuns: 1 });
  for (const step of order ?? []) {
    const answered = await steps[step]?.();
    assert.ok(answered !== undefined && answered.status < 500, `step ${step}: ${answered?.text}`);
  }
  assert.deepEqual(await hashes(), before);
  assert.ok(await opens(world, victim, victim.password));
});

eachWorld("RS-05 JW-14 a proof of one kind is refused wherever another kind belongs", async (world) => {
  const user = await world.user();
  const signedIn = (await attempt(world, user.email, user.password)).body;
  const reset = await begun(world, user);
  const pending = (await register(world, "new@example.com")).body;
  const registrationCode = codeIn(await latestMail(world, "new@example.com"));
  const setupToken = (await openSetup(world.rules)) ?? "";
  const proofs = {
    access: signedIn.accessToken,
    refresh: signedIn.refreshToken,
    device: signedIn.deviceToken,
    resetToken: reset.token,
    resetCode: reset.code,
    clientSecret: pending.clientSecret,
    registrationCode,
    setup: setupToken,
  };
  const doors: Readonly<Record<keyof typeof proofs, (proof: string) => Promise<{ readonly status: number }>>> = {
    access: async (token) => world.request("GET", "/v1/token", { token }),
    refresh: async (refreshToken) => refresh(world, refreshToken),
    device: async (deviceToken) => attempt(world, user.email, "wrong", { deviceToken, address: "203.0.113.5" }),
    resetToken: async (token) => finish(world, { token }),
    resetCode: async (code) => finish(world, { resetId: reset.resetId, code: code.slice(0, 8) }),
    clientSecret: async (clientSecret) => confirm(world, { ...pending, clientSecret: clientSecret.slice(0, 128) }, registrationCode),
    registrationCode: async (code) => confirm(world, pending, code),
    setup: async (token) => world.request("POST", "/v1/setup", { body: { setupToken: token, email: "root@example.com", password: NEXT } }),
  };
  for (const [door, knock] of Object.entries(doors)) {
    for (const [kind, proof] of Object.entries(proofs)) {
      if (kind === door) continue;
      const { status } = await knock(proof);
      assert.ok(status >= 400 && status < 500, `${kind} at the door of ${door}: ${status}`);
    }
  }
  assert.deepEqual([await countRows(world, "users"), await opens(world, user, user.password)], [1, true]);
});

eachWorld("RS-06 whatever is not one address is refused, and nothing is mailed", async (world) => {
  const user = await world.user();
  const hostile = [
    null,
    7,
    true,
    {},
    [],
    [user.email],
    [user.email, "eve@example.com"],
    { email: user.email },
    `${user.email},eve@example.com`,
    `${user.email};eve@example.com`,
    `${user.email}\r\nBcc: eve@example.com`,
    `<${user.email}>`,
    ` ${user.email}`,
    "",
  ];
  for (const [i, email] of hostile.entries()) assert.equal((await start(world, email, addressOf(i))).status, 422, JSON.stringify(email));
  const twice = `{"email":"${user.email}","email":"eve@example.com"}`;
  const request = new Request("https://accounts.example.com/v1/password-resets", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: twice,
  });
  assert.equal((await composeApp(world.parts, world.rules, () => "ready").fetch(request)).status, 400);
  assert.equal(await countRows(world, "outbox"), 0);
});

eachWorld("RG-08 a look-alike of an address is mailed nothing, another case of it goes to the stored address", async (world) => {
  const user = await world.user({ email: "mike@example.com" });
  for (const [i, email] of [
    "m\u0131ke@example.com",
    "mi\u212Ae@example.com",
    "mike\uFF20example.com",
    "mike@ex\u0430mple.com",
    "mike@example.com.",
  ].entries())
    await start(world, email, addressOf(i));
  await start(world, "MIKE@EXAMPLE.COM");
  assert.deepEqual(
    (await world.mails()).map((mail) => mail.to),
    [user.email],
  );
});

eachWorld(
  "RS-07 a hundred requests change nothing of the account, mail it five times an hour, and stop each client at thirty",
  async (world) => {
    const user = await world.user();
    const tokens = await world.signIn(user);
    const before = await world.rules.db.selectFrom("users").selectAll().where("id", "=", user.id).executeTakeFirstOrThrow();
    const answers = [];
    for (let i = 0; i < 100; i += 1) answers.push(await start(world, user.email, `203.0.113.${i % 3}`));
    assert.deepEqual(statuses(answers), { 202: 90, 429: 10 });
    assert.equal((await mailsTo(world, user.email)).length, 5);
    assert.deepEqual(await world.rules.db.selectFrom("users").selectAll().where("id", "=", user.id).executeTakeFirstOrThrow(), before);
    assert.ok(await isAccepted(world, tokens.accessToken));
    assert.ok(await opens(world, user, user.password));
  },
);

eachWorld("RS-08 neither token nor code is in a link of the mail, and no answer is kept or passes on where it came from", async (world) => {
  const user = await world.user();
  const started = await start(world, user.email);
  const mail = await latestMail(world, user.email);
  assert.doesNotMatch(`${mail.text} ${mail.html}`, /https?:\/\/[^\s"]*(?:token|code|reset)/i);
  assert.ok(!mail.subject.includes(codeIn(mail)));
  for (const { headers } of [started, await finish(world, { token: longCodeIn(mail) })]) {
    assert.match(headers.get("cache-control") ?? "", /no-store/);
    assert.equal(headers.get("referrer-policy"), "no-referrer");
  }
});

eachWorld("RS-09 a reset dies when the password changes by any other way, even within the second it was set in", async (world) => {
  const user = await world.user();
  const { accessToken } = await world.signIn(user);
  const { token, resetId, code } = await begun(world, user);
  const changed = await world.request("POST", "/v1/me/password", {
    token: accessToken,
    body: { currentPassword: user.password, newPassword: NEXT },
  });
  assert.equal(changed.status, 200);
  for (const proof of [{ token }, { resetId, code }])
    assert.equal((await finish(world, proof, "another quiet heron")).body.code, "invalid_code");
  assert.ok(await opens(world, user, NEXT));
});

eachWorld("RS-09 a reset dies when the address changes", async (world) => {
  const user = await world.user();
  const { token } = await begun(world, user);
  await world.rules.db
    .updateTable("users")
    .set({ email: "other@example.com", email_canonical: "other@example.com" })
    .where("id", "=", user.id)
    .execute();
  assert.equal((await finish(world, { token })).body.code, "invalid_code");
});

eachWorld("RS-09 a password changed between the proof and the new password wins", async (world) => {
  const user = await world.user();
  const { accessToken } = await world.signIn(user);
  const { token } = await begun(world, user);
  const { hasher } = world.rules;
  const changes: number[] = [];
  const hash: typeof hasher.hash = async (password) => {
    const body = { currentPassword: user.password, newPassword: "chosen by the owner" };
    changes.push((await world.request("POST", "/v1/me/password", { token: accessToken, body })).status);
    return hasher.hash(password);
  };
  const late = await finish(servedBy(world, { ...world.rules, hasher: { ...hasher, hash } }), { token });
  assert.deepEqual([changes, late.body.code], [[200], "invalid_code"]);
  assert.ok(await opens(world, user, "chosen by the owner"));
});

eachWorld("RS-10 a superuser can have a reset mailed, and neither chooses nor sees a password", async (world) => {
  const [root, user] = [await world.user({ superuser: true }), await world.user()];
  const { accessToken: token } = await world.signIn(root);
  const answered = await world.request("POST", `/v1/admin/users/${user.id}/password-reset`, { token });
  assert.deepEqual([answered.status, answered.text], [202, ""]);
  assert.equal((await finish(world, { token: longCodeIn(await latestMail(world, user.email)) })).status, 204);
  const administration = Object.values(endpoints).filter((endpoint) => endpoint.path.startsWith("/v1/admin/"));
  assert.ok(administration.length > 5);
  for (const endpoint of administration) assert.equal("input" in endpoint, false, `${endpoint.name} takes no body, so no password`);
});

// ── what it tells

eachWorld("EN-04 a known, an unknown and a disabled address get the same answer at the same number of statements", async (world) => {
  const [user, disabled] = [await world.user(), await world.user()];
  await world.rules.db.updateTable("users").set({ disabled_at: world.clock.now() }).where("id", "=", disabled.id).execute();
  const told = new Set<string>();
  for (let i = 0; i < 7; i += 1) {
    const round = new Set<string>();
    for (const email of [user.email, "nobody@example.com", disabled.email]) {
      const before = world.queries();
      const answered = await start(world, email);
      const headers = [...answered.headers].filter(([name]) => name !== "x-request-id");
      round.add(JSON.stringify([answered.status, headers, Object.keys(answered.body), answered.body.expiresAt, world.queries() - before]));
    }
    assert.equal(round.size, 1, [...round].join("\n"));
    told.add([...round].join());
  }
  assert.equal(told.size, 2, "five with a mail, two without");
  assert.deepEqual(
    (await world.mails()).map((mail) => mail.to),
    Array.from({ length: 5 }, () => user.email),
  );
});

eachWorld("EN-04 confirming a reset of nobody says no more than a wrong code does", async (world) => {
  const user = await world.user();
  const answers = [];
  for (const email of [user.email, "nobody@example.com"]) {
    const { resetId } = (await start(world, email)).body;
    const before = world.queries();
    const { instance: _, ...body } = (await finish(world, { resetId, code: "00000000" })).body;
    answers.push([body, world.queries() - before]);
  }
  assert.deepEqual(answers[0], answers[1]);
});
