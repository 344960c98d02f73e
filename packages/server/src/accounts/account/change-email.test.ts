import assert from "node:assert/strict";
import {
  addressOf,
  anotherNode,
  attempt,
  countRows,
  dump,
  eventsOf,
  isAccepted,
  mailsTo,
  otherCode,
  par,
  refresh,
  register,
  servedBy,
  statuses,
} from "../../../test/steps.ts";
import {
  begunChange,
  begunReset,
  changed,
  confirmChange,
  confirmChangeByLink,
  finishReset,
  linkTo,
  mailedTo,
  namesOf,
  NEXT,
  somebody,
  startChange,
  undoChange,
  type Mailed,
  type Somebody,
} from "../../../test/recovery.ts";
import { eachWorld, whileTimePasses, type TestUser, type World } from "../../../test/world.ts";
import { removeUser } from "../users/delete-user.ts";
import { disableUser } from "../users/disable-user.ts";
import { findUser } from "../users/users.store.ts";
import { pruneEmailChanges } from "./email-changes.store.ts";

const NEW = "new@example.com";
const DAY = 86_400;
const operator = { address: null, requestId: null, actor: { kind: "operator" } } as const;

const emailOf = async (world: World, user: TestUser) =>
  (await findUser(world.rules.db, user.id))?.email;
const set = async (world: World, user: TestUser, values: object) =>
  world.rules.db.updateTable("users").set(values).where("id", "=", user.id).execute();

const proofOf = ({ changeId, code }: { readonly changeId: string; readonly code: string }) => ({
  changeId,
  code,
});

// ── the way it goes

for (const by of ["code", "link"] as const) {
  eachWorld(
    `an address is changed with the ${by} mailed to the new one, and the session goes on`,
    async (world) => {
      const anna = await somebody(world);
      const { changeId, code, token } = await begunChange(world, anna, NEW);
      assert.equal(await emailOf(world, anna.user), anna.user.email, "nothing has changed yet");
      const done =
        by === "code"
          ? await confirmChange(world, anna.token, { changeId, code })
          : await confirmChangeByLink(world, token, anna.user.password);
      assert.equal(done.status, by === "code" ? 200 : 204, done.text);
      if (by === "code")
        assert.deepEqual(
          [done.body["email"], done.body["emailVerifiedAt"]],
          [NEW, world.clock.now()],
        );
      assert.deepEqual(await namesOf(world, anna.user), {
        email: NEW,
        email_verified_at: world.clock.now(),
        username: null,
      });
      assert.ok(await isAccepted(world, anna.token));
      assert.equal((await attempt(world, NEW, anna.user.password)).status, 201);
      assert.equal((await attempt(world, anna.user.email, anna.user.password)).status, 401);
      assert.deepEqual(
        (await eventsOf(world)).filter((event) => event.startsWith("email.")),
        ["email.change_started", "email.changed"],
      );
      assert.equal((await mailsTo(world, anna.user.email)).length, 1, "the old address is told");
    },
  );
}

eachWorld(
  "RG-03 a change needs the password, and nothing of it is stored that could be read",
  async (world) => {
    const anna = await somebody(world);
    assert.equal(
      (await startChange(world, anna, NEW, { password: "wrong" })).body.code,
      "wrong_password",
    );
    assert.equal(await countRows(world, "email_changes"), 0);
    for (const [i, newEmail] of [
      "",
      "anna",
      "anna@localhost",
      `${NEW},eve@example.com`,
      `${NEW}\r\nBcc: eve@example.com`,
      [NEW],
      null,
    ].entries())
      assert.equal(
        (await startChange(world, anna, newEmail, { address: addressOf(i) })).body.code,
        "invalid_input",
      );
    const { code, token } = await begunChange(world, anna, NEW);
    assert.equal(Buffer.from(token, "base64url").length, 32);
    const stored = await dump(world);
    for (const secret of [token, code])
      for (const [table, text] of Object.entries(stored))
        assert.ok(!text.includes(secret), `in ${table}`);
  },
);

