import assert from "node:assert/strict";
import { endpoints, type Endpoint, type FactorName } from "@portcullis/contract";
import {
  countRows,
  eventsOf,
  isAccepted,
  otherCode,
  par,
  refresh,
  statuses,
} from "../../../test/steps.ts";
import { enrolTotp, signInWithTotp, stepUp, totpCode } from "../../../test/second-factor.ts";
import { eachWorld, type AnswerOf, type Refused, type World } from "../../../test/world.ts";
import type { SessionTokens } from "../users/ports.ts";
import type { AmrList } from "../sessions/amr.ts";
import { assuranceOf, isAsStrong, strongEnough } from "./assurance.ts";
import { test } from "node:test";

type Token = AnswerOf<typeof endpoints.getToken>;
const tokenOf = async (world: World, token: string): Promise<Token> =>
  (await world.request<Token>("GET", "/v1/token", { token })).body;
const startTotp = async (world: World, token: string) =>
  world.request("POST", "/v1/me/factors/totp", { token, body: {} });
const NEW_PASSWORD = "nine grey geese fly";
const changePassword = async (world: World, token: string, currentPassword: string) =>
  world.request<SessionTokens & Refused>("POST", "/v1/me/password", {
    token,
    body: { currentPassword, newPassword: NEW_PASSWORD },
  });

eachWorld(
  "LG-13 stepping up goes on under a new session id, and the old one's tokens are dead",
  async (world) => {
    const user = await world.user();
    const { secret, tokens } = await enrolTotp(world, user);
    world.clock.advance(400);
    const raised = await stepUp(world, tokens.accessToken, {
      factor: "totp",
      code: totpCode(world, secret),
    });
    assert.equal(raised.status, 200, raised.text);
    assert.notEqual(raised.body.sessionId, tokens.sessionId);
    assert.equal(await isAccepted(world, tokens.accessToken), false);
    assert.deepEqual((await refresh(world, tokens.refreshToken)).body["cause"], "step_up");
    const now = await tokenOf(world, raised.body.accessToken);
    assert.deepEqual(
      [now.amr, now.acr, now.authenticatedAt],
      [["pwd", "otp", "mfa"], "aal2", world.clock.now()],
    );
    assert.ok((await eventsOf(world)).includes("session.stepped_up"));
  },
);

eachWorld(
  "a user without a second factor steps up by the password, which is checked as anywhere else",
  async (world) => {
    const user = await world.user();
    const { accessToken: token } = await world.signIn(user);
    world.clock.advance(301);
    assert.equal((await startTotp(world, token)).body.code, "insufficient_user_authentication");
    assert.deepEqual(
      (await stepUp(world, token, { password: "wrong" })).body.code,
      "wrong_password",
    );
    const raised = await stepUp(world, token, { password: user.password });
    assert.equal(raised.status, 200, raised.text);
    assert.deepEqual((await tokenOf(world, raised.body.accessToken)).acr, "aal1");
    assert.equal((await startTotp(world, raised.body.accessToken)).status, 201);
  },
);

eachWorld(
  "MF-07 the password alone does not step up a user with a second factor, and a refresh makes no proof younger",
  async (world) => {
    const user = await world.user();
    const { secret, tokens } = await enrolTotp(world, user);
    world.clock.advance(301);
    const refreshed = await refresh(world, tokens.refreshToken);
    assert.equal(refreshed.status, 200);
    const token = refreshed.body.accessToken;
    const refused = await startTotp(world, token);
    assert.deepEqual(
      [
        refused.status,
        refused.body.code,
        refused.body["acrValues"],
        refused.body["maxAgeSeconds"],
        refused.body["factors"],
      ],
      [401, "insufficient_user_authentication", "aal2", 300, ["totp", "recovery_codes"]],
    );
    assert.equal(
      refused.headers.get("www-authenticate"),
      'Bearer error="insufficient_user_authentication", error_description="Verify your identity again, then repeat the request", acr_values="aal2", max_age="300"',
    );
    const byPassword = await stepUp(world, token, { password: user.password });
    assert.deepEqual(
      [byPassword.status, byPassword.body.code, byPassword.body["factors"]],
      [401, "second_factor_required", ["totp", "recovery_codes"]],
    );
    const raised = await stepUp(world, token, { factor: "totp", code: totpCode(world, secret) });
    assert.equal((await startTotp(world, raised.body.accessToken)).status, 201);
  },
);

