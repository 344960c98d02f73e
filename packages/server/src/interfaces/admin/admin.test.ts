import type { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import {
  eachWorld,
  secret,
  type AnswerOf,
  type TestUser,
  type World,
} from "../../../test/world.ts";
import { mailChannel } from "../../records/mail/mail.ts";
import { openData } from "../../records/outbox/outbox.ts";
import { anySuperuser } from "../../accounts/users/users.store.ts";

const wrong = "twelve wrong gulls";

interface Superuser extends TestUser {
  readonly token: string;
}

async function superuserOf(world: World): Promise<Superuser> {
  const user = await world.user({ superuser: true });
  return { ...user, token: (await world.signIn(user)).accessToken };
}

async function refusalOf(world: World, token: string): Promise<readonly unknown[]> {
  const { status, body } = await world.request("GET", "/v1/token", { token });
  return [status, body.code, body["cause"]];
}

const accepted = [200, undefined, undefined];

eachWorld(
  "AD-07: a superuser ends one session of a user, all of a user, or all of everyone",
  async (world) => {
    const { token } = await superuserOf(world);
    const anna = await world.user();
    const ben = await world.user();
    const [phone, laptop, bens] = [
      await world.signIn(anna),
      await world.signIn(anna),
      await world.signIn(ben),
    ];

    assert.equal(
      (
        await world.request("DELETE", `/v1/admin/users/${ben.id}/sessions/${phone.sessionId}`, {
          token,
        })
      ).status,
      204,
    );
    assert.deepEqual(
      await refusalOf(world, phone.accessToken),
      accepted,
      "a session under another's name is nothing",
    );
    assert.equal(
      (
        await world.request("DELETE", `/v1/admin/users/${anna.id}/sessions/${phone.sessionId}`, {
          token,
        })
      ).status,
      204,
    );
    assert.deepEqual(await refusalOf(world, phone.accessToken), [401, "session_ended", "admin"]);
    assert.deepEqual(await refusalOf(world, laptop.accessToken), accepted);

    assert.equal(
      (await world.request("DELETE", `/v1/admin/users/${anna.id}/sessions`, { token })).status,
      204,
    );
    assert.deepEqual(await refusalOf(world, laptop.accessToken), [401, "session_ended", "admin"]);
    assert.deepEqual(await refusalOf(world, bens.accessToken), accepted);

    assert.equal((await world.request("DELETE", "/v1/admin/sessions", { token })).status, 204);
    for (const dead of [bens.accessToken, token])
      assert.deepEqual(await refusalOf(world, dead), [401, "session_ended", "admin"]);
    const refreshed = await world.request("POST", "/v1/sessions/refresh", {
      body: { refreshToken: bens.refreshToken },
    });
    assert.deepEqual([refreshed.status, refreshed.body["cause"]], [401, "admin"]);
    assert.equal(
      (await world.request("GET", "/v1/token", { token: (await world.signIn(anna)).accessToken }))
        .status,
      200,
    );
  },
);

eachWorld("the sessions of a user are listed live and ended, with the cause", async (world) => {
  const { token } = await superuserOf(world);
  const anna = await world.user();
  const [first] = [
    await world.signIn(anna),
    await world.signIn(anna, { headers: { "user-agent": "Phone" }, address: "198.51.100.7" }),
  ];
  await world.request("DELETE", "/v1/sessions/current", { token: first.accessToken });
  const { body } = await world.request<AnswerOf<typeof endpoints.adminListUserSessions>>(
    "GET",
    `/v1/admin/users/${anna.id}/sessions`,
    {
      token,
    },
  );
  const ended = body.items.find((session) => session.id === first.sessionId);
  const live = body.items.find((session) => session.id !== first.sessionId);
  assert.equal(body.items.length, 2);
  assert.deepEqual([ended?.revokedAt, ended?.revokedCause], [world.clock.now(), "logout"]);
  assert.deepEqual(
    [live?.revokedAt, live?.revokedCause, live?.userAgent, live?.address],
    [null, null, "Phone", "198.51.100.7"],
  );
});

eachWorld(
  "a disabled user's tokens die at once and sign-in is refused, until the user is enabled again",
  async (world) => {
    const { token } = await superuserOf(world);
    const anna = await world.user();
    const session = await world.signIn(anna);
    for (let times = 0; times < 2; times += 1)
      assert.equal(
        (await world.request("POST", `/v1/admin/users/${anna.id}/disable`, { token })).status,
        204,
      );
    assert.deepEqual(await refusalOf(world, session.accessToken), [
      401,
      "session_ended",
      "user_disabled",
    ]);
    assert.equal(
      (
        await world.request("POST", "/v1/sessions/refresh", {
          body: { refreshToken: session.refreshToken },
        })
      ).body.code,
      "session_ended",
    );
    await assert.rejects(world.signIn(anna), /invalid_credentials/);

    assert.equal(
      (await world.request("POST", `/v1/admin/users/${anna.id}/enable`, { token })).status,
      204,
    );
    assert.deepEqual(await refusalOf(world, (await world.signIn(anna)).accessToken), accepted);
    assert.deepEqual(
      await refusalOf(world, session.accessToken),
      [401, "session_ended", "user_disabled"],
      "what died stays dead",
    );
  },
);

eachWorld("enabling a user forgets their failed attempts", async (world) => {
  const { token } = await superuserOf(world);
  const anna = await world.user();
  await world.rules.db
    .insertInto("attempts")
    .values({
      bucket: `sign-in:account:${anna.id}`,
      count: 100,
      window_ends_at: world.clock.now() + 1_000_000,
    })
    .execute();
  await assert.rejects(world.signIn(anna), /rate_limited/);
  assert.equal(
    (await world.request("POST", `/v1/admin/users/${anna.id}/enable`, { token })).status,
    204,
  );
  await world.signIn(anna);
});

eachWorld("a deleted user is gone, tokens and all", async (world) => {
  const { token } = await superuserOf(world);
  const anna = await world.user();
  const session = await world.signIn(anna);
  const path = `/v1/admin/users/${anna.id}`;
  assert.equal((await world.request("DELETE", path, { token })).status, 204);
  assert.deepEqual(await refusalOf(world, session.accessToken), [
    401,
    "session_ended",
    "user_deleted",
  ]);
  assert.equal((await world.request("GET", path, { token })).body.code, "not_found");
});

eachWorld(
  "requests about an unknown user, or with a malformed id, are answered with not found",
  async (world) => {
    const { token } = await superuserOf(world);
    for (const id of [
      "0190a0a0-0000-4000-8000-000000000000",
      "1",
      "me",
      "0190a0a0-0000-4000-8000-00000000000g",
    ]) {
      const calls = [
        ["GET", ""],
        ["DELETE", ""],
        ["GET", "/sessions"],
        ["DELETE", "/sessions"],
        ["POST", "/disable"],
        ["POST", "/enable"],
        ["POST", "/password-reset"],
      ] as const;
      for (const [method, path] of calls) {
        const { status, body } = await world.request(method, `/v1/admin/users/${id}${path}`, {
          token,
        });
        assert.deepEqual([status, body.code], [404, "not_found"], `${method} ${id}${path}`);
      }
    }
  },
);

eachWorld(
  "AD-04: the only superuser can neither be disabled nor deleted, by any user",
  async (world) => {
    const { id, token, password } = await superuserOf(world);
    for (const [method, path] of [
      ["POST", `/v1/admin/users/${id}/disable`],
      ["DELETE", `/v1/admin/users/${id}`],
    ] as const) {
      const { status, body } = await world.request(method, path, { token });
      assert.deepEqual([status, body.code], [409, "last_superuser"]);
    }
    assert.equal(
      (await world.request("DELETE", "/v1/me", { token, body: { password } })).body.code,
      "last_superuser",
    );
    assert.deepEqual(await refusalOf(world, token), accepted);
  },
);

type Act = (world: World, by: Superuser, of: Superuser) => Promise<{ readonly status: number }>;

const ends: Readonly<Record<string, Act>> = {
  "disable each other": async (world, by, of) =>
    world.request("POST", `/v1/admin/users/${of.id}/disable`, { token: by.token }),
  "delete each other": async (world, by, of) =>
    world.request("DELETE", `/v1/admin/users/${of.id}`, { token: by.token }),
  "disable themselves": async (world, by) =>
    world.request("POST", `/v1/admin/users/${by.id}/disable`, { token: by.token }),
  "delete their own accounts": async (world, by) =>
    world.request("DELETE", "/v1/me", { token: by.token, body: { password: by.password } }),
};

for (const [what, act] of Object.entries(ends)) {
  eachWorld(
    `AD-04: if the last two superusers ${what} at the same time, one stays`,
    async (world) => {
      const { db } = world.rules;
      for (let round = 0; round < 12; round += 1) {
        const [anna, ben] = [await superuserOf(world), await superuserOf(world)];
        const answers = await Promise.all([act(world, anna, ben), act(world, ben, anna)]);
        const active = await db
          .selectFrom("users")
          .select("id")
          .where("superuser_since", "is not", null)
          .where("disabled_at", "is", null)
          .execute();
        assert.equal(
          active.length,
          1,
          `round ${round}: ${answers.map(({ status }) => status).join(" ")}`,
        );
        assert.equal(answers.filter(({ status }) => status === 204).length, 1);
        await db.updateTable("users").set({ superuser_since: null }).execute();
        assert.equal(await anySuperuser(db), false);
      }
    },
  );
}

eachWorld(
  "RS-10: a superuser starts a reset, and only the user's mail holds what finishes it",
  async (world) => {
    const { token } = await superuserOf(world);
    const anna = await world.user();
    const started = await world.request("POST", `/v1/admin/users/${anna.id}/password-reset`, {
      token,
    });
    assert.deepEqual([started.status, started.text], [202, ""]);
    const [mail] = await world.mails();
    assert.equal(mail?.to, anna.email);
    const code = /\b\d{8}\b/.exec(mail.text)?.[0] ?? assert.fail("no code in the mail");
    const audit = await world.request("GET", "/v1/admin/audit", { token });
    assert.ok(!audit.text.includes(code) && audit.text.includes("password.reset_started"));
    await world.signIn(anna);

    const chosen = await world.request("POST", `/v1/admin/users/${anna.id}/password-reset`, {
      token,
      body: { newPassword: wrong },
    });
    assert.equal(chosen.body.code, "malformed_request");
  },
);

eachWorld("a user without an address cannot be mailed a reset", async (world) => {
  const { token } = await superuserOf(world);
  const anna = await world.user();
  await world.rules.db
    .updateTable("users")
    .set({ email: null, email_canonical: null })
    .where("id", "=", anna.id)
    .execute();
  const { status, body } = await world.request(
    "POST",
    `/v1/admin/users/${anna.id}/password-reset`,
    { token },
  );
  assert.deepEqual([status, body.code], [409, "no_address"]);
  assert.deepEqual(await world.mails(), []);
});

eachWorld("the figures of the overview add up", async (world) => {
  const { token: first, ...root } = await superuserOf(world);
  const anna = await world.user();
  await world.signIn(anna);
  for (let i = 0; i < 3; i += 1)
    await assert.rejects(world.signIn({ ...anna, password: wrong }), /invalid_credentials/);
  await world.request("DELETE", "/v1/sessions/current", {
    token: (await world.signIn(anna)).accessToken,
  });
  world.clock.advance(2 * 3600);
  assert.equal(
    (await world.request("GET", "/v1/admin/figures", { token: first })).body.code,
    "token_expired",
  );
  const { accessToken: token } = await world.signIn(root);
  await world.request("DELETE", "/v1/sessions/current", {
    token: (await world.signIn(anna)).accessToken,
  });

  const { body } = await world.request<AnswerOf<typeof endpoints.adminGetFigures>>(
    "GET",
    "/v1/admin/figures?hours=4",
    { token },
  );
  const thisHour = Math.floor(world.clock.now() / 3600) * 3600;
  assert.deepEqual(body, {
    users: 2,
    liveSessions: 3,
    revocationsInForce: 1,
    hours: [
      { startsAt: thisHour - 3 * 3600, signIns: 0, failedSignIns: 0 },
      { startsAt: thisHour - 2 * 3600, signIns: 3, failedSignIns: 3 },
      { startsAt: thisHour - 3600, signIns: 0, failedSignIns: 0 },
      { startsAt: thisHour, signIns: 2, failedSignIns: 0 },
    ],
  });
  const day = await world.request<AnswerOf<typeof endpoints.adminGetFigures>>(
    "GET",
    "/v1/admin/figures",
    { token },
  );
  assert.equal(day.body.hours.length, 24);
});

eachWorld("the revocations in force are listed newest first, with their causes", async (world) => {
  const { token } = await superuserOf(world);
  const anna = await world.user();
  const session = await world.signIn(anna);
  await world.request("DELETE", "/v1/sessions/current", { token: session.accessToken });
  await world.request("POST", `/v1/admin/users/${anna.id}/disable`, { token });
  const list = async () =>
    (
      await world.request<AnswerOf<typeof endpoints.adminListRevocations>>(
        "GET",
        "/v1/admin/revocations",
        { token },
      )
    ).body.items;
  assert.deepEqual(
    (await list()).map(({ scope, subject, cause, revokedAt }) => [
      scope,
      subject,
      cause,
      revokedAt,
    ]),
    [
      ["user", anna.id, "user_disabled", world.clock.now()],
      ["session", session.sessionId, "logout", world.clock.now()],
    ],
  );
});

eachWorld("the audit is read newest first, by user and by event", async (world) => {
  const { token, ...root } = await superuserOf(world);
  const anna = await world.user();
  await world.signIn(anna);
  await world.request("POST", `/v1/admin/users/${anna.id}/disable`, { token });
  const events = async (query: string) => {
    const { body } = await world.request<AnswerOf<typeof endpoints.adminListAudit>>(
      "GET",
      `/v1/admin/audit?${query}`,
      { token },
    );
    return body.items.map((item) => [item.event, item.actorId]);
  };
  assert.deepEqual(await events(`userId=${anna.id}`), [
    ["user.disabled", root.id],
    ["session.opened", anna.id],
  ]);
  assert.deepEqual(await events(`userId=${anna.id}&event=session.opened`), [
    ["session.opened", anna.id],
  ]);
  assert.deepEqual(await events("event=nothing.like_it"), []);
  assert.deepEqual(await events("event=session.opened&limit=1"), [["session.opened", anna.id]]);
});

/**
 * Returns digests, sealed values and the contents of the outbox, in every form in which they could
 * appear in JSON.
 */
async function secretsOf(world: World): Promise<readonly string[]> {
  const { db } = world.rules;
  const stored: unknown[] = [secret];
  for (const table of await db.introspection.getTables()) {
    const columns = table.columns
      .map((column) => column.name)
      .filter((name) => /(_sealed|_hash|^mac|_mac)$/.test(name));
    if (columns.length === 0) continue;
    for (const row of await db
      .selectFrom(table.name as "users")
      .select(columns as ["password_sealed"])
      .execute())
      stored.push(...Object.values(row));
  }
  const mails = await db
    .selectFrom("outbox")
    .select(["id", "data"])
    .where("template", "<>", "")
    .execute();
  assert.ok(mails.length > 0);
  for (const { id, data } of mails) {
    stored.push(
      data,
      ...Object.values(openData(world.parts.keyring, mailChannel, id, data) as object).filter(
        (value) => typeof value === "string",
      ),
    );
  }
  return stored.flatMap((value) => {
    if (typeof value === "string") return value === "" ? [] : [value];
    if (!(value instanceof Uint8Array)) return [];
    const bytes = Buffer.from(value);
    return [
      bytes.toString("hex"),
      bytes.toString("base64"),
      bytes.toString("base64url"),
      bytes.toString("latin1"),
      bytes.join(","),
    ].map((form) => form.slice(0, 40));
  });
}

eachWorld(
  "AD-09, MF-09: no answer to a superuser holds a hash, a sealed value, a token or a mailed code",
  async (world) => {
    const { token } = await superuserOf(world);
    const anna = await world.user();
    const session = await world.signIn(anna);
    await world.request("POST", "/v1/users", {
      body: { email: "newcomer@example.com", password: "eleven loud magpies" },
    });
    await world.request("POST", "/v1/sessions/refresh", {
      body: { refreshToken: session.refreshToken, attemptId: "an attempt of mine" },
    });
    const user = `/v1/admin/users/${anna.id}`;
    const calls = [
      ["POST", `${user}/password-reset`],
      ["GET", "/v1/admin/users"],
      ["GET", user],
      ["GET", `${user}/sessions`],
      ["DELETE", `${user}/sessions/${session.sessionId}`],
      ["DELETE", `${user}/sessions`],
      ["POST", `${user}/disable`],
      ["GET", "/v1/admin/users?status=disabled"],
      ["POST", `${user}/enable`],
      ["GET", "/v1/admin/revocations"],
      ["GET", "/v1/admin/keys"],
      ["GET", "/v1/admin/figures"],
      ["GET", "/v1/admin/audit"],
    ] as const;
    const texts: string[] = [];
    for (const [method, path] of calls) {
      const { status, text, headers } = await world.request(method, path, { token });
      assert.ok(status < 300, `${method} ${path} ${status} ${text}`);
      assert.equal(headers.get("cache-control"), "no-store");
      texts.push(text);
    }
    const said = texts.join("\n");
    const secrets = [
      ...(await secretsOf(world)),
      "$argon2",
      '"Buffer"',
      session.refreshToken,
      session.accessToken,
      token,
      anna.password,
      "privateSealed",
      "password",
    ];
    assert.ok(secrets.length > 40, "the secrets were found");
    for (const one of secrets) assert.ok(!said.replaceAll("password.reset", "").includes(one), one);
  },
);

eachWorld(
  "the signing keys are shown with their states and without their private halves",
  async (world) => {
    const { token } = await superuserOf(world);
    const { body } = await world.request<AnswerOf<typeof endpoints.adminListKeys>>(
      "GET",
      "/v1/admin/keys",
      { token },
    );
    assert.deepEqual(
      body.items.map((key) => [key.kid, key.algorithm, key.state, key.activatedAt, key.removedAt]),
      [[world.rules.keys.signing().kid, "ES256", "active", world.clock.now(), null]],
    );
  },
);
