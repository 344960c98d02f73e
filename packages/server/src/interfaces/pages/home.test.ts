import assert from "node:assert/strict";
import { eachWorld } from "../../../test/world.ts";

eachWorld("in development / links pages that exist, below a path prefix, too", async (world) => {
  const home = await world.request<string>("GET", "/");
  assert.equal(home.status, 200);
  const links = [...home.text.matchAll(/href="([^"]+)"/g)].map(([, path = ""]) => path);
  assert.ok(links.includes("docs") && links.includes("dev/mailbox"), links.join());
  for (const path of links) {
    assert.doesNotMatch(path, /^\//, "a link from the root would leave a path prefix");
    const { status } = await world.request("GET", `/${path}`);
    assert.ok(status === 200 || status === 302, `${path} answers ${status}`);
  }
});

eachWorld(
  "in production / is nothing",
  async (world) => {
    assert.equal((await world.request("GET", "/")).status, 404);
  },
  {
    PORTCULLIS_MODE: "production",
    PORTCULLIS_PUBLIC_URL: "https://accounts.example.com",
    PORTCULLIS_MAIL: "smtp://127.0.0.1:1",
    PORTCULLIS_MAIL_FROM: "no-reply@example.com",
  },
);
