import { held } from "../steps.ts";
import { endpoints, type Endpoint } from "@portcullis/contract";
import assert from "node:assert/strict";
import { demandsOf, type Act } from "../../src/accounts/policies/acts.ts";
import { endpointActs } from "../../src/accounts/policies/endpoint-acts.ts";
import { openSession } from "../../src/accounts/sessions/open.ts";
import { mint } from "../../src/accounts/tokens/mint.ts";
import { disableUser } from "../../src/accounts/users/disable-user.ts";
import { findUser, type User } from "../../src/accounts/users/users.store.ts";
import type { View } from "../../src/interfaces/faces/drf/view.ts";
import { transact } from "../../src/platform/db/transact.ts";
import { faceViews } from "../../src/process/compose-faces.ts";
import { rowsOf } from "../factors.ts";
import { eachWorld, eachWorldInFull, publicUrl, type World, type WorldOptions } from "../world.ts";

// AD-14: the same act asks for the same proof at every door. Each native endpoint and each method
// of each face's view is called by callers in every state; the policy is asked before the body is
// read, so that most calls carry none.

/** Groups of acts that ask for the same proof, as the documentation has them. */
type Demand = "open" | "own" | "recent factor" | "fresh proof" | "admin read" | "admin act";
const demands = [
  "open",
  "own",
  "recent factor",
  "fresh proof",
  "admin read",
  "admin act",
] as const satisfies readonly Demand[];

interface State {
  readonly superuser?: true;
  /** Whether the user has set up an authenticator app. */
  readonly factor?: true;
  /**
   * Whether the session has shown a factor. It is the strongest one, so that MF-07 refuses nothing.
   */
  readonly shown?: true;
  /** How long ago the session was proven. */
  readonly age?: number;
  readonly paused?: true;
  readonly disabled?: true;
  readonly may: readonly Demand[];
}

const own = ["open", "own"] as const;
const everything = demands;

/** The acts that callers may do under every policy of the deployment. */
const states: Readonly<Record<string, State>> = {
  "a user who has no factor": { may: [...own, "recent factor", "fresh proof"] },
  "a user who has no factor and signed in long ago": { age: 1000, may: [...own, "recent factor"] },
  "a user whose session is older than the factor": { factor: true, may: own },
  "a user who has shown the factor long ago": { factor: true, shown: true, age: 301, may: own },
  "a user who has just shown the factor": {
    factor: true,
    shown: true,
    may: [...own, "recent factor", "fresh proof"],
  },
  "a paused user": { factor: true, shown: true, paused: true, may: ["open"] },
  "a paused user who has no factor": { paused: true, may: ["open"] },
  "a disabled user": { factor: true, shown: true, disabled: true, may: [] },
  "a superuser whose session is older than the factor": {
    superuser: true,
    factor: true,
    may: own,
  },
  "a superuser who has shown the factor long ago": {
    superuser: true,
    factor: true,
    shown: true,
    age: 901,
    may: [...own, "admin read"],
  },
  "a superuser who has shown the factor ten minutes ago": {
    superuser: true,
    factor: true,
    shown: true,
    age: 600,
    may: [...own, "admin read", "admin act"],
  },
  "a superuser who has just shown the factor": {
    superuser: true,
    factor: true,
    shown: true,
    may: everything,
  },
  "a paused superuser": {
    superuser: true,
    factor: true,
    shown: true,
    paused: true,
    may: ["open"],
  },
  "a disabled superuser": {
    superuser: true,
    factor: true,
    shown: true,
    disabled: true,
    may: [],
  },
};

/** The acts that a superuser without a factor may do, by policy. */
const bareSuperuser: Readonly<Record<string, readonly Demand[]>> = {
  off: everything,
  optional: everything,
  superusers: [...own, "recent factor", "fresh proof"],
  required: [...own, "recent factor", "fresh proof"],
};

function demandOf(act: Act): Demand {
  const { superuser, whilePaused, proof } = demandsOf(act);
  if (superuser === true) return proof === undefined ? "admin read" : "admin act";
  if (whilePaused === true) return "open";
  if (proof === undefined) return "own";
  return proof.when === "always" ? "fresh proof" : "recent factor";
}

interface Caller {
  readonly user: User;
  readonly nativeToken: string;
  readonly tag1Token: string;
}

