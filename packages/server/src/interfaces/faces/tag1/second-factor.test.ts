import { transact } from "../../../platform/db/transact.ts";
import assert from "node:assert/strict";
import { endpoints } from "@portcullis/contract";
import { claimsIn, headerOf, hs256 } from "../../../../test/jwt.ts";
import { rowsOf } from "../../../../test/factors.ts";
import { challenge, totpCode } from "../../../../test/second-factor.ts";
import {
  countRows,
  dump,
  eventsOf,
  isAccepted,
  latestMail,
  mailsTo,
  otherCode,
  par,
  statuses,
} from "../../../../test/steps.ts";
import {
  eachWorld,
  secret as masterSecret,
  type Answered,
  type TestUser,
  type World,
} from "../../../../test/world.ts";
import { makeCodes } from "../../../accounts/factors/recovery-codes.ts";
import { deleteCodes, replaceCodes } from "../../../accounts/factors/recovery-codes.store.ts";
import { deleteTotp, listConfirmed } from "../../../accounts/factors/totp.store.ts";
import { disableUser } from "../../../accounts/users/disable-user.ts";
import {
  bearing,
  finished,
  logIn,
  NO_LOGIN,
  post,
  see,
  UNDECODABLE,
  type Said,
} from "./testing.ts";
import { operator } from "../../../records/audit/origin.ts";

const OTP = {
  detail: "You do not have permission to perform this action until you verify your OTP device.",
};
const LOG_IN_AGAIN = { detail: "Log in again to set up a device." };
const QUARTER_HOUR = 900;
const FIVE_MINUTES = 300;

const create = async (world: World, token: string): Promise<Answered<string>> =>
  world.request<string>("GET", "/api/totp/create/", { headers: bearing(token) });
const show = async (world: World, token: string, code: string): Promise<Answered<Said>> =>
  post(world, `/api/totp/login/${code}/`, {}, token);
const showStatic = async (world: World, token: string, code: string): Promise<Answered<Said>> =>
  post(world, `/api/static/login/${code}/`, {}, token);
const makeStatic = async (world: World, token: string): Promise<Answered<readonly string[]>> =>
  world.request<readonly string[]>("GET", "/api/static/create/", { headers: bearing(token) });
const remove = async (world: World, token: string): Promise<Answered<Said>> =>
  post(world, "/api/totp/delete/", {}, token);

const tokenIn = (answered: Answered<Said>, status = 201): string => {
  assert.equal(answered.status, status, answered.text);
  return String(answered.body["token"]);
};

const assertRefused = (
  answered: Answered<unknown>,
  status: number,
  body: unknown,
  about?: string,
): void => assert.deepEqual([answered.status, answered.body], [status, body], about);

interface Owner {
  readonly user: TestUser;
  readonly secret: string;
  /** A token from before the device was confirmed. */
  readonly weak: string;
  readonly strong: string;
}

async function begin(world: World, token: string): Promise<string> {
  const begun = await create(world, token);
  assert.equal(begun.status, 201, begun.text);
  return new URL(begun.body).searchParams.get("secret") ?? assert.fail(begun.body);
}

/** Creates a user with a device and moves the clock to its next code. */
async function owner(world: World, user?: TestUser): Promise<Owner> {
  const someone = user ?? (await world.user());
  const weak = await logIn(world, someone.email, someone);
  const secret = await begin(world, weak);
  const strong = tokenIn(await show(world, weak, totpCode(world, secret)));
  world.clock.advance(30);
  return { user: someone, secret, weak, strong };
}

async function pass(world: World, seconds: number): Promise<void> {
  world.clock.advance(seconds);
  await world.rules.feed.refresh(250);
}

// ── setting a device up