eachWorld(
  "MF-07 a user with a second factor changes the password after showing it, and the new password makes no proof younger",
  async (world) => {
    const user = await world.user();
    const { secret, tokens } = await enrolTotp(world, user);
    world.clock.advance(301);
    const stale = (await refresh(world, tokens.refreshToken)).body.accessToken;
    const refused = await changePassword(world, stale, user.password);
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body["acrValues"]],
      [401, "insufficient_user_authentication", "aal2"],
    );
    assert.ok(!(await eventsOf(world)).includes("password.changed"));

    const raised = await stepUp(world, stale, { factor: "totp", code: totpCode(world, secret) });
    const shownAt = (await tokenOf(world, raised.body.accessToken)).authenticatedAt;
    world.clock.advance(200);
    const changed = await changePassword(world, raised.body.accessToken, user.password);
    assert.equal(changed.status, 200, changed.text);
    assert.equal((await tokenOf(world, changed.body.accessToken)).authenticatedAt, shownAt);
    world.clock.advance(101);
    assert.equal(
      (await startTotp(world, changed.body.accessToken)).body.code,
      "insufficient_user_authentication",
      "the factor was shown 301 seconds ago, the password 101",
    );
  },
);

eachWorld(
  "a session and the password, both stolen, do not change the password of a user with a second factor",
  async (world) => {
    const user = await world.user();
    const stolen = await world.signIn(user);
    await enrolTotp(world, user);
    const refused = await changePassword(world, stolen.accessToken, user.password);
    assert.equal(refused.body.code, "insufficient_user_authentication", refused.text);
    assert.ok(!(await eventsOf(world)).includes("password.changed"));
  },
);

eachWorld("one of 20 simultaneous step-ups with the same code succeeds", async (world) => {
  const user = await world.user();
  const { secret, tokens } = await enrolTotp(world, user);
  const code = totpCode(world, secret);
  const before = await countRows(world, "sessions");
  const answers = await par(20, async () =>
    stepUp(world, tokens.accessToken, { factor: "totp", code }),
  );
  assert.equal(statuses(answers)[200], 1, JSON.stringify(statuses(answers)));
  assert.equal(await countRows(world, "sessions"), before + 1);
});

eachWorld("a wrong factor raises nothing and ends nothing", async (world) => {
  const user = await world.user();
  const { secret, tokens } = await enrolTotp(world, user);
  const refused = await stepUp(world, tokens.accessToken, {
    factor: "totp",
    code: otherCode(totpCode(world, secret)),
  });
  assert.deepEqual([refused.status, refused.body.code], [422, "invalid_code"]);
  assert.ok(await isAccepted(world, tokens.accessToken));
});

/**
 * The request body for each endpoint that demands a second factor. The list of endpoints is the
 * contract's.
 */
const bodies: Readonly<Record<string, object | undefined>> = {
  changeEmail: { newEmail: "new@example.com", password: "seven quiet herons" },
  changeUsername: { username: "newname", password: "seven quiet herons" },
  deleteMe: { password: "seven quiet herons" },
  changePassword: { currentPassword: "seven quiet herons", newPassword: NEW_PASSWORD },
  startTotp: {},
  confirmTotp: { code: "123456" },
  confirmEmailCodes: { code: "12345678" },
  addPasskey: {},
  renamePasskey: { name: "x" },
};

