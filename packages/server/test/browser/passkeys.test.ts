import type { Assertion, Attestation, endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startServer, type ServerProcess } from "../process.ts";
import type { AnswerOf } from "../world.ts";
import { findChromium, launch } from "./chromium.ts";

const found = await findChromium();
const skip = found.kind === "absent" && found.reason;
const browser: Browser | undefined = found.kind === "found" ? await launch(found.path) : undefined;
const folder = mkdtempSync(join(tmpdir(), "portcullis-browser-"));
const server = found.kind === "found" ? await served() : undefined;
after(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const PASSWORD = "nine grey geese fly";

/** Passkeys belong to a host and not to a port, and the host must not be a number. */
async function served(): Promise<ServerProcess> {
  const port = await freePort();
  const started = await startServer({
    PORTCULLIS_DATA_DIR: folder,
    PORTCULLIS_PORT: String(port),
    PORTCULLIS_PUBLIC_URL: `http://localhost:${port}`,
    PORTCULLIS_REGISTRATION: "immediate",
  });
  return { ...started, url: `http://localhost:${port}` };
}

/** The abilities of the virtual authenticator (CDP, WebAuthn.VirtualAuthenticatorOptions). */
interface Abilities {
  /** Whether it stores passkeys itself, so that it knows their users. */
  readonly keeps: boolean;
  readonly verifies: boolean;
}

type Begun = AnswerOf<typeof endpoints.startPasskey, 201>;
type Tokens = AnswerOf<typeof endpoints.signInWithPasskey, 201>;
type Challenge = AnswerOf<typeof endpoints.signIn, 202>;
type Added = AnswerOf<typeof endpoints.addPasskey, 201>;
type Token = AnswerOf<typeof endpoints.getToken>;

interface Answer<Body> {
  readonly status: number;
  readonly body: Body & { readonly code?: string };
}

/** A page of the server's own origin, with what a front end does there for one user. */
interface Site {
  readonly credentials: { readonly identifier: string; readonly password: string };
  call<Body>(method: string, path: string, body?: object, token?: string): Promise<Answer<Body>>;
  /** @param change overrides options, like a page that does not follow them */
  create(options: object, change?: object): Promise<Attestation>;
  get(options: object, change?: object): Promise<Assertion>;
  /** Sets whether the authenticator's user gives the right PIN from now on. */
  verify(isUserVerified: boolean): Promise<void>;
}

const IN_PAGE = {
  call: `async ({ method, path, body, token }) => {
    const headers = { ...(body && { "content-type": "application/json" }), ...(token && { authorization: "Bearer " + token }) };
    const answer = await fetch(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? {} : JSON.parse(text) };
  }`,
  create: `async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return (await navigator.credentials.create({ publicKey })).toJSON();
  }`,
  get: `async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  }`,
};

let users = 0;

async function visited(
  { keeps, verifies }: Abilities,
  story: (site: Site) => Promise<void>,
): Promise<void> {
  const context = await (browser ?? assert.fail()).newContext();
  try {
    const page = await context.newPage();
    await page.goto(`${server?.url ?? assert.fail()}/docs`);
    const verify = await addAuthenticator(page, { keeps, verifies });
    const run = async <Result>(script: string, argument: object): Promise<Result> =>
      page.evaluate<Result>(`(${script})(${JSON.stringify(argument)})`);
    await story({
      credentials: { identifier: `user${++users}@example.com`, password: PASSWORD },
      call: async (method, path, body, token) => run(IN_PAGE.call, { method, path, body, token }),
      create: async (options, change = {}) => run(IN_PAGE.create, { ...options, ...change }),
      get: async (options, change = {}) => run(IN_PAGE.get, { ...options, ...change }),
      verify,
    });
  } finally {
    await context.close();
  }
}

async function addAuthenticator(
  page: Page,
  { keeps, verifies }: Abilities,
): Promise<Site["verify"]> {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send("WebAuthn.enable");
  const { authenticatorId } = await devTools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: keeps && verifies ? "internal" : "usb",
      hasResidentKey: keeps,
      hasUserVerification: verifies,
      isUserVerified: verifies,
      automaticPresenceSimulation: true,
    },
  });
  return async (isUserVerified) =>
    void (await devTools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }));
}

async function freePort(): Promise<number> {
  const socket = createServer().listen(0, "127.0.0.1");
  await once(socket, "listening");
  const address = socket.address();
  socket.close();
  await once(socket, "close");
  return typeof address === "object" && address !== null ? address.port : assert.fail("no port");
}

