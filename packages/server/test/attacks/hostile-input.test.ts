import {
  endpoints,
  failures,
  failuresOf,
  type Endpoint,
  type FailureCode,
} from "@portcullis/contract";
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { composeApp } from "../../src/process/compose.ts";
import { listen } from "../../src/platform/http/node.ts";
import { systemClock } from "../../src/platform/kernel/clock.ts";
import { uuidv4 } from "../../src/platform/kernel/ids.ts";
import { silentLog } from "../../src/platform/kernel/log.ts";
import { systemRandom } from "../../src/platform/kernel/random.ts";
import { size } from "../../../../tools/size.ts";
import { signed } from "../steps.ts";
import { eachWorldInFull, publicUrl, type Refused, type World } from "../world.ts";
import { malformedJson, strangeTexts, strangeValues } from "./hostile-values.ts";

/** Set TEST_SEED to repeat a run. */
const SEED = Number(process.env["TEST_SEED"] ?? systemRandom.bytes(4).readUInt32BE(0));
const MUTATIONS = {
  sqlite: size({ small: 300, full: 1500 }),
  postgres: size({ small: 150, full: 800 }),
} as const;
/** Each endpoint gets one in so many names of columns, so that together they get all. */
const EVERY_COLUMN = size({ small: 8, full: 1 });

const all: readonly Endpoint[] = Object.values(endpoints);
/**
 * Faces are switched off, because they answer every path that is not native with words of their
 * own.
 */
const native = { PORTCULLIS_FACES: "none" } as const;

const withBody = all.filter(({ input }) => input !== undefined);

eachWorldInFull(
  "IN-02, IN-04 a body that is not JSON in UTF-8 is refused as such by every endpoint that reads one",
  async (world) => {
    await besieged(world, async (siege) => {
      for (const endpoint of withBody) {
        for (const body of malformedJson) {
          const told = await siege.send({ endpoint, body });
          assert.equal(told.code, "malformed_json", `${endpoint.name} ${inspected(body)}`);
        }
      }
      assert.equal(siege.accepted.length, 0);
    });
  },
);

eachWorldInFull(
  "IN-02, IN-03 a member of another type, or one too many, is refused by every endpoint, and no value is coerced",
  async (world) => {
    const columns = new Set(
      (await world.rules.db.introspection.getTables()).flatMap((table) =>
        table.columns.map(({ name }) => name),
      ),
    );
    assert.ok(columns.size > 60, `only ${columns.size} columns`);
    await besieged(world, async (siege) => {
      for (const [turn, endpoint] of withBody.entries()) {
        const sample = siege.sampleOf(endpoint);
        for (const [member, value] of Object.entries(sample)) {
          const others = strangeValues.filter((strange) => kindOf(strange) !== kindOf(value));
          for (const other of others.filter(
            (strange) => strange !== null || !nullable.has(`${endpoint.name}.${member}`),
          )) {
            const told = await siege.send({
              endpoint,
              body: JSON.stringify({ ...sample, [member]: other }),
            });
            assert.equal(
              told.code,
              "invalid_input",
              `${endpoint.name} ${member}: ${JSON.stringify(other)}`,
            );
          }
          const { [member]: _, ...rest } = sample;
          if (!optional.has(`${endpoint.name}.${member}`))
            assert.equal(
              (await siege.send({ endpoint, body: JSON.stringify(rest) })).code,
              "invalid_input",
            );
        }
        for (const name of [...columns, ...[...columns].map(camel)].filter(
          (column, index) => !(column in sample) && (index + turn) % EVERY_COLUMN === 0,
        )) {
          const told = await siege.send({
            endpoint,
            body: JSON.stringify({ ...sample, [name]: 1 }),
          });
          assert.equal(told.code, "invalid_input", `${endpoint.name} knows ${name}`);
        }
        for (const whole of strangeValues.filter(
          (strange) => JSON.stringify(strange) !== "{}" || !bare.has(endpoint.name),
        )) {
          const told = await siege.send({ endpoint, body: JSON.stringify(whole) });
          assert.equal(told.code, "invalid_input", `${endpoint.name} ${JSON.stringify(whole)}`);
        }
      }
      assert.equal(siege.accepted.length, 0);
    });
  },
);