eachWorld(
  "MF-09 a device's secret is shown until it is confirmed, and never after",
  async (world) => {
    const user = await world.user({ email: "ann+1@example.com" });
    const weak = await logIn(world, user.email, user);
    const first = await create(world, weak);
    const secret = new URL(first.body).searchParams.get("secret") ?? "";
    assert.equal(
      first.body,
      `otpauth://totp/ann%2B1%40example.com?secret=${secret}&algorithm=SHA1&digits=6&period=30`,
    );
    assert.equal(first.text, JSON.stringify(first.body));
    assert.equal((await create(world, weak)).body, first.body);
    assert.equal((await see(world, weak)).status, 200, "it counts for nothing yet");
    assert.ok(!(await dump(world)).totp_devices.includes(secret));

    const strong = tokenIn(await show(world, weak, totpCode(world, secret)));
    const pending = await logIn(world, user.email, user);
    for (const token of [weak, pending]) assertRefused(await create(world, token), 403, OTP);
    assertRefused(await create(world, strong), 403, {
      detail: "The secret of a confirmed device is not shown again.",
    });
    assert.equal((await listConfirmed(world.rules.db, user.id)).length, 1);
  },
);

eachWorld(
  "a device that was not confirmed for a quarter of an hour is begun anew",
  async (world) => {
    const user = await world.user();
    const secret = await begin(world, await logIn(world, user.email, user));
    await pass(world, QUARTER_HOUR);
    const later = await logIn(world, user.email, user);
    assert.equal((await show(world, later, totpCode(world, secret))).status, 400);
    await pass(world, 2);
    assert.notEqual(await begin(world, later), secret);
    assert.equal(await countRows(world, "totp_devices"), 1);
  },
);

eachWorld(
  "MF-12 the user is told of a new device, of new codes and of a removed device, and all of it is recorded",
  async (world) => {
    const { user, strong } = await owner(world);
    assert.match((await latestMail(world, user.email)).text, /authenticator app/i);
    assert.equal((await makeStatic(world, strong)).status, 201);
    assert.equal((await remove(world, strong)).status, 200);
    assert.equal((await mailsTo(world, user.email)).length, 3);
    const events = await eventsOf(world);
    for (const event of ["factor.added", "recovery_codes.made", "factor.removed", "sessions.ended"])
      assert.ok(events.includes(event), event);
  },
);

eachWorld(
  "MF-07 a user with another factor sets up no device without showing that factor",
  async (world) => {
    const user = await world.user();
    const weak = await logIn(world, user.email, user);
    const secret = await begin(world, weak);
    await rowsOf.passkey(world.rules.db, user.id);
    assertRefused(await create(world, weak), 403, OTP);
    assertRefused(await show(world, weak, totpCode(world, secret)), 403, OTP);
    assertRefused(await makeStatic(world, weak), 403, OTP);
    assert.equal((await listConfirmed(world.rules.db, user.id)).length, 0);
  },
);

eachWorld(
  "MF-07 a device is set up after a login, and codes are made and devices removed after a code, of the last five minutes",
  async (world) => {
    const user = await world.user();
    const old = await logIn(world, user.email, user);
    const secret = await begin(world, old);
    await pass(world, FIVE_MINUTES + 1);
    const refreshed = tokenIn(await post(world, finished.refresh, { token: old }), 200);
    for (const token of [old, refreshed]) {
      assertRefused(await create(world, token), 403, LOG_IN_AGAIN);
      assertRefused(await show(world, token, totpCode(world, secret)), 403, LOG_IN_AGAIN);
    }
    const strong = tokenIn(
      await show(world, await logIn(world, user.email, user), totpCode(world, secret)),
    );
    await pass(world, FIVE_MINUTES + 1);
    const later = tokenIn(await post(world, finished.refresh, { token: strong }), 200);
    for (const token of [strong, later]) {
      assertRefused(await remove(world, token), 403, OTP);
      assertRefused(await makeStatic(world, token), 403, OTP);
      assertRefused(
        await post(world, "/api/user/delete/", { current_password: user.password }, token),
        403,
        OTP,
      );
      assert.equal(
        (await see(world, token)).status,
        200,
        "for everything else it is as good as it was",
      );
    }
    const again = tokenIn(await show(world, later, totpCode(world, secret)));
    assert.equal((await makeStatic(world, again)).status, 201);
    assert.equal((await remove(world, again)).status, 200);
  },
);

