import assert from "node:assert/strict";
import { faceViews } from "../../src/process/compose-faces.ts";
import { countRows } from "../steps.ts";
import { enrolTotp } from "../second-factor.ts";
import { eachWorld, publicUrl } from "../world.ts";

// Tests MF-08 for the Django faces; sign-in/challenge.test.ts covers the native endpoints.

eachWorld(
  "MF-08 no view of a face opens a session for the password of a user with a second factor",
  async (world) => {
    const { config } = world.parts;
    const views = faceViews({
      config,
      rules: world.rules,
      publicUrl,
      authenticate: () => ({ kind: "refused", code: "invalid_token" }),
      allow: async () => ({ ok: true }),
    });
    assert.ok(views.length >= 40, `${views.length} views seen`);
    const user = await world.user({ username: "anna" });
    await enrolTotp(world, user);
    const before = await countRows(world, "sessions");
    const { password } = user;
    const bodies = [
      {
        email: user.email,
        username: "anna",
        password,
        current_password: password,
        new_password: password,
        re_password: password,
      },
      { username: user.email, password },
      { email: user.email, password, otp_device_id: "otp_totp.totpdevice/1", otp_token: "123456" },
    ];
    for (const { name, path } of views) {
      const target = path.replaceAll(/\{\w+\}/g, "1");
      for (const body of bodies) await world.request("POST", target, { body });
      await world.request("GET", target);
      assert.equal(await countRows(world, "sessions"), before, name);
      await world.rules.db.deleteFrom("attempts").execute();
    }
  },
  { PORTCULLIS_DJOSER_TOKEN_LOGIN: "on" },
);
