import { endpoints, type Endpoint } from "@portcullis/contract";
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { cookieKinds } from "../../src/accounts/sessions/cookie-mode.ts";
import { ACCESS, Browser, REFRESH, VISIT, type InCookies } from "../cookie-jar.ts";
import { enrolTotp, totpCode } from "../second-factor.ts";
import { eventsOf } from "../steps.ts";
import { eachWorld, publicUrl, type Refused, type World } from "../world.ts";

const APP = "https://app.example.com";
const listed = { PORTCULLIS_ALLOWED_ORIGINS: APP } as const;

async function signedIn(world: World, kind: "keep" | "session" = "session"): Promise<Browser> {
  const browser = new Browser(world);
  const answered = await browser.signIn(await world.user(), kind);
  assert.equal(answered.status, 201, answered.text);
  return browser;
}

const rename = (browser: Browser, headers: Readonly<Record<string, string | undefined>> = {}) =>
  browser.request("PATCH", "/v1/me", { body: { profile: {} }, headers });

const attributesOf = (line: string): readonly string[] => line.split("; ").slice(1).toSorted();

eachWorld(
  "CK-01 the cookies of a session have their prefixes, paths and attributes, and no token is in the body",
  async (world) => {
    const browser = new Browser(world);
    assert.deepEqual(await browser.open(), {
      csrfToken: browser.csrfToken,
      sessionId: null,
      expiresInSeconds: null,
    });
    assert.match(browser.lines.join(), new RegExp(`^${VISIT}=[\\w-]{22}; `));
    assert.deepEqual(attributesOf(browser.lines.join()), [
      "HttpOnly",
      "Path=/",
      "SameSite=Strict",
      "Secure",
    ]);
    const { body } = await browser.signIn(await world.user());
    assert.deepEqual(Object.keys(body).toSorted(), [
      "csrfToken",
      "deviceToken",
      "expiresInSeconds",
      "sessionId",
    ]);
    const [access = "", refresh = "", ...others] = browser.lines;
    assert.deepEqual(others, []);
    assert.ok(access.startsWith(`${ACCESS}=session.ey`), access.slice(0, 40));
    assert.ok(refresh.startsWith(`${REFRESH}=session.ey`), refresh.slice(0, 40));
    assert.deepEqual(attributesOf(access), ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
    assert.deepEqual(attributesOf(refresh), [
      "HttpOnly",
      "Path=/v1/sessions",
      "SameSite=Strict",
      "Secure",
    ]);
    for (const line of browser.lines) assert.ok(line.length <= 4096);

    assert.equal((await browser.request("GET", "/v1/me")).status, 200);
    assert.equal((await rename(browser)).status, 200);
  },
);

eachWorld(
  "CK-01 a kept session survives the browser and ten days, and asks for the password after thirty",
  async (world) => {
    const [kept, passing] = [await signedIn(world, "keep"), await signedIn(world, "session")];
    for (const browser of [kept, passing]) browser.reopen();
    assert.equal((await kept.request("GET", "/v1/me")).status, 200);
    assert.equal((await passing.request("GET", "/v1/me")).body.code, "unauthenticated");
    assert.equal((await passing.open()).sessionId, null);

    world.clock.advance(10 * 86_400);
    kept.reopen();
    assert.equal((await kept.request("GET", "/v1/me")).body.code, "token_expired");
    const opened = await kept.open();
    assert.ok(opened.sessionId !== null && Number(opened.expiresInSeconds) < 0);
    const before = kept.value(REFRESH);
    assert.equal((await kept.refresh()).status, 200);
    assert.notEqual(kept.value(REFRESH), before);
    assert.match(kept.value(REFRESH), /^keep\./, "the header does not change how long it is kept");
    for (const line of kept.lines) assert.match(line, /; Max-Age=2592000;/);
    assert.equal((await kept.request("GET", "/v1/me")).status, 200);

    world.clock.advance(31 * 86_400);
    assert.equal((await kept.open()).sessionId, null, "the browser has dropped the cookies");
    assert.equal((await kept.request("GET", "/v1/me")).body.code, "unauthenticated");
  },
  { PORTCULLIS_IDLE_TTL: "30d" },
);

eachWorld(
  "CK-01 a new sign-in chooses how long it is kept, whatever cookies an ended session has left",
  async (world) => {
    const user = await world.user();
    const browser = new Browser(world);
    await browser.signIn(user, "keep");
    const elsewhere = new Browser(world);
    await elsewhere.signIn(user, "session");
    assert.equal((await elsewhere.request("DELETE", "/v1/sessions")).status, 204);
    assert.equal((await browser.request("GET", "/v1/me")).body.code, "session_ended");
    assert.match(browser.value(REFRESH), /^keep\./, "the cookies are still there");

    assert.equal((await browser.signIn(user, "session")).status, 201);
    assert.match(browser.value(REFRESH), /^session\./);
    for (const line of browser.lines) assert.doesNotMatch(line, /Max-Age/i);
    browser.reopen();
    assert.equal((await browser.request("GET", "/v1/me")).body.code, "unauthenticated");
  },
);

const origins = [
  undefined,
  publicUrl,
  APP,
  "https://evil.example",
  "https://x.app.example.com",
  "null",
];
const sites = [undefined, "same-origin", "same-site", "cross-site", "none"];
const types = ["application/json", "text/plain", "application/x-www-form-urlencoded", undefined];

/** Whether a page may have sent the request, by the words of CK-02. */
function mayCome(origin: string | undefined, site: string | undefined): boolean {
  if (site === "same-origin") return true;
  if (site === "none" || origin === undefined) return false;
  return origin === publicUrl || origin === APP;
}

interface Case {
  readonly name: string;
  /** The method, path and body of a call that succeeds with this status. */
  readonly call: readonly [method: string, path: string, body: object];
  readonly succeeds: number;
  readonly asks?: "session";
  /** Whether the call is made without a session, with the CSRF token of the visit. */
  readonly anonymous?: true;
}

const cases: readonly Case[] = [
  { name: "a change", call: ["PATCH", "/v1/me", { profile: {} }], succeeds: 200 },
  {
    name: "a refresh",
    call: ["POST", "/v1/sessions/refresh", { attemptId: "an attempt of the test" }],
    succeeds: 200,
    asks: "session",
  },
  {
    name: "a sign-in",
    call: [
      "POST",
      "/v1/sessions",
      { identifier: "anna@example.com", password: "seven quiet herons" },
    ],
    succeeds: 201,
    asks: "session",
    anonymous: true,
  },
  {
    name: "a forgotten password",
    call: ["POST", "/v1/password-resets", { email: "nobody@example.com" }],
    succeeds: 202,
    asks: "session",
    anonymous: true,
  },
];

for (const { name, call, succeeds, asks, anonymous } of cases)
  eachWorld(
    `CK-02 CK-03 CK-04 ${name} in cookie mode needs a trusted origin, JSON and the CSRF token, in every combination`,
    async (world) => {
      const anna = await world.user({ email: "anna@example.com" });
      const [method, path, body] = call;
      const stranger = new Browser(world);
      await stranger.signIn(anna);
      let address = 0;
      for (const origin of origins)
        for (const site of sites)
          for (const type of types)
            for (const token of ["own", "other", "none", "x".repeat(43)]) {
              const browser = new Browser(world);
              if (anonymous === true) await browser.open();
              else {
                browser.jar = new Map(stranger.jar);
                browser.csrfToken = stranger.csrfToken;
              }
              const sent = {
                own: browser.csrfToken,
                other: await otherToken(world),
                none: undefined,
              }[token];
              const answered = await world.request(method, path, {
                body,
                address: `198.51.${(address += 1) >> 8}.${address & 255}`,
                headers: present({
                  cookie: browser.cookiesFor(path),
                  origin,
                  "sec-fetch-site": site,
                  "content-type": type ?? "",
                  "portcullis-cookies": asks,
                  "x-csrf-token": token.length > 9 ? token : sent,
                }),
              });
              const words = `${origin} ${site} ${type} ${token}`;
              if (!mayCome(origin, site)) assert.equal(reason(answered.body), "origin", words);
              else if (token === "none")
                assert.equal(reason(answered.body), "missing_token", words);
              else if (token !== "own") assert.equal(reason(answered.body), "token", words);
              else if (type !== "application/json") assert.equal(answered.status, 415, words);
              else assert.equal(answered.status, succeeds, `${words} ${answered.text}`);
            }
    },
    listed,
  );

const reason = (body: Refused): unknown =>
  body.code === "csrf_refused" ? body["reason"] : body.code;

function present(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** Returns the CSRF token of another browser that visits the server. */
async function otherToken(world: World): Promise<string> {
  const other = new Browser(world);
  await other.open();
  return other.csrfToken;
}

eachWorld(
  "CK-05 the CSRF token changes with the sign-in, and is worth nothing in another session",
  async (world) => {
    const [anna, eve] = [new Browser(world), new Browser(world)];
    await anna.open();
    const ofVisit = anna.csrfToken;
    const user = await world.user();
    await anna.signIn(user);
    await eve.signIn(user);
    assert.notEqual(anna.csrfToken, ofVisit);
    assert.notEqual(anna.csrfToken, eve.csrfToken);
    for (const token of [ofVisit, eve.csrfToken, "", "é", "x".repeat(10_000)]) {
      const refused = await rename(anna, { "x-csrf-token": encodeURIComponent(token) });
      assert.deepEqual([refused.status, reason(refused.body)], [403, "token"], token.slice(0, 9));
      assert.equal(
        reason(
          (await anna.refresh({ headers: { "x-csrf-token": encodeURIComponent(token) } })).body,
        ),
        "token",
      );
    }
    const own = anna.csrfToken;
    await anna.refresh();
    assert.equal(anna.csrfToken, own, "a refresh goes on with the same session");
  },
);

eachWorld(
  "CK-06 a Cookie header that two parsers could read differently is refused",
  async (world) => {
    const browser = await signedIn(world);
    const own = `${ACCESS}=${browser.value(ACCESS)}`;
    const ambiguous = [
      `${own}; ${own}`,
      `${own}; ${ACCESS}=session.other`,
      `${own}; __host-portcullis_access=session.x`,
      `${own}; \u00a0${ACCESS}=session.x`,
      `${own}; ${ACCESS}\u2003=session.x`,
      `${own}; ${ACCESS} =session.x`,
      `${own}; "${ACCESS}"=session.x`,
      `${own};  ${ACCESS}=session.x`,
      `${own};\t${ACCESS}=session.x`,
      `${ACCESS}="${browser.value(ACCESS)}"`,
      `${ACCESS}=`,
      ACCESS,
      `theme="x; ${own}; y"`,
      `$Version=1; theme="; ${own}`,
      `theme=dark, ${own}`,
      `theme=dark,${own}`,
    ];
    for (const cookie of ambiguous) {
      const headers = { cookie: Buffer.from(cookie, "utf8").toString("latin1") };
      for (const answered of [
        await browser.request("GET", "/v1/me", { headers }),
        await rename(browser, headers),
      ])
        assert.deepEqual([answered.status, answered.body.code], [400, "malformed_request"], cookie);
    }
    for (const cookie of [
      own,
      `theme=dark; ${own}`,
      `${own}; theme="a quoted value"`,
      `csrftoken=abc;${own}`,
      `portcullis_access=session.unprefixed; ${own}`,
      `${own}; a=b=c; d`,
    ])
      assert.equal((await rename(browser, { cookie })).status, 200, cookie);
    const unprefixed = { cookie: `portcullis_access=${browser.value(ACCESS)}` };
    assert.equal((await rename(browser, unprefixed)).body.code, "unauthenticated");
  },
);

eachWorld(
  "CK-07 an Authorization header beats the cookies, and asking for cookie mode beside it is refused",
  async (world) => {
    const browser = await signedIn(world);
    const bert = await world.signIn(await world.user());
    const authorization = `Bearer ${bert.accessToken}`;
    const me = await browser.request<{ readonly email: string }>("GET", "/v1/me", {
      headers: { authorization },
    });
    assert.equal(me.body.email, "user2@example.com");
    for (const wrong of ["Bearer x", "Basic eA==", ""]) {
      const answered = await browser.request("GET", "/v1/me", {
        headers: { authorization: wrong },
      });
      assert.equal(answered.status, 401, wrong);
    }
    const bare = { "x-csrf-token": undefined, origin: "https://evil.example" };
    assert.equal((await rename(browser, { authorization, ...bare })).status, 200);
    const both = await rename(browser, { authorization, "portcullis-cookies": "keep" });
    assert.deepEqual([both.status, both.body.code], [400, "malformed_request"]);
    const odd = await rename(browser, { "portcullis-cookies": "always" });
    assert.deepEqual([odd.status, odd.body.code], [400, "malformed_request"]);
  },
);

eachWorld(
  "CK-08 a page of another origin reads nothing with the user's cookies, unless its origin is listed",
  async (world) => {
    const browser = await signedIn(world);
    const read = async (headers: Readonly<Record<string, string>>) =>
      browser.request("GET", "/v1/me", { headers });
    for (const origin of ["https://evil.example", "null", "https://x.app.example.com"]) {
      const answered = await read({ origin, "sec-fetch-site": "same-site" });
      assert.equal(answered.body.code, "unauthenticated", origin);
      assert.equal(answered.headers.get("access-control-allow-credentials"), null);
      for (const cookie of [undefined, browser.cookiesFor("/v1/sessions/csrf")]) {
        const token = await browser.request("GET", "/v1/sessions/csrf", {
          headers: { origin, "sec-fetch-site": "same-site", cookie },
        });
        assert.deepEqual([token.status, reason(token.body)], [403, "origin"], origin);
        assert.deepEqual(browser.lines, [], "no page of another origin replaces the visit");
      }
    }
    const answered = await read({ origin: APP, "sec-fetch-site": "same-site" });
    assert.equal(answered.status, 200);
    assert.equal(answered.headers.get("access-control-allow-origin"), APP);
    assert.equal(answered.headers.get("access-control-allow-credentials"), "true");
    assert.equal(
      (await rename(browser, { origin: APP, "sec-fetch-site": "same-site" })).status,
      200,
    );
  },
  listed,
);

eachWorld(
  "CK-09 HEAD is authorised like GET, and a header does not change the method",
  async (world) => {
    const browser = await signedIn(world);
    assert.equal((await browser.request("HEAD", "/v1/me")).status, 200);
    assert.equal(
      (await browser.request("HEAD", "/v1/me", { headers: { cookie: undefined } })).status,
      401,
    );
    const before = await eventsOf(world);
    for (const header of ["x-http-method-override", "x-http-method", "x-method-override"]) {
      const answered = await browser.request("GET", "/v1/sessions/csrf", {
        headers: { [header]: "DELETE" },
      });
      assert.equal(answered.status, 200);
    }
    assert.deepEqual(await eventsOf(world), before);
    assert.equal((await browser.request("GET", "/v1/me")).status, 200);
  },
);

eachWorld(
  "CK-10 CK-03 a challenge sets no cookie, and its answer sets those of the session",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    const browser = new Browser(world);
    const asked = await browser.signIn(user, "keep");
    assert.equal(asked.status, 202, asked.text);
    assert.deepEqual(browser.lines, []);
    const { challengeId, challengeSecret } = asked.body as unknown as Record<string, string>;
    const answer = async (headers: Readonly<Record<string, string | undefined>>) =>
      browser.request<InCookies & Refused>("POST", `/v1/challenges/${challengeId}`, {
        body: { challengeSecret, factor: "totp", code: totpCode(world, secret) },
        headers: { "portcullis-cookies": "keep", ...headers },
      });
    assert.equal(reason((await answer({ "x-csrf-token": undefined })).body), "missing_token");
    const answered = await answer({});
    assert.equal(answered.status, 201, answered.text);
    assert.ok(!/"(access|refresh)Token"/.test(answered.text));
    assert.equal(browser.lines.length, 2);
    assert.equal((await rename(browser)).status, 200);

    world.clock.advance(301);
    await browser.refresh();
    const raised = await browser.request<InCookies & Refused>("POST", "/v1/step-up", {
      body: { factor: "totp", code: totpCode(world, secret) },
    });
    assert.equal(raised.status, 200, raised.text);
    assert.notEqual(raised.body.sessionId, answered.body.sessionId);
    assert.match(browser.value(REFRESH), /^keep\./, "the access cookie tells how long it is kept");
    assert.equal((await rename(browser)).status, 200, "with the new session's CSRF token");
  },
);

const ends: readonly (readonly [method: string, path: string, body?: object])[] = [
  ["POST", "/v1/sessions/logout", {}],
  ["DELETE", "/v1/sessions/current"],
  ["DELETE", "/v1/sessions"],
  ["DELETE", "/v1/sessions/{own}"],
  ["DELETE", "/v1/me", { password: "seven quiet herons" }],
];

for (const [method, path, body] of ends)
  eachWorld(`CK-11 ${method} ${path} clears the cookies and the browser's cache`, async (world) => {
    const browser = await signedIn(world, "keep");
    const { sessionId } = await browser.open();
    const stolen = new Map(browser.jar);
    const answered = await browser.request(method, path.replace("{own}", sessionId ?? ""), {
      ...(body !== undefined && { body }),
      headers: { "portcullis-cookies": "session" },
    });
    assert.equal(answered.status, 204, answered.text);
    assert.equal(answered.headers.get("clear-site-data"), '"cache"');
    assert.deepEqual(
      browser.lines.map((line) => line.replace(/Path=[^;]+; /, "")),
      [
        `${ACCESS}=; Max-Age=0; Secure; HttpOnly; SameSite=Lax`,
        `${REFRESH}=; Max-Age=0; Secure; HttpOnly; SameSite=Strict`,
      ],
    );
    assert.deepEqual([...browser.jar.keys()], [VISIT]);
    browser.jar = stolen;
    assert.equal((await browser.request("GET", "/v1/me")).body.code, "session_ended");
    const refused = await browser.refresh();
    assert.equal(refused.status, 401);
    assert.ok(["session_ended", "invalid_refresh_token"].includes(refused.body.code), refused.text);
    assert.deepEqual(browser.lines, [], "a late refusal does not sign out a newer session");
  });

eachWorld("CK-11 the end of another session keeps the cookies of this one", async (world) => {
  const user = await world.user();
  const browser = new Browser(world);
  await browser.signIn(user);
  const { sessionId } = await world.signIn(user);
  assert.equal((await browser.request("DELETE", `/v1/sessions/${sessionId}`)).status, 204);
  assert.deepEqual(browser.lines, []);
  assert.equal((await browser.request("GET", "/v1/me")).status, 200);
});

eachWorld(
  "a browser without a session is told to sign in when it refreshes, and may log out",
  async (world) => {
    const browser = new Browser(world);
    await browser.open();
    const refused = await browser.refresh();
    assert.deepEqual([refused.status, refused.body.code], [401, "unauthenticated"]);
    const out = await browser.request("POST", "/v1/sessions/logout", {
      body: {},
      headers: { "portcullis-cookies": "session" },
    });
    assert.equal(out.status, 204);
  },
);

eachWorld(
  "RF-01 tabs that refresh at once with the same cookie get the same successor",
  async (world) => {
    const browser = await signedIn(world);
    const tabs = Array.from({ length: 5 }, () => {
      const tab = new Browser(world);
      tab.jar = new Map(browser.jar);
      tab.csrfToken = browser.csrfToken;
      return tab;
    });
    const answers = await Promise.all(tabs.map(async (tab) => tab.refresh()));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(new Set(tabs.map((tab) => tab.value(REFRESH))).size, 1);
  },
);

eachWorld(
  "a refresh token in the body works without cookies as before, and without either the call says what is missing",
  async (world) => {
    const tokens = await world.signIn(await world.user());
    const refreshed = await world.request<{ readonly refreshToken: string }>(
      "POST",
      "/v1/sessions/refresh",
      { body: { refreshToken: tokens.refreshToken } },
    );
    assert.equal(refreshed.status, 200);
    assert.equal(typeof refreshed.body.refreshToken, "string");
    for (const path of ["/v1/sessions/refresh", "/v1/sessions/logout"]) {
      const missing = await world.request("POST", path, { body: {} });
      assert.deepEqual(
        [missing.status, missing.body["errors"]],
        [422, [{ path: "/refreshToken", message: "is required" }]],
      );
    }
  },
);

eachWorld(
  "cookies that no call asks for change nothing: a public call without the header answers with tokens",
  async (world) => {
    const browser = await signedIn(world);
    const user = await world.user();
    const answered = await browser.request<{ readonly accessToken?: string }>(
      "POST",
      "/v1/sessions",
      {
        body: { identifier: user.email, password: user.password },
      },
    );
    assert.equal(answered.status, 201);
    assert.equal(typeof answered.body.accessToken, "string");
    assert.deepEqual(browser.lines, []);
  },
);

eachWorld(
  "a face does not take the native cookies",
  async (world) => {
    const browser = await signedIn(world);
    assert.equal((await browser.request("GET", "/auth/users/me/")).status, 401);
  },
  { PORTCULLIS_FACES: "djoser,simplejwt", PORTCULLIS_FRONTEND_URL: APP },
);

test("CK-01 only a server in development on plain http leaves the prefixes out", () => {
  const kinds = (url: string, mode: "development" | "production") =>
    Object.values(cookieKinds({ publicUrl: url, mode })).map(
      ({ name, attributes }: { name: string; attributes: { secure: boolean; path: string } }) =>
        `${name} ${attributes.path}${attributes.secure ? " secure" : ""}`,
    );
  const prefixed = [`${ACCESS} / secure`, `${REFRESH} /v1/sessions secure`, `${VISIT} / secure`];
  assert.deepEqual(kinds("https://id.example.com", "production"), prefixed);
  assert.deepEqual(kinds("https://id.example.com", "development"), prefixed);
  assert.deepEqual(kinds("http://localhost:8080", "production"), prefixed);
  assert.deepEqual(kinds("http://localhost:8080", "development"), [
    "portcullis_access /",
    "portcullis_refresh /v1/sessions",
    "portcullis_visit /",
  ]);
  assert.equal(
    kinds("https://example.com/id/", "production")[1],
    `${REFRESH} /id/v1/sessions secure`,
  );
});

test("every answer with tokens has them where cookie mode finds them", () => {
  const all: readonly Endpoint[] = Object.values(endpoints);
  const places = all.flatMap(({ name, method, answers }) =>
    Object.values(answers).flatMap((schema) =>
      schema === null
        ? []
        : placesOf(z.toJSONSchema(schema, { io: "output", reused: "inline" }), "").map((place) => ({
            name,
            method,
            place,
          })),
    ),
  );
  assert.ok(places.length >= 12, `only ${places.length} answers have tokens`);
  for (const { name, method, place } of places) {
    assert.match(place, /^(\/tokens)?\/(access|refresh)Token$/, name);
    assert.notEqual(method, "GET", name);
  }
});

/** Returns where a schema has tokens, as paths of members. */
function placesOf(schema: unknown, path: string): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key !== "properties" || typeof value !== "object" || value === null)
      return placesOf(value, path);
    return Object.entries(value).flatMap(([member, inner]) =>
      member === "accessToken" || member === "refreshToken"
        ? [`${path}/${member}`]
        : placesOf(inner, `${path}/${member}`),
    );
  });
}
