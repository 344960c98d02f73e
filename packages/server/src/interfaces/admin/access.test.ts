import { endpoints, failures, type Endpoint, type FailureCode } from "@portcullis/contract";
import assert from "node:assert/strict";
import test from "node:test";
import { z } from "zod";
import { rowsOf } from "../../../test/factors.ts";
import { signed } from "../../../test/steps.ts";
import {
  eachWorld,
  eachWorldInFull,
  type Answered,
  type Refused,
  type TestUser,
  type World,
} from "../../../test/world.ts";
import { disableUser } from "../../accounts/users/disable-user.ts";
import type { SessionTokens } from "../../accounts/users/ports.ts";

const roles = [
  "anonymous",
  "user",
  "superuser",
  "demoted superuser",
  "disabled superuser",
] as const;
type Role = (typeof roles)[number];
/** The status of an answer, or the code of a refusal. */
type Result = number | FailureCode;
type Results = Readonly<Record<Role, Result>>;

/**
 * The users that a call is about: the caller, another user who is signed in and has second factors,
 * and one without.
 */
interface Cast {
  readonly caller: TestUser;
  readonly other: TestUser;
  readonly otherTokens: SessionTokens;
  /** Ids of their factors. */
  readonly otherFactors: Readonly<Record<"begunTotp" | "totp" | "passkey" | "device", string>>;
  readonly plain: TestUser;
}