eachWorldInFull(
  "IN-04, IN-05 hostile text in any member of any endpoint gets a declared answer, and text that no column can hold is refused",
  async (world) => {
    await besieged(world, async (siege) => {
      for (const text of strangeTexts) {
        const bodies = withBody.flatMap((endpoint) =>
          withText(siege.sampleOf(endpoint), text).map((body) => ({ endpoint, body })),
        );
        const profiles = [`{"profile":{"displayName":${text}}}`, `{"profile":{${text}:1}}`].map(
          (body) => ({
            endpoint: endpoints.updateMe,
            body,
          }),
        );
        const reports = [
          `{"reports":[{"kind":"complaint","address":${text}}]}`,
          `{"reports":[{"kind":${text},"address":"a@example.com"}]}`,
        ].map((body) => ({ endpoint: endpoints.reportMail, body }));
        for (const attack of [...bodies, ...profiles, ...reports]) {
          const { code } = await siege.send(attack);
          if (isUnstorable(text) && !harmless.has(attack.endpoint.name))
            assert.ok(code !== undefined, `${attack.endpoint.name} took ${attack.body}`);
        }
      }
    });
  },
);

eachWorldInFull(
  "IN-10 hostile paths and queries get a declared answer of every endpoint, for every kind of user",
  async (world) => {
    const words = strangeTexts
      .map((text) => JSON.parse(text) as string)
      .filter((word) => word.length < 3000 && word.isWellFormed());
    const segments = [
      ...words,
      "..",
      ".",
      "current",
      "%00",
      "%2e%2e%2f",
      "%",
      "%zz",
      "%ed%a0%80",
      "{id}",
      "*",
      "a;b=c",
      "__proto__",
      "0",
      "-1",
      "1e400",
      "null",
    ];
    await besieged(world, async (siege) => {
      for (const endpoint of all) {
        for (const segment of endpoint.params === undefined ? [] : segments) {
          const raw = /^%|^\.\.?$/.test(segment) ? segment : encodeURIComponent(segment);
          await siege.send({
            endpoint,
            path: endpoint.path.replace(/\{\w+\}/, raw),
            alsoMay: elsewhere,
          });
          await siege.send({
            endpoint,
            path: endpoint.path.replaceAll(/\{\w+\}/g, raw.toUpperCase()),
            alsoMay: elsewhere,
          });
        }
        for (const query of queriesOf(endpoint, words)) {
          const told = await siege.send({ endpoint, path: `${pathOf(endpoint)}?${query}` });
          if (endpoint.query !== undefined)
            assert.ok(
              told.status < 400 ||
                isOneOf(["invalid_input", "malformed_request", ...endpoint.failures], told.code),
              `${endpoint.name}?${query}: ${told.code}`,
            );
        }
        for (const path of [
          `${endpoint.path}/`,
          `/${endpoint.path}`,
          endpoint.path.toUpperCase(),
          `${endpoint.path};x=1`,
          `${endpoint.path}%20`,
          `${endpoint.path}/..${endpoint.path}`,
        ])
          await siege.send({
            endpoint,
            path: path.replaceAll(/\{\w+\}/g, uuidv4(systemRandom)),
            alsoMay: elsewhere,
          });
      }
    });
  },
  native,
);

eachWorldInFull(
  "JW-03, JW-11 only a good Authorization header opens anything, and no header causes a fault",
  async (world) => {
    const guarded = all.filter(({ access }) => access === "user" || access === "superuser");
    await besieged(world, async (siege) => {
      const good = await siege.tokenOf("superuser");
      const queries = world.queries();
      for (const endpoint of guarded) {
        for (const authorization of authorizations(good)) {
          const told = await siege.send({ endpoint, authorization });
          assert.equal(told.status, 401, `${endpoint.name} let in ${authorization.slice(0, 100)}`);
          assert.match(told.challenge, /^Bearer/);
        }
      }
      assert.equal(world.queries(), queries, "a forged token costs the database something");
    });
  },
);

