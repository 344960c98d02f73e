import assert from "node:assert/strict";
import { findUser } from "../../src/accounts/users/users.store.ts";
import {
  begunChange,
  confirmChange,
  confirmChangeByLink,
  somebody,
  startChange,
  type Somebody,
} from "../recovery.ts";
import { begin, confirmByLink, resend, stateOf } from "../registration.ts";
import {
  attempt,
  codeIn,
  confirm,
  isAccepted,
  join,
  latestMail,
  mailsTo,
  refresh,
  register,
  servedBy,
  statuses,
  tokenIn,
  type Account,
} from "../steps.ts";
import { eachWorld, type World } from "../world.ts";

// An attacker uses the victim's address before the victim does (Sudhodanan and Paverd,
// "Pre-hijacked accounts", 2022). In the end they must hold nothing. The classes are:
// classic-federated merge and non-verifying identity provider (here without a provider: two ways to
// one address, and an unconfirmed address), unexpired session, trojan identifier, unexpired e-mail
// change.

const VICTIM = "victim@example.com";
const ATTACKERS = "nine grey geese fly";
const OWN = "seven quiet herons";
const EVE = "eve@example.org";
const immediate = { PORTCULLIS_REGISTRATION: "immediate" } as const;

/** Sets a password that the owner chooses through their mailbox. */
async function recover(world: World, newPassword: string): Promise<void> {
  assert.equal(
    (await world.request("POST", "/v1/password-resets", { body: { email: VICTIM } })).status,
    202,
  );
  const token = tokenIn(await latestMail(world, VICTIM));
  const confirmed = await world.request("POST", "/v1/password-resets/confirm", {
    body: { token, newPassword },
  });
  assert.equal(confirmed.status, 204, confirmed.text);
}

async function assertOwns(world: World, identifier = VICTIM): Promise<void> {
  assert.equal((await attempt(world, identifier, OWN)).status, 201, "the owner gets in");
  assert.equal(
    (await attempt(world, identifier, ATTACKERS, { address: "203.0.113.66" })).status,
    401,
    "the attacker's password opens nothing",
  );
}

eachWorld(
  "RG-01 if the attacker registers before the victim, with a password of their own, the account is the victim's alone",
  async (world) => {
    const attackers = await register(world, VICTIM, {
      password: ATTACKERS,
      username: "trojan",
      profile: { displayName: "Trojan" },
    });
    const attackersCode = codeIn(await latestMail(world, VICTIM));
    const account = await join(world, VICTIM, { password: OWN });
    assert.deepEqual([account.username, account.profile], [null, {}]);

    assert.equal((await confirm(world, attackers.body, attackersCode)).body.code, "invalid_code");
    await assertOwns(world);
    assert.equal((await attempt(world, "trojan", ATTACKERS)).status, 401);
  },
);

eachWorld(
  "RG-01 if the attacker registers between the victim's registration and confirmation, the account is the victim's alone",
  async (world) => {
    const victims = await register(world, VICTIM, { password: OWN });
    const victimsCode = codeIn(await latestMail(world, VICTIM));
    const attackers = await register(world, VICTIM, { password: ATTACKERS });
    const attackersCode = codeIn(await latestMail(world, VICTIM));

    assert.equal((await confirm(world, victims.body, victimsCode)).status, 201);
    assert.equal((await confirm(world, attackers.body, attackersCode)).body.code, "invalid_code");
    await assertOwns(world);
  },
);

eachWorld(
  "RG-01 if the attacker registers in parallel, the code that the victim types in completes the victim's registration or none",
  async (world) => {
    const [victims, attackers] = await Promise.all([
      register(world, VICTIM, { password: OWN }),
      register(world, VICTIM, { password: ATTACKERS }),
    ]);
    const codes = (await mailsTo(world, VICTIM)).map(codeIn);
    assert.equal(codes.length, 2);
    // The attacker can guess that a code was mailed, but not read it; the victim tries both.
    const answers = [];
    for (const code of codes) answers.push(await confirm(world, victims.body, code));
    assert.deepEqual(statuses(answers), { 201: 1, 422: 1 });
    for (const code of codes)
      assert.equal((await confirm(world, attackers.body, code)).body.code, "invalid_code");
    await assertOwns(world);
  },
);

eachWorld(
  "RG-01 a registration for an existing account is answered by a mail to its owner and opens nothing",
  async (world) => {
    await join(world, VICTIM, { password: OWN });
    const attackers = await register(world, VICTIM, { password: ATTACKERS });
    assert.equal(attackers.status, 202);
    const told = await latestMail(world, VICTIM);
    assert.match(told.subject, /already/);
    assert.doesNotMatch(told.text, /\d{8}/, "no code is mailed");
    await assertOwns(world);
  },
);