interface Sent {
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

interface Row {
  readonly results: Results;
  readonly send?: (cast: Cast) => Sent;
}

function open(result: Result): Results {
  return {
    anonymous: result,
    user: result,
    superuser: result,
    "demoted superuser": result,
    "disabled superuser": result,
  };
}

function signedIn(result: Result): Results {
  return {
    anonymous: "unauthenticated",
    user: result,
    superuser: result,
    "demoted superuser": result,
    "disabled superuser": "session_ended",
  };
}

function superuser(result: Result): Results {
  return {
    anonymous: "unauthenticated",
    user: "forbidden",
    superuser: result,
    "demoted superuser": "forbidden",
    "disabled superuser": "session_ended",
  };
}

const nothing = "0190a0a0-0000-4000-8000-000000000000";
const password = "eleven loud magpies";
const credential = { id: "AAAA", rawId: "AAAA", type: "public-key" };
const assertion = {
  ...credential,
  response: { clientDataJSON: "AAAA", authenticatorData: "AAAA", signature: "AAAA" },
};
const attestation = {
  ...credential,
  response: { clientDataJSON: "AAAA", attestationObject: "AAAA" },
};
const ofOther = ({ other }: Cast): Sent => ({ params: { id: other.id } });

/** The answer of each call to each kind of caller (AD-01). */
const matrix: Readonly<Record<keyof typeof endpoints, Row>> = {
  registerUser: {
    results: open(202),
    send: () => ({ body: { email: "newcomer@example.com", password, profile: {} } }),
  },
  confirmUser: {
    results: open("invalid_code"),
    send: () => ({
      body: { registrationId: nothing, clientSecret: "x".repeat(43), code: "12345678" },
    }),
  },
  confirmUserByLink: {
    results: open("invalid_link"),
    send: () => ({ body: { token: "x".repeat(43), password } }),
  },
  resendRegistration: {
    results: open("not_found"),
    send: () => ({ body: { registrationId: nothing, clientSecret: "x".repeat(43) } }),
  },
  getRegistration: {
    results: open("not_found"),
    send: () => ({ body: { registrationId: nothing, clientSecret: "x".repeat(43) } }),
  },
  setUp: {
    results: open("setup_closed"),
    send: () => ({ body: { setupToken: "x".repeat(43), email: "root@example.com", password } }),
  },
  signIn: {
    results: open(201),
    send: ({ plain }) => ({ body: { identifier: plain.email, password: plain.password } }),
  },
  answerChallenge: {
    results: open("invalid_challenge"),
    send: () => ({
      params: { id: nothing },
      body: { challengeSecret: "x".repeat(43), factor: "totp", code: "123456" },
    }),
  },
  prepareChallenge: {
    results: open("invalid_challenge"),
    send: () => ({
      params: { id: nothing },
      body: { challengeSecret: "x".repeat(43), factor: "email" },
    }),
  },
  enrolInChallenge: {
    results: open("invalid_challenge"),
    send: () => ({
      params: { id: nothing },
      body: { challengeSecret: "x".repeat(43), factor: "totp" },
    }),
  },
  startPasskeySignIn: { results: open(201) },
  signInWithPasskey: {
    results: open("invalid_passkey"),
    send: () => ({ body: { ceremonyId: nothing, credential: assertion } }),
  },
  stepUp: {
    results: signedIn(200),
    send: ({ caller }) => ({ body: { password: caller.password } }),
  },
  prepareStepUp: {
    results: signedIn("factor_unavailable"),
    send: () => ({ body: { factor: "email" } }),
  },
  refreshSession: {
    results: open(200),
    send: ({ otherTokens }) => ({ body: { refreshToken: otherTokens.refreshToken } }),
  },
  logOut: {
    results: open(204),
    send: ({ otherTokens }) => ({ body: { refreshToken: otherTokens.refreshToken } }),
  },
  getCsrfToken: { results: open(200) },
  getToken: { results: signedIn(200) },
  listSessions: { results: signedIn(200) },
  endCurrentSession: { results: signedIn(204) },
  endSession: {
    results: signedIn(204),
    send: ({ otherTokens }) => ({ params: { id: otherTokens.sessionId } }),
  },
  endAllSessions: { results: signedIn(204) },
  listActivity: { results: signedIn(200) },
  exportMe: { results: signedIn(200) },
  getMe: { results: signedIn(200) },
  updateMe: {
    results: signedIn(200),
    send: () => ({ body: { profile: { displayName: "Anna" } } }),
  },
  deleteMe: {
    results: signedIn(204),
    send: ({ caller }) => ({ body: { password: caller.password } }),
  },
  changePassword: {
    results: signedIn(200),
    send: ({ caller }) => ({ body: { currentPassword: caller.password, newPassword: password } }),
  },
  changeEmail: {
    results: signedIn(202),
    send: ({ caller }) => ({
      body: { newEmail: "newcomer@example.com", password: caller.password },
    }),
  },
  confirmEmailChange: {
    results: signedIn("invalid_code"),
    send: () => ({ body: { changeId: nothing, code: "12345678" } }),
  },
  confirmEmailChangeByLink: {
    results: open("invalid_link"),
    send: () => ({ body: { token: "x".repeat(43), password } }),
  },
  undoEmailChange: {
    results: open("invalid_link"),
    send: () => ({ body: { token: "x".repeat(43) } }),
  },
  changeUsername: {
    results: signedIn(200),
    send: ({ caller }) => ({
      body: { username: `u${caller.id.slice(0, 13)}`, password: caller.password },
    }),
  },
  startPasswordReset: {
    results: open(202),
    send: ({ other }) => ({ body: { email: other.email } }),
  },
  confirmPasswordReset: {
    results: open("invalid_code"),
    send: () => ({ body: { resetId: nothing, code: "12345678", newPassword: password } }),
  },
  getFactors: { results: signedIn(200) },
  startTotp: { results: signedIn(201), send: () => ({ body: { name: "Phone" } }) },
  confirmTotp: {
    results: signedIn("not_found"),
    send: ({ otherFactors }) => ({
      params: { id: otherFactors.begunTotp },
      body: { code: "123456" },
    }),
  },
  removeTotp: {
    results: signedIn("not_found"),
    send: ({ otherFactors }) => ({ params: { id: otherFactors.totp } }),
  },
  makeRecoveryCodes: { results: signedIn("no_factor") },
  startEmailCodes: { results: signedIn(202) },
  confirmEmailCodes: {
    results: signedIn("invalid_code"),
    send: () => ({ body: { code: "12345678" } }),
  },
  removeEmailCodes: { results: signedIn("not_found") },
  startPasskey: { results: signedIn(201) },
  addPasskey: {
    results: signedIn("invalid_passkey"),
    send: () => ({ body: { ceremonyId: nothing, credential: attestation } }),
  },
  renamePasskey: {
    results: signedIn("not_found"),
    send: ({ otherFactors }) => ({ params: { id: otherFactors.passkey }, body: { name: "Mine" } }),
  },
  removePasskey: {
    results: signedIn("not_found"),
    send: ({ otherFactors }) => ({ params: { id: otherFactors.passkey } }),
  },
  removePassword: { results: signedIn("last_credential") },
  listRememberedDevices: { results: signedIn(200) },
  forgetRememberedDevice: {
    results: signedIn(204),
    send: ({ otherFactors }) => ({ params: { id: otherFactors.device } }),
  },
  adminGetFactors: { results: superuser(200), send: ofOther },
  adminResetFactors: { results: superuser(204), send: ofOther },
  adminMfaReport: { results: superuser(200) },
  adminListUsers: { results: superuser(200) },
  adminGetUser: { results: superuser(200), send: ofOther },
  adminListUserSessions: { results: superuser(200), send: ofOther },
  adminEndUserSession: {
    results: superuser(204),
    send: ({ other, otherTokens }) => ({
      params: { id: other.id, sessionId: otherTokens.sessionId },
    }),
  },
  adminEndUserSessions: { results: superuser(204), send: ofOther },
  adminEndEverySession: { results: superuser(204) },
  adminDisableUser: { results: superuser(204), send: ofOther },
  adminEnableUser: { results: superuser(204), send: ofOther },
  adminDeleteUser: { results: superuser(204), send: ofOther },
  adminStartPasswordReset: { results: superuser(202), send: ofOther },
  adminListRevocations: { results: superuser(200) },
  adminListAudit: { results: superuser(200) },
  adminListKeys: { results: superuser(200) },
  adminGetFigures: { results: superuser(200) },
  reportMail: {
    results: open(204),
    send: () => ({ body: { reports: [{ kind: "hard_bounce", address: "gone@example.com" }] } }),
  },
  adminListMails: { results: superuser(200) },
  adminSendMailAgain: {
    results: superuser("not_found"),
    send: () => ({ params: { id: nothing } }),
  },
  adminListSuppressions: { results: superuser(200) },
  adminSuppressAddress: {
    results: superuser(204),
    send: () => ({ body: { address: "gone@example.com" } }),
  },
  adminClearSuppression: {
    results: superuser("not_found"),
    send: () => ({ params: { id: nothing } }),
  },
  getKeys: { results: open(200) },
  getHealth: { results: open(200) },
  getReadiness: { results: open(200) },
};

const rows: readonly { readonly endpoint: Endpoint; readonly row: Row }[] = Object.values(
  endpoints,
).map((endpoint) => ({
  endpoint,
  row: matrix[endpoint.name],
}));

async function castOf(world: World): Promise<Cast> {
  const { db } = world.rules;
  const other = await world.user();
  const otherTokens = await world.signIn(other);
  const otherFactors = {
    begunTotp: await rowsOf.totp(db, other.id, null),
    totp: await rowsOf.totp(db, other.id),
    passkey: await rowsOf.passkey(db, other.id),
    device: await rowsOf.device(db, other.id),
  };
  return {
    caller: await world.user(),
    other,
    otherTokens,
    otherFactors,
    plain: await world.user(),
  };
}

async function send(
  world: World,
  endpoint: Endpoint,
  sent: Sent,
  token: string | undefined,
  query = "",
): Promise<Answered<Refused>> {
  const path = endpoint.path.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => sent.params?.[name] ?? assert.fail(`no ${name}`),
  );
  return world.request(endpoint.method, path + query, {
    ...(token !== undefined && { token }),
    ...(sent.body && { body: sent.body }),
    ...(endpoint.access === "signed" && {
      headers: signed(JSON.stringify(sent.body), world.clock.now()),
    }),
    address: nextAddress(),
  });
}