eachWorldInFull(
  "JW-11 a socket treats two Authorization headers, none, bytes that are no text, and 100 KB in the same way",
  async (world) => {
    const app = composeApp(world.parts, world.rules, () => "ready");
    const { accessToken } = await world.signIn(await world.user());
    const { port, close } = await listen({
      ...app,
      host: "127.0.0.1",
      port: 0,
      log: silentLog,
      clock: systemClock,
    });
    const status = async (...headers: readonly string[]): Promise<number> => {
      const socket = connect(port, "127.0.0.1");
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => {});
      socket.write(
        Buffer.from(
          [
            "GET /v1/me HTTP/1.1",
            "Host: accounts.example.com",
            "Connection: close",
            ...headers,
            "",
            "",
          ].join("\r\n"),
          "latin1",
        ),
      );
      await once(socket, "close");
      return Number(/^HTTP\/1\.1 (\d{3})/.exec(Buffer.concat(chunks).toString("latin1"))?.[1]);
    };
    try {
      const good = `Authorization: Bearer ${accessToken}`;
      assert.equal(await status(good), 200);
      assert.equal(await status(good, good), 401);
      assert.equal(await status(good, "Authorization: Basic YTpi"), 401);
      assert.equal(await status("Authorization: Basic YTpi", good), 401);
      assert.equal(await status("Authorization:"), 401);
      assert.equal(await status("Authorization: Bearer"), 401);
      assert.equal(await status("Authorization: Bearer "), 401);
      assert.equal(await status(`Authorization: Bearer  ${accessToken}`), 401);
      assert.equal(await status(`Authorization: Bearer ${accessToken}\xff\xfe\x80`), 401);
      assert.equal(
        await status(`Authorization: Bearer ${accessToken}, Bearer ${accessToken}`),
        401,
      );
      assert.equal(await status(`Authorization : Bearer ${accessToken}`), 400);
      assert.equal(await status(`Authorization: Bearer ${accessToken}\x00`), 400);
      assert.equal(await status(`Authorization: Bearer\r\n ${accessToken}`), 400);
      assert.equal(await status(`Authorization: Bearer ${"a".repeat(10_000)}`), 401);
      assert.equal(await status(`Authorization: Bearer ${"a".repeat(100_000)}`), 431);
      assert.equal(await status(good), 200);
      assert.deepEqual(faultsOf(world), []);
    } finally {
      await close(0);
    }
  },
);

eachWorldInFull(
  `IN-10 good requests that were damaged at random get a declared answer (TEST_SEED=${SEED})`,
  async (world) => {
    const chance = seeded(SEED);
    await besieged(world, async (siege) => {
      for (let n = 0; n < MUTATIONS[world.database.dialect]; n += 1) {
        const endpoint = pick(chance, all);
        const as = pick(chance, ["nobody", "user", "superuser"] as const);
        const damaged =
          endpoint.input === undefined
            ? undefined
            : damage(chance, JSON.stringify(siege.sampleOf(endpoint)));
        const query =
          endpoint.query !== undefined && chance() < 0.5
            ? `?${damagedText(chance, "search=anna&limit=20&cursor=abc&status=active&event=user.registered&hours=12")}`
            : "";
        const path = pathOf(endpoint) + query.replaceAll("#", "");
        const headers =
          chance() < 0.1
            ? {
                [pick(chance, headerNames)]: damagedText(
                  chance,
                  pick(chance, headerValues),
                ).replaceAll(/[^\x20-\x7e]/g, "?"),
              }
            : {};
        await siege.send({
          endpoint,
          as,
          path,
          headers,
          ...(damaged !== undefined && { body: damaged }),
        });
      }
    });
  },
);

// ── the siege

interface Attack {
  readonly endpoint: Endpoint;
  readonly path?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The kind of user whose token is sent. The default is the kind that the endpoint requires. */
  readonly as?: "nobody" | "user" | "superuser";
  readonly authorization?: string;
  /** Failures that the path may cause beside those of the endpoint. */
  readonly alsoMay?: readonly FailureCode[];
}

interface Told {
  readonly status: number;
  readonly code: FailureCode | undefined;
  readonly challenge: string;
}

interface Siege {
  /** The requests that were accepted. */
  readonly accepted: readonly { readonly name: string; readonly body: Attack["body"] }[];
  sampleOf(endpoint: Endpoint): Readonly<Record<string, unknown>>;
  tokenOf(who: "user" | "superuser"): Promise<string>;
  /** Sends it and checks that the answer is one the endpoint declares. */
  send(attack: Attack): Promise<Told>;
}

/**
 * Runs the attack and checks what must hold after any: only accepted requests stored anything,
 * there was no fault, and prototypes are unchanged.
 */
