import assert from "node:assert/strict";
import {
  attempt,
  countRows,
  dump,
  par,
  PASSWORD,
  register,
  statuses,
  type Account,
} from "../../../test/steps.ts";
import { eachWorld, type World } from "../../../test/world.ts";
import { openSetup } from "./setup.ts";

const setUp = async (
  world: World,
  setupToken: unknown,
  email = "root@example.com",
  more: object = {},
) =>
  world.request<Account & { readonly code?: string }>("POST", "/v1/setup", {
    body: { setupToken, email, password: PASSWORD, ...more },
  });

async function link(world: World): Promise<string> {
  const token = await openSetup(world.rules);
  assert.ok(token);
  return token;
}

eachWorld("LG-12 a fresh server has no account and lets no user in", async (world) => {
  assert.equal(await countRows(world, "users"), 0);
  for (const [name, password] of [
    ["admin", "admin"],
    ["admin@example.com", "password"],
    ["root", ""],
    ["superuser", "portcullis"],
  ] as const) {
    assert.ok([401, 422].includes((await attempt(world, name, password)).status));
  }
});

eachWorld("LG-12 the setup link makes one confirmed superuser, once", async (world) => {
  const token = await link(world);
  assert.ok(!(await dump(world)).setup_links.includes(token), "stored as a digest");
  const made = await setUp(world, token);
  assert.deepEqual(
    [made.status, made.body.superuser, made.body.emailVerifiedAt],
    [201, true, world.clock.now()],
  );
  assert.equal((await attempt(world, "root@example.com", PASSWORD)).status, 201);
  const again = await setUp(world, token, "eve@example.com");
  assert.deepEqual([again.status, again.body.code], [403, "setup_closed"]);
  assert.equal(await openSetup(world.rules), undefined, "there is none any more");
  assert.equal(await countRows(world, "users"), 1);
});

eachWorld(
  "LG-12 the setup link dies after an hour, and a new one voids the one before",
  async (world) => {
    const first = await link(world);
    const second = await link(world);
    assert.equal((await setUp(world, first)).body.code, "setup_closed");
    world.clock.advance(3600);
    assert.equal((await setUp(world, second)).body.code, "setup_closed");
    assert.equal(await countRows(world, "users"), 0);
  },
);

eachWorld("LG-12 one of 20 users of the setup link at once becomes superuser", async (world) => {
  const token = await link(world);
  const answers = await par(20, async (i) => setUp(world, token, `root${i}@example.com`));
  assert.deepEqual(statuses(answers), { 201: 1, 403: 19 });
  assert.equal(await countRows(world, "users"), 1);
});

eachWorld("LG-12 a text that is no setup token opens nothing", async (world) => {
  await link(world);
  for (const token of ["x".repeat(43), "", null, [], {}, true])
    assert.ok((await setUp(world, token)).status >= 400);
  for (const column of ["superuser", "superuserSince", "emailVerifiedAt"])
    assert.equal(
      (await setUp(world, await link(world), "root@example.com", { [column]: 1 })).status,
      422,
    );
  assert.equal(await countRows(world, "users"), 0);
});

eachWorld(
  "LG-12 a setup that cannot be completed leaves the link good, and tells nobody without it which addresses are taken",
  async (world) => {
    const token = await link(world);
    await register(world, "root@example.com");
    assert.deepEqual(
      [(await setUp(world, "x".repeat(43), "root@example.com")).body.code],
      ["setup_closed"],
    );
    assert.equal((await setUp(world, token, "root@example.com")).body.code, "email_taken");
    assert.equal((await setUp(world, token, "not an address")).status, 422);
    assert.equal((await setUp(world, token, "root2@example.com")).status, 201);
  },
  { PORTCULLIS_REGISTRATION: "immediate" },
);
