import assert from "node:assert/strict";
import test from "node:test";
import { createApp } from "../../../platform/http/app.ts";
import { createMetrics } from "../../../platform/http/metrics.ts";
import { manualClock } from "../../../platform/kernel/clock.ts";
import { silentLog } from "../../../platform/kernel/log.ts";
import { systemRandom } from "../../../platform/kernel/random.ts";
import { busy, created, detail, empty, fieldErrors, noContent, notFound, ok } from "./answers.ts";
import {
  email,
  members,
  optional,
  partial,
  readOnly,
  serializer,
  text,
  username,
} from "./fields.ts";
import { isTruthy } from "./python.ts";
import { urls } from "./urls.ts";
import { action, allowAny, isAuthenticated, nobody, view, type Authenticator } from "./view.ts";
import { noCookies } from "../../../../test/no-cookies.ts";

interface Account {
  readonly name: string;
}

const challenge = 'Bearer realm="api"';
const bearer: Authenticator<Account> = {
  challenge,
  authenticate: ({ header }) => {
    const authorization = header("authorization") ?? "";
    if (authorization === "") return { kind: "anonymous" };
    if (authorization === "Bearer busy") return { kind: "refused", answer: busy() };
    if (authorization === "Bearer anna" || authorization === "Bearer berta")
      return { kind: "user", user: { name: authorization.slice("Bearer ".length) } };
    return { kind: "refused", answer: detail(401, "User not found", { code: "user_not_found" }) };
  },
  policy: undefined,
};
const account = {
  email: optional(email({ label: "Email address", allowBlank: true })),
  username: username({ maxLength: 150 }),
};
const obtain = {
  name: "obtain",
  title: "Token Obtain Pair",
  description: "Takes a set of user credentials.",
  authenticator: nobody<Account>(challenge),
  permission: allowAny<Account>,
  methods: {
    POST: action({
      act: "public",
      permission: allowAny<Account>,
      body: serializer({ email: text(), password: text() }),
      handle: ({ input }) => {
        if (input.password === "wrong")
          return detail(401, "No active account found with the given credentials");
        return ok(input);
      },
    }),
  },
};
const signedIn = {
  title: "User",
  authenticator: bearer,
  permission: isAuthenticated<Account>,
  mount: "/auth/",
} as const;

const views = [
  view({ ...obtain, path: "/api/token/" }),
  view({ ...obtain, path: "/auth/jwt/create/", optionalSlash: true }),
  view<Account>({
    name: "logout",
    path: "/logout_token/",
    title: "Logout",
    authenticator: bearer,
    permission: isAuthenticated,
    methods: {
      POST: action({
        act: "public",
        permission: isAuthenticated<Account>,
        body: members,
        handle: ({ input }) => ok({ all: isTruthy(input.get("all")) }),
      }),
    },
  }),
  view<Account>({
    ...signedIn,
    name: "root",
    path: "/auth/",
    permission: allowAny,
    methods: {
      GET: action({
        act: "public",
        permission: allowAny<Account>,
        handle: () => ok({ users: "/auth/users/" }),
      }),
    },
  }),
  view<Account>({
    ...signedIn,
    name: "users",
    path: "/auth/users/",
    methods: {
      GET: action({
        act: "public",
        permission: isAuthenticated<Account>,
        handle: ({ user }) => ok([{ username: user.name }]),
      }),
      POST: action({
        act: "public",
        permission: allowAny<Account>,
        body: serializer({ id: readOnly("integer", "ID"), ...account, password: text() }),
        handle: ({ input }) => created({ email: input.email ?? "", username: input.username }),
      }),
    },
  }),
  view<Account>({
    ...signedIn,
    name: "me",
    path: "/auth/users/me/",
    methods: {
      GET: action({
        act: "public",
        permission: isAuthenticated<Account>,
        handle: ({ user }) => ok({ username: user.name }),
      }),
      PUT: action({
        act: "public",
        permission: isAuthenticated<Account>,
        body: serializer(account),
        handle: ({ input }) => ok([input.username]),
      }),
      PATCH: action({
        act: "public",
        permission: isAuthenticated<Account>,
        body: partial(account),
        handle: ({ input }) => ok(Object.keys(input)),
      }),
      DELETE: action({
        act: "public",
        permission: isAuthenticated<Account>,
        body: ({ user }) =>
          serializer({
            current_password: text({
              check: (value) => (value === `${user.name}s` ? [] : ["Invalid password."]),
            }),
          }),
        handle: () => noContent(),
      }),
    },
  }),
  view<Account>({
    ...signedIn,
    name: "user",
    path: "/auth/users/{id}/",
    methods: {
      GET: action({
        act: "public",
        permission: isAuthenticated<Account>,
        handle: ({ params }) => (params["id"] === "1" ? ok({ id: 1 }) : notFound()),
      }),
    },
  }),
  view<Account>({
    ...signedIn,
    name: "resend",
    path: "/auth/users/resend_activation/",
    methods: {
      POST: action({
        act: "public",
        permission: allowAny<Account>,
        body: serializer({ email: email() }),
        handle: () => empty(400),
      }),
    },
  }),
  view<Account>({
    name: "totp",
    path: "/api/totp/login/{code}/",
    where: { code: /\d{6}/ },
    title: "Totp",
    authenticator: bearer,
    permission: isAuthenticated,
    methods: {
      POST: action({
        act: "public",
        permission: (user: Account | undefined) =>
          user?.name === "berta"
            ? { kind: "admitted", user }
            : { kind: "denied", words: "You must verify your OTP device." },
        throttle: async ({ params }) =>
          params["code"] === "000000" ? { ok: false, retryAfterSeconds: 0.2 } : { ok: true },
        handle: ({ params }) => ok({ code: params["code"] ?? "" }),
      }),
    },
  }),
  view<Account>({
    name: "busy",
    path: "/api/busy/",
    title: "Busy",
    authenticator: nobody(challenge),
    permission: allowAny,
    methods: {
      GET: action({ act: "public", permission: allowAny<Account>, handle: () => busy(2.5) }),
    },
  }),
];