async function besieged(world: World, attack: (siege: Siege) => Promise<void>): Promise<void> {
  const app = composeApp(world.parts, world.rules, () => "ready");
  const accepted: { name: string; body: Attack["body"] }[] = [];
  const tokens = new Map<string, string>();
  const prototypes = snapshotOfPrototypes();
  let signedIn = 0;
  let sent = 0;

  const tokenOf = async (who: "user" | "superuser"): Promise<string> => {
    const known = tokens.get(who);
    if (known !== undefined) return known;
    signedIn += 1;
    const { accessToken } = await world.signIn(
      await world.user({ superuser: who === "superuser" }),
      { address: addressNo(++sent) },
    );
    tokens.set(who, accessToken);
    return accessToken;
  };
  await tokenOf("superuser");
  const before = await rowsIn(world);
  const signedInBefore = signedIn;

  const send = async ({
    endpoint,
    path = pathOf(endpoint),
    body,
    headers = {},
    as,
    authorization,
    alsoMay = [],
  }: Attack): Promise<Told> => {
    const { access } = endpoint;
    const who = as ?? (access === "public" || access === "signed" ? "nobody" : access);
    // Each one has a time of its own, so that a repeated body is not a replay.
    const signature =
      access === "signed" ? signed(body ?? "", world.clock.now() - 300 + (sent % 600)) : {};
    const credential =
      authorization ?? (who === "nobody" ? undefined : `Bearer ${await tokenOf(who)}`);
    const request = new Request(publicUrl + path, {
      method: endpoint.method,
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(credential !== undefined && { authorization: credential }),
        ...signature,
        ...headers,
      },
      ...(body !== undefined && { body }),
    });
    const response = await app.fetch(request, { remoteAddress: addressNo(++sent) });
    const text = await response.text();
    const words = `${endpoint.method} ${path.slice(0, 200)} ${inspected(body)} → ${response.status} ${text.slice(0, 300)}`;
    const told = assertDeclared(endpoint, response, text, { alsoMay, words });
    if (told.code === undefined) {
      accepted.push({ name: endpoint.name, body });
      if (ends.has(endpoint.name)) tokens.clear();
    }
    return told;
  };
  await attack({ accepted, send, tokenOf, sampleOf: (endpoint) => samples(endpoint.name) });

  const after = await rowsIn(world);
  const acceptedBy = (...names: readonly string[]): number =>
    accepted.filter(({ name }) => names.includes(name)).length;
  assert.equal(
    after.users - before.users,
    signedIn - signedInBefore + acceptedBy("confirmUser", "setUp"),
  );
  assert.equal(after.registrations - before.registrations, acceptedBy("registerUser"));
  assert.equal(after.password_resets - before.password_resets, acceptedBy("startPasswordReset"));
  assert.ok(
    after.outbox - before.outbox <=
      acceptedBy("registerUser", "startPasswordReset", "startEmailCodes"),
  );
  assert.deepEqual(snapshotOfPrototypes(), prototypes);
  assert.deepEqual(faultsOf(world), []);
}

function assertDeclared(
  endpoint: Endpoint,
  response: Response,
  text: string,
  { alsoMay, words }: { readonly alsoMay: readonly FailureCode[]; readonly words: string },
): Told {
  const { status, headers } = response;
  const challenge = headers.get("www-authenticate") ?? "";
  if (
    endpoint.answers[status] !== undefined &&
    headers.get("content-type") !== "application/problem+json"
  )
    return { status, code: undefined, challenge };
  assert.equal(headers.get("content-type"), "application/problem+json", words);
  const problem = JSON.parse(text) as Refused;
  const declared: readonly FailureCode[] = [...failuresOf(endpoint), ...alsoMay];
  assert.ok(declared.includes(problem.code) && problem.code !== "internal", words);
  assert.deepEqual(
    [problem.status, status],
    [failures[problem.code].status, failures[problem.code].status],
    words,
  );
  assert.ok(status < 500 || status === 503, words);
  assert.doesNotMatch(text, /node:|\.ts\b|node_modules|SQLITE|syntax error/i, words);
  return { status, code: problem.code, challenge };
}

type Counted = "users" | "registrations" | "password_resets" | "outbox";