eachWorld(
  "who has registered without proof confirms the address in the same way, and no other one is told",
  async (world) => {
    const user = await world.user();
    await set(world, user, { email_verified_at: null });
    const anna = { user, token: (await world.signIn(user)).accessToken };
    const { changeId, code } = await begunChange(world, anna, user.email);
    assert.equal((await confirmChange(world, anna.token, { changeId, code })).status, 200);
    assert.equal((await namesOf(world, user))?.email_verified_at, world.clock.now());
    assert.equal((await mailsTo(world, user.email)).length, 1);
  },
  { PORTCULLIS_REGISTRATION: "immediate" },
);

eachWorld(
  "an old address that nobody had confirmed may be a stranger's: it is neither told nor given an undo",
  async (world) => {
    const user = await world.user();
    await set(world, user, { email_verified_at: null });
    const anna = { user, token: (await world.signIn(user)).accessToken };
    const { changeId, code } = await begunChange(world, anna, NEW);
    assert.equal((await confirmChange(world, anna.token, { changeId, code })).status, 200);
    assert.equal((await mailsTo(world, user.email)).length, 0);
    const row = await world.rules.db
      .selectFrom("email_changes")
      .select("undo_hash")
      .executeTakeFirstOrThrow();
    assert.equal(row.undo_hash, null);
  },
  { PORTCULLIS_REGISTRATION: "immediate" },
);

eachWorld(
  "a user with a username only can set an address; a superuser changes theirs like any user",
  async (world) => {
    const anna = await somebody(world, { username: "anna" });
    await set(world, anna.user, { email: null, email_canonical: null, email_verified_at: null });
    const { changeId, code } = await begunChange(world, anna, NEW);
    assert.equal((await confirmChange(world, anna.token, { changeId, code })).status, 200);
    assert.deepEqual(await namesOf(world, anna.user), {
      email: NEW,
      email_verified_at: world.clock.now(),
      username: "anna",
    });

    const root = await somebody(world, { superuser: true });
    const undo = await changed(world, root, root.user.email, "root@example.org");
    assert.equal((await undoChange(world, undo)).status, 204);
    assert.equal(await emailOf(world, root.user), root.user.email);
  },
);

eachWorld("mails are in the language of their reader", async (world) => {
  const anna = await somebody(world);
  await set(world, anna.user, { locale: "de-AT" });
  await changed(world, anna, anna.user.email, NEW);
  const rows = await world.rules.db
    .selectFrom("outbox")
    .select(["template", "locale"])
    .orderBy("template")
    .execute();
  assert.deepEqual(rows, [
    { template: "confirm_email", locale: "de-AT" },
    { template: "email_changed", locale: "de-AT" },
  ]);
});

// ── refusals

eachWorld(
  "each reason has its own refusal by code: stale, used, foreign, exhausted and expired",
  async (world) => {
    const [anna, eve] = [await somebody(world), await somebody(world)];
    const older = await begunChange(world, anna, "older@example.com");
    const change = await begunChange(world, anna, NEW);
    const by = async (
      proof: Mailed & { readonly changeId: string },
      whose: Somebody = anna,
      code = proof.code,
    ) => (await confirmChange(world, whose.token, { changeId: proof.changeId, code })).body.code;
    assert.equal(await by(older), "invalid_code", "a newer one has taken its place");
    assert.equal(await by(change, eve), "invalid_code", "another user's");
    assert.equal(
      await by({ ...change, changeId: older.changeId }),
      "invalid_code",
      "of another change",
    );
    assert.equal(await by(change, anna, otherCode(change.code)), "invalid_code");
    assert.equal(
      (
        await confirmChange(world, anna.token, {
          changeId: change.changeId,
          code: change.code.slice(0, 7),
        })
      ).body.code,
      "invalid_input",
    );
    world.clock.advance(599);
    assert.equal(await by(change), undefined);
    assert.equal(await by(change), "code_used");

    const tried = await begunChange(world, anna, "tried@example.com");
    for (let i = 0; i < 5; i += 1)
      assert.equal(await by(tried, anna, otherCode(tried.code)), "invalid_code");
    assert.equal(await by(tried), "code_exhausted");
    const late = await begunChange(world, anna, "late@example.com");
    world.clock.advance(600);
    const { token } = { token: (await world.signIn({ ...anna.user, email: NEW })).accessToken };
    assert.equal(await by(late, { ...anna, token }), "code_expired");
    assert.equal(await emailOf(world, anna.user), NEW);
  },
);