eachWorld(
  "no device can be set up if second factors are switched off",
  async (world) => {
    const user = await world.user();
    assertRefused(await create(world, await logIn(world, user.email, user)), 403, {
      detail: "Second factors are switched off.",
    });
  },
  { PORTCULLIS_MFA_POLICY: "off" },
);

// ── logging in

eachWorld(
  "MF-08 the login of a user with a device opens no session, but the code does",
  async (world) => {
    const { user, secret } = await owner(world);
    const before = await countRows(world, "sessions");
    const pending = await logIn(world, user.email, user);
    assert.equal(await countRows(world, "sessions"), before);
    const { user_id, username, email, otp_device_id, orig_iat, exp } = claimsIn(pending);
    const now = world.clock.now();
    assert.deepEqual(
      [username, email, otp_device_id, orig_iat, exp],
      [user.email, user.email, null, now, now + FIVE_MINUTES],
    );

    const opened = tokenIn(await show(world, pending, totpCode(world, secret)));
    const claims = claimsIn(opened);
    assert.equal(claims["user_id"], user_id);
    assert.match(String(claims["otp_device_id"]), /^otp_totp\.totpdevice\/[0-9a-f-]{36}$/);
    assert.deepEqual(
      [claims["amr"], claims["acr"], claims["exp"]],
      [["pwd", "otp", "mfa"], "aal2", now + QUARTER_HOUR],
    );
    assert.equal(await countRows(world, "sessions"), before + 1);
    assert.equal((await see(world, opened)).status, 200);
    assertRefused(
      await show(world, pending, totpCode(world, secret, 1)),
      401,
      UNDECODABLE,
      "it is good for one",
    );
  },
);

eachWorld(
  "MF-04, JW-14 a login's token opens nothing, here or elsewhere, until the code is shown",
  async (world) => {
    const { user, secret } = await owner(world);
    const token = await logIn(world, user.email, user);
    const state = async (): Promise<string> => {
      const { sessions, totp_devices: devices, recovery_codes: codes, users } = await dump(world);
      return JSON.stringify([sessions, devices, codes, users]);
    };
    const before = await state();
    for (const [method, path] of [
      ["GET", "/api/user/view/"],
      ["HEAD", "/api/user/view/"],
      ["PUT", "/api/user/view/"],
      ["PATCH", "/api/user/view/"],
      ["OPTIONS", "/api/user/view/"],
      ["POST", "/api/user/delete/"],
      ["POST", "/api/user/logout/all/"],
      ["GET", "/api/totp/create/"],
      ["POST", "/api/totp/delete/"],
      ["GET", "/api/static/create/"],
    ] as const) {
      const answered = await world.request(method, path, {
        headers: bearing(token),
        ...(["POST", "PUT", "PATCH"].includes(method) && {
          body: { current_password: user.password, email: "thief@example.com" },
        }),
      });
      assertRefused(answered, 403, method === "HEAD" ? "" : OTP, `${method} ${path}`);
    }
    assertRefused(await post(world, finished.refresh, { token }), 400, {
      non_field_errors: ["Error decoding signature."],
    });
    assertRefused(
      await post(world, finished.login, { email: user.email, password: "wrong" }, token),
      400,
      NO_LOGIN,
    );

    const nothing = "0190a0a0-0000-4000-8000-000000000000";
    let asked = 0;
    for (const { name, method, path, access } of Object.values(endpoints)) {
      if (access !== "user" && access !== "superuser") continue;
      const { status, body } = await world.request(method, path.replaceAll(/\{\w+\}/g, nothing), {
        token,
      });
      assert.deepEqual([status, body.code], [401, "invalid_token"], name);
      asked += 1;
    }
    assert.ok(asked > 30);
    assert.ok(
      (await world.request("POST", "/v1/sessions/refresh", { body: { refreshToken: token } }))
        .status >= 400,
    );
    assert.equal((await post(world, "/api/token/verify/", { token })).status, 401);
    assert.equal((await post(world, "/api/token/refresh/", { refresh: token })).status, 401);
    assert.equal((await world.request("GET", "/auth/users/me/", { token })).status, 401);
    assert.equal(await state(), before);
    assert.equal(
      (await show(world, token, totpCode(world, secret))).status,
      201,
      "it is still good for what it is for",
    );
  },
);

