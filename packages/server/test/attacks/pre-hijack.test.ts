import assert from "node:assert/strict";
import {
  attempt,
  codeIn,
  confirm,
  isAccepted,
  join,
  latestMail,
  longCodeIn,
  mailsTo,
  refresh,
  register,
  statuses,
  type Account,
} from "../steps.ts";
import { eachWorld, type World } from "../world.ts";

// An attacker is at the victim's address first (Sudhodanan and Paverd, "Pre-hijacked accounts", 2022). In the end they must hold nothing.

const VICTIM = "victim@example.com";
const ATTACKERS = "nine grey geese fly";
const OWN = "seven quiet herons";
const immediate = { PORTCULLIS_REGISTRATION: "immediate" } as const;

/** A password of the owner's choice, by way of their mailbox. */
async function recover(world: World, newPassword: string): Promise<void> {
  assert.equal((await world.request("POST", "/v1/password-resets", { body: { email: VICTIM } })).status, 202);
  const token = longCodeIn(await latestMail(world, VICTIM));
  const confirmed = await world.request("POST", "/v1/password-resets/confirm", { body: { token, newPassword } });
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

eachWorld("RG-01 registered before the victim with a password of the attacker's, the account is the victim's alone", async (world) => {
  const attackers = await register(world, VICTIM, { password: ATTACKERS, username: "trojan", profile: { displayName: "Trojan" } });
  const attackersCode = codeIn(await latestMail(world, VICTIM));
  const account = await join(world, VICTIM, { password: OWN });
  assert.deepEqual([account.username, account.profile], [null, {}]);

  assert.equal((await confirm(world, attackers.body, attackersCode)).body.code, "invalid_code");
  await assertOwns(world);
  assert.equal((await attempt(world, "trojan", ATTACKERS)).status, 401);
});

eachWorld("RG-01 registered between the victim's registration and confirmation, it is the victim's alone", async (world) => {
  const victims = await register(world, VICTIM, { password: OWN });
  const victimsCode = codeIn(await latestMail(world, VICTIM));
  const attackers = await register(world, VICTIM, { password: ATTACKERS });
  const attackersCode = codeIn(await latestMail(world, VICTIM));

  assert.equal((await confirm(world, victims.body, victimsCode)).status, 201);
  assert.equal((await confirm(world, attackers.body, attackersCode)).body.code, "invalid_code");
  await assertOwns(world);
});

eachWorld("RG-01 registered in parallel, the code the victim types in completes the victim's registration or none", async (world) => {
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
  for (const code of codes) assert.equal((await confirm(world, attackers.body, code)).body.code, "invalid_code");
  await assertOwns(world);
});

eachWorld("RG-01 a registration begun after the account is there is answered by a mail to its owner and opens nothing", async (world) => {
  await join(world, VICTIM, { password: OWN });
  const attackers = await register(world, VICTIM, { password: ATTACKERS });
  assert.equal(attackers.status, 202);
  const told = await latestMail(world, VICTIM);
  assert.match(told.subject, /already/);
  assert.doesNotMatch(told.text, /\d{8}/, "no code is mailed");
  await assertOwns(world);
});

eachWorld(
  "RG-01 a session opened before the owner recovers the account does not survive the recovery, nor do password, device and open resets",
  async (world) => {
    const body = { email: VICTIM, username: "trojan", password: ATTACKERS };
    assert.equal((await world.request<Account>("POST", "/v1/users", { body })).status, 201);
    const opened = (await attempt(world, VICTIM, ATTACKERS)).body;
    assert.ok(await isAccepted(world, opened.accessToken));
    await world.request("POST", "/v1/password-resets", { body: { email: VICTIM } });
    const earlier = longCodeIn(await latestMail(world, VICTIM));
    world.clock.advance(1);

    await recover(world, OWN);
    assert.equal(await isAccepted(world, opened.accessToken), false);
    assert.equal((await refresh(world, opened.refreshToken)).status, 401);
    assert.equal((await attempt(world, VICTIM, ATTACKERS, { deviceToken: opened.deviceToken })).status, 401);
    assert.equal((await attempt(world, "trojan", ATTACKERS)).status, 401);
    const reused = await world.request("POST", "/v1/password-resets/confirm", { body: { token: earlier, newPassword: ATTACKERS } });
    assert.equal(reused.body.code, "invalid_code");
    await assertOwns(world);
  },
  immediate,
);

eachWorld(
  "RG-01 RS-02 the attacker's device has no attempts of its own any more once the owner has recovered the account",
  async (world) => {
    await world.request("POST", "/v1/users", { body: { email: VICTIM, password: ATTACKERS } });
    const { deviceToken } = (await attempt(world, VICTIM, ATTACKERS)).body;
    await recover(world, OWN);
    // As a trusted device they would be let through ten times, whatever the budget of their address.
    for (let i = 0; i < 20; i += 1) await attempt(world, VICTIM, "wrong wrong wrong", { address: "203.0.113.66" });
    const guess = await attempt(world, VICTIM, "another wrong one", { address: "203.0.113.66", deviceToken });
    assert.equal(guess.status, 429);
  },
  immediate,
);