async function rowsIn({ rules: { db } }: World): Promise<Record<Counted, number>> {
  const count = async (table: Counted): Promise<number> => {
    const { rows } = await db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as("rows"))
      .executeTakeFirstOrThrow();
    return Number(rows);
  };
  return {
    users: await count("users"),
    registrations: await count("registrations"),
    password_resets: await count("password_resets"),
    outbox: await count("outbox"),
  };
}

function faultsOf(world: World): readonly unknown[] {
  return world.logged
    .filter(({ level }) => level === "error")
    .map(({ event, facts, cause }) => ({ event, facts, cause }));
}

function snapshotOfPrototypes(): readonly unknown[] {
  return [Object, Array, Function, String, Number, Map].map(
    ({ prototype }: { readonly prototype: object }) =>
      Object.entries(Object.getOwnPropertyDescriptors(prototype)).map(([name, { value }]) => [
        name,
        value,
      ]),
  );
}

// ── requests to begin with

const credential = { id: "AAAA", rawId: "AAAA", type: "public-key", clientExtensionResults: {} };
const assertion = {
  ...credential,
  response: { clientDataJSON: "e30", authenticatorData: "AAAA", signature: "AAAA" },
};
const attestation = { ...credential, response: { clientDataJSON: "e30", attestationObject: "oA" } };

/** These requests are refused or have no effect, even in good form. */
function samples(name: string): Readonly<Record<string, unknown>> {
  const unique = systemRandom.bytes(5).toString("hex");
  const long = systemRandom.bytes(32).toString("base64url");
  const bodies: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    registerUser: {
      email: `${unique}@example.com`,
      username: `u${unique}`,
      password: "seven quiet herons",
      profile: { displayName: "Anna" },
    },
    confirmUser: { registrationId: uuidv4(systemRandom), clientSecret: long, code: "12345678" },
    confirmUserByLink: { token: long, password: "seven quiet herons" },
    resendRegistration: { registrationId: uuidv4(systemRandom), clientSecret: long },
    getRegistration: { registrationId: uuidv4(systemRandom), clientSecret: long },
    setUp: { setupToken: long, email: `${unique}@example.com`, password: "seven quiet herons" },
    signIn: {
      identifier: `${unique}@example.com`,
      password: "seven quiet herons",
      deviceToken: long,
    },
    refreshSession: { refreshToken: long, attemptId: long },
    logOut: { refreshToken: long },
    updateMe: { profile: { locale: "en" } },
    deleteMe: { password: "not seven quiet herons" },
    changePassword: {
      currentPassword: "not seven quiet herons",
      newPassword: "eight quiet herons",
    },
    startPasswordReset: { email: `${unique}@example.com` },
    confirmPasswordReset: {
      resetId: uuidv4(systemRandom),
      code: "12345678",
      newPassword: "eight quiet herons",
    },
    changeEmail: { newEmail: `${unique}@example.com`, password: "not seven quiet herons" },
    confirmEmailChange: { changeId: uuidv4(systemRandom), code: "12345678" },
    confirmEmailChangeByLink: { token: long, password: "seven quiet herons" },
    undoEmailChange: { token: long },
    changeUsername: { username: `u${unique}`, password: "not seven quiet herons" },
    answerChallenge: { challengeSecret: long, factor: "totp", code: "123456" },
    prepareChallenge: { challengeSecret: long, factor: "email" },
    enrolInChallenge: { challengeSecret: long, factor: "totp" },
    stepUp: { password: "not seven quiet herons" },
    prepareStepUp: { factor: "email" },
    startTotp: { name: "Phone" },
    confirmTotp: { code: "123456", endOtherSessions: true },
    confirmEmailCodes: { code: "12345678", endOtherSessions: true },
    addPasskey: {
      ceremonyId: uuidv4(systemRandom),
      credential: attestation,
      name: "Phone",
      endOtherSessions: true,
    },
    renamePasskey: { name: "Phone" },
    signInWithPasskey: {
      ceremonyId: uuidv4(systemRandom),
      credential: assertion,
      deviceToken: long,
    },
    reportMail: { reports: [{ kind: "hard_bounce", address: `${unique}@example.com` }] },
    adminSuppressAddress: { address: `${unique}@example.com` },
  };
  const body = bodies[name];
  assert.ok(body !== undefined, `there is no sample for ${name}`);
  return body;
}

