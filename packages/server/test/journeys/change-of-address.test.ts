import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import {
  confirmChange,
  confirmChangeByLink,
  finishReset,
  linkTo,
  mailedTo,
  NEXT,
  startChange,
  undoChange,
} from "../recovery.ts";
import { attempt, isAccepted, mailsTo, otherCode } from "../steps.ts";
import { eachWorld, type AnswerOf, type World } from "../world.ts";

const addressOn = async (world: World, token: string) =>
  (await world.request<AnswerOf<typeof endpoints.getMe>>("GET", "/v1/me", { token })).body.email;

eachWorld(
  "a mailbox is given up: after a typing error, the account moves to the new address, by code and later by link",
  async (world) => {
    const user = await world.user({ email: "anna@example.com" });
    const anna = { user, token: (await world.signIn(user)).accessToken };

    // The first attempt has a typing error, so its mail goes to a stranger, who cannot do anything
    // with it.
    await startChange(world, anna, "ana@example.org");
    const strangers = await mailedTo(world, "ana@example.org", "/email");
    const { changeId } = (await startChange(world, anna, "anna@example.org")).body;
    const { code } = await mailedTo(world, "anna@example.org", "/email");
    assert.equal(
      (await confirmChangeByLink(world, strangers.token, "a guess")).body.code,
      "link_void",
    );
    assert.equal(await addressOn(world, anna.token), "anna@example.com");

    assert.equal(
      (await confirmChange(world, anna.token, { changeId, code: otherCode(code) })).body.code,
      "invalid_code",
      "a slip of the finger",
    );
    assert.equal((await confirmChange(world, anna.token, { changeId, code })).status, 200);
    assert.equal(await addressOn(world, anna.token), "anna@example.org");
    assert.equal((await attempt(world, "anna@example.org", user.password)).status, 201);

    // A month later once more, from a tablet that does not have the app: the link asks for the
    // password.
    world.clock.advance(30 * 86_400);
    const later = {
      user,
      token: (await world.signIn({ ...user, email: "anna@example.org" })).accessToken,
    };
    await startChange(world, later, "anna@example.net");
    const { token } = await linkTo(world, "anna@example.net", "/email");
    assert.equal(
      (await confirmChangeByLink(world, token, "seven quiet heron")).body.code,
      "wrong_password",
    );
    assert.equal((await confirmChangeByLink(world, token, user.password)).status, 204);
    assert.equal(await addressOn(world, later.token), "anna@example.net");
  },
);

eachWorld(
  "an account is taken over and moved to another address: its owner reads of it, takes it back and is alone in it",
  async (world) => {
    const anna = await world.user({ email: "anna@example.com" });
    const hers = (await world.signIn(anna)).accessToken;

    // Somebody has her password. They move the account to a mailbox of theirs and choose a new
    // password.
    const theirs = {
      user: anna,
      token: (await world.signIn(anna, { address: "203.0.113.66" })).accessToken,
    };
    const { changeId } = (await startChange(world, theirs, "thief@example.org")).body;
    const { code } = await mailedTo(world, "thief@example.org", "/email");
    assert.equal((await confirmChange(world, theirs.token, { changeId, code })).status, 200);
    const body = { currentPassword: anna.password, newPassword: "the thief's own choice" };
    assert.equal(
      (await world.request("POST", "/v1/me/password", { token: theirs.token, body })).status,
      200,
    );
    assert.equal(await isAccepted(world, hers), false, "she is out");
    world.clock.advance(2 * 86_400);

    // After the weekend she reads the mail, and presses the button behind its link.
    const { token } = await linkTo(world, anna.email, "/undo");
    assert.equal((await undoChange(world, token)).status, 204);
    for (const identifier of ["thief@example.org", anna.email])
      assert.equal(
        (await attempt(world, identifier, "the thief's own choice", { address: "203.0.113.66" }))
          .status,
        401,
      );

    // The next mail lets her set a new password, which is the only way in.
    const reset = await linkTo(world, anna.email, "/reset");
    assert.equal((await finishReset(world, { token: reset.token })).status, 204);
    const again = await attempt(world, anna.email, NEXT);
    assert.equal(again.status, 201);
    assert.equal(await addressOn(world, again.body.accessToken), anna.email);
    for (const { text } of await mailsTo(world, "thief@example.org"))
      assert.doesNotMatch(text, /\/(?:reset|undo)#/);
  },
);
