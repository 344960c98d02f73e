import assert from "node:assert/strict";
import { endpoints } from "@portcullis/contract";
import { z } from "zod";
import {
  addressOf,
  anotherNode,
  attempt,
  codeIn,
  countRows,
  dump,
  eventsOf,
  isAccepted,
  mailsTo,
  otherCode,
  par,
  refresh,
  servedBy,
  statuses,
} from "../../../test/steps.ts";
import { enrolTotp, signInWithTotp } from "../../../test/second-factor.ts";
import {
  begunChange,
  begunReset,
  confirmChangeByLink,
  finishReset,
  linkTo,
  NEXT,
  somebody,
  startReset,
} from "../../../test/recovery.ts";
import {
  eachWorld,
  publicUrl,
  whileTimePasses,
  type TestUser,
  type World,
} from "../../../test/world.ts";
import { composeApp } from "../../process/compose.ts";
import { createHasher } from "../../platform/hashing/pool.ts";
import { systemClock } from "../../platform/kernel/clock.ts";
import { silentLog } from "../../platform/kernel/log.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { pruneResets } from "./resets.store.ts";

const [start, begun, finish] = [startReset, begunReset, finishReset];
const opens = async (world: World, user: TestUser, password: string) =>
  (await attempt(world, user.email, password)).status === 201;

eachWorld(
  "a forgotten password is replaced with the mailed token, or with the mailed code",
  async (world) => {
    for (const by of ["token", "code"] as const) {
      const user = await world.user();
      const { resetId, code, token } = await begun(world, user);
      assert.equal(
        (await finish(world, by === "token" ? { token } : { resetId, code })).status,
        204,
      );
      assert.deepEqual(
        [await opens(world, user, user.password), await opens(world, user, NEXT)],
        [false, true],
      );
    }
    assert.equal((await eventsOf(world)).filter((event) => event === "password.reset").length, 2);
  },
);

// ── the proof

eachWorld("RS-01 the token has 256 bits, is stored as a digest, and works once", async (world) => {
  const user = await world.user();
  const { token, code, resetId } = await begun(world, user);
  assert.equal(Buffer.from(token, "base64url").length, 32);
  const stored = await dump(world);
  for (const secret of [token, code])
    for (const [table, text] of Object.entries(stored))
      assert.ok(!text.includes(secret), `in ${table}`);
  assert.equal((await finish(world, { token })).status, 204);
  assert.equal((await finish(world, { token }, "another quiet heron")).body.code, "link_used");
  assert.equal(
    (await finish(world, { resetId, code }, "another quiet heron")).body.code,
    "invalid_code",
  );
  assert.ok(await opens(world, user, NEXT));
});

eachWorld("RS-01 the token lives half an hour, the code beside it ten minutes", async (world) => {
  const [one, two] = [await world.user(), await world.user()];
  const first = await begun(world, one);
  const second = await begun(world, two);
  world.clock.advance(600);
  assert.equal(
    (await finish(world, { resetId: first.resetId, code: first.code })).body.code,
    "code_expired",
  );
  world.clock.advance(1199);
  assert.equal((await finish(world, { token: first.token })).status, 204);
  world.clock.advance(1);
  assert.equal((await finish(world, { token: second.token })).body.code, "link_expired");
});

eachWorld(
  "each reason has its own refusal by link: stale, foreign and truncated",
  async (world) => {
    const user = await world.user();
    const { token } = await begun(world, user);
    for (const foreign of [
      token.slice(1),
      token.slice(0, -1),
      `${token}A`,
      "x".repeat(43),
      token.toLowerCase(),
    ])
      assert.equal((await finish(world, { token: foreign })).body.code, "invalid_link", foreign);
    assert.equal((await finish(world, { token: "" })).body.code, "invalid_input");
    const newer = await begun(world, user);
    assert.equal((await finish(world, { token: newer.token })).status, 204);
    assert.equal((await finish(world, { token }, "another quiet heron")).body.code, "link_void");
    world.clock.advance(1800);
    assert.equal(
      (await finish(world, { token: newer.token }, "another quiet heron")).body.code,
      "link_used",
    );
  },
);

