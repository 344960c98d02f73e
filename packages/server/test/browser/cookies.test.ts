import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { startServer, type ServerProcess } from "../process.ts";
import { findChromium, launch } from "./chromium.ts";

// Cookie mode in a real browser: an app on another port of localhost, which is of the same site,
// and a page of another site that attacks it. The app's code is that of docs/front-end.md.

const found = await findChromium();
const skip = found.kind === "absent" && found.reason;
const browser: Browser | undefined = found.kind === "found" ? await launch(found.path) : undefined;
const folder = mkdtempSync(join(tmpdir(), "portcullis-browser-"));
const server: ServerProcess | undefined =
  found.kind === "found"
    ? await startServer({
        PORTCULLIS_DATA_DIR: folder,
        PORTCULLIS_PORT: "0",
        PORTCULLIS_REGISTRATION: "immediate",
      })
    : undefined;
const pages: Server[] = [];
after(async () => {
  await browser?.close();
  await server?.stop();
  for (const page of pages) page.close();
  rmSync(folder, { recursive: true, force: true });
});

const PASSWORD = "nine grey geese fly";

/** Serves an empty page and returns its port. */
async function emptyPage(): Promise<number> {
  const page = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>x</title>");
  }).listen(0, "127.0.0.1");
  pages.push(page);
  await once(page, "listening");
  const address = page.address();
  return typeof address === "object" && address !== null ? address.port : assert.fail("no port");
}

const document = readFileSync(new URL("../../../../docs/front-end.md", import.meta.url), "utf8");
const program = [...document.matchAll(/^```js\n([\s\S]*?)^```$/gm)]
  .map(([, code]) => code)
  .join("");

/** Opens the app, with the functions of docs/front-end.md. */
async function openApp(context: BrowserContext, port: number): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`http://localhost:${port}/`);
  const url = server?.url ?? assert.fail();
  const code = program.replace("https://accounts.example.com", url);
  await page.evaluate(`${code}; window.app = { start, call, signIn, signOut };`);
  return page;
}

interface Said {
  readonly status: number;
  readonly answer: Readonly<Record<string, unknown>>;
}

const app = async <Result = Said>(page: Page, call: string): Promise<Result> =>
  page.evaluate<Result>(`window.app.${call}`);