let addresses = 0;

/** Each caller has a network of its own, so that no limit by address interferes. */
function nextAddress(): string {
  addresses += 1;
  return `10.${(addresses >> 8) & 255}.${addresses & 255}.1`;
}

test("AD-01: every endpoint of the contract has a row in the function matrix, and every row an endpoint", () => {
  assert.deepEqual(Object.keys(matrix).toSorted(), Object.keys(endpoints).toSorted());
  const needless = rows.filter(
    ({ endpoint, row }) =>
      (endpoint.params ?? endpoint.input) !== undefined && row.send === undefined,
  );
  assert.deepEqual(needless, []);
});

for (const { endpoint, row } of rows) {
  eachWorldInFull(
    `AD-01, EN-08: ${endpoint.name} answers each role as the function matrix says`,
    async (world) => {
      let cast = await castOf(world);
      let isChanged = false;
      for (const role of roles) {
        // Only a call that succeeds can have changed the users that the next one is about.
        if (isChanged) cast = await castOf(world);
        const caller =
          role === "anonymous" || role === "user"
            ? cast.caller
            : await world.user({ superuser: true });
        const token = role === "anonymous" ? undefined : (await world.signIn(caller)).accessToken;
        if (role === "demoted superuser")
          await world.rules.db
            .updateTable("users")
            .set({ superuser_since: null })
            .where("id", "=", caller.id)
            .execute();
        if (role === "disabled superuser") {
          await world.user({ superuser: true });
          const outcome = await disableUser(world.rules, caller.id, {
            address: null,
            requestId: null,
            actor: { kind: "operator" },
          });
          assert.equal(outcome.kind, "done");
        }
        if (role === "superuser") await world.user({ superuser: true });

        const { status, body } = await send(
          world,
          endpoint,
          row.send?.({ ...cast, caller }) ?? {},
          token,
        );
        const declared = row.results[role];
        isChanged = typeof declared === "number";
        const expected =
          typeof declared === "number"
            ? [declared, undefined]
            : [failures[declared].status, declared];
        assert.deepEqual(
          [status, typeof body === "object" && body !== null ? body.code : undefined],
          expected,
          role,
        );
        // A later user must not be created in the second in which all sessions ended.
        world.clock.advance(1);
      }
    },
  );
}