eachWorld(
  "each reason has its own refusal by link: stale, used, foreign, truncated, exhausted and expired",
  async (world) => {
    const [anna, eve] = [await somebody(world), await somebody(world)];
    const older = await begunChange(world, anna, "older@example.com");
    const { token } = await begunChange(world, anna, NEW);
    const by = async (link: string, password = anna.user.password, i = 0) =>
      (await confirmChangeByLink(world, link, password, { address: addressOf(i) })).body.code;
    assert.equal(await by(older.token), "link_void", "a newer one has taken its place");
    for (const foreign of [
      token.slice(0, -1),
      `${token}A`,
      "",
      "x".repeat(43),
      token.toUpperCase(),
      (await begunReset(world, eve.user)).token,
    ])
      assert.equal(await by(foreign), foreign === "" ? "invalid_input" : "invalid_link", foreign);
    assert.equal(
      await by(token, `${eve.user.password} `),
      "wrong_password",
      "the link alone proves the mailbox only",
    );
    world.clock.advance(DAY - 1);
    assert.equal(await by(token), undefined);
    assert.equal(await by(token), "link_used");

    const fresh = {
      ...anna,
      token: (await world.signIn({ ...anna.user, email: NEW })).accessToken,
    };
    const guessed = await begunChange(world, fresh, "guessed@example.com");
    for (let i = 0; i < 5; i += 1)
      assert.equal(await by(guessed.token, `guess ${i}`, i), "wrong_password");
    assert.equal(
      await by(guessed.token, anna.user.password, 9),
      "link_void",
      "five guesses, from wherever they came",
    );
    const late = await begunChange(world, fresh, "late@example.com");
    world.clock.advance(DAY);
    assert.equal(await by(late.token), "link_expired");
    assert.equal(await emailOf(world, anna.user), NEW);
  },
);

eachWorld(
  "undo: used, foreign, truncated, overtaken and expired ones each have their refusal",
  async (world) => {
    const anna = await somebody(world);
    const change = await begunChange(world, anna, NEW);
    assert.equal((await confirmChange(world, anna.token, proofOf(change))).status, 200);
    const first = (await linkTo(world, anna.user.email, "/undo")).token;
    const second = await changed(world, anna, NEW, "newer@example.com");
    const undo = async (token: string) => (await undoChange(world, token)).body.code;
    for (const foreign of [first.slice(1), `${first}=`, change.token, "x".repeat(43)])
      assert.equal(await undo(foreign), "invalid_link");
    world.clock.advance(3 * DAY - 1);
    assert.equal(await undo(first), undefined);
    assert.equal(await undo(first), "link_used");
    assert.equal(await undo(second), "link_void");

    const ben = await somebody(world);
    const late = await changed(world, ben, ben.user.email, NEW);
    world.clock.advance(3 * DAY);
    assert.equal(await undo(late), "link_expired");
    assert.equal(await emailOf(world, ben.user), NEW);
  },
);

eachWorld(
  "a change dies when the password changes by any other path, even within the same second",
  async (world) => {
    for (const path of ["change", "reset"] as const) {
      const anna = await somebody(world);
      const change = await begunChange(world, anna, NEW);
      if (path === "reset")
        assert.equal(
          (await finishReset(world, { token: (await begunReset(world, anna.user)).token })).status,
          204,
        );
      else {
        const body = { currentPassword: anna.user.password, newPassword: NEXT };
        assert.equal(
          (await world.request("POST", "/v1/me/password", { token: anna.token, body })).status,
          200,
        );
      }
      const { accessToken } = await world.signIn({ ...anna.user, password: NEXT });
      assert.equal(
        (await confirmChange(world, accessToken, proofOf(change))).body.code,
        "invalid_code",
      );
      assert.equal((await confirmChangeByLink(world, change.token, NEXT)).body.code, "link_void");
      assert.equal(await emailOf(world, anna.user), anna.user.email);
    }
  },
);

