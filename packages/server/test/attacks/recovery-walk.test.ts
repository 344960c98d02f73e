import assert from "node:assert/strict";
import fc from "fast-check";
import { openSetup } from "../../src/accounts/users/setup.ts";
import {
  begunChange,
  begunReset,
  changed,
  somebody,
  startChange,
  startReset,
} from "../recovery.ts";
import { addressOf, attempt, codeIn, latestMail, otherCode, register } from "../steps.ts";
import { eachWorld, type World } from "../world.ts";

// RS-04: the attacker has an account of their own and everything that is handed to its owner, and
// calls every recovery endpoint in any order. The victim's password and names stay the same,
// because the attacker never held anything of the victim's.

const CHOSEN = "chosen by the attacker";

/**
 * The attacker holds ids of the victim's flows that they began themselves, and ids, codes and
 * tokens of their own.
 */
interface Held {
  readonly tokens: readonly string[];
  readonly codes: readonly string[];
  readonly ids: readonly string[];
  readonly emails: readonly string[];
  readonly passwords: readonly string[];
}

interface Step {
  readonly path: string;
  readonly body: Readonly<Record<string, string>>;
  readonly signedIn: boolean;
}

/**
 * Takes every member of a body from what the attacker holds, so that ids, codes and tokens of all
 * flows meet.
 */
function stepsOf(held: Held): fc.Arbitrary<Step> {
  const one = (values: readonly string[]) => fc.constantFrom(...values);
  const step = (
    path: string,
    body: Readonly<Record<string, fc.Arbitrary<string>>>,
    signedIn = false,
  ): fc.Arbitrary<Step> =>
    fc.record({ path: fc.constant(path), body: fc.record(body), signedIn: fc.constant(signedIn) });
  const [id, code, token, email, password] = [
    one(held.ids),
    one(held.codes),
    one(held.tokens),
    one(held.emails),
    one(held.passwords),
  ];
  const newPassword = fc.constant(CHOSEN);
  return fc.oneof(
    step("/v1/password-resets", { email }),
    step("/v1/password-resets/confirm", { resetId: id, code, newPassword }),
    step("/v1/password-resets/confirm", { token, newPassword }),
    step("/v1/password-resets/confirm", { resetId: id, token, newPassword }),
    step("/v1/password-resets/confirm", { token, email, newPassword }),
    step("/v1/password-resets/confirm", { resetId: id, newPassword }),
    step("/v1/me/email", { newEmail: email, password }, true),
    step("/v1/me/email/confirm", { changeId: id, code }, true),
    step("/v1/email-changes/confirm", { token, password }),
    step("/v1/email-changes/undo", { token }),
    step("/v1/me/username", { username: fc.constantFrom("victim", "trojan"), password }, true),
    step("/v1/me/password", { currentPassword: password, newPassword }, true),
    step("/v1/users", { email, password: newPassword }),
    step("/v1/users/confirm", { registrationId: id, clientSecret: token, code }),
    step("/v1/users/confirm/link", { token, password }),
    step("/v1/users/confirm/resend", { registrationId: id, clientSecret: token }),
    step("/v1/users/confirm/status", { registrationId: id, clientSecret: token }),
    step("/v1/setup", { setupToken: token, email, password: newPassword }),
    step("/v1/sessions", { identifier: email, password }),
    step("/v1/sessions/refresh", { refreshToken: token }),
  );
}

async function victimsRow(world: World, id: string) {
  return world.rules.db
    .selectFrom("users")
    .select([
      "email",
      "email_verified_at",
      "username",
      "password_sealed",
      "password_changed_at",
      "hard_epoch",
      "superuser_since",
    ])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
}

async function holdings(
  world: World,
): Promise<{ readonly victimId: string; readonly token: string; readonly held: Held }> {
  const victim = await somebody(world, { username: "victim" });
  const attacker = await somebody(world, { email: "attacker@example.com" });
  // The victim uses recovery, too: a reset, a pending change and an undo are open, and the attacker
  // never sees them.
  await changed(world, victim, victim.user.email, "victim@example.org");
  await begunChange(world, victim, "victim@example.net");
  const victims = (await startReset(world, "victim@example.org")).body;

  const undo = await changed(world, attacker, attacker.user.email, "attacker@example.org");
  const reset = await begunReset(world, { email: "attacker@example.org" });
  const change = await begunChange(world, attacker, "attacker@example.net");
  const taken = (await startChange(world, attacker, "victim@example.org")).body;
  const registration = (await register(world, "newcomer@example.com", { password: CHOSEN })).body;
  const registrationCode = codeIn(await latestMail(world, "newcomer@example.com"));
  const signedIn = (await attempt(world, "attacker@example.org", attacker.user.password)).body;
  return {
    victimId: victim.user.id,
    token: attacker.token,
    held: {
      tokens: [
        undo,
        reset.token,
        change.token,
        registration.clientSecret,
        signedIn.refreshToken.slice(0, 128),
        "x".repeat(43),
      ],
      codes: [reset.code, change.code, registrationCode, otherCode(reset.code), "00000000"],
      ids: [
        victims.resetId,
        reset.resetId,
        change.changeId,
        taken.changeId,
        registration.registrationId,
        victim.user.id,
      ],
      emails: [
        "victim@example.org",
        victim.user.email,
        "attacker@example.org",
        "attacker@example.net",
        "VICTIM@example.org",
      ],
      passwords: [attacker.user.password, CHOSEN],
    },
  };
}

eachWorld(
  "RS-04 no order of calls sets a password without a valid proof of that account",
  async (world) => {
    await openSetup(world.rules);
    const { victimId, token, held } = await holdings(world);
    const before = await victimsRow(world, victimId);
    const walks = fc.sample(fc.array(stepsOf(held), { minLength: 40, maxLength: 40 }), {
      seed: 11,
      numRuns: 6,
    });
    const seen = new Set<string>();
    for (const [n, walk] of walks.entries()) {
      for (const [i, { path, body, signedIn }] of walk.entries()) {
        const address = addressOf(n * 40 + i);
        const answered = await world.request("POST", path, {
          body,
          address,
          ...(signedIn && { token }),
        });
        assert.ok(answered.status < 500, `${path} ${JSON.stringify(body)}: ${answered.text}`);
        seen.add(path);
        assert.deepEqual(
          await victimsRow(world, victimId),
          before,
          `${path} ${JSON.stringify(body)} ${answered.status}`,
        );
      }
    }
    assert.equal(seen.size, 16, "every endpoint was on the way");
  },
);