async function rowsAbout(world: World, userId: string): Promise<unknown> {
  const { db } = world.rules;
  return {
    user: await db.selectFrom("users").selectAll().where("id", "=", userId).execute(),
    sessions: await db.selectFrom("sessions").selectAll().where("user_id", "=", userId).execute(),
    resets: await db
      .selectFrom("password_resets")
      .selectAll()
      .where("user_id", "=", userId)
      .execute(),
    emailChanges: await db
      .selectFrom("email_changes")
      .selectAll()
      .where("user_id", "=", userId)
      .execute(),
    totp: await db.selectFrom("totp_devices").selectAll().where("user_id", "=", userId).execute(),
    passkeys: await db.selectFrom("passkeys").selectAll().where("user_id", "=", userId).execute(),
    devices: await db
      .selectFrom("remembered_devices")
      .selectAll()
      .where("user_id", "=", userId)
      .execute(),
    revocations: await db
      .selectFrom("revocations")
      .selectAll()
      .where("subject", "=", userId)
      .execute(),
  };
}

eachWorld(
  "AD-02, PK-05: no call of a user reads or changes another user's account, session or factor",
  async (world) => {
    let cast = await castOf(world);
    let isChanged = false;
    for (const { endpoint, row } of rows) {
      if (endpoint.access === "public") continue;
      if (isChanged) cast = await castOf(world);
      const { accessToken: token } = await world.signIn(cast.caller);
      const before = await rowsAbout(world, cast.other.id);
      const { status, text } = await send(world, endpoint, row.send?.(cast) ?? {}, token);
      isChanged = status < 400;
      for (const secret of [cast.other.id, cast.other.email, cast.otherTokens.sessionId])
        assert.ok(!text.includes(secret), endpoint.name);
      assert.deepEqual(await rowsAbout(world, cast.other.id), before, endpoint.name);
      assert.equal(
        (await world.request("GET", "/v1/token", { token: cast.otherTokens.accessToken })).status,
        200,
        endpoint.name,
      );
    }
  },
);

/**
 * Returns the names of all columns of all tables in both spellings, except those that the body may
 * hold.
 */
async function columnsFor(world: World, endpoint: Endpoint): Promise<readonly string[]> {
  const tables = await world.database.db.introspection.getTables();
  const columns = new Set(tables.flatMap((table) => table.columns.map((column) => column.name)));
  assert.ok(columns.size > 60, "the columns were found");
  const spelt = [...columns].flatMap((name) => [
    name,
    name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
  ]);
  const members = endpoint.input === undefined ? [] : membersOf(z.toJSONSchema(endpoint.input));
  return [...new Set(spelt)].filter((name) => !members.includes(name));
}

function membersOf(schema: {
  readonly properties?: object;
  readonly anyOf?: readonly object[];
}): readonly string[] {
  return [...Object.keys(schema.properties ?? {}), ...(schema.anyOf ?? []).flatMap(membersOf)];
}