eachWorld("a pending token cannot be forged or prolonged", async (world) => {
  const { user, secret } = await owner(world);
  const token = await logIn(world, user.email, user);
  const [claims, header] = [claimsIn(token), headerOf(token)];
  const [, payload, signature] = token.split(".");
  const code = totpCode(world, secret);
  for (const forged of [
    hs256({ ...claims, exp: world.clock.now() + 9999 }, masterSecret, header),
    hs256(claims, "", header),
    `${Buffer.from(JSON.stringify({ alg: "none", typ: header["typ"] })).toString("base64url")}.${payload}.`,
    `${Buffer.from(JSON.stringify({ ...header, typ: "JWT" })).toString("base64url")}.${payload}.${signature}`,
  ])
    assertRefused(await show(world, forged, code), 401, UNDECODABLE);
  await pass(world, FIVE_MINUTES);
  assertRefused(await show(world, token, totpCode(world, secret)), 401, {
    detail: "Signature has expired.",
  });
});

eachWorld(
  "MF-04 if one token is sent with the right code many times at once, one session opens",
  async (world) => {
    const { user, secret } = await owner(world);
    const token = await logIn(world, user.email, user);
    const before = await countRows(world, "sessions");
    const code = totpCode(world, secret);
    const answers = await par(20, async () => show(world, token, code));
    assert.equal(statuses(answers)[201], 1, JSON.stringify(statuses(answers)));
    assert.equal(await countRows(world, "sessions"), before + 1);
  },
);

eachWorld(
  "MF-02 if twenty sessions show the same code at once, one of them opens another session",
  async (world) => {
    const { secret, weak } = await owner(world);
    const before = await countRows(world, "sessions");
    const code = totpCode(world, secret);
    const answers = await par(20, async () => show(world, weak, code));
    assert.equal(statuses(answers)[201], 1, JSON.stringify(statuses(answers)));
    assert.equal(await countRows(world, "sessions"), before + 1);
  },
);

eachWorld(
  "LG-11 if the account changes between the two steps of a login, the user is not let in",
  async (world) => {
    const [{ user, secret, strong }, gone] = [await owner(world), await owner(world)];
    const [pending, disabled] = [
      await logIn(world, user.email, user),
      await logIn(world, gone.user.email, gone.user),
    ];
    assert.equal((await post(world, "/api/user/logout/all/", {}, strong)).status, 204);
    assertRefused(await show(world, pending, totpCode(world, secret)), 401, UNDECODABLE);
    await disableUser(world.rules, gone.user.id, operator);
    assertRefused(await show(world, disabled, totpCode(world, gone.secret)), 401, {
      detail: "User account is disabled.",
    });
  },
);

eachWorld(
  "a refreshed token still shows the device, and a session from before it stays without",
  async (world) => {
    const { weak, strong } = await owner(world);
    const refreshed = tokenIn(await post(world, finished.refresh, { token: strong }), 200);
    assert.equal(claimsIn(refreshed)["otp_device_id"], claimsIn(strong)["otp_device_id"]);
    assert.equal((await see(world, refreshed)).status, 200);
    const still = tokenIn(await post(world, finished.refresh, { token: weak }), 200);
    assertRefused(await see(world, still), 403, OTP);
    assert.equal(
      (await post(world, "/api/user/logout/all/", {}, weak)).status,
      204,
      "ending everything takes no second factor",
    );
    assertRefused(await see(world, strong), 401, UNDECODABLE);
  },
);