eachWorld("RS-09 open resets die with the address they were mailed to", async (world) => {
  const anna = await somebody(world);
  const { token } = await begunReset(world, anna.user);
  await changed(world, anna, anna.user.email, NEW);
  assert.equal((await finishReset(world, { token })).body.code, "link_void");
  assert.equal((await attempt(world, NEW, anna.user.password)).status, 201);
});

eachWorld("a user who is disabled or deleted after asking changes nothing", async (world) => {
  const [anna, ben] = [await somebody(world), await somebody(world)];
  const annas = await begunChange(world, anna, NEW);
  const bens = await begunChange(world, ben, "ben@example.org");
  await disableUser(world.rules, anna.user.id, operator);
  await removeUser(world.rules, ben.user.id, operator);
  assert.equal((await confirmChange(world, anna.token, proofOf(annas))).body.code, "session_ended");
  assert.equal(
    (await confirmChangeByLink(world, annas.token, anna.user.password)).body.code,
    "link_void",
  );
  assert.equal(
    (await confirmChangeByLink(world, bens.token, ben.user.password)).body.code,
    "invalid_link",
  );
  assert.equal(await emailOf(world, anna.user), anna.user.email);
  assert.equal(await countRows(world, "email_changes"), 1, "Ben's went with him");
});

eachWorld("a user who is disabled between the password and the change gets none", async (world) => {
  const anna = await somebody(world);
  const { token } = await begunChange(world, anna, NEW);
  const checkOwnPassword: typeof world.rules.checkOwnPassword = async (...asked) => {
    const outcome = await world.rules.checkOwnPassword(...asked);
    await disableUser(world.rules, anna.user.id, operator);
    return outcome;
  };
  const racing = servedBy(world, { ...world.rules, checkOwnPassword });
  assert.equal(
    (await confirmChangeByLink(racing, token, anna.user.password)).body.code,
    "link_void",
  );
  assert.equal(
    (await startChange(racing, await enabled(world, anna), "other@example.com")).body.code,
    "session_ended",
  );
});

async function enabled(world: World, { user }: Somebody): Promise<Somebody> {
  await set(world, user, { disabled_at: null });
  return { user, token: (await world.signIn(user)).accessToken };
}

// ── competing changes

for (const by of ["code", "link"] as const) {
  eachWorld(
    `RG-04 one of 50 simultaneous confirmations by ${by} on two nodes takes effect`,
    async (world) => {
      const anna = await somebody(world);
      const other = await anotherNode(world);
      const change = await begunChange(world, anna, NEW);
      const answers = await par(50, async (i) => {
        const node = i % 2 === 0 ? world : other;
        return by === "code"
          ? confirmChange(world, anna.token, proofOf(change))
          : confirmChangeByLink(node, change.token, anna.user.password, { address: addressOf(i) });
      });
      assert.deepEqual(statuses(answers), { [by === "code" ? 200 : 204]: 1, 422: 49 });
      assert.equal((await eventsOf(world)).filter((event) => event === "email.changed").length, 1);
      assert.equal((await mailsTo(world, anna.user.email)).length, 1);
    },
  );
}

eachWorld("RG-04 one of 50 simultaneous undos on two nodes takes effect", async (world) => {
  const anna = await somebody(world);
  const other = await anotherNode(world);
  const undo = await changed(world, anna, anna.user.email, NEW);
  const undoing = par(50, async (i) =>
    undoChange(i % 2 === 0 ? world : other, undo, { address: addressOf(i) }),
  );
  const answers = await whileTimePasses(world, undoing);
  assert.deepEqual(statuses(answers), { 204: 1, 422: 49 });
  assert.equal(
    (await eventsOf(world)).filter((event) => event === "password.reset_started").length,
    1,
  );
});

