import assert from "node:assert/strict";
import { removeInSession } from "../../src/accounts/factors/change.ts";
import { stepUp } from "../../src/accounts/sign-in/step-up.ts";
import { disableUser, enableUser } from "../../src/accounts/users/disable-user.ts";
import { findUser } from "../../src/accounts/users/users.store.ts";
import { operator } from "../../src/records/audit/origin.ts";
import { call, djoser, user as djoserUser } from "../djoser.ts";
import {
  begunChange,
  begunReset,
  changed,
  confirmChangeByLink,
  finishReset,
  NEXT,
  somebody,
} from "../recovery.ts";
import { attempt, countRows, mailsTo } from "../steps.ts";
import { eachWorld, type TestUser, type World } from "../world.ts";

const sealedOf = async (world: World, { id }: Pick<TestUser, "id">): Promise<Buffer> =>
  Buffer.from((await findUser(world.rules.db, id))?.passwordSealed ?? assert.fail("no password"));

const emailOf = async (world: World, { id }: Pick<TestUser, "id">) =>
  (await findUser(world.rules.db, id))?.email;

const disabled = async (world: World, { id }: Pick<TestUser, "id">): Promise<void> =>
  assert.equal((await disableUser(world.rules, id, operator)).kind, "done");

eachWorld(
  "a disabled user's password cannot be reset by the link or the code mailed before, and can once the user is enabled",
  async (world) => {
    const user = await world.user();
    const [byLink, byCode] = [await begunReset(world, user), await begunReset(world, user)];
    const before = await sealedOf(world, user);
    await disabled(world, user);
    const link = await finishReset(world, { token: byLink.token });
    const code = await finishReset(world, { resetId: byCode.resetId, code: byCode.code });
    assert.deepEqual([link.body.code, code.body.code], ["link_void", "invalid_code"]);
    assert.deepEqual(await sealedOf(world, user), before);
    await enableUser(world.rules, user.id, operator);
    assert.equal((await finishReset(world, { token: byLink.token })).status, 204);
    assert.equal((await attempt(world, user.email, NEXT)).status, 201);
  },
);

eachWorld(
  "a user who is disabled while the new password is hashed keeps the old one",
  async (world) => {
    const user = await world.user();
    const { token } = await begunReset(world, user);
    const before = await sealedOf(world, user);
    const { hasher } = world.rules;
    // The hasher is asked after the proof was checked and before the transaction that sets it.
    const racing = {
      ...world.rules.hasher,
      hash: async (...asked: Parameters<typeof hasher.hash>) => {
        await disableUser(world.rules, user.id, operator);
        return hasher.hash(...asked);
      },
    };
    const { confirmReset } = await import("../../src/accounts/account/reset-password.ts");
    const outcome = await confirmReset(
      { ...world.rules, hasher: racing },
      { token },
      NEXT,
      operator,
    );
    assert.equal(outcome.kind, "link_void");
    assert.deepEqual(await sealedOf(world, user), before);
  },
);

eachWorld(
  "a disabled user's password cannot be reset by the link that Djoser mailed before",
  async (world) => {
    const ben = await djoserUser(world, "ben");
    const asked = await call(world, "POST", "users/reset_password/", { email: ben.email });
    assert.equal(asked.status, 204, asked.text);
    const link = /#\/password\/reset\/confirm\/([^/]+)\/([\w-]+)/.exec(
      (await mailsTo(world, ben.email))[0]?.text ?? "",
    );
    const [, uid = "", token = ""] = link ?? [];
    const before = await sealedOf(world, ben);
    await disabled(world, ben);
    const body = { uid, token, new_password: NEXT };
    const refused = await call(world, "POST", "users/reset_password_confirm/", body);
    assert.equal(refused.status, 400, refused.text);
    assert.deepEqual(await sealedOf(world, ben), before);
  },
  djoser,
);

eachWorld(
  "a disabled user's change of address is neither undone nor confirmed by the links mailed before",
  async (world) => {
    const anna = await somebody(world, { email: "anna@example.com" });
    const undo = await changed(world, anna, "anna@example.com", "anna@example.org");
    const { token } = await begunChange(world, anna, "anna@example.net");
    await disabled(world, anna.user);
    const undone = await world.request("POST", "/v1/email-changes/undo", { body: { token: undo } });
    assert.equal(undone.body.code, "link_void", undone.text);
    assert.notEqual((await confirmChangeByLink(world, token, anna.user.password)).status, 204);
    assert.equal(await emailOf(world, anna.user), "anna@example.org");
    await enableUser(world.rules, anna.user.id, operator);
    const again = await world.request("POST", "/v1/email-changes/undo", { body: { token: undo } });
    assert.equal(again.status, 204, again.text);
    assert.equal(await emailOf(world, anna.user), "anna@example.com");
  },
);

eachWorld(
  "an account that is paused after the policy was asked gets no new session, and its factors stay",
  async (world) => {
    const user = await world.user();
    const { sessionId } = await world.signIn(user);
    const { db } = world.rules;
    await db.updateTable("users").set({ paused_at: 1 }).where("id", "=", user.id).execute();
    const origin = { ...operator, address: "192.0.2.1", userAgent: "" };
    const who = { userId: user.id, sessionId };
    const raised = await stepUp(
      world.rules,
      who,
      { policy: world.rules.signInPolicy.sessions, shown: { password: user.password } },
      origin,
    );
    assert.ok(raised.kind !== "raised", raised.kind);
    assert.equal(await countRows(world, "sessions"), 1);

    const account = (await findUser(db, user.id)) ?? assert.fail();
    const claims = {
      iss: "",
      aud: "",
      sub: user.id,
      sid: sessionId,
      jti: "",
      iat: 0,
      exp: 0,
      gen: 1,
      hep: account.hardEpoch,
      aep: 0,
      auth_time: world.clock.now(),
      amr: [],
      acr: "aal2",
    } as const;
    const removed = await removeInSession(
      world.rules,
      { ...who, claims },
      { name: "totp", remove: async () => assert.fail("removed"), endOtherSessions: false },
      operator,
    );
    assert.equal(removed.kind, "session_ended");
  },
);