/** Makes one body for each text member of `sample`, with the JSON text `text` in its place. */
function withText(sample: Readonly<Record<string, unknown>>, text: string): readonly string[] {
  const members = Object.entries(sample);
  const replaced = members.filter(([, value]) => typeof value === "string");
  return replaced.map(
    ([member]) =>
      `{${members.map(([name, value]) => `${JSON.stringify(name)}:${name === member ? text : JSON.stringify(value)}`).join(",")}}`,
  );
}

function isUnstorable(text: string): boolean {
  const value = JSON.parse(text) as string;
  return !value.isWellFormed() || /\p{Cc}/u.test(value);
}

const optional: ReadonlySet<string> = new Set([
  "registerUser.username",
  "registerUser.profile",
  "signIn.deviceToken",
  "refreshSession.attemptId",
  "updateMe.profile",
  // Members that users without a password send.
  "deleteMe.password",
  "changeEmail.password",
  "changeUsername.password",
  "startTotp.name",
  "confirmTotp.endOtherSessions",
  "confirmEmailCodes.endOtherSessions",
  "addPasskey.name",
  "addPasskey.endOtherSessions",
  "signInWithPasskey.deviceToken",
]);
/** Endpoints that accept a request without any member. */
const bare: ReadonlySet<string> = new Set(["deleteMe", "startTotp"]);
const nullable: ReadonlySet<string> = new Set(["changeUsername.username"]);
/** Endpoints that answer every body alike and store none of it. */
const harmless: ReadonlySet<string> = new Set(["logOut"]);
/** Endpoints after which the tokens in use may be dead. */
const ends: ReadonlySet<string> = new Set(
  all
    .filter(
      ({ name, method }) =>
        method === "DELETE" || name === "changePassword" || name === "adminDisableUser",
    )
    .map(({ name }) => name),
);
const elsewhere = ["not_found", "method_not_allowed", "unauthenticated", "invalid_input"] as const;

function isOneOf(codes: readonly FailureCode[], code: FailureCode | undefined): boolean {
  return code !== undefined && codes.includes(code);
}

function pathOf(endpoint: Endpoint): string {
  return endpoint.path.replaceAll(/\{\w+\}/g, () => uuidv4(systemRandom));
}

function queriesOf({ query }: Endpoint, words: readonly string[]): readonly string[] {
  if (query === undefined) return ["a=b", "access_token=x", "%", "__proto__=1"];
  const names = [
    ...Object.keys(query.shape),
    "sort",
    "order",
    "filter",
    "__proto__",
    "constructor",
    "password_sealed",
  ];
  const values = [
    "",
    "0",
    "-1",
    "1.5",
    "1e400",
    "NaN",
    "0x10",
    "null",
    "true",
    "[]",
    "%",
    "%00",
    "%ff",
    "%ed%a0%80",
    "' or 1=1 --",
    "${7*7}",
    "20&limit=30",
    ...words.map(encodeURIComponent),
  ];
  return [
    ...names.flatMap((name) => values.map((value) => `${name}=${value.replaceAll("#", "%23")}`)),
    "&&&",
    "=",
    "=&=",
    "limit",
    "limit[]=1",
    "limit=1;limit=2",
    "a".repeat(5000),
  ];
}