eachWorld(
  "two users who confirm one address at once: one has it, the other is told that it is taken",
  async (world) => {
    const both = [await somebody(world), await somebody(world)];
    const changes = [];
    for (const whose of both) changes.push({ whose, change: await begunChange(world, whose, NEW) });
    const answers = await Promise.all(
      changes.map(async ({ whose, change }) => confirmChange(world, whose.token, proofOf(change))),
    );
    assert.deepEqual(statuses(answers), { 200: 1, 409: 1 });
    assert.equal(answers.find(({ status }) => status === 409)?.body.code, "email_taken");
    const rows = await world.rules.db
      .selectFrom("users")
      .select("id")
      .where("email_canonical", "=", NEW)
      .execute();
    assert.equal(rows.length, 1);
  },
);

eachWorld(
  "an address that somebody registers while its change is pending is theirs",
  async (world) => {
    const anna = await somebody(world);
    const change = await begunChange(world, anna, NEW);
    await world.user({ email: NEW });
    assert.equal(
      (await confirmChange(world, anna.token, proofOf(change))).body.code,
      "email_taken",
    );
    assert.equal(
      (await confirmChangeByLink(world, change.token, anna.user.password)).body.code,
      "email_taken",
    );
    assert.equal(await emailOf(world, anna.user), anna.user.email);
  },
);

eachWorld(
  "RG-05 one of two simultaneous changes to A and to B survives, and mail to B never verifies A",
  async (world) => {
    const anna = await somebody(world);
    const [a, b] = ["a@example.com", "b@example.com"] as const;
    for (let round = 0; round < 4; round += 1) {
      const started = await Promise.all(
        [a, b].map(async (email, i) => ({
          email,
          changeId: (await startChange(world, anna, email, { address: addressOf(2 * round + i) }))
            .body.changeId,
        })),
      );
      const pending = await world.rules.db
        .selectFrom("email_changes")
        .selectAll()
        .where("confirmed_at", "is", null)
        .where("void_at", "is", null)
        .execute();
      assert.equal(pending.length, 1);
      const survivor = pending[0]?.email;
      for (const { email, changeId } of started) {
        const mailed = await mailedTo(world, email, "/email");
        for (const other of started.filter((one) => one.email !== email))
          assert.equal(
            (
              await confirmChange(world, anna.token, {
                changeId: other.changeId,
                code: mailed.code,
              })
            ).body.code,
            "invalid_code",
          );
        if (email !== survivor) {
          assert.equal(
            (await confirmChange(world, anna.token, { changeId, code: mailed.code })).body.code,
            "invalid_code",
          );
          assert.equal(
            (await confirmChangeByLink(world, mailed.token, anna.user.password)).body.code,
            "link_void",
          );
        }
      }
      assert.equal(await emailOf(world, anna.user), anna.user.email);
    }
    const last = await begunChange(world, anna, b);
    await begunChange(world, anna, a);
    assert.equal(
      (await confirmChangeByLink(world, last.token, anna.user.password)).body.code,
      "link_void",
    );
  },
);

// ── undoing it

