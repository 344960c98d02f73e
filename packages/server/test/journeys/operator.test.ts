import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { attempt, codeIn, isAccepted, latestMail, refresh } from "../steps.ts";
import { eachWorld, type AnswerOf } from "../world.ts";

eachWorld(
  "a user calls for help: the operator finds them, sees their devices, ends them, disables, and lets them in again",
  async (world) => {
    const operator = await world.user({ superuser: true });
    const anna = await world.user({ email: "anna.bell@example.com" });
    await world.user({ email: "bert@example.com" });
    const { accessToken: token } = await world.signIn(operator);
    const [laptop, phone] = [
      await world.signIn(anna, { headers: { "user-agent": "Laptop" } }),
      await world.signIn(anna, { headers: { "user-agent": "Phone" } }),
    ];

    const found = await world.request<AnswerOf<typeof endpoints.adminListUsers>>(
      "GET",
      "/v1/admin/users?search=anna.",
      { token },
    );
    assert.deepEqual(
      found.body.items.map(({ id, liveSessions, disabledAt }) => [id, liveSessions, disabledAt]),
      [[anna.id, 2, null]],
    );
    const path = `/v1/admin/users/${anna.id}`;
    const sessions = async () =>
      (
        await world.request<AnswerOf<typeof endpoints.adminListUserSessions>>(
          "GET",
          `${path}/sessions`,
          { token },
        )
      ).body.items;
    const live = (await sessions()).filter(({ revokedAt }) => revokedAt === null);
    assert.deepEqual(new Set(live.map(({ userAgent }) => userAgent)), new Set(["Laptop", "Phone"]));

    // The operator ends one device and then all of them. Each is out when the click returns, and
    // learns that an operator did it.
    assert.equal(
      (await world.request("DELETE", `${path}/sessions/${phone.sessionId}`, { token })).status,
      204,
    );
    assert.deepEqual(
      [await isAccepted(world, phone.accessToken), await isAccepted(world, laptop.accessToken)],
      [false, true],
    );
    assert.equal((await world.request("DELETE", `${path}/sessions`, { token })).status, 204);
    assert.equal((await refresh(world, laptop.refreshToken)).body["cause"], "admin");
    assert.deepEqual(
      (await sessions()).map(({ revokedCause }) => revokedCause),
      ["admin", "admin"],
    );

    const third = await world.signIn(anna);
    assert.equal((await world.request("POST", `${path}/disable`, { token })).status, 204);
    assert.equal((await refresh(world, third.refreshToken)).body["cause"], "user_disabled");
    assert.equal(
      (await attempt(world, anna.email, anna.password)).body.code,
      "invalid_credentials",
    );

    assert.equal((await world.request("POST", `${path}/enable`, { token })).status, 204);
    assert.equal((await attempt(world, anna.email, anna.password)).status, 201);
    await world.mails();
    assert.equal((await world.request("POST", `${path}/password-reset`, { token })).status, 202);
    assert.equal(codeIn(await latestMail(world, anna.email)).length, 8);

    // The audit records all of it: the operator, the user and the address.
    const audit = await world.request<AnswerOf<typeof endpoints.adminListAudit>>(
      "GET",
      `/v1/admin/audit?userId=${anna.id}`,
      { token },
    );
    const done = audit.body.items.filter(({ actorKind }) => actorKind === "superuser").toReversed();
    assert.deepEqual(
      done.map(({ event }) => event),
      [
        "session.ended",
        "sessions.ended",
        "user.disabled",
        "user.enabled",
        "password.reset_started",
      ],
    );
    for (const { actorId, address } of done)
      assert.deepEqual([actorId, address], [operator.id, "192.0.2.1"]);
    assert.equal(
      (await world.request("POST", `/v1/admin/users/${operator.id}/disable`, { token })).body.code,
      "last_superuser",
    );
  },
);