const metrics = createMetrics();
const app = createApp({
  routes: [],
  pages: [],
  elsewhere: urls(views),
  cookies: noCookies,
  authenticate: () => ({ kind: "refused", code: "invalid_token" }),
  authorize: () => undefined,
  verifySignature: async () => ({ kind: "verified" }),
  allow: async () => ({ ok: true }),
  isUnavailable: () => false,
  trustedProxies: [],
  publicUrl: "https://id.example",
  log: silentLog,
  clock: manualClock(),
  random: systemRandom,
  metrics,
});

type Sent = string | Uint8Array<ArrayBuffer> | FormData | URLSearchParams;
const send = async (
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body: Sent | null = null,
): Promise<Response> =>
  app.fetch(new Request(`https://id.example${path}`, { method, headers, body }));
const post = async (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  contentType = "application/json",
): Promise<Response> => send("POST", path, { "content-type": contentType }, body);
const anna = { authorization: "Bearer anna" };
const json = { "content-type": "application/json" };

async function says(response: Response, status: number, body: unknown): Promise<void> {
  const got = await response.text();
  assert.equal(response.status, status, got);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.deepEqual(JSON.parse(got), body);
}

test("methods: a method that a path does not have is refused by name, with a list of those it has", async () => {
  for (const method of ["GET", "PUT", "PATCH", "DELETE", "PROPFIND"]) {
    const refused = await send(method, "/api/token/");
    assert.equal(refused.headers.get("allow"), "POST, OPTIONS");
    await says(refused, 405, { detail: `Method "${method}" not allowed.` });
  }
  const head = await send("HEAD", "/api/token/");
  assert.deepEqual(
    [head.status, head.headers.get("content-type"), await head.text()],
    [405, "application/json", ""],
  );
  assert.equal(
    (await send("POST", "/auth/users/me/", anna)).headers.get("allow"),
    "GET, PUT, PATCH, DELETE, HEAD, OPTIONS",
  );
});

test("methods: a visitor without a user or with a refused token gets 401 rather than 405", async () => {
  for (const method of ["GET", "PUT", "OPTIONS", "constructor"]) {
    const anonymous = await send(method, "/logout_token/");
    assert.equal(anonymous.headers.get("www-authenticate"), challenge);
    assert.equal(anonymous.headers.get("allow"), "POST, OPTIONS");
    await says(anonymous, 401, { detail: "Authentication credentials were not provided." });
    const stranger = await send(method, "/logout_token/", { authorization: "Bearer x" });
    assert.equal(stranger.headers.get("www-authenticate"), challenge);
    await says(stranger, 401, { detail: "User not found", code: "user_not_found" });
  }
  await says(await send("GET", "/logout_token/", anna), 405, {
    detail: 'Method "GET" not allowed.',
  });
});