async function registered(email: string): Promise<void> {
  const response = await fetch(`${server?.url}/v1/users`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  assert.ok(response.ok, await response.text());
}

test(
  "an app on another port signs in with cookies, is still signed in after the browser was closed, and signs out",
  { skip },
  async () => {
    await registered("anna@example.com");
    const port = await emptyPage();
    const context = await (browser ?? assert.fail()).newContext();
    const page = await openApp(context, port);
    assert.equal(await app(page, "start()"), false);
    const signedIn = await app(page, `signIn("anna@example.com", ${JSON.stringify(PASSWORD)})`);
    assert.equal(signedIn.status, 201, JSON.stringify(signedIn));
    assert.ok(!("accessToken" in signedIn.answer) && !("refreshToken" in signedIn.answer));
    assert.equal(await page.evaluate("document.cookie"), "", "no script reads the cookies");
    const me = await app(page, `call("GET", "/v1/me")`);
    assert.deepEqual([me.status, me.answer["email"]], [200, "anna@example.com"]);
    const changed = await app(page, `call("PATCH", "/v1/me", { profile: { displayName: "A" } })`);
    assert.equal(changed.status, 200, JSON.stringify(changed));

    const cookies = await context.cookies(`${server?.url}/v1/sessions`);
    assert.deepEqual(
      cookies
        .toSorted((a, b) => a.name.localeCompare(b.name))
        .map(({ name, httpOnly, sameSite, expires }) => [name, httpOnly, sameSite, expires > 0]),
      [
        ["portcullis_access", true, "Lax", true],
        ["portcullis_refresh", true, "Strict", true],
        ["portcullis_visit", true, "Strict", false],
      ],
    );
    const state = await context.storageState();
    await context.close();

    // A browser that was closed has only the cookies with an expiry.
    const kept = { ...state, cookies: state.cookies.filter(({ expires }) => expires > 0) };
    const reopened = await (browser ?? assert.fail()).newContext({ storageState: kept });
    const later = await openApp(reopened, port);
    assert.equal(await app(later, "start()"), true);
    await reopened.clearCookies({ name: "portcullis_access" });
    const again = await app(later, `call("GET", "/v1/me")`);
    assert.equal(again.status, 200, "the refresh cookie alone is enough");
    assert.equal((await app(later, "signOut()")).status, 204);
    const left = await reopened.cookies(`${server?.url}/v1/sessions`);
    assert.deepEqual(
      left.filter(({ name }) => name !== "portcullis_visit"),
      [],
    );
    assert.equal(await app(later, "start()"), false);
    await reopened.close();
  },
);

/** What a page of another site tries with the cookies of its visitor. */
const attacks: Readonly<Record<string, string>> = {
  "read the account": `fetch(server + "/v1/me", { credentials: "include" }).then((r) => r.text())`,
  "get the CSRF token": `fetch(server + "/v1/sessions/csrf", { credentials: "include" }).then((r) => r.text())`,
  "change the profile": `fetch(server + "/v1/me", { method: "PATCH", credentials: "include", headers: { "content-type": "application/json" }, body: '{"profile":{"displayName":"E"}}' }).then((r) => r.text())`,
  "log out without CORS": `fetch(server + "/v1/sessions/logout", { method: "POST", mode: "no-cors", credentials: "include", body: "{}" }).then((r) => r.type)`,
  "send a beacon": `navigator.sendBeacon(server + "/v1/sessions/logout", "{}")`,
  "sign the visitor in": `fetch(server + "/v1/sessions", { method: "POST", mode: "no-cors", credentials: "include", body: '{"identifier":"eve@example.com","password":"nine grey geese fly"}' }).then((r) => r.type)`,
  "load it as an image": `new Promise((done) => { const image = new Image(); image.onload = () => done("loaded"); image.onerror = () => done("failed"); image.src = server + "/v1/me"; })`,
  "load it as a script": `new Promise((done) => { const script = document.createElement("script"); script.onload = () => done("loaded"); script.onerror = () => done("failed"); script.src = server + "/v1/me"; document.head.append(script); })`,
};

/** Posts a form into a frame, in each of the types that a form can have. */
const FORMS = `(async () => {
  for (const enctype of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
    for (const path of ["/v1/sessions/logout", "/v1/sessions/refresh", "/v1/me/factors/email"]) {
      const frame = document.createElement("iframe");
      frame.name = "f" + Math.random();
      document.body.append(frame);
      const form = document.createElement("form");
      Object.assign(form, { method: "POST", action: server + path, enctype, target: frame.name });
      const field = document.createElement("input");
      Object.assign(field, { name: '{"a":"', value: '"}' });
      form.append(field);
      document.body.append(form);
      form.submit();
      await new Promise((done) => { frame.onload = done; setTimeout(done, 1000); });
    }
})()`;

test(
  "CK-02 CK-03 a page of another site reads nothing and changes nothing with its visitor's cookies",
  { skip },
  async () => {
    for (const name of ["victim", "eve"]) await registered(`${name}@example.com`);
    const [port, evil] = [await emptyPage(), await emptyPage()];
    const context = await (browser ?? assert.fail()).newContext();
    const page = await openApp(context, port);
    await app(page, "start()");
    await app(page, `signIn("victim@example.com", ${JSON.stringify(PASSWORD)})`);
    const before = await app(page, `call("GET", "/v1/me")`);
    const jar = await context.cookies(`${server?.url}/v1/sessions`);

    const attacker = await context.newPage();
    await attacker.goto(`http://127.0.0.1:${evil}/`);
    await attacker.evaluate(`window.server = ${JSON.stringify(server?.url)}`);
    for (const [name, script] of Object.entries(attacks)) {
      const got = await attacker.evaluate<string>(
        `(async () => { try { return String(await ${script}); } catch (error) { return "failed"; } })()`,
      );
      assert.ok(["failed", "opaque", "true"].includes(got), `${name}: ${got}`);
    }
    await attacker.evaluate(FORMS);

    assert.deepEqual(await app(page, `call("GET", "/v1/me")`), before);
    assert.deepEqual(await context.cookies(`${server?.url}/v1/sessions`), jar, "no cookie changed");
    const sessions = await app(page, `call("GET", "/v1/sessions")`);
    const items = sessions.answer["items"];
    assert.ok(Array.isArray(items) && items.length === 1, JSON.stringify(sessions));
    assert.equal((await app(page, `call("PATCH", "/v1/me", { profile: {} })`)).status, 200);
    await context.close();
  },
);