eachWorld("a device that was removed counts for nothing", async (world) => {
  const { user, weak, strong } = await owner(world);
  const codes = await makeStatic(world, strong);
  const byCode = tokenIn(await showStatic(world, weak, codes.body[0] ?? ""));
  assert.equal((await see(world, byCode)).status, 200);
  const [device] = await listConfirmed(world.rules.db, user.id);
  await transact(world.rules, async (tx) => {
    await deleteTotp(tx, { id: device?.id ?? "", userId: user.id });
    await deleteCodes(tx, user.id);
  });
  const other = await owner(world, user);
  assert.equal((await see(world, other.strong)).status, 200);
  for (const token of [strong, byCode]) assertRefused(await see(world, token), 403, OTP);
});

eachWorld(
  "a user who must have a device and has none sets it up during the login",
  async (world) => {
    const user = await world.user();
    const pending = await logIn(world, user.email, user);
    assertRefused(await see(world, pending), 403, OTP);
    const secret = await begin(world, pending);
    assert.equal((await show(world, pending, otherCode(totpCode(world, secret)))).status, 400);
    await pass(world, 2);
    const opened = tokenIn(await show(world, pending, totpCode(world, secret)));
    assert.match(String(claimsIn(opened)["otp_device_id"]), /^otp_totp\.totpdevice\//);
    assert.equal((await see(world, opened)).status, 200);
    assertRefused(await remove(world, opened), 403, {
      detail: "This account must have a second factor.",
    });
    assert.equal((await see(world, opened)).status, 200, "and nothing has ended");
  },
  { PORTCULLIS_MFA_POLICY: "required" },
);

eachWorld(
  "a factor that was set up natively is asked for here, and one from here natively",
  async (world) => {
    const { user, secret } = await owner(world);
    assert.deepEqual((await challenge(world, user)).factors, ["totp"]);
    const opened = tokenIn(
      await show(world, await logIn(world, user.email, user), totpCode(world, secret)),
    );
    assert.ok(await isAccepted(world, opened));
  },
);

eachWorld(
  "on Djoser's paths, which have no second step, a user with a device cannot log in",
  async (world) => {
    const user = await world.user();
    await rowsOf.totp(world.rules.db, user.id);
    assertRefused(
      await post(world, "/api/jwt/create/", { email: user.email, password: user.password }),
      400,
      NO_LOGIN,
    );
    assert.equal(await countRows(world, "challenges"), 0);
  },
  { PORTCULLIS_TAG1_PATHS: "djoser" },
);

// ── emergency codes

eachWorld(
  "MF-05 an emergency code replaces the device once, at a login and in a session",
  async (world) => {
    const { user, weak, strong } = await owner(world);
    const codes = (await makeStatic(world, strong)).body;
    assert.equal(new Set(codes).size, 6);
    for (const code of codes) assert.match(code, /^[a-z2-7]{8}$/);
    const [first = "", second = ""] = codes;
    const opened = tokenIn(await showStatic(world, await logIn(world, user.email, user), first));
    assert.match(String(claimsIn(opened)["otp_device_id"]), /^otp_static\.staticdevice\/./);
    assert.deepEqual(claimsIn(opened)["amr"], ["pwd", "rec", "mfa"]);
    assert.equal((await showStatic(world, weak, first)).status, 400);
    await pass(world, 2);
    const answers = await par(8, async () => showStatic(world, weak, second));
    assert.equal(statuses(answers)[201], 1, JSON.stringify(statuses(answers)));
    await pass(world, 2);
    const anew = (await makeStatic(world, opened)).body;
    assert.equal(
      (await see(world, opened)).status,
      200,
      "the codes are one device, however often they are made anew",
    );
    assert.equal((await showStatic(world, weak, codes[2] ?? "")).status, 400);
    await pass(world, 2);
    assert.equal((await showStatic(world, weak, anew[0] ?? "")).status, 201);
  },
);

eachWorld(
  "codes alone are no second factor, and a user without a device gets none",
  async (world) => {
    const user = await world.user();
    const token = await logIn(world, user.email, user);
    assertRefused(await makeStatic(world, token), 403, {
      detail: "Set up a device first: emergency codes take its place.",
    });
    const made = await makeCodes(world.rules, { count: 1, length: 8 });
    assert.equal(made.kind, "made");
    if (made.kind === "made")
      await transact(world.rules, async (tx) =>
        replaceCodes(tx, user.id, made.rows, world.clock.now()),
      );
    for (const one of [token, await logIn(world, user.email, user)])
      assert.equal((await see(world, one)).status, 200);
  },
);

eachWorld(
  "codes that were made natively are accepted with or without the hyphen",
  async (world) => {
    const { user, weak } = await owner(world);
    const made = await makeCodes(world.rules);
    assert.equal(made.kind, "made");
    if (made.kind !== "made") return;
    await transact(world.rules, async (tx) =>
      replaceCodes(tx, user.id, made.rows, world.clock.now()),
    );
    const [one = "", other = ""] = made.codes;
    assert.equal((await showStatic(world, weak, one)).status, 201);
    assert.equal((await showStatic(world, weak, other.replace("-", ""))).status, 201);
  },
);

eachWorld("a code of another form has no path", async (world) => {
  const { weak } = await owner(world);
  for (const code of ["12345", "1234567", "12345a", "%31%32%33%34%35%36"])
    assert.equal((await show(world, weak, code)).status, 404, code);
  for (const code of ["abcdef", "abcdefghi", "ABCDEFGH", "abcdefg1"])
    assert.equal((await showStatic(world, weak, code)).status, 404, code);
});

// ── guessing

eachWorld(
  "after a wrong code the right one is refused for a second, and for that account only",
  async (world) => {
    const [{ secret, weak }, other] = [await owner(world), await owner(world)];
    const code = totpCode(world, secret);
    assertRefused(await show(world, weak, otherCode(code)), 400, "");
    assertRefused(await show(world, weak, code), 400, "");
    assert.equal((await show(world, other.weak, totpCode(world, other.secret))).status, 201);
    await pass(world, 1);
    assert.equal((await show(world, weak, code)).status, 201);
  },
);

eachWorld(
  "the right code is refused for a while even if the wrong one comes late in a second",
  async (world) => {
    const { secret, weak } = await owner(world);
    const code = totpCode(world, secret);
    await pass(world, 0.9);
    await show(world, weak, otherCode(code));
    await pass(world, 0.14);
    assert.equal((await show(world, weak, code)).status, 400);
    await pass(world, 1);
    assert.equal((await show(world, weak, code)).status, 201);
  },
);

eachWorld(
  "MF-03 guesses of a login and of sessions draw on one budget for all kinds of codes",
  async (world) => {
    const { user, secret, weak } = await owner(world);
    const pending = await logIn(world, user.email, user);
    for (let time = 0; time < 5; time += 1) {
      assert.equal((await show(world, pending, otherCode(totpCode(world, secret)))).status, 400);
      await pass(world, 2);
    }
    assertRefused(
      await show(world, pending, totpCode(world, secret)),
      401,
      UNDECODABLE,
      "it has no tries left",
    );
    for (let time = 0; time < 5; time += 1) {
      assert.equal((await showStatic(world, weak, "zzzzzzzz")).status, 400);
      await pass(world, 2);
    }
    const refused = await show(world, weak, totpCode(world, secret));
    assert.equal(refused.status, 429);
    assert.match(
      String(refused.body["detail"]),
      /^Request was throttled\. Expected available in \d+ seconds\.$/,
    );
    assert.ok((await eventsOf(world)).includes("second_factor.throttled"));
  },
);

eachWorld("LG-14 the user is told of the right password with a wrong code", async (world) => {
  const { user, secret } = await owner(world);
  const before = (await mailsTo(world, user.email)).length;
  await show(world, await logIn(world, user.email, user), otherCode(totpCode(world, secret)));
  assert.equal((await mailsTo(world, user.email)).length, before + 1);
});

eachWorld("no code, secret or path is logged", async (world) => {
  const { user, secret, weak, strong } = await owner(world);
  const [code, wrong] = [totpCode(world, secret), otherCode(totpCode(world, secret))];
  const codes = (await makeStatic(world, strong)).body;
  const pending = await logIn(world, user.email, user);
  await show(world, pending, wrong);
  await pass(world, 2);
  await show(world, pending, code);
  await showStatic(world, weak, codes[0] ?? "");
  await world.request("POST", `/api/totp/login/${code}`, { headers: bearing(weak) });
  await world.request("GET", `/api/totp/login/${code}/nothing/`, { headers: bearing(weak) });
  const metrics = await world.rules.metrics.text();
  const logged = JSON.stringify(world.logged);
  for (const endpoint of ["tag1.totp_login", "tag1.static_login"])
    assert.ok(logged.includes(endpoint) && metrics.includes(endpoint));
  const { audit_events: audit } = await dump(world);
  for (const said of [logged, metrics, audit])
    for (const told of [code, wrong, secret, ...codes, pending, weak, strong, "/api/"])
      assert.ok(!said.includes(told), told);
});

// ── taking it away

eachWorld(
  "removing the device also removes the codes, and ends every session except a new one that shows no device",
  async (world) => {
    const { user, secret, weak, strong } = await owner(world);
    await makeStatic(world, strong);
    const pending = await logIn(world, user.email, user);
    const plain = tokenIn(await remove(world, strong), 200);
    assert.equal(claimsIn(plain)["otp_device_id"], null);
    assert.equal(claimsIn(plain)["auth_time"], claimsIn(strong)["auth_time"]);
    for (const token of [weak, strong]) assertRefused(await see(world, token), 401, UNDECODABLE);
    assertRefused(await show(world, pending, totpCode(world, secret)), 401, UNDECODABLE);
    assert.equal((await see(world, plain)).status, 200);
    assert.deepEqual(
      [await countRows(world, "totp_devices"), await countRows(world, "recovery_codes")],
      [0, 0],
    );
    assert.equal((await see(world, await logIn(world, user.email, user))).status, 200);
    assert.equal((await remove(world, plain)).status, 200, "also where there is none");
  },
);

eachWorld("if two calls remove the device at once, one of them gets a token", async (world) => {
  const { strong } = await owner(world);
  const answers = await par(2, async () => remove(world, strong));
  assert.deepEqual(statuses(answers), { 200: 1, 401: 1 });
});

eachWorld(
  "JW-18 removing devices again and again does not extend how long the user stays logged in",
  async (world) => {
    const user = await world.user();
    let token = await logIn(world, user.email, user);
    const end = world.clock.now() + 600 + QUARTER_HOUR;
    await pass(world, 500);
    token = tokenIn(await remove(world, token), 200);
    await pass(world, 800);
    token = tokenIn(await remove(world, token), 200);
    assert.equal(claimsIn(token)["exp"], end);
    assertRefused(await post(world, finished.refresh, { token }), 400, {
      non_field_errors: ["Refresh has expired."],
    });
    await pass(world, end - world.clock.now());
    assertRefused(await remove(world, token), 401, { detail: "Signature has expired." });
  },
  { PORTCULLIS_JWT_REFRESH_EXPIRATION_DELTA: "600s" },
);