eachWorld(
  "RG-01 recovery ends the sessions, password, devices and open resets from before it",
  async (world) => {
    const body = {
      email: VICTIM,
      username: "trojan",
      password: ATTACKERS,
      profile: { displayName: "Trojan" },
    };
    assert.equal((await world.request<Account>("POST", "/v1/users", { body })).status, 201);
    const opened = (await attempt(world, VICTIM, ATTACKERS)).body;
    assert.ok(await isAccepted(world, opened.accessToken));
    await world.request("POST", "/v1/password-resets", { body: { email: VICTIM } });
    const earlier = tokenIn(await latestMail(world, VICTIM));
    world.clock.advance(1);

    await recover(world, OWN);
    assert.equal(await isAccepted(world, opened.accessToken), false);
    assert.equal((await refresh(world, opened.refreshToken)).status, 401);
    assert.equal(
      (await attempt(world, VICTIM, ATTACKERS, { deviceToken: opened.deviceToken })).status,
      401,
    );
    assert.equal((await attempt(world, "trojan", ATTACKERS)).status, 401);
    const owned = await world.signIn({ id: "", email: VICTIM, username: null, password: OWN });
    const account = (await world.request<Account>("GET", "/v1/me", { token: owned.accessToken }))
      .body;
    assert.deepEqual([account.username, account.profile], [null, {}]);
    const reused = await world.request("POST", "/v1/password-resets/confirm", {
      body: { token: earlier, newPassword: ATTACKERS },
    });
    assert.match(reused.body.code, /^link_(?:void|used)$/);
    await assertOwns(world);
  },
  immediate,
);

eachWorld(
  "RG-01 RS-02 the attacker's device loses its own attempts when the owner recovers the account",
  async (world) => {
    await world.request("POST", "/v1/users", { body: { email: VICTIM, password: ATTACKERS } });
    const { deviceToken } = (await attempt(world, VICTIM, ATTACKERS)).body;
    await recover(world, OWN);
    // A trusted device would be let through ten times, even if the budget of its address is used
    // up.
    for (let i = 0; i < 20; i += 1)
      await attempt(world, VICTIM, "wrong wrong wrong", { address: "203.0.113.66" });
    const guess = await attempt(world, VICTIM, "another wrong one", {
      address: "203.0.113.66",
      deviceToken,
    });
    assert.equal(guess.status, 429);
  },
  immediate,
);

// ── links

eachWorld(
  "RG-01 RG-02 a victim who opens the attacker's link and types a password of their own gives the attacker nothing",
  async (world) => {
    const attackers = await begin(world, VICTIM, { password: ATTACKERS });
    for (const guess of [OWN, "another of mine", OWN])
      assert.equal(
        (await confirmByLink(world, attackers.token, guess)).body.code,
        "wrong_password",
      );
    assert.equal(await stateOf(world, attackers), "pending");
    assert.equal((await attempt(world, VICTIM, ATTACKERS)).status, 401);

    const victims = await begin(world, VICTIM, { password: OWN });
    assert.equal((await confirmByLink(world, victims.token, OWN)).status, 201);
    assert.equal((await confirmByLink(world, attackers.token, ATTACKERS)).body.code, "link_void");
    assert.equal((await confirm(world, attackers, attackers.code)).body.code, "invalid_code");
    assert.equal((await resend(world, attackers)).status, 202);
    assert.doesNotMatch(
      (await latestMail(world, VICTIM)).text,
      /\d{8}|#/,
      "the owner is told, and no new means are mailed",
    );
    assert.equal(
      await stateOf(world, attackers),
      "pending",
      "the attacker does not even learn that there is an account",
    );
    await assertOwns(world);
  },
);

eachWorld(
  "RG-01 RG-02 a link to the victim's registration does not work in the attacker's, nor the other way round",
  async (world) => {
    const attackers = await begin(world, VICTIM, { password: ATTACKERS });
    const victims = await begin(world, VICTIM, { password: OWN });
    assert.equal((await confirmByLink(world, attackers.token, OWN)).body.code, "wrong_password");
    assert.equal(
      (await confirmByLink(world, victims.token, ATTACKERS)).body.code,
      "wrong_password",
    );
    assert.equal((await confirm(world, attackers, victims.code)).body.code, "invalid_code");
    assert.equal((await confirmByLink(world, victims.token, OWN)).status, 201);
    await assertOwns(world);
  },
);

// ── changes of address

