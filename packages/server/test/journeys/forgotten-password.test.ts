import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { finishReset, linkTo, NEXT, startReset } from "../recovery.ts";
import { addressOf, attempt, codeIn, isAccepted, latestMail, mailsTo, par } from "../steps.ts";
import { eachWorld, type AnswerOf } from "../world.ts";

eachWorld(
  "a password is forgotten while strangers guess at it: the mailed code lets the owner choose another and in again",
  async (world) => {
    const anna = await world.user({ email: "anna@example.com" });
    const old = await world.signIn(anna);
    await par(120, async (i) =>
      attempt(world, anna.email, `guess ${i}`, { address: addressOf(i) }),
    );
    assert.equal(
      (await attempt(world, anna.email, anna.password, { address: "203.0.113.5" })).status,
      429,
      "locked for whoever is not known",
    );

    // She asks for a code; the answer would be the same for anybody.
    const asked = await world.request<AnswerOf<typeof endpoints.startPasswordReset, 202>>(
      "POST",
      "/v1/password-resets",
      {
        body: { email: "Anna@Example.com" },
      },
    );
    const stranger = await world.request<AnswerOf<typeof endpoints.startPasswordReset, 202>>(
      "POST",
      "/v1/password-resets",
      {
        body: { email: "nobody@example.com" },
      },
    );
    assert.deepEqual(
      [asked.status, Object.keys(asked.body)],
      [stranger.status, Object.keys(stranger.body)],
    );
    const mail = await latestMail(world, "anna@example.com");
    assert.match(mail.text, /valid for 10 minutes/);

    const finish = async (code: string, newPassword: string) =>
      world.request("POST", "/v1/password-resets/confirm", {
        body: { resetId: asked.body.resetId, code, newPassword },
      });
    assert.equal(
      (await finish("12345678", "nine grey geese fly")).body.code,
      "invalid_code",
      "a slip of the finger",
    );
    assert.deepEqual((await finish(codeIn(mail), "password")).body["reason"], "common");
    assert.equal((await finish(codeIn(mail), "nine grey geese fly")).status, 204);

    // Everyone who was signed in is out. She signs in with the new password, from where she was
    // locked out before.
    assert.equal(await isAccepted(world, old.accessToken), false);
    assert.equal(
      (await attempt(world, anna.email, anna.password, { address: "203.0.113.5" })).status,
      401,
    );
    const opened = await attempt(world, anna.email, "nine grey geese fly", {
      address: "203.0.113.5",
    });
    assert.equal(opened.status, 201);
    assert.ok(await isAccepted(world, opened.body.accessToken));
    assert.equal((await mailsTo(world, "nobody@example.com")).length, 0);
  },
);

eachWorld(
  "a password is forgotten on the phone: the link in the mail, opened on the laptop, lets its owner choose another",
  async (world) => {
    const anna = await world.user({ email: "anna@example.com" });
    const phone = await world.signIn(anna);
    await world.request("PATCH", "/v1/me", { token: phone.accessToken, body: { locale: "de" } });
    await startReset(world, anna.email);
    const { mail, token } = await linkTo(world, anna.email, "/reset");
    assert.match(mail.subject, /Passwort/, "in her language");

    // Her provider's scanner has been there first. It sees a page; the token stays in the browser's
    // address bar.
    const page = await world.request<string>("GET", "/reset", {
      headers: { "accept-language": "de" },
    });
    assert.match(page.body, /Neues Passwort/);
    assert.ok(!page.body.includes(token));

    // The page posts a common password first, then a better one.
    const common = await finishReset(world, { token }, "password");
    assert.deepEqual(
      [common.body.code, common.body["reason"]],
      ["unacceptable_password", "common"],
    );
    assert.equal((await finishReset(world, { token })).status, 204);
    assert.equal(
      (await finishReset(world, { token }, "another quiet heron")).body.code,
      "link_used",
      "the link works once",
    );

    assert.equal(await isAccepted(world, phone.accessToken), false);
    assert.equal((await attempt(world, anna.email, NEXT)).status, 201);
    const subjects = (await mailsTo(world, anna.email)).map(({ subject }) => subject);
    assert.ok(
      subjects.some((subject) => /Passwort.*geändert|geändert.*Passwort/.test(subject)),
      subjects.join(),
    );
  },
);