interface Door {
  readonly name: string;
  readonly act: Act;
  /** The states that meet another act at this door, or none at all. */
  readonly not?: (state: State) => boolean;
  /** A recorded original asks for more here than the policy does; it never asks for less. */
  readonly stricter?: string;
  knock(world: World, caller: Caller): Promise<"allowed" | "refused">;
}

const nobody = "0190a0a0-0000-4000-8000-000000000000";
const denials = [
  "session_ended",
  "account_paused",
  "forbidden",
  "factor_required",
  "insufficient_user_authentication",
];

const nativeDoors: readonly Door[] = Object.values(endpoints).flatMap((endpoint: Endpoint) => {
  const act = endpointActs[endpoint.name as keyof typeof endpointActs];
  if (act === "public") return [];
  const path = endpoint.path.replaceAll(/\{\w+\}/g, nobody);
  return [
    {
      name: endpoint.name,
      act,
      knock: async (world, { nativeToken: token }) => {
        const body = endpoint.input === undefined ? {} : { body: {} };
        const asked = { token, ...body, address: nextAddress() };
        const answered = await untilNotBusy(async () =>
          world.request(endpoint.method, path, asked),
        );
        const { code } = answered.body;
        // Only the rule gives this answer to a user's own act: it keeps the last factor of a
        // superuser.
        const isOfRule = code === "factor_required" && endpoint.access === "user";
        return denials.includes(code ?? "") && !isOfRule ? "refused" : "allowed";
      },
    },
  ];
});

let addresses = 0;

/** Uses a new network for each call, so that no limit per address interferes. */
function nextAddress(): string {
  addresses += 1;
  return `10.${(addresses >> 8) & 255}.${addresses & 255}.1`;
}

/** The answers of faces if the policy refuses. A 403 in other words comes from a rule behind it. */
const faceDenials = [
  "You do not have permission to perform this action.",
  "You do not have permission to perform this action until you verify your OTP device.",
  "Your account must have a second factor before you can do this.",
  "Show your second factor to do this: sign in with it again.",
  "Log in again to do this.",
  "Log in again to set up a device.",
];

type Asked = Pick<Door, "act" | "not" | "stricter"> & {
  /** Whether the parameter `id` names another user. */
  readonly other?: true;
};
type LoginField = "email" | "username";

const isSuperuser = ({ superuser }: State): boolean => superuser === true;
const isNoSuperuser = ({ superuser }: State): boolean => superuser !== true;
const hasNoFactor = ({ factor }: State): boolean => factor !== true;
const verifiedOnly = "the tutorial's IsOtpVerified asks for a shown device before everything";

/** Lists the act of every method of every view. A view without a row fails the test. */
function actsAtFaces(login: LoginField): Readonly<Record<string, readonly Asked[]>> {
  const update = login === "username" ? "changeEmail" : "changeOwnProfile";
  const rename = login === "username" ? "changeUsername" : "changeEmail";
  const verified = { stricter: verifiedOnly };
  const tag1Update = [{ act: update, ...verified }] as const;
  return {
    "djoser.users GET": [
      { act: "listUsers", not: isNoSuperuser },
      { act: "readOwnAccount", not: isSuperuser },
    ],
    "djoser.me GET": [{ act: "readOwnAccount" }],
    "djoser.me PUT": [{ act: update }],
    "djoser.me PATCH": [{ act: update }],
    "djoser.me DELETE": [{ act: "deleteAccount" }],
    "djoser.user GET": [{ act: "readOwnAccount" }, { act: "readUser", other: true }],
    "djoser.user PUT": [{ act: update }, { act: "changeUser", other: true }],
    "djoser.user PATCH": [{ act: update }, { act: "changeUser", other: true }],
    "djoser.user DELETE": [{ act: "deleteAccount" }, { act: "deleteUser", other: true }],
    "djoser.set_password POST": [{ act: "changePassword" }],
    "djoser.set_name POST": [{ act: rename }],
    "djoser.token_logout POST": [{ act: "endOwnSession" }],
    "simplejwt.logout_token POST": [{ act: "endOwnSession" }],
    "auth.logout POST": [{ act: "endOwnSession" }],
    "tag1.view GET": [{ act: "readOwnAccount", ...verified }],
    "tag1.view PUT": tag1Update,
    "tag1.view PATCH": tag1Update,
    "tag1.users_me GET": [{ act: "readOwnAccount", ...verified }],
    "tag1.users_me PUT": tag1Update,
    "tag1.users_me PATCH": tag1Update,
    "tag1.users GET": [{ act: "readOwnAccount", ...verified }],
    "tag1.delete POST": [{ act: "deleteAccount" }],
    "tag1.set_password POST": [{ act: "changePassword", ...verified }],
    "tag1.set_login POST": [{ act: rename }],
    "tag1.logout_all POST": [{ act: "endOwnSession" }],
    "tag1.totp_create GET": [{ act: "addFactor" }],
    "tag1.totp_login POST": [{ act: "stepUp" }],
    "tag1.totp_delete POST": [
      { act: "removeFactor", not: hasNoFactor },
      { act: "replaceSessions", not: (state) => !hasNoFactor(state) },
    ],
    "tag1.static_create GET": [{ act: "makeRecoveryCodes" }],
    "tag1.static_login POST": [{ act: "stepUp" }],
  };
}