eachWorld("AD-03, RG-10: no body accepts the name of a column", async (world) => {
  for (const { endpoint, row } of rows) {
    const cast = await castOf(world);
    const { accessToken: token } = await world.signIn(await superuserOf(world, cast.caller));
    const { params = {}, body = {} } = row.send?.(cast) ?? {};
    const names = await columnsFor(world, endpoint);

    if (endpoint.input !== undefined) {
      assert.ok(
        endpoint.input.safeParse(body).success,
        `${endpoint.name} accepts the body without them`,
      );
      for (const name of names)
        assert.ok(
          !endpoint.input.safeParse({ ...body, [name]: 1 }).success,
          `${endpoint.name} accepts ${name}`,
        );
    }
    const before = await rowsAbout(world, cast.other.id);
    const extra = Object.fromEntries(names.map((name) => [name, 1]));
    if (endpoint.method === "GET") continue;
    const { status, body: answered } = await send(
      world,
      endpoint,
      { params, body: { ...body, ...extra } },
      token,
    );
    assert.deepEqual(
      [status, answered.code],
      endpoint.input === undefined ? [400, "malformed_request"] : [422, "invalid_input"],
      endpoint.name,
    );
    assert.deepEqual(await rowsAbout(world, cast.other.id), before);
  }
});

async function superuserOf(world: World, user: TestUser): Promise<TestUser> {
  await world.rules.db
    .updateTable("users")
    .set({ superuser_since: 1 })
    .where("id", "=", user.id)
    .execute();
  return user;
}

eachWorld("AD-03, RG-11: a profile does not accept the name of a column either", async (world) => {
  const user = await world.user();
  const { accessToken: token } = await world.signIn(user);
  const before = await rowsAbout(world, user.id);
  for (const name of await columnsFor(world, endpoints.updateMe)) {
    for (const profile of [{ [name]: 1 }, { displayName: { [name]: 1 } }]) {
      assert.equal(
        (await world.request("PATCH", "/v1/me", { token, body: { profile } })).status,
        422,
        name,
      );
    }
  }
  assert.deepEqual(await rowsAbout(world, user.id), before);
});

eachWorld(
  "AD-11: the token names the acting user; a body or query that names another user is refused",
  async (world) => {
    const actor = await superuserOf(world, await world.user());
    const { accessToken: token } = await world.signIn(actor);
    for (const { endpoint, row } of rows) {
      if (endpoint.access === "public" || endpoint.method === "GET") continue;
      const cast = { ...(await castOf(world)), caller: actor };
      const before = await rowsAbout(world, cast.other.id);
      for (const name of ["userId", "user_id", "sub", "actorId", "id", "username"]) {
        const { params = {}, body = {} } = row.send?.(cast) ?? {};
        if (name in body) continue;
        const { status } = await send(
          world,
          endpoint,
          { params, body: { ...body, [name]: cast.other.id } },
          token,
        );
        assert.equal(
          status,
          endpoint.input === undefined ? 400 : 422,
          `${endpoint.name} with ${name}`,
        );
      }
      assert.deepEqual(await rowsAbout(world, cast.other.id), before);
    }
  },
);

eachWorld(
  "AD-11, AU-01: the audit names the superuser of the token, once for each act",
  async (world) => {
    const actor = await superuserOf(world, await world.user());
    const { accessToken: token } = await world.signIn(actor);
    const acts = [
      "adminEndUserSession",
      "adminEndUserSessions",
      "adminDisableUser",
      "adminEnableUser",
      "adminStartPasswordReset",
      "adminResetFactors",
      "adminDeleteUser",
    ] as const;
    const events = [
      "session.ended",
      "sessions.ended",
      "user.disabled",
      "user.enabled",
      "password.reset_started",
      "factors.reset",
      "user.deleted",
    ];
    const cast = { ...(await castOf(world)), caller: actor };
    const { position } = await world.rules.db
      .selectFrom("audit_head")
      .select("position")
      .executeTakeFirstOrThrow();
    for (const act of acts)
      assert.ok(
        (await send(world, endpoints[act], matrix[act].send?.(cast) ?? {}, token)).status < 300,
        act,
      );

    const recorded = await world.rules.db
      .selectFrom("audit_events")
      .selectAll()
      .where("position", ">", position)
      .orderBy("position")
      .execute();
    assert.deepEqual(
      recorded.map((row) => [row.event, row.actor_kind, row.actor_id, row.user_id, row.result]),
      events.map((event) => [event, "superuser", actor.id, cast.other.id, "done"]),
    );
    for (const row of recorded) assert.ok(row.request_id !== null && row.address !== null);
  },
);
