import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Browser } from "../cookie-jar.ts";
import { eachWorld, publicUrl, type World } from "../world.ts";

interface Said {
  readonly status: number;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** The functions of docs/front-end.md, as a page would have them. */
interface Page {
  start(): Promise<boolean>;
  call(method: string, path: string, body?: object): Promise<Said>;
  refresh(): Promise<Said>;
  signIn(identifier: string, password: string): Promise<Said>;
  signOut(): Promise<Said>;
}

const document = readFileSync(new URL("../../../../docs/front-end.md", import.meta.url), "utf8");
const code = [...document.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join("");

const APP = "https://app.example.com";

/** Loads the page's code on another origin of the same site, in a browser. */
async function pageIn(browser: Browser): Promise<Page> {
  const fetchInBrowser = async (url: string, init: RequestInit = {}) => {
    assert.equal(init.credentials, "include");
    const answered = await browser.request(String(init.method), url.replace(publicUrl, ""), {
      headers: {
        "x-csrf-token": undefined,
        ...Object.fromEntries(
          Object.entries(init.headers ?? {}).map(([name, value]) => [
            name.toLowerCase(),
            String(value),
          ]),
        ),
        origin: APP,
        "sec-fetch-site": "same-site",
      },
      ...(typeof init.body === "string" && { body: JSON.parse(init.body) }),
    });
    return { status: answered.status, json: async () => answered.body };
  };
  const names = "{ start, call, refresh, signIn, signOut }";
  const program = `export default (fetch) => { ${code}; return ${names}; };`;
  const loaded = (await import(`data:text/javascript,${encodeURIComponent(program)}`)) as {
    readonly default: (fetch: typeof fetchInBrowser) => Page;
  };
  return loaded.default(fetchInBrowser);
}

eachWorld(
  "the code of docs/front-end.md signs in, goes on after ten days and a closed browser, and signs out",
  async (world: World) => {
    const user = await world.user();
    const browser = new Browser(world);
    const page = await pageIn(browser);
    assert.equal(await page.start(), false);
    assert.equal((await page.call("GET", "/v1/me")).status, 401);
    assert.equal((await page.signIn(user.email, "a wrong password")).status, 401);
    assert.equal((await page.signIn(user.email, user.password)).status, 201);
    assert.equal((await page.call("GET", "/v1/me")).answer["email"], user.email);
    assert.equal((await page.call("PATCH", "/v1/me", { profile: {} })).status, 200);

    world.clock.advance(10 * 86_400);
    browser.reopen();
    const reopened = await pageIn(browser);
    assert.equal(await reopened.start(), true);
    const me = await reopened.call("GET", "/v1/me");
    assert.deepEqual([me.status, me.answer["email"]], [200, user.email]);
    assert.equal((await reopened.call("PATCH", "/v1/me", { profile: {} })).status, 200);

    const other = await pageIn(browser);
    await other.start();
    await other.signIn(user.email, user.password);
    assert.equal(
      (await reopened.call("PATCH", "/v1/me", { profile: {} })).status,
      200,
      "a tab that still has the CSRF token of the session before",
    );

    assert.equal((await reopened.signOut()).status, 204);
    assert.equal(await reopened.start(), false);
    assert.equal((await reopened.call("GET", "/v1/me")).status, 401);
  },
  { PORTCULLIS_ALLOWED_ORIGINS: APP },
);