function viewsOf(
  { parts, rules }: World,
  change: Partial<World["parts"]["config"]> = {},
): readonly View[] {
  const config = { ...parts.config, ...change };
  return faceViews({
    config,
    rules,
    publicUrl,
    authenticate: () => ({ kind: "refused", code: "invalid_token" }),
    allow: async () => ({ ok: true }),
  });
}

function faceDoors(world: World, other: User): readonly Door[] {
  const table = actsAtFaces(world.parts.config.loginField);
  return viewsOf(world).flatMap((view) =>
    Object.entries(view.acts).flatMap(([verb, declared]) => {
      if (declared === "public") return [];
      const name = `${view.name} ${verb}`;
      const asked = table[name] ?? assert.fail(`${name} has no row in the table`);
      if (declared !== "varies")
        assert.deepEqual(
          asked.map(({ act }) => act),
          [declared],
          name,
        );
      return asked.map(({ other: aimsAtOther, ...of }): Door => ({
        ...of,
        name: aimsAtOther ? `${name} of another user` : name,
        knock: async (target, caller) => {
          const { number } = aimsAtOther ? other : caller.user;
          const path = view.path.replace("{id}", String(number)).replace("{code}", codeFor(view));
          return knockAtFace(target, verb, path, caller);
        },
      }));
    }),
  );
}

/** Returns a code that matches the pattern of the view's path but is not valid. */
const codeFor = ({ name }: View): string => (name.includes("static") ? "aaaa2222" : "000000");

async function knockAtFace(
  world: World,
  verb: string,
  path: string,
  { nativeToken, tag1Token }: Caller,
): Promise<"allowed" | "refused"> {
  const isTag1 = path.startsWith("/api/") && !path.startsWith("/api/auth/");
  const authorization = isTag1 ? `JWT ${tag1Token}` : `Bearer ${nativeToken}`;
  const body = verb === "GET" ? {} : { body: {} };
  const answered = await untilNotBusy(async () =>
    world.request<{ readonly detail?: string }>(verb, path, {
      ...body,
      headers: { authorization },
      address: nextAddress(),
    }),
  );
  // The users that the paths name exist: a 404 hides one from a user without superuser rights.
  if (answered.status === 401 || answered.status === 404) return "refused";
  const { detail = "" } = answered.body;
  return answered.status === 403 && faceDenials.includes(detail) ? "refused" : "allowed";
}