eachWorld(
  "MF-07, AD-06 a user with a second factor shows it for every endpoint that declares so, and superusers for every act",
  async (world) => {
    const all: readonly Endpoint[] = Object.values(endpoints);
    for (const { name, access, method, stepUp: demand } of all)
      if (access === "superuser" && method !== "GET")
        assert.notEqual(demand, undefined, `${name} is an act of a superuser`);
    for (const name of [
      "deleteMe",
      "changePassword",
      "changeEmail",
      "changeUsername",
      "removePassword",
      "removeTotp",
      "removePasskey",
      "makeRecoveryCodes",
    ])
      assert.notEqual(all.find((endpoint) => endpoint.name === name)?.stepUp, undefined, name);

    const user = await world.user({ superuser: true });
    const { secret } = await enrolTotp(world, user);
    const opened = await signInWithTotp(world, user, secret);
    world.clock.advance(550);
    await world.rules.feed.refresh(250);
    const before = await world.rules.db.selectFrom("users").selectAll().execute();
    for (const { name, method, path, stepUp: demand } of all.filter(
      (endpoint) => endpoint.stepUp !== undefined,
    )) {
      if (demand === undefined || demand.maxAgeSeconds > 550) continue;
      const target = path.replaceAll(/\{\w+\}/g, user.id);
      const body = bodies[name];
      const refused = await world.request(method, target, {
        token: opened.accessToken,
        ...(body !== undefined && { body }),
      });
      assert.deepEqual(
        [refused.status, refused.body.code],
        [401, "insufficient_user_authentication"],
        `${name} ${refused.text}`,
      );
    }
    assert.deepEqual(await world.rules.db.selectFrom("users").selectAll().execute(), before);
  },
);

eachWorld(
  "AD-06 a superuser reads nothing and does nothing before showing their second factor",
  async (world) => {
    const superuser = await world.user({ superuser: true });
    const { accessToken: weak } = await world.signIn(superuser);
    const { tokens } = await enrolTotp(world, superuser);
    for (const [method, path] of [
      ["GET", "/v1/admin/users"],
      ["POST", `/v1/admin/users/${superuser.id}/disable`],
      ["DELETE", "/v1/admin/sessions"],
    ] as const) {
      const refused = await world.request(method, path, { token: weak });
      assert.deepEqual(
        [refused.status, refused.body.code, refused.body["acrValues"]],
        [401, "insufficient_user_authentication", "aal2"],
      );
    }
    assert.equal(
      (await world.request("GET", "/v1/admin/users", { token: tokens.accessToken })).status,
      200,
    );
  },
);

test("two factors of different kinds, or a passkey that verified its user, are aal2", () => {
  const cases: readonly (readonly [AmrList, string])[] = [
    [["pwd"], "aal1"],
    [["otp"], "aal1"],
    [["swk", "user"], "aal1"],
    [[], "aal1"],
    [["pwd", "otp"], "aal2"],
    [["pwd", "email"], "aal2"],
    [["pwd", "rec"], "aal2"],
    [["pwd", "hwk", "user"], "aal2"],
    [["swk", "user", "mfa"], "aal2"],
  ];
  for (const [amr, acr] of cases) {
    assert.equal(assuranceOf(amr).acr, acr, amr.join(" "));
    assert.equal(assuranceOf(amr).amr.includes("mfa"), acr === "aal2");
  }
});

test("MF-07 a factor is touched on the strength of one at least as strong", () => {
  const shown: readonly (readonly [AmrList, FactorName, boolean])[] = [
    [["pwd"], "email", false],
    [["pwd", "email"], "email", true],
    [["pwd", "email"], "totp", false],
    [["pwd", "otp"], "email", true],
    [["pwd", "otp"], "passkey", false],
    [["pwd", "rec"], "passkey", true],
    [["swk", "user", "mfa"], "totp", true],
  ];
  for (const [amr, touched, does] of shown)
    assert.equal(isAsStrong(amr, [touched]), does, `${amr.join(" ")} for ${touched}`);
  assert.deepEqual(strongEnough(["totp", "email", "recovery_codes"], ["totp"]), [
    "totp",
    "recovery_codes",
  ]);
});