eachWorld(
  "an expired reset is told from one that never was for another day, then forgotten",
  async (world) => {
    const { token } = await begun(world, await world.user());
    world.clock.advance(1800 + 86_399);
    assert.equal(await pruneResets(world.rules.db, world.clock.now()), 0);
    assert.equal((await finish(world, { token })).body.code, "link_expired");
    world.clock.advance(1);
    assert.equal(await pruneResets(world.rules.db, world.clock.now()), 1);
    assert.equal((await finish(world, { token })).body.code, "invalid_link");
  },
);

for (const by of ["token", "code"] as const) {
  eachWorld(
    `RS-01 one of 50 simultaneous uses of one ${by} on two nodes sets the password`,
    async (world) => {
      const user = await world.user();
      const other = await anotherNode(world);
      const { resetId, code, token } = await begun(world, user);
      const proof = by === "token" ? { token } : { resetId, code };
      const answers = await whileTimePasses(
        world,
        par(50, async (i) =>
          finish(i % 2 === 0 ? world : other, proof, `grey geese number ${i} fly south`),
        ),
      );
      assert.deepEqual(statuses(answers), { 204: 1, 422: 49 });
      const winner = answers.findIndex(({ status }) => status === 204);
      assert.ok(await opens(world, user, `grey geese number ${winner} fly south`));
      assert.equal((await eventsOf(world)).filter((event) => event === "password.reset").length, 1);
    },
  );
}

eachWorld(
  "RG-03 the right code is refused after five wrong ones, and so is the token of that reset",
  async (world) => {
    const user = await world.user();
    const { resetId, code, token } = await begun(world, user);
    for (let i = 0; i < 5; i += 1)
      assert.equal(
        (await finish(world, { resetId, code: otherCode(code) })).body.code,
        "invalid_code",
      );
    assert.equal((await finish(world, { resetId, code })).body.code, "code_exhausted");
    assert.equal((await finish(world, { token })).body.code, "link_void");
    assert.ok(await opens(world, user, user.password));
    assert.equal(
      (await finish(world, { token: (await begun(world, user)).token })).status,
      204,
      "another reset is not affected",
    );
  },
);

eachWorld("a password that cannot be used and a busy server cost no try", async (world) => {
  const user = await world.user();
  const { resetId, code } = await begun(world, user);
  const proof = { resetId, code };
  for (let i = 0; i < 6; i += 1)
    assert.equal((await finish(world, proof, "short")).body.code, "unacceptable_password");
  const name = user.email.split("@")[0] ?? "";
  for (let i = 0; i < 6; i += 1)
    assert.equal(
      (await finish(world, proof, `${name}.example`)).body.code,
      "unacceptable_password",
    );
  const hasher = createHasher({
    log: silentLog,
    clock: systemClock,
    random: systemRandom,
    concurrency: 1,
    params: { memoryCost: 64, timeCost: 1, parallelism: 1 },
  });
  await hasher.close();
  for (let i = 0; i < 6; i += 1)
    assert.equal(
      (await finish(servedBy(world, { ...world.rules, hasher }), proof)).body.code,
      "busy",
    );
  assert.equal((await finish(world, proof)).status, 204);
});

eachWorld(
  "RG-03 RG-15 a reset that was not mailed cannot be redeemed by guessing its code",
  async (world) => {
    const user = await world.user();
    for (let i = 0; i < 8; i += 1) assert.equal((await start(world, user.email)).status, 202);
    const rows = await world.rules.db
      .selectFrom("password_resets")
      .select("tries_left")
      .orderBy("tries_left")
      .execute();
    assert.deepEqual(
      rows.map((row) => row.tries_left),
      [0, 0, 0, 5, 5, 5, 5, 5],
    );
  },
);

// ── effects