/** Forged, bent and broken headers. Each would be `good` without its one fault. */
function authorizations(good: string): readonly string[] {
  const [header = "", payload = "", signature = ""] = good.split(".");
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const protectedHeader = JSON.parse(Buffer.from(header, "base64url").toString()) as object;
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
  const kids = [
    "../../etc/passwd",
    "' or 1=1 --",
    "\0",
    "__proto__",
    "constructor",
    "toString",
    "",
    "x".repeat(2500),
    1,
    null,
    {},
    [],
    ["__proto__"],
  ];
  return [
    "Bearer",
    "Bearer ",
    "bearer x",
    "Basic YTpi",
    "Token x",
    `Bearer ${good} `.trimEnd() + ".",
    `Bearer ${good}=`,
    `Bearer  ${good}`,
    `Bearer\t${good}`,
    `Bearer ${good},${good}`,
    `Bearer ${good}, Bearer ${good}`,
    `Bearer "${good}"`,
    `Bearer ${header}.${payload}`,
    `Bearer ${header}.${payload}.`,
    `Bearer ${header}..${signature}`,
    `Bearer .${payload}.${signature}`,
    `Bearer ${header}.${payload}.${signature.slice(0, -4)}AAAA`,
    `Bearer ${header}.${part({ ...claims, sub: uuidv4(systemRandom) })}.${signature}`,
    ...["none", "None", "HS256", "ES384", "RS256", "", null].map(
      (alg) => `Bearer ${part({ ...protectedHeader, alg })}.${payload}.${signature}`,
    ),
    ...["JWT", "rt+jwt", "AT+JWT", undefined].map(
      (typ) => `Bearer ${part({ ...protectedHeader, typ })}.${payload}.${signature}`,
    ),
    ...kids.map((kid) => `Bearer ${part({ ...protectedHeader, kid })}.${payload}.${signature}`),
    ...["crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "__proto__"].map(
      (member) => `Bearer ${part({ ...protectedHeader, [member]: ["x"] })}.${payload}.${signature}`,
    ),
    `Bearer ${part([])}.${payload}.${signature}`,
    `Bearer ${part("x")}.${payload}.${signature}`,
    `Bearer ${Buffer.from('{"alg":"ES256","alg":"none"}').toString("base64url")}.${payload}.${signature}`,
    `Bearer ${Buffer.from([0x7b, 0xff, 0x7d]).toString("base64url")}.${payload}.${signature}`,
    `Bearer ${"a.".repeat(2000)}`,
    `Bearer ${"\u00ff".repeat(100)}`,
    `Bearer ${"a".repeat(100_000)}`,
  ];
}

// ── chance

const headerNames = [
  "content-type",
  "content-encoding",
  "content-length",
  "x-forwarded-for",
  "user-agent",
  "origin",
  "cookie",
  "accept",
  "x-http-method-override",
  "traceparent",
];
const headerValues = [
  "application/json",
  "application/json; charset=utf-8",
  "gzip",
  "12",
  "192.0.2.7, 10.0.0.1",
  "Mozilla/5.0 (X11; Linux x86_64)",
  "https://app.example.com",
  "a=b; __Host-session=c",
  "DELETE",
];

/** Returns numbers from 0 to 1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

function pick<Item>(chance: () => number, items: readonly Item[]): Item {
  const item = items[Math.floor(chance() * items.length)];
  assert.ok(item !== undefined);
  return item;
}

/**
 * Damages a text one to three times: flips, cuts, doubles or inserts bytes, or replaces a value by
 * a strange one.
 */
function damage(chance: () => number, text: string): Uint8Array<ArrayBuffer> {
  let bytes = Buffer.from(text);
  for (let times = 1 + Math.floor(chance() * 3); times > 0; times -= 1) {
    const at = Math.floor(chance() * bytes.length);
    const to = Math.min(bytes.length, at + Math.floor(chance() * 12));
    const kind = chance();
    if (kind < 0.2) bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(chance() * 8));
    else if (kind < 0.4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    else if (kind < 0.5) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    else if (kind < 0.6)
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from([Math.floor(chance() * 256)]),
        bytes.subarray(at),
      ]);
    else if (kind < 0.8)
      bytes = Buffer.from(
        bytes.toString("latin1").replace(/"[^"]*"(?=[,}])/, () => pick(chance, strangeTexts)),
        "utf8",
      );
    else
      bytes = Buffer.from(
        bytes
          .toString("latin1")
          .replace(/:"[^"]*"(?=[,}])/g, (whole) =>
            chance() < 0.5 ? whole : `:${JSON.stringify(pick(chance, strangeValues))}`,
          ),
        "utf8",
      );
  }
  return new Uint8Array(bytes);
}

function damagedText(chance: () => number, text: string): string {
  return Buffer.from(damage(chance, text))
    .toString("latin1")
    .slice(0, 4000)
    .replaceAll("\0", "%00");
}

// ── words

function addressNo(n: number): string {
  return `10.${(n >> 14) & 255}.${(n >> 6) & 255}.${1 + (n & 63)}`;
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

function camel(column: string): string {
  return column.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function inspected(body: Attack["body"]): string {
  if (body === undefined) return "";
  return typeof body === "string"
    ? body.slice(0, 200)
    : JSON.stringify(Buffer.from(body).toString("latin1").slice(0, 200));
}