async function register({ call, create, credentials }: Site, change: object = {}): Promise<Added> {
  const joined = await call("POST", "/v1/users", {
    email: credentials.identifier,
    password: credentials.password,
  });
  assert.ok([201, 409].includes(joined.status), JSON.stringify(joined));
  const signedIn = await call<Tokens>("POST", "/v1/sessions", credentials);
  assert.equal(signedIn.status, 201, JSON.stringify(signedIn));
  const token = signedIn.body.accessToken;
  const begun = await call<Begun>("POST", "/v1/me/factors/passkeys/start", undefined, token);
  assert.equal(begun.status, 201, JSON.stringify(begun));
  const { ceremonyId, options } = begun.body;
  const credential = await create(options, change);
  const added = await call<Added>(
    "POST",
    "/v1/me/factors/passkeys",
    { ceremonyId, credential },
    token,
  );
  assert.equal(added.status, 201, JSON.stringify(added));
  return added.body;
}

/** Signs in with password and passkey, and returns the methods of the session. */
async function secondFactor({ call, get, credentials }: Site): Promise<readonly string[]> {
  const pending = await call<Challenge>("POST", "/v1/sessions", credentials);
  assert.equal(pending.status, 202, JSON.stringify(pending));
  const { challengeId, challengeSecret } = pending.body;
  const path = `/v1/challenges/${challengeId}`;
  const begun = await call<Begun>("POST", `${path}/prepare`, {
    challengeSecret,
    factor: "passkey",
  });
  assert.equal(begun.status, 200, JSON.stringify(begun));
  const { ceremonyId, options } = begun.body;
  const answer = await call<Tokens>("POST", path, {
    challengeSecret,
    factor: "passkey",
    ceremonyId,
    credential: await get(options),
  });
  assert.equal(answer.status, 201, JSON.stringify(answer));
  return methodsOf(call, answer.body.accessToken);
}

async function methodsOf(call: Site["call"], token: string): Promise<readonly string[]> {
  return (await call<Token>("GET", "/v1/token", undefined, token)).body.amr;
}

async function alone({ call, get }: Site, change: object = {}): Promise<Answer<Tokens>> {
  const { ceremonyId, options } = (await call<Begun>("POST", "/v1/sessions/passkey/start")).body;
  return call("POST", "/v1/sessions/passkey", {
    ceremonyId,
    credential: await get(options, change),
  });
}

/** A browser does not tell a page why it has no passkey for it. */
const none = /NotAllowedError/;

test(
  "in a browser: a passkey that verifies its user is registered, is a second factor, and signs in alone",
  { skip },
  async () => {
    await visited({ keeps: true, verifies: true }, async (site) => {
      const { tokens, recoveryCodes } = await register(site);
      assert.equal(recoveryCodes?.length, 10);
      assert.deepEqual(await methodsOf(site.call, tokens.accessToken), [
        "pwd",
        "hwk",
        "user",
        "mfa",
      ]);
      assert.deepEqual(await secondFactor(site), ["pwd", "hwk", "user", "mfa"]);

      const entered = await alone(site);
      assert.equal(entered.status, 201, JSON.stringify(entered));
      assert.deepEqual(await methodsOf(site.call, entered.body.accessToken), [
        "hwk",
        "user",
        "mfa",
      ]);

      const token = entered.body.accessToken;
      assert.equal((await site.call("DELETE", "/v1/me/password", undefined, token)).status, 204);
      assert.equal(
        (await site.call("POST", "/v1/sessions", site.credentials)).body.code,
        "invalid_credentials",
      );
      assert.equal((await alone(site)).status, 201);

      const begun = await site.call<Begun>(
        "POST",
        "/v1/me/factors/passkeys/start",
        undefined,
        token,
      );
      await assert.rejects(
        site.create(begun.body.options),
        /InvalidStateError/,
        "it is registered already",
      );
    });
  },
);

test(
  "in a browser: a passkey whose user is not verified this time does not sign in alone",
  { skip },
  async () => {
    await visited({ keeps: true, verifies: true }, async (site) => {
      await register(site);
      await site.verify(false);
      await assert.rejects(alone(site), none);
      const careless = await alone(site, { userVerification: "discouraged" });
      assert.deepEqual([careless.status, careless.body.code], [401, "invalid_passkey"]);
      await site.verify(true);
      assert.equal((await alone(site)).status, 201);
    });
  },
);

const lesser: readonly Abilities[] = [
  { keeps: true, verifies: false },
  { keeps: false, verifies: true },
  { keeps: false, verifies: false },
];

for (const { keeps, verifies } of lesser)
  test(
    `in a browser: a key that ${keeps ? "keeps" : "does not keep"} passkeys and ${verifies ? "verifies" : "does not verify"} its user is a second factor only where the page asks for less`,
    {
      skip,
    },
    async () => {
      await visited({ keeps, verifies }, async (site) => {
        await assert.rejects(register(site), none);
        await register(site, {
          authenticatorSelection: { residentKey: "discouraged", userVerification: "preferred" },
        });
        assert.deepEqual(await secondFactor(site), ["pwd", "hwk", "user", "mfa"]);
        await assert.rejects(alone(site), none);
      });
    },
  );
