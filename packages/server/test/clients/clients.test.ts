import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { claimsIn, type Pair, type Said } from "../jwt.ts";
import { startServer, type ServerProcess } from "../process.ts";
import { installClients } from "./install.ts";
import { openPage } from "./page.ts";

// These types are written here, because types are checked without the clients installed.

interface ReactAdmin {
  jwtTokenAuthProvider(options?: { readonly obtainAuthTokenUrl?: string }): AuthProvider;
  fetchJsonWithAuthJWTToken(
    url: string,
    options: object,
  ): Promise<{ readonly status: number; readonly json: Said }>;
}

interface AuthProvider {
  login(credentials: Credentials): Promise<void>;
  logout(params: object): Promise<void>;
  checkAuth(params: object): Promise<void>;
  checkError(error: unknown): Promise<void>;
}

interface HttpError {
  readonly status: number;
  readonly body: Said;
}

interface Credentials {
  readonly username: string;
  readonly password: string;
}

interface Axios {
  create(settings: { readonly baseURL: string }): AxiosInstance;
}

interface AxiosInstance {
  get(path: string, settings?: { readonly skipAuthRefresh: boolean }): Promise<AxiosAnswer<Said>>;
  post<Body = Said>(path: string, body: object): Promise<AxiosAnswer<Body>>;
  readonly interceptors: {
    readonly request: { use(before: (request: AxiosRequest) => AxiosRequest): void };
  };
}

interface AxiosAnswer<Body> {
  readonly status: number;
  readonly data: Body;
}

interface AxiosError {
  readonly response: AxiosAnswer<Said>;
}

interface AxiosRequest {
  readonly headers: Record<string, string>;
}

interface AxiosAuthRefresh {
  createAuthRefresh(instance: AxiosInstance, refresh: () => Promise<void>): void;
}

const ACCESS_SECONDS = 5;
const ANNA = { username: "anna", password: "nine grey geese fly" };
const ME = "/auth/users/me/";

const installed = await installClients();
const skip = installed.kind === "unreachable" && installed.reason;
const load = (name: string): unknown =>
  installed.kind === "installed" ? installed.load(name) : undefined;

/** Starts a server with the faces for these clients, and creates a user through one of them. */
async function served(
  settings: Readonly<Record<string, string>>,
  story: (server: ServerProcess) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-clients-"));
  const server = await startServer({
    PORTCULLIS_DATA_DIR: folder,
    PORTCULLIS_FACES: "simplejwt,djoser",
    PORTCULLIS_LOGIN_FIELD: "username",
    ...settings,
  });
  try {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ ...ANNA, email: "anna@example.com" });
    const made = await fetch(`${server.url}/auth/users/`, { method: "POST", headers, body });
    assert.equal(made.status, 201, await made.text());
    await story(server);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

test(
  "React-admin's provider for Django logs in, calls, hears of a wrong password and logs out",
  { skip },
  async () => {
    await served({}, async ({ url }) => {
      const { jwtTokenAuthProvider, fetchJsonWithAuthJWTToken } = load(
        "ra-data-django-rest-framework",
      ) as ReactAdmin;
      const { stored, answers } = openPage(url);
      const provider = jwtTokenAuthProvider();
      await assert.rejects(provider.checkAuth({}));

      // The client shows `non_field_errors` of a JSON answer, which SimpleJWT does not send here,
      // or the status line.
      await assert.rejects(
        provider.login({ ...ANNA, password: "nine grey geese sit" }),
        new Error("Unauthorized"),
      );
      assert.equal(answers.at(-1)?.headers.get("content-type"), "application/json");
      assert.deepEqual(await answers.at(-1)?.json(), {
        detail: "No active account found with the given credentials",
      });
      assert.equal(stored.size, 0);

      await provider.login(ANNA);
      assert.deepEqual([...stored.keys()], ["access", "refresh"]);
      await provider.checkAuth({});
      const { status, json } = await fetchJsonWithAuthJWTToken(ME, {});
      assert.deepEqual(
        [status, json["username"], json["email"]],
        [200, "anna", "anna@example.com"],
      );
      const changed = await fetchJsonWithAuthJWTToken(ME, {
        method: "PATCH",
        body: JSON.stringify({ email: "anna@example.org" }),
      });
      assert.equal(changed.status, 200);

      await provider.logout({});
      assert.equal(stored.size, 0);
      await assert.rejects(provider.checkAuth({}));
      const { body: unasked } = await reasonOf<HttpError>(fetchJsonWithAuthJWTToken(ME, {}));
      assert.deepEqual(unasked, { detail: "Authentication credentials were not provided." });

      // The session ends elsewhere, and the next call makes the provider ask for the password
      // again.
      await provider.login(ANNA);
      const body = JSON.stringify({ refresh: stored.get("refresh") });
      const ended = await fetch("/api/token/blacklist/", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
      });
      assert.equal(ended.status, 200);
      const error = await reasonOf<HttpError>(fetchJsonWithAuthJWTToken(ME, {}));
      assert.deepEqual([error.status, error.body.code], [401, "token_not_valid"]);
      await assert.rejects(provider.checkError(error));
      assert.equal(stored.size, 0);
    });
  },
);