/** Creates an account for the attacker at the victim's unconfirmed address, and signs in to it. */
async function atTheVictimsAddress(world: World): Promise<Somebody> {
  const body = { email: VICTIM, username: "trojan", password: ATTACKERS };
  const { id } = (await world.request<Account>("POST", "/v1/users", { body })).body;
  const user = { id, email: VICTIM, username: "trojan", password: ATTACKERS };
  return { user, token: (await world.signIn(user)).accessToken };
}

eachWorld(
  "RG-01 unexpired e-mail change: a change that the attacker began before recovery cannot be completed after it",
  async (world) => {
    const attacker = await atTheVictimsAddress(world);
    const held = await begunChange(world, attacker, EVE);
    await recover(world, OWN);

    const { changeId, code } = held;
    assert.equal(
      (await confirmChange(world, attacker.token, { changeId, code })).body.code,
      "session_ended",
    );
    for (const password of [ATTACKERS, OWN])
      assert.equal((await confirmChangeByLink(world, held.token, password)).body.code, "link_void");
    const owner = (await attempt(world, VICTIM, OWN)).body.accessToken;
    assert.equal(
      (await confirmChange(world, owner, { changeId, code })).body.code,
      "invalid_code",
      "not even from the owner's session",
    );
    assert.equal((await findUser(world.rules.db, attacker.user.id))?.email, VICTIM);
    await assertOwns(world);
  },
  immediate,
);

eachWorld(
  "RG-01 trojan identifier: no address or name that the attacker added beside the victim's leads back into the account",
  async (world) => {
    const attacker = await atTheVictimsAddress(world);
    await startChange(world, attacker, EVE);
    await recover(world, OWN);

    // The attacker tries the name they chose, and a reset for the address they wanted to add.
    assert.equal((await attempt(world, "trojan", ATTACKERS)).status, 401);
    const before = (await mailsTo(world, EVE)).length;
    assert.equal(
      (await world.request("POST", "/v1/password-resets", { body: { email: EVE } })).status,
      202,
    );
    assert.equal((await mailsTo(world, EVE)).length, before, "nothing is mailed to it");
    assert.equal((await attempt(world, EVE, ATTACKERS)).status, 401);
    await assertOwns(world);
  },
  immediate,
);

eachWorld(
  "RG-01 trojan identifier: an account moved on to the attacker's own address leaves the victim's free and empty",
  async (world) => {
    const attacker = await atTheVictimsAddress(world);
    const { changeId, code } = await begunChange(world, attacker, EVE);
    assert.equal((await confirmChange(world, attacker.token, { changeId, code })).status, 200);
    assert.equal(
      (await mailsTo(world, VICTIM)).length,
      0,
      "nobody had confirmed it: there is nothing to undo",
    );

    const victim = (
      await world.request<Account>("POST", "/v1/users", { body: { email: VICTIM, password: OWN } })
    ).body;
    assert.notEqual(victim.id, attacker.user.id);
    assert.equal((await startChange(world, attacker, VICTIM)).status, 202);
    assert.equal((await findUser(world.rules.db, attacker.user.id))?.email, EVE);
    await assertOwns(world);
  },
  immediate,
);

eachWorld(
  "RG-01 RG-02 unexpired e-mail change: the attacker's account does not become the victim's by a link the victim opens",
  async (world) => {
    const attacker = await somebody(world, { email: EVE, password: ATTACKERS });
    const { changeId, token, code } = await begunChange(world, attacker, VICTIM);
    assert.equal((await confirmChangeByLink(world, token, OWN)).body.code, "wrong_password");

    await join(world, VICTIM, { password: OWN });
    assert.equal((await confirmChangeByLink(world, token, ATTACKERS)).body.code, "email_taken");
    assert.equal(
      (await confirmChange(world, attacker.token, { changeId, code })).body.code,
      "email_taken",
    );
    assert.equal((await findUser(world.rules.db, attacker.user.id))?.email, EVE);
    await assertOwns(world);
  },
);

eachWorld(
  "RG-01 an address that was claimed without proof is worth nothing once proof is required, and its mailbox gives it to the owner",
  async (world) => {
    const attacker = await atTheVictimsAddress(world);
    const strict = servedBy(world, {
      ...world.rules,
      registration: "confirm",
      signInPolicy: { ...world.rules.signInPolicy, requireVerifiedEmail: true },
    });
    assert.equal((await attempt(strict, VICTIM, ATTACKERS)).status, 401);
    const victims = await register(strict, VICTIM, { password: OWN });
    assert.deepEqual(
      [victims.status, (await latestMail(strict, VICTIM)).text.includes("#")],
      [202, false],
    );

    await recover(strict, OWN);
    assert.equal(await isAccepted(world, attacker.token), false);
    await assertOwns(strict);
  },
  immediate,
);