eachWorld(
  "an intruder who changed the address holds nothing once the owner has undone the change",
  async (world) => {
    const anna = await somebody(world);
    const signedIn = (await attempt(world, anna.user.email, anna.user.password)).body;
    const eves = { user: anna.user, token: signedIn.accessToken };
    const undo = await changed(world, eves, anna.user.email, "eve@example.com");
    const evesUndo = await changed(world, eves, "eve@example.com", "eve@example.org");
    const reset = await begunReset(world, { email: "eve@example.org" });
    const pending = await begunChange(world, eves, "eve@example.net");
    await world.request("POST", "/v1/me/password", {
      token: eves.token,
      body: { currentPassword: anna.user.password, newPassword: "chosen by eve herself" },
    });
    const again = (await attempt(world, "eve@example.org", "chosen by eve herself")).body;

    assert.equal((await undoChange(world, undo)).status, 204);
    assert.equal(await emailOf(world, anna.user), anna.user.email);
    for (const token of [anna.token, eves.token, again.accessToken])
      assert.equal(await isAccepted(world, token), false);
    assert.deepEqual(
      (await refresh(world, again.refreshToken)).body["cause"],
      "email_change_undone",
    );
    for (const password of [anna.user.password, "chosen by eve herself"])
      for (const identifier of [anna.user.email, "eve@example.com", "eve@example.org"])
        assert.equal(
          (await attempt(world, identifier, password, { deviceToken: again.deviceToken })).status,
          401,
        );
    assert.equal((await undoChange(world, evesUndo)).body.code, "link_void");
    assert.equal(
      (await finishReset(world, { token: reset.token }, "chosen by eve herself")).body.code,
      "link_void",
    );
    assert.equal(
      (await confirmChangeByLink(world, pending.token, "chosen by eve herself")).body.code,
      "link_void",
    );

    const { token } = await mailedTo(world, anna.user.email, "/reset");
    assert.equal((await finishReset(world, { token })).status, 204);
    assert.equal((await attempt(world, anna.user.email, NEXT)).status, 201);
    const events = (await eventsOf(world)).slice(
      (await eventsOf(world)).lastIndexOf("email.change_started") + 1,
    );
    assert.deepEqual(
      events.filter((event) => !event.startsWith("sign_in")),
      [
        "password.changed",
        "session.opened",
        "password.reset_started",
        "email.change_undone",
        "password.reset",
        "session.opened",
      ],
    );
  },
);

eachWorld(
  "an undo of a later change does not touch that of an earlier one, were both confirmed within one second",
  async (world) => {
    const eves = await somebody(world);
    const owners = await changed(world, eves, eves.user.email, "eve@example.com");
    const later = await changed(world, eves, "eve@example.com", "eve@example.org");
    assert.equal((await undoChange(world, later)).status, 204);
    assert.equal(await emailOf(world, eves.user), "eve@example.com");
    assert.equal((await undoChange(world, owners)).status, 204);
    assert.equal(await emailOf(world, eves.user), eves.user.email);
  },
);

eachWorld(
  "an undo and the confirmation of another change at once: the owner has the account",
  async (world) => {
    for (let round = 0; round < 4; round += 1) {
      const anna = await somebody(world);
      const eve = (domain: string) => `eve${round}@${domain}`;
      const undo = await changed(world, anna, anna.user.email, eve("example.com"));
      const next = await begunChange(world, anna, eve("example.org"));
      const [undone] = await Promise.all([
        undoChange(world, undo),
        confirmChange(world, anna.token, proofOf(next)),
      ]);
      assert.equal(undone.status, 204);
      assert.equal(await emailOf(world, anna.user), anna.user.email);
      const open = await world.rules.db
        .selectFrom("email_changes")
        .select("id")
        .where("user_id", "=", anna.user.id)
        .where("undone_at", "is", null)
        .where("void_at", "is", null)
        .execute();
      assert.deepEqual(open, []);
    }
  },
);

eachWorld(
  "an old address that has another account by now is not taken from it, and the undo is not spent",
  async (world) => {
    const anna = await somebody(world);
    const undo = await changed(world, anna, anna.user.email, NEW);
    const squatter = await world.user({ email: anna.user.email });
    assert.equal((await undoChange(world, undo)).body.code, "email_taken");
    assert.deepEqual(
      [await emailOf(world, anna.user), await isAccepted(world, anna.token)],
      [NEW, true],
    );
    await removeUser(world.rules, squatter.id, operator);
    assert.equal((await undoChange(world, undo)).status, 204);
  },
);

eachWorld("an undo that cannot be recorded changes nothing at all", async (world) => {
  const anna = await somebody(world);
  const undo = await changed(world, anna, anna.user.email, NEW);
  const { position } = await world.rules.db
    .selectFrom("audit_head")
    .select("position")
    .executeTakeFirstOrThrow();
  await world.rules.db
    .updateTable("audit_head")
    .set({ position: position - 1 })
    .execute();
  assert.ok((await undoChange(world, undo)).status >= 500);
  await world.rules.db.updateTable("audit_head").set({ position }).execute();
  assert.deepEqual(
    [await emailOf(world, anna.user), await isAccepted(world, anna.token)],
    [NEW, true],
  );
  assert.equal((await undoChange(world, undo)).status, 204);
});