/** Asks again if the server says 503 and to try again later, which is no verdict on the caller. */
async function untilNotBusy<Answer extends { readonly status: number }>(
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (let tries = 0; ; tries += 1) {
    const answered = await ask();
    if (answered.status !== 503) return answered;
    assert.ok(tries < 20, "the server stays busy");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

let callers = 0;

async function callerIn(world: World, state: State): Promise<Caller> {
  const { rules, clock } = world;
  const { db } = rules;
  const { superuser = false, factor, shown, age = 0, paused, disabled } = state;
  const { id } = await world.user({ superuser, username: `caller${++callers}` });
  const device = factor === true ? await rowsOf.totp(db, id) : undefined;
  const opened = await transact(rules, async (tx) => {
    const account = await held(tx, id);
    const amr = shown === true ? (["pwd", "hwk", "mfa"] as const) : (["pwd"] as const);
    const proven = {
      amr,
      acr: shown === true ? "aal2" : "aal1",
      authTime: clock.now() - age,
    };
    return openSession(
      tx,
      rules,
      { policy: rules.sessionPolicy, user: account, proven },
      { address: "192.0.2.1", userAgent: "" },
    );
  });
  if (paused === true)
    await db.updateTable("users").set({ paused_at: 1 }).where("id", "=", id).execute();
  const user = (await findUser(db, id)) ?? assert.fail();
  const claims = { user_id: user.number };
  const ofTag1 = {
    ...claims,
    face: "tag1",
    username: world.parts.config.loginField === "email" ? user.email : user.username,
    email: user.email,
    orig_iat: clock.now() - age,
    otp_device_id: shown === true && device !== undefined ? `otp_totp.totpdevice/${device}` : null,
  };
  const nativeToken = mint(rules, opened.grant, { ...claims, token_type: "access" });
  const tag1Token = mint(rules, opened.grant, ofTag1);
  if (disabled === true)
    await disableUser(rules, id, {
      address: null,
      requestId: null,
      actor: { kind: "operator" },
    });
  return { user, nativeToken, tag1Token };
}

async function knockEverywhere(
  world: World,
  doors: readonly Door[],
  cases: Readonly<Record<string, State>>,
): Promise<void> {
  for (const [words, state] of Object.entries(cases)) {
    for (const { name, act, not, stricter, knock } of doors) {
      if (not?.(state) === true) continue;
      const verdict = await knock(world, await callerIn(world, state));
      const expected = state.may.includes(demandOf(act)) ? "allowed" : "refused";
      // A second must pass, because no session may be opened in the second in which all sessions
      // ended.
      world.clock.advance(1);
      if (stricter !== undefined && verdict === "refused") continue;
      assert.equal(verdict, expected, `${words} at ${name}, which is ${act}`);
    }
  }
}

/** Creates another superuser, so that no caller is the last one. */
async function another(world: World): Promise<User> {
  const { id } = await world.user({ superuser: true });
  return (await findUser(world.rules.db, id)) ?? assert.fail();
}

const deployments: Readonly<Record<LoginField, WorldOptions>> = {
  email: { PORTCULLIS_LOGIN_FIELD: "email", PORTCULLIS_TAG1_PATHS: "finished" },
  username: {
    PORTCULLIS_LOGIN_FIELD: "username",
    PORTCULLIS_USERNAMES: "django",
    PORTCULLIS_TAG1_PATHS: "djoser",
  },
};
const faces = { PORTCULLIS_FACES: "simplejwt,djoser,tag1", PORTCULLIS_DJOSER_TOKEN_LOGIN: "on" };

for (const [login, options] of Object.entries(deployments)) {
  eachWorldInFull(
    `AD-14: the same act asks for the same proof natively and at the faces, with login by ${login}`,
    async (world) => {
      const doors = faceDoors(world, await another(world));
      assert.ok(doors.length >= 25, `${doors.length} doors of faces seen`);
      // Native endpoints are the same in both deployments.
      const native = login === "email" ? nativeDoors : [];
      await knockEverywhere(world, [...native, ...doors], states);
    },
    { ...faces, ...options, PORTCULLIS_MFA_POLICY: "superusers" },
  );
}

for (const [policy, may] of Object.entries(bareSuperuser)) {
  eachWorldInFull(
    `AD-14: under the policy ${policy} a superuser without a factor may do the same at every door`,
    async (world) => {
      const doors = faceDoors(world, await another(world));
      const state: State = { superuser: true, may };
      await knockEverywhere(world, [...nativeDoors, ...doors], { "a bare superuser": state });
    },
    { ...faces, ...deployments.email, PORTCULLIS_MFA_POLICY: policy },
  );
}

eachWorld(
  "AD-14: every row of the table belongs to a view that is served",
  async (world) => {
    const views = [...viewsOf(world), ...viewsOf(world, { tag1Paths: "djoser" })];
    const served = views.flatMap(({ name, acts }) =>
      Object.keys(acts).map((verb) => `${name} ${verb}`),
    );
    for (const row of Object.keys(actsAtFaces("email"))) assert.ok(served.includes(row), row);
  },
  { ...faces, ...deployments.email },
);