test("auth-header: bad credentials are refused even if none are needed, and ignored by a view that takes none", async () => {
  const body = '{"username":"a","password":"b","email":"c"}';
  assert.equal(
    (await send("POST", "/auth/users/", { ...json, authorization: "Bearer x" }, body)).status,
    401,
  );
  assert.equal(
    (await send("POST", "/api/token/", { ...json, authorization: "Bearer x" }, body)).status,
    200,
  );
});

test("obtain-refused: a 401 of the view itself carries the challenge, too", async () => {
  const refused = await post("/api/token/", '{"email":"a","password":"wrong"}');
  assert.equal(refused.headers.get("www-authenticate"), challenge);
  await says(refused, 401, { detail: "No active account found with the given credentials" });
});

test("otp-enable: a permission is refused in its own words, with 403 and no challenge, before the budget and the body", async () => {
  const refused = await send("POST", "/api/totp/login/000000/", { ...anna, ...json }, "{");
  assert.equal(refused.headers.get("www-authenticate"), null);
  await says(refused, 403, { detail: "You must verify your OTP device." });
  await says(await send("POST", "/api/totp/login/123456/"), 401, {
    detail: "Authentication credentials were not provided.",
  });
  await says(
    await send("POST", "/api/totp/login/123456/", { authorization: "Bearer berta" }),
    200,
    { code: "123456" },
  );
  assert.equal(
    (await send("POST", "/api/totp/login/12345/")).headers.get("content-type"),
    "text/html; charset=utf-8",
  );
});

test("a throttled client is told in DRF's words when to come again, and a busy server answers in the same form", async () => {
  const throttled = await send("POST", "/api/totp/login/000000/", {
    authorization: "Bearer berta",
  });
  assert.equal(throttled.headers.get("retry-after"), "1");
  await says(throttled, 429, { detail: "Request was throttled. Expected available in 1 second." });
  const full = await send("GET", "/api/busy/");
  assert.equal(full.headers.get("retry-after"), "3");
  await says(full, 503, { detail: "Service temporarily unavailable, try again later." });
  assert.equal(
    (await send("GET", "/auth/users/me/", { authorization: "Bearer busy" })).status,
    503,
  );
});

test("slashes, paths: a path that lacks only its last slash is redirected there with every method, with its query", async () => {
  for (const [method, path, location] of [
    ["GET", "/auth/users/me", "/auth/users/me/"],
    ["POST", "/api/token", "/api/token/"],
    ["GET", "/auth/users/me?a=b%20c", "/auth/users/me/?a=b%20c"],
    ["GET", "/auth", "/auth/"],
    ["PROPFIND", "/auth/users/1", "/auth/users/1/"],
  ] as const) {
    const redirect = await send(method, path);
    assert.deepEqual(
      [redirect.status, redirect.headers.get("location"), await redirect.text()],
      [301, location, ""],
      path,
    );
  }
  await says(await send("POST", "/auth/jwt/create", json, '{"email":"a","password":"b"}'), 200, {
    email: "a",
    password: "b",
  });
});

test("slashes, paths: an unknown path gets Django's HTML page, with or without a user", async () => {
  const paths = [
    "/",
    "/api/",
    "/api/nothing",
    "/auth/users//",
    "//auth/users/",
    "/API/token/",
    "/auth/users/me/nothing/",
    "/api/tok%65n/",
  ];
  for (const path of [
    ...paths,
    "/auth/users/%31/",
    "/auth/__proto__/",
    "/auth.json",
    "/api/token.json",
  ]) {
    const missing = await send("GET", path, anna);
    assert.deepEqual(
      [missing.status, missing.headers.get("content-type")],
      [404, "text/html; charset=utf-8"],
      path,
    );
    assert.match(await missing.text(), /Not Found/);
  }
});