test(
  "axios-auth-refresh renews an expired token once for parallel calls, and a logout ends both at once",
  { skip },
  async () => {
    const settings = {
      PORTCULLIS_SIMPLEJWT_ACCESS_TOKEN_LIFETIME: `${ACCESS_SECONDS}s`,
      PORTCULLIS_SIMPLEJWT_ROTATE_REFRESH_TOKENS: "on",
    };
    await served(settings, async ({ url }) => {
      const axios = load("axios") as Axios;
      const { createAuthRefresh } = load("axios-auth-refresh") as AxiosAuthRefresh;
      const outside = axios.create({ baseURL: url });
      const api = axios.create({ baseURL: url });
      const refreshing = Promise.withResolvers<void>();
      let refreshes = 0;
      let pair = (await outside.post<Pair>("/auth/jwt/create/", ANNA)).data;
      api.interceptors.request.use((request) => {
        request.headers["Authorization"] = `Bearer ${pair.access}`;
        return request;
      });
      createAuthRefresh(api, async () => {
        refreshes += 1;
        refreshing.resolve();
        pair = (await outside.post<Pair>("/auth/jwt/refresh/", { refresh: pair.refresh })).data;
      });

      const first = pair;
      assert.equal((await api.get(ME)).data["username"], "anna");
      assert.equal(refreshes, 0);

      await pause(ACCESS_SECONDS * 1000 + 100);
      const refused = api.get(ME);
      await refreshing.promise;
      // The client holds back the calls that begin while it refreshes.
      const answers = await Promise.all([
        refused,
        ...Array.from({ length: 5 }, async () => api.get(ME)),
      ]);
      assert.deepEqual(
        answers.map(({ status, data }) => [status, data["username"]]),
        answers.map(() => [200, "anna"]),
      );
      assert.equal(refreshes, 1);
      assert.deepEqual(
        await refusalOf(outside.post("/auth/jwt/refresh/", { refresh: first.refresh })),
        BLACKLISTED,
      );

      assert.deepEqual(
        (await outside.post("/auth/jwt/blacklist/", { refresh: pair.refresh })).data,
        {},
      );
      const atOnce = await refusalOf(api.get(ME, { skipAuthRefresh: true }));
      assert.ok(
        Date.now() / 1000 < Number(claimsIn(pair.access)["exp"]),
        "the token had not expired by itself",
      );
      assert.deepEqual([atOnce.status, atOnce.data.code], [401, "token_not_valid"]);
      assert.deepEqual(await refusalOf(api.get(ME)), BLACKLISTED);
      assert.equal(refreshes, 2);
    });
  },
);

const BLACKLISTED = {
  status: 401,
  data: { detail: "Token is blacklisted", code: "token_not_valid" },
};

async function refusalOf(call: Promise<unknown>): Promise<AxiosAnswer<Said>> {
  const { status, data } = (await reasonOf<AxiosError>(call)).response;
  return { status, data };
}

async function reasonOf<Reason>(call: Promise<unknown>): Promise<Reason> {
  return call.then(
    () => assert.fail("it was let through"),
    (reason: unknown) => reason as Reason,
  );
}
