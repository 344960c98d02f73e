import assert from "node:assert/strict";
import {
  begunChange,
  begunReset,
  changed,
  confirmChangeByLink,
  finishReset,
  linkTo,
  somebody,
  undoChange,
} from "../../../test/recovery.ts";
import { dump } from "../../../test/steps.ts";
import { eachWorld, type World } from "../../../test/world.ts";

const visit = async (world: World, method: "GET" | "HEAD", path: string, language = "en") =>
  world.request<string>(method, path, { headers: { "accept-language": language } });

/** Follows a link ten times, as mail scanners do. */
async function scan(world: World, path: string): Promise<void> {
  const before = await dump(world);
  for (let i = 0; i < 10; i += 1) {
    const page = await visit(world, i % 2 === 0 ? "GET" : "HEAD", path);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("cache-control") ?? "", /no-store/);
    assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  }
  assert.deepEqual(await dump(world), before);
}

eachWorld(
  "RG-07 RS-08 a scanner that follows a link ten times changes nothing, and one press changes it once",
  async (world) => {
    const anna = await somebody(world);
    const change = await begunChange(world, anna, "new@example.com");
    await scan(world, "/email");
    assert.equal((await confirmChangeByLink(world, change.token, anna.user.password)).status, 204);
    assert.equal(
      (await confirmChangeByLink(world, change.token, anna.user.password)).body.code,
      "link_used",
    );

    const { token } = await linkTo(world, anna.user.email, "/undo");
    await scan(world, "/undo");
    assert.equal((await undoChange(world, token)).status, 204);
    assert.equal((await undoChange(world, token)).body.code, "link_used");

    const reset = await begunReset(world, anna.user);
    await scan(world, "/reset");
    assert.equal((await finishReset(world, { token: reset.token })).status, 204);
    assert.equal((await finishReset(world, { token: reset.token })).body.code, "link_used");
  },
);

eachWorld(
  "each page posts to its endpoint and says in English and German what will happen",
  async (world) => {
    for (const [path, post, english, german] of [
      ["/reset", "/v1/password-resets/confirm", /signed out everywhere/, /überall abgemeldet/],
      ["/email", "/v1/email-changes/confirm", /password of your account/, /Passwort Ihres Kontos/],
      [
        "/undo",
        "/v1/email-changes/undo",
        /everybody is signed out of it, and its password is removed/,
        /alle werden abgemeldet/,
      ],
    ] as const) {
      const page = (await visit(world, "GET", path)).body;
      assert.ok(page.includes(`"${post}"`));
      assert.match(page, english);
      assert.match((await visit(world, "GET", path, "de-AT,de;q=0.9,en;q=0.8")).body, german);
    }
  },
);

eachWorld(
  "RG-13 links use the configured address, even if the request names the server otherwise",
  async (world) => {
    const headers = {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "http",
      forwarded: "host=evil.example",
    };
    const anna = await somebody(world);
    await world.request("POST", "/v1/password-resets", {
      body: { email: anna.user.email },
      headers,
    });
    const body = { newEmail: "new@example.com", password: anna.user.password };
    await world.request("POST", "/v1/me/email", { token: anna.token, body, headers });
    await changed(world, anna, anna.user.email, "newer@example.com");
    for (const { text, html } of await world.mails())
      assert.doesNotMatch(`${text}${html}`, /evil\.example|http:/);
  },
);