test("router: paths under a router take a format's suffix, and an unknown format is not found", async () => {
  await says(await send("GET", "/auth/.json"), 200, { users: "/auth/users/" });
  await says(await send("GET", "/auth/users/me.json", anna), 200, { username: "anna" });
  await says(await send("GET", "/auth/users.json/", anna), 200, [{ username: "anna" }]);
  await says(await send("GET", "/auth/users/1.json", anna), 200, { id: 1 });
  await says(await send("GET", "/auth/users/me.xml"), 404, { detail: "Not found." });
  await says(
    await send("POST", "/auth/users.json", json, '{"username":"path2","password":"x"}'),
    201,
    { email: "", username: "path2" },
  );
});

test("view-methods, me-read: a view answers with JSON or with 406, and an unknown format is not found", async () => {
  const get = async (query: string, accept: string): Promise<Response> =>
    send("GET", `/auth/users/me/${query}`, { ...anna, accept });
  for (const accept of [
    "*/*",
    "application/json",
    "application/xml, */*;q=0.1",
    "application/*",
    "application/json; indent=4",
  ])
    await says(await get("", accept), 200, { username: "anna" });
  for (const accept of ["text/csv", "application/xml", "", "json", "*"])
    await says(await get("", accept), 406, {
      detail: "Could not satisfy the request Accept header.",
    });
  await says(await get("?format=json", "*/*"), 200, { username: "anna" });
  await says(await get("?format=", "*/*"), 200, { username: "anna" });
  await says(await get("?format=csv", "*/*"), 404, { detail: "Not found." });
  await says(await get("?format=json&format=csv", "text/csv"), 404, { detail: "Not found." });
});

test("a browser that asks for HTML gets JSON", async () => {
  await says(await send("GET", "/auth/users/me/", { ...anna, accept: "text/html" }), 200, {
    username: "anna",
  });
});

test("negotiation comes before authentication", async () => {
  assert.equal((await send("GET", "/auth/users/me/", { accept: "text/csv" })).status, 406);
});

test("me-head-quirk: HEAD answers as GET does, without a body", async () => {
  const head = await send("HEAD", "/auth/users/me/", anna);
  assert.deepEqual(
    [head.status, head.headers.get("content-type"), await head.text()],
    [200, "application/json", ""],
  );
  assert.equal((await send("HEAD", "/auth/users/me/")).status, 401);
});

test("options: a path lists its methods, its parsers and the fields that may be sent", async () => {
  const told = await send("OPTIONS", "/api/token/");
  assert.equal(told.headers.get("allow"), "POST, OPTIONS");
  const field = (label: string) => ({ type: "string", required: true, read_only: false, label });
  const parses = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"];
  await says(told, 200, {
    name: "Token Obtain Pair",
    description: "Takes a set of user credentials.",
    renders: ["application/json"],
    parses,
    actions: { POST: { email: field("Email"), password: field("Password") } },
  });
  await says(await send("OPTIONS", "/logout_token/", anna), 200, {
    name: "Logout",
    description: "",
    renders: ["application/json"],
    parses,
  });
});

test("options: read-only fields are listed, too, with their labels, limits and help", async () => {
  const told: unknown = await (await send("OPTIONS", "/auth/users/", anna)).json();
  assert.deepEqual(told, {
    name: "User",
    description: "",
    renders: ["application/json"],
    parses: ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
    actions: {
      POST: {
        id: { type: "integer", required: false, read_only: true, label: "ID" },
        email: { type: "email", required: false, read_only: false, label: "Email address" },
        username: {
          type: "string",
          required: true,
          read_only: false,
          label: "Username",
          help_text: "Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
          max_length: 150,
        },
        password: { type: "string", required: true, read_only: false, label: "Password" },
      },
    },
  });
});

test("obtain-encodings: a body may be JSON, a form or multipart, with the same meaning", async () => {
  const said = { email: "a b@ü", password: "пароль-éü-🔑 ok" };
  const form = new FormData();
  for (const [name, value] of Object.entries(said)) form.append(name, value);
  await says(await post("/api/token/", JSON.stringify(said)), 200, said);
  await says(
    await post("/api/token/", JSON.stringify(said), "Application/JSON; charset=utf-8"),
    200,
    said,
  );
  await says(await send("POST", "/api/token/", {}, new URLSearchParams(said)), 200, said);
  await says(await send("POST", "/api/token/", {}, form), 200, said);
  await says(
    await post("/api/token/", JSON.stringify({ ...said, remember: true, id: 1 })),
    200,
    said,
  );
  await says(await post("/api/token/", '{"email":"  a ","password":" b "}'), 200, {
    email: "a",
    password: "b",
  });
  await says(await post("/api/token/", '{"email":1,"password":1.0}'), 200, {
    email: "1",
    password: "1.0",
  });
});