eachWorld(
  "RS-02 a reset ends every session, refresh and device, voids the other resets, and lets the owner in from anywhere",
  async (world) => {
    const user = await world.user();
    const signedIn = await par(
      3,
      async () => (await attempt(world, user.email, user.password)).body,
    );
    const earlier = await begun(world, user);
    await par(101, async (i) => attempt(world, user.email, "wrong", { address: addressOf(i) }));
    const { token } = await begun(world, user);

    assert.equal((await finish(world, { token })).status, 204);
    for (const { accessToken, refreshToken } of signedIn) {
      assert.equal(await isAccepted(world, accessToken), false);
      assert.deepEqual((await refresh(world, refreshToken)).body["cause"], "password_reset");
    }
    assert.equal((await finish(world, { token: earlier.token })).body.code, "link_void");
    assert.equal(
      (await finish(world, { resetId: earlier.resetId, code: earlier.code })).body.code,
      "invalid_code",
    );
    const device = signedIn[0]?.deviceToken ?? "";
    for (let i = 0; i < 20; i += 1)
      await attempt(world, user.email, "wrong", { address: "203.0.113.66" });
    assert.equal(
      (await attempt(world, user.email, "wrong", { address: "203.0.113.66", deviceToken: device }))
        .status,
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
  const { position } = await world.rules.db
    .selectFrom("audit_head")
    .select("position")
    .executeTakeFirstOrThrow();
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

eachWorld(
  "RS-03 a reset does not sign in, and does not stand in for a second factor",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    const before = await countRows(world, "sessions");
    const { token } = await begun(world, user);
    const done = await finish(world, { token });
    assert.deepEqual([done.status, done.text, done.headers.getSetCookie()], [204, "", []]);
    assert.equal(await countRows(world, "sessions"), before);
    assert.equal((await attempt(world, user.email, NEXT)).status, 202);
    await signInWithTotp(world, { ...user, password: NEXT }, secret);
  },
);

eachWorld(
  "LG-14 the reader of the mail is told that the password was set, and a change of address that was pending is void",
  async (world) => {
    const anna = await somebody(world);
    await world.rules.db
      .updateTable("users")
      .set({ locale: "de" })
      .where("id", "=", anna.user.id)
      .execute();
    const change = await begunChange(world, anna, "new@example.com");
    assert.equal(
      (await finish(world, { token: (await begun(world, anna.user)).token })).status,
      204,
    );
    const notices = await world.rules.db
      .selectFrom("outbox")
      .select(["recipient", "locale"])
      .where("template", "=", "password_changed")
      .execute();
    assert.deepEqual(notices, [{ recipient: anna.user.email, locale: "de" }]);
    assert.equal((await confirmChangeByLink(world, change.token, NEXT)).body.code, "link_void");
    const row = await world.rules.db
      .selectFrom("email_changes")
      .select("void_at")
      .executeTakeFirstOrThrow();
    assert.equal(row.void_at, world.clock.now());
  },
);

eachWorld(
  "a reset confirms the address it was mailed to, but enables no disabled user",
  async (world) => {
    const [unconfirmed, disabled] = [await world.user(), await world.user()];
    await world.rules.db
      .updateTable("users")
      .set({ email_verified_at: null })
      .where("id", "=", unconfirmed.id)
      .execute();
    assert.equal(await opens(world, unconfirmed, unconfirmed.password), false);
    assert.equal(
      (await finish(world, { token: (await begun(world, unconfirmed)).token })).status,
      204,
    );
    assert.ok(await opens(world, unconfirmed, NEXT));

    const { token } = await begun(world, disabled);
    await world.rules.db
      .updateTable("users")
      .set({ disabled_at: world.clock.now() })
      .where("id", "=", disabled.id)
      .execute();
    await finish(world, { token });
    assert.equal(await opens(world, disabled, NEXT), false);
    const { length } = await mailsTo(world, disabled.email);
    await start(world, disabled.email);
    assert.equal(
      (await mailsTo(world, disabled.email)).length,
      length,
      "nor is a disabled user mailed",
    );
  },
);

// ── ways around it

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
  for (const [i, email] of hostile.entries())
    assert.equal((await start(world, email, addressOf(i))).status, 422, JSON.stringify(email));
  const twice = `{"email":"${user.email}","email":"eve@example.com"}`;
  const request = new Request("https://accounts.example.com/v1/password-resets", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: twice,
  });
  assert.equal(
    (await composeApp(world.parts, world.rules, () => "ready").fetch(request)).status,
    400,
  );
  assert.equal(await countRows(world, "outbox"), 0);
});

