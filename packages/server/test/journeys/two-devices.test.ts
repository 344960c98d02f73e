import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { isAccepted, refresh } from "../steps.ts";
import { eachWorld, type AnswerOf, type World } from "../world.ts";

const devices = async (world: World, token: string) =>
  (await world.request<AnswerOf<typeof endpoints.listSessions>>("GET", "/v1/sessions", { token }))
    .body.items;

eachWorld(
  "a phone is lost: its owner finds it in the list of devices and ends it from the laptop, then changes the password",
  async (world) => {
    const anna = await world.user();
    const laptop = await world.signIn(anna, {
      headers: { "user-agent": "Laptop" },
      address: "198.51.100.7",
    });
    const phone = await world.signIn(anna, {
      headers: { "user-agent": "Phone" },
      address: "203.0.113.80",
    });

    // A stranger found the phone and uses it for a while.
    world.clock.advance(300);
    const found = (
      await refresh(world, phone.refreshToken, {
        headers: { "user-agent": "Phone" },
        address: "192.0.2.66",
      })
    ).body;
    assert.ok(await isAccepted(world, found.accessToken));

    const listed = await devices(world, laptop.accessToken);
    assert.equal(listed.find(({ current }) => current)?.userAgent, "Laptop");
    const lost = listed.find(({ userAgent }) => userAgent === "Phone");
    assert.deepEqual([lost?.id, lost?.address, listed.length], [phone.sessionId, "192.0.2.66", 2]);
    assert.equal(
      (await world.request("DELETE", `/v1/sessions/${lost?.id}`, { token: laptop.accessToken }))
        .status,
      204,
    );

    // From the moment that returns, every token of the phone is dead, and the phone can say why.
    for (const token of [phone.accessToken, found.accessToken])
      assert.equal(await isAccepted(world, token), false);
    assert.equal((await refresh(world, found.refreshToken)).body["cause"], "logout_other_device");
    assert.ok(await isAccepted(world, laptop.accessToken));

    // The password was on a note in the phone's cover. The laptop stays signed in, with new tokens.
    const changed = await world.request<typeof laptop>("POST", "/v1/me/password", {
      token: laptop.accessToken,
      body: { currentPassword: anna.password, newPassword: "nine grey geese fly" },
    });
    assert.equal(changed.status, 200);
    assert.equal(await isAccepted(world, laptop.accessToken), false);
    assert.deepEqual(
      (await devices(world, changed.body.accessToken)).map(({ id, current }) => [id, current]),
      [[changed.body.sessionId, true]],
    );
    assert.equal(
      (
        await world.request("POST", "/v1/sessions", {
          body: { identifier: anna.email, password: anna.password },
        })
      ).status,
      401,
    );
  },
);