test("register-encodings: if a member is sent twice, the last one counts", async () => {
  const twice = "email=one&password=p&email=two";
  await says(await post("/api/token/", twice, "application/x-www-form-urlencoded"), 200, {
    email: "two",
    password: "p",
  });
  await says(await post("/api/token/", '{"email":"one","password":"p","email":"two"}'), 200, {
    email: "two",
    password: "p",
  });
});

test("obtain-missing: if there is no body, every field is missing, even if a type is declared", async () => {
  const missing = { email: ["This field is required."], password: ["This field is required."] };
  for (const type of [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
  ])
    await says(await post("/api/token/", "", type), 400, missing);
  await says(await post("/api/token/", "{}"), 400, missing);
  await says(await post("/api/token/", '{"email":null,"password":" \\t"}'), 400, {
    email: ["This field may not be null."],
    password: ["This field may not be blank."],
  });
});

test("login-errors, register-types: a body that is no dictionary is named by Python's word for its type", async () => {
  for (const [body, type] of [
    ["[]", "list"],
    ['"x"', "str"],
    ["7", "int"],
    ["1.5", "float"],
    ["true", "bool"],
  ] as const)
    await says(await post("/api/token/", body), 400, {
      non_field_errors: [`Invalid data. Expected a dictionary, but got ${type}.`],
    });
  await says(await post("/api/token/", "null"), 400, { non_field_errors: ["No data provided"] });
  await says(await send("PATCH", "/auth/users/me/", { ...anna, ...json }, "[]"), 400, {
    non_field_errors: ["Invalid data. Expected a dictionary, but got list."],
  });
});

test("login-errors, reset-password-ask: an unknown type is refused by its name, and broken JSON without repeating it", async () => {
  await says(await post("/api/token/", "x", "text/plain"), 415, {
    detail: 'Unsupported media type "text/plain" in request.',
  });
  for (const body of ["{", "'hunter2'", "{}hunter2", "NaN", '{"a":"\t"}', "\uFEFF{}", " "]) {
    const refused = await post("/api/token/", body);
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /^\{"detail":"JSON parse error - [^{}']+"\}$/);
  }
  await says(await post("/api/token/", "x", "multipart/form-data"), 400, {
    detail: "Multipart form parse error - the parts cannot be told apart",
  });
});

test("me-update: PATCH takes some of the fields, PUT all of them", async () => {
  const headers = { ...anna, ...json };
  await says(await send("PATCH", "/auth/users/me/", headers, "{}"), 200, []);
  await says(await send("PATCH", "/auth/users/me/", headers, '{"username":"a","x":1}'), 200, [
    "username",
  ]);
  await says(await send("PATCH", "/auth/users/me/", headers, '{"email":"x"}'), 400, {
    email: ["Enter a valid email address."],
  });
  await says(await send("PATCH", "/auth/users/me/", headers, '{"email":null}'), 400, {
    email: ["This field may not be null."],
  });
  await says(await send("PUT", "/auth/users/me/", headers, '{"email":"a@b.org"}'), 400, {
    username: ["This field is required."],
  });
  const form = { ...anna, "content-type": "application/x-www-form-urlencoded" };
  await says(await send("PATCH", "/auth/users/me/", form, "username="), 400, {
    username: ["This field may not be blank."],
  });
});

test("me-delete: a field may be checked against the user", async () => {
  const erase = async (password: string): Promise<Response> =>
    send(
      "DELETE",
      "/auth/users/me/",
      { ...anna, ...json },
      JSON.stringify({ current_password: password }),
    );
  await says(await erase("bertas"), 400, { current_password: ["Invalid password."] });
  const gone = await erase("annas");
  assert.deepEqual(
    [gone.status, gone.headers.get("content-type"), await gone.text()],
    [204, null, ""],
  );
  await says(await send("DELETE", "/auth/users/me/", anna), 400, {
    current_password: ["This field is required."],
  });
});