// ── answers that reveal nothing

eachWorld(
  "EN-05 an address that is free, taken or one's own gets the same answer at the same number of statements",
  async (world) => {
    const anna = await somebody(world);
    const [taken, disabled, unconfirmed] = [
      await world.user(),
      await world.user(),
      await world.user(),
    ];
    await set(world, disabled, { disabled_at: world.clock.now() });
    await set(world, unconfirmed, { email_verified_at: null });
    await register(world, "pending@example.com");
    const told = new Map<string, string[]>();
    for (let i = 0; i < 7; i += 1) {
      for (const email of [
        "free@example.com",
        taken.email,
        disabled.email,
        unconfirmed.email,
        anna.user.email,
      ]) {
        const before = [world.queries(), world.rules.hasher.figures().evaluations] as const;
        const answered = await startChange(world, anna, email, {
          address: addressOf(told.size + i * 10),
        });
        const cost = [
          world.queries() - before[0],
          world.rules.hasher.figures().evaluations - before[1],
        ];
        const bytes = [
          answered.status,
          [...answered.headers],
          answered.text.replace(answered.body.changeId, "<id>"),
          ...cost,
        ];
        const said = JSON.stringify(bytes).replaceAll(
          answered.headers.get("x-request-id") ?? "",
          "<id>",
        );
        told.set(said, [...(told.get(said) ?? []), `${email} ${i}`]);
      }
    }
    assert.equal(
      told.size,
      1,
      `five with a mail, two without: ${JSON.stringify([...told], undefined, 1)}`,
    );
    const subjects = new Set((await mailsTo(world, taken.email)).map(({ subject }) => subject));
    assert.equal(subjects.size, 1);
    for (const { text } of await mailsTo(world, taken.email))
      assert.doesNotMatch(text, /\d{8}|#/, "no code, no link");
    assert.equal((await mailsTo(world, unconfirmed.email)).length, 0);
  },
);

eachWorld(
  "EN-05 confirming a change to an address in use says no more than a wrong code does",
  async (world) => {
    const anna = await somebody(world);
    const taken = await world.user();
    const told = [];
    for (const email of ["free@example.com", taken.email]) {
      const { changeId } = (await startChange(world, anna, email)).body;
      const answers = [];
      for (let i = 0; i < 6; i += 1) {
        const before = world.queries();
        const { instance: _, ...body } = (
          await confirmChange(world, anna.token, { changeId, code: "00000000" })
        ).body;
        answers.push([body, world.queries() - before]);
      }
      told.push(answers);
    }
    assert.deepEqual(told[0], told[1]);
  },
);

eachWorld(
  "RG-15 five mails an hour leave for one address from all callers together; a code that was not mailed cannot be guessed",
  async (world) => {
    const [anna, eve] = [await somebody(world), await somebody(world)];
    for (let i = 0; i < 4; i += 1) await startChange(world, anna, NEW);
    for (let i = 0; i < 4; i += 1) await startChange(world, eve, NEW);
    assert.equal((await mailsTo(world, NEW)).length, 5);
    const { changeId } = (await startChange(world, eve, NEW)).body;
    assert.equal(
      (await confirmChange(world, eve.token, { changeId, code: "00000000" })).body.code,
      "code_exhausted",
    );
  },
);

// ── remains

eachWorld("changes are forgotten a day after they and their undo have ended", async (world) => {
  const [anna, ben] = [await somebody(world), await somebody(world)];
  await changed(world, anna, anna.user.email, NEW);
  await begunChange(world, ben, "ben@example.org");
  const prune = async () => pruneEmailChanges(world.rules.db, world.clock.now());
  world.clock.advance(2 * DAY - 1);
  assert.equal(await prune(), 0);
  world.clock.advance(1);
  assert.equal(await prune(), 1, "the one that was not confirmed");
  world.clock.advance(2 * DAY - 1);
  assert.equal(await prune(), 0);
  world.clock.advance(1);
  assert.equal(await prune(), 1);
});