eachWorld(
  "RG-08 a look-alike of an address is mailed nothing, another case of it goes to the stored address",
  async (world) => {
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
  },
);

eachWorld(
  "RS-07 a hundred requests change nothing of the account, mail it five times an hour, and stop each client at thirty",
  async (world) => {
    const user = await world.user();
    const tokens = await world.signIn(user);
    const before = await world.rules.db
      .selectFrom("users")
      .selectAll()
      .where("id", "=", user.id)
      .executeTakeFirstOrThrow();
    const answers = [];
    for (let i = 0; i < 100; i += 1)
      answers.push(await start(world, user.email, `203.0.113.${i % 3}`));
    assert.deepEqual(statuses(answers), { 202: 90, 429: 10 });
    assert.equal((await mailsTo(world, user.email)).length, 5);
    assert.deepEqual(
      await world.rules.db
        .selectFrom("users")
        .selectAll()
        .where("id", "=", user.id)
        .executeTakeFirstOrThrow(),
      before,
    );
    assert.ok(await isAccepted(world, tokens.accessToken));
    assert.ok(await opens(world, user, user.password));
  },
);

eachWorld(
  "RS-08 the token travels in the fragment of the link, and no answer is kept or passes on where it came from",
  async (world) => {
    const user = await world.user();
    const started = await start(world, user.email);
    const { mail, token } = await linkTo(world, user.email, "/reset");
    for (const [link] of `${mail.text} ${mail.html}`.matchAll(/https?:\/\/[^\s"<]*/g))
      assert.ok(!link.includes(token) || link === `${publicUrl}/reset#${token}`, link);
    assert.ok(!mail.subject.includes(codeIn(mail)) && !mail.subject.includes(token));
    for (const { headers } of [started, await finish(world, { token })]) {
      assert.match(headers.get("cache-control") ?? "", /no-store/);
      assert.equal(headers.get("referrer-policy"), "no-referrer");
    }
  },
);

eachWorld(
  "RS-09 a reset dies when the password changes by any other way, even within the second it was set in",
  async (world) => {
    const user = await world.user();
    const { accessToken } = await world.signIn(user);
    const { token, resetId, code } = await begun(world, user);
    const changed = await world.request("POST", "/v1/me/password", {
      token: accessToken,
      body: { currentPassword: user.password, newPassword: NEXT },
    });
    assert.equal(changed.status, 200);
    assert.equal((await finish(world, { token }, "another quiet heron")).body.code, "link_void");
    assert.equal(
      (await finish(world, { resetId, code }, "another quiet heron")).body.code,
      "invalid_code",
    );
    assert.ok(await opens(world, user, NEXT));
  },
);

eachWorld(
  "RS-09 a reset dies when the address changes between the proof and the new password",
  async (world) => {
    const user = await world.user();
    const reset = await begun(world, user);
    const values = { email: "other@example.com", email_canonical: "other@example.com" };
    const { hasher } = world.rules;
    const hash: typeof hasher.hash = async (password) => {
      await world.rules.db.updateTable("users").set(values).where("id", "=", user.id).execute();
      return hasher.hash(password);
    };
    const racing = servedBy(world, { ...world.rules, hasher: { ...hasher, hash } });
    assert.equal((await finish(racing, { token: reset.token })).body.code, "link_void");
    assert.equal(
      (await finish(world, { resetId: reset.resetId, code: reset.code })).body.code,
      "invalid_code",
    );
  },
);

eachWorld("RS-09 a password changed between the proof and the new password wins", async (world) => {
  const user = await world.user();
  const { accessToken } = await world.signIn(user);
  const { token } = await begun(world, user);
  const { hasher } = world.rules;
  const changes: number[] = [];
  const hash: typeof hasher.hash = async (password) => {
    const body = { currentPassword: user.password, newPassword: "chosen by the owner" };
    changes.push(
      (await world.request("POST", "/v1/me/password", { token: accessToken, body })).status,
    );
    return hasher.hash(password);
  };
  const late = await finish(servedBy(world, { ...world.rules, hasher: { ...hasher, hash } }), {
    token,
  });
  assert.deepEqual([changes, late.body.code], [[200], "link_void"]);
  assert.ok(await opens(world, user, "chosen by the owner"));
});

eachWorld(
  "RS-10 a superuser can have a reset mailed, and neither chooses nor sees a password",
  async (world) => {
    const [root, user] = [await world.user({ superuser: true }), await world.user()];
    const { accessToken: token } = await world.signIn(root);
    const answered = await world.request("POST", `/v1/admin/users/${user.id}/password-reset`, {
      token,
    });
    assert.deepEqual([answered.status, answered.text], [202, ""]);
    assert.equal(
      (await finish(world, { token: (await linkTo(world, user.email, "/reset")).token })).status,
      204,
    );
    const administration = Object.values(endpoints).filter((endpoint) =>
      endpoint.path.startsWith("/v1/admin/"),
    );
    assert.ok(administration.length > 5);
    for (const endpoint of administration) {
      const asked =
        "input" in endpoint ? JSON.stringify(z.toJSONSchema(endpoint.input, { io: "input" })) : "";
      assert.doesNotMatch(asked, /password/i, endpoint.name);
    }
  },
);

// ── answers that reveal nothing

eachWorld(
  "EN-04 a known, an unknown and a disabled address get the same answer at the same number of statements",
  async (world) => {
    const [user, disabled] = [await world.user(), await world.user()];
    await world.rules.db
      .updateTable("users")
      .set({ disabled_at: world.clock.now() })
      .where("id", "=", disabled.id)
      .execute();
    const told = new Set<string>();
    for (let i = 0; i < 7; i += 1) {
      const round = new Set<string>();
      for (const email of [user.email, "nobody@example.com", disabled.email]) {
        const before = world.queries();
        const answered = await start(world, email);
        const headers = [...answered.headers].filter(([name]) => name !== "x-request-id");
        round.add(
          JSON.stringify([
            answered.status,
            headers,
            Object.keys(answered.body),
            answered.body.expiresAt,
            world.queries() - before,
          ]),
        );
      }
      assert.equal(round.size, 1, [...round].join("\n"));
      told.add([...round].join());
    }
    assert.equal(told.size, 2, "five with a mail, two without");
    assert.deepEqual(
      (await world.mails()).map((mail) => mail.to),
      Array.from({ length: 5 }, () => user.email),
    );
  },
);

eachWorld(
  "EN-04 confirming the reset of an unknown address says no more than a wrong code does, try after try, used or not",
  async (world) => {
    const [user, recovered, gone] = [await world.user(), await world.user(), await world.user()];
    const used = await begun(world, recovered);
    assert.equal((await finish(world, { token: used.token })).status, 204);
    const overtaken = (await start(world, gone.email)).body.resetId;
    assert.equal((await finish(world, { token: (await begun(world, gone)).token })).status, 204);
    const known = (await start(world, user.email)).body.resetId;
    const unknown = (await start(world, "nobody@example.com")).body.resetId;
    const told = new Map<string, string[]>();
    for (const [name, resetId] of Object.entries({
      known,
      unknown,
      used: used.resetId,
      overtaken,
    })) {
      const answers = [];
      for (let i = 0; i < 7; i += 1) {
        const before = world.queries();
        const { instance: _, ...body } = (await finish(world, { resetId, code: "00000000" })).body;
        answers.push(body.code, JSON.stringify(body), world.queries() - before);
      }
      told.set(JSON.stringify(answers), [...(told.get(JSON.stringify(answers)) ?? []), name]);
    }
    assert.equal(told.size, 1, JSON.stringify([...told], undefined, 1));
    assert.match([...told.keys()].join(), /"invalid_code".*"code_exhausted"/);
    world.clock.advance(600);
    const late = [];
    for (const resetId of [known, unknown, used.resetId])
      late.push((await finish(world, { resetId, code: used.code })).body.code);
    assert.deepEqual(late, ["code_expired", "code_expired", "code_expired"]);
  },
);