test("resend-activation: a refusal may have no body, and then no content type", async () => {
  const refused = await post("/auth/users/resend_activation/", '{"email":"a@b.org"}');
  assert.deepEqual(
    [refused.status, refused.headers.get("content-type"), await refused.text()],
    [400, null, ""],
  );
});

test("logout-forms: a member is true or false as Python sees it", async () => {
  const all = async (body: string, type = "application/json"): Promise<unknown> =>
    (await send("POST", "/logout_token/", { ...anna, "content-type": type }, body)).json();
  for (const value of ['"1"', '"0"', '"false"', "true", "1", "[0]", '{"a":0}', "0.5", "1e400"])
    assert.deepEqual(await all(`{"all":${value}}`), { all: true }, value);
  for (const value of ['""', "false", "null", "0", "-0.0", "0e0", "[]", "{}"])
    assert.deepEqual(await all(`{"all":${value}}`), { all: false }, value);
  assert.deepEqual(await all("all=0", "application/x-www-form-urlencoded"), { all: true });
  for (const body of ["{}", "[]", "null", '"all"', '{"__proto__":{"all":1}}'])
    assert.deepEqual(await all(body), { all: false }, body);
});

test("IN-02, IN-07: a hostile body gets a refusal and nothing else", async () => {
  const hostile: readonly (string | Uint8Array<ArrayBuffer>)[] = [
    "[".repeat(30_000),
    `{"email":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
    `{"email":${'{"a":'.repeat(8000)}1${"}".repeat(8000)}}`,
    `{"email":${"9".repeat(60_000)},"password":1e999999}`,
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    '{"email":"\\ud800","password":"\\udc00"}',
    '{"email":"\\u0000","password":"\\u0000"}',
    `"${'\\"'.repeat(30_000)}`,
    new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]),
    "\0".repeat(65_536),
    " ".repeat(65_536),
    "a=".repeat(30_000),
    "&".repeat(65_536),
    "%".repeat(65_536),
    "--x\r\n".repeat(10_000),
    `--x\r\ncontent-disposition: form-data; name="email"; filename="f"\r\n\r\nv\r\n--x--\r\n`,
    `--x\r\ncontent-disposition: form-data; name="__proto__"\r\n\r\nv\r\n--x--\r\n`,
    `--x\r\ncontent-disposition: ${";".repeat(30_000)}\r\n\r\nv\r\n--x--\r\n`,
  ];
  for (const body of hostile)
    for (const type of [
      "application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "*/*",
    ]) {
      const { status } = await post("/api/token/", body, type);
      assert.ok(status < 500, `${status} for ${type} ${body.slice(0, 40).toString()}`);
    }
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

test("IN-02: nesting is counted outside of strings only", async () => {
  const brackets = "[".repeat(40);
  await says(
    await post("/api/token/", JSON.stringify({ email: brackets, password: `"\\${brackets}` })),
    200,
    {
      email: brackets,
      password: `"\\${brackets}`,
    },
  );
  await says(await post("/api/token/", `{"email":${"[".repeat(16)}${"]".repeat(16)}}`), 400, {
    detail: "JSON parse error - more than 16 levels",
  });
});

test("IN-08: a body over 64 KiB is refused, with or without a Content-Length", async () => {
  const large = "x".repeat(1_048_576);
  await says(
    await send("POST", "/api/token/", { ...json, "content-length": "1048576" }, large),
    413,
    {
      detail: "Request body is too large.",
    },
  );
  await says(await post("/api/token/", large, "multipart/form-data; boundary=x"), 413, {
    detail: "Request body is too large.",
  });
});

test("answers of a face are counted under the name of their view and not under the path", async () => {
  await send("GET", "/auth/users/4711/", anna);
  await send("GET", "/auth/users/4712", anna);
  await send("GET", "/made/up", anna);
  const labels = new Set(
    [...(await metrics.text()).matchAll(/portcullis_http_requests_total\{endpoint="([^"]*)"/g)].map(
      ([, name]) => name,
    ),
  );
  assert.deepEqual(
    [...labels].filter((label) => label !== "none" && !views.some(({ name }) => name === label)),
    [],
  );
});

test("complaints of a rule stand beside their field", async () => {
  const { status, body } = fieldErrors({ username: ["A user with that username already exists."] });
  assert.deepEqual(
    [status, body],
    [400, { username: ["A user with that username already exists."] }],
  );
});
