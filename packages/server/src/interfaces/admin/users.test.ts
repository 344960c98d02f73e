import { held } from "../../../test/steps.ts";
import { transact } from "../../platform/db/transact.ts";
import type { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import { eachWorld, type AnswerOf, type World } from "../../../test/world.ts";
import { eachDatabase } from "../../platform/db/testing.ts";
import type { Db } from "../../platform/db/open.ts";
import { uuidv4 } from "../../platform/kernel/ids.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { disable } from "../../accounts/users/users.store.ts";
import { listUsers } from "./users.store.ts";

type Page = AnswerOf<typeof endpoints.adminListUsers>;

async function readAll(
  world: World,
  token: string,
  query: string,
  betweenPages: () => Promise<void> = async () => {},
): Promise<readonly Page["items"][number][]> {
  const items: Page["items"][number][] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const { body }: { body: Page } = await world.request<Page>(
      "GET",
      `/v1/admin/users?${query}${cursor && `&cursor=${cursor}`}`,
      {
        token,
      },
    );
    items.push(...body.items);
    cursor = body.nextCursor;
    await betweenPages();
  }
  return items;
}

/**
 * Inserts many users at a time, directly into the table, and returns their addresses, oldest first.
 */
async function insertMany(db: Db, name: string, count: number): Promise<readonly string[]> {
  const addresses = Array.from({ length: count }, (_, i) => `${name}${i}@example.com`);
  for (let from = 0; from < count; from += 500) {
    const rows = addresses.slice(from, from + 500).map((email) => ({
      id: uuidv4(systemRandom),
      email,
      email_canonical: email,
      email_verified_at: 1,
      username: null,
      username_canonical: null,
      password_sealed: null,
      password_changed_at: null,
      superuser_since: null,
      disabled_at: null,
      profile: "{}",
      hard_epoch: 1,
      authorization_epoch: 0,
      created_at: 1,
      last_login_at: null,
    }));
    await db.insertInto("users").values(rows).execute();
  }
  return addresses;
}

eachWorld(
  "paging through 500 users shows each of them once, newest first, while others register",
  async (world) => {
    const before = await insertMany(world.rules.db, "before", 500);
    const superuser = await world.user({ superuser: true });
    const { accessToken: token } = await world.signIn(superuser);
    let round = 0;
    const seen = await readAll(
      world,
      token,
      "limit=37",
      async () => void (await insertMany(world.rules.db, `meanwhile${(round += 1)}-`, 5)),
    );
    assert.ok(round > 10);
    assert.deepEqual(
      seen.map((user) => user.email),
      [superuser.email, ...before.toReversed()],
    );
  },
);

eachWorld(
  "a page of users costs the same few statements with any number of users",
  async (world) => {
    await insertMany(world.rules.db, "someone", 300);
    const { accessToken: token } = await world.signIn(await world.user({ superuser: true }));
    const statements = async (query: string): Promise<number> => {
      const sent = world.queries();
      assert.equal((await world.request("GET", `/v1/admin/users?${query}`, { token })).status, 200);
      return world.queries() - sent;
    };
    const few = await statements("limit=2");
    assert.ok(few <= 6, `${few} statements`);
    assert.equal(await statements("limit=200"), few);
    assert.ok((await statements("limit=200&search=someone")) <= few + 2);
  },
);

eachWorld(
  "users are found by the start of their address or username, or by their whole id",
  async (world) => {
    const { accessToken: token } = await world.signIn(
      await world.user({ superuser: true, email: "root@example.org" }),
    );
    const anna = await world.user({ email: "anna.b@xn--bcher-kva.example", username: "zora" });
    const annabel = await world.user({ email: "annabel@example.com", username: "a_b" });
    const axb = await world.user({ email: "someone@example.com", username: "axb" });
    const found = async (search: string) =>
      (await readAll(world, token, `search=${encodeURIComponent(search)}`)).map((user) => user.id);

    assert.deepEqual(await found("anna"), [annabel.id, anna.id]);
    assert.deepEqual(await found("ANNA.B@"), [anna.id]);
    assert.deepEqual(await found("anna.b@bücher.example"), [anna.id]);
    assert.deepEqual(await found("Zor"), [anna.id]);
    assert.deepEqual(await found("a_b"), [annabel.id]);
    assert.deepEqual(await found("a"), [axb.id, annabel.id, anna.id]);
    assert.deepEqual(await found(axb.id), [axb.id]);
    assert.deepEqual(await found(axb.id.toUpperCase()), [axb.id]);
    for (const nobody of [
      "nna",
      "%",
      "_",
      "a%",
      "a*",
      "annabel@example.com.evil.test",
      axb.id.slice(0, -1),
      "' or 1=1 --",
      "\\",
      "ￚ",
      "\u{10FFFF}",
      "💥",
    ]) {
      assert.deepEqual(await found(nobody), [], nobody);
    }
  },
);

eachWorld("users are listed by status, together with a search", async (world) => {
  const root = await world.user({ superuser: true });
  const { accessToken: token } = await world.signIn(root);
  const disabled = await world.user({ email: "b.disabled@example.com" });
  const unverified = await world.user({ email: "b.unverified@example.com" });
  await transact(world.rules, async (tx) =>
    disable(tx, await held(tx, disabled.id), world.clock.now()),
  );
  await world.rules.db
    .updateTable("users")
    .set({ email_verified_at: null })
    .where("id", "=", unverified.id)
    .execute();
  const listed = async (query: string) =>
    (await readAll(world, token, query)).map((user) => user.id);

  assert.deepEqual(await listed("status=active"), [unverified.id, root.id]);
  assert.deepEqual(await listed("status=disabled"), [disabled.id]);
  assert.deepEqual(await listed("status=unverified"), [unverified.id]);
  assert.deepEqual(await listed("status=superuser"), [root.id]);
  assert.deepEqual(await listed("status=disabled&search=b."), [disabled.id]);
  assert.deepEqual(await listed("status=superuser&search=b."), []);
  const [shown] = await readAll(world, token, "status=disabled");
  assert.equal(shown?.disabledAt, world.clock.now());
});

eachWorld("each user is shown with the number of their live sessions", async (world) => {
  const { accessToken: token } = await world.signIn(await world.user({ superuser: true }));
  const busy = await world.user();
  const idle = await world.user();
  const [first] = [await world.signIn(busy), await world.signIn(busy), await world.signIn(busy)];
  await world.request("DELETE", "/v1/sessions/current", { token: first.accessToken });
  const counts = new Map(
    (await readAll(world, token, "limit=2")).map((user) => [user.id, user.liveSessions]),
  );
  assert.equal(counts.get(busy.id), 2);
  assert.equal(counts.get(idle.id), 0);
  const one = await world.request<AnswerOf<typeof endpoints.adminGetUser>>(
    "GET",
    `/v1/admin/users/${busy.id}`,
    { token },
  );
  assert.equal(one.body.liveSessions, 2);
});

eachDatabase(
  "a search that matches tens of thousands of users still pages newest first",
  async ({ db }) => {
    const rare = await insertMany(db, "many-rare", 3);
    const all = [...rare, ...(await insertMany(db, "many", 10_100))];
    const search = (text: string) => ({ emailStart: text, usernameStart: text, id: text });
    const emails = async (text: string, before?: number) =>
      (await listUsers(db, { search: search(text), before, limit: 4 })).map(
        ({ user }) => user.email,
      );
    assert.deepEqual(await emails("many"), all.slice(-4).toReversed());
    assert.deepEqual(await emails("many", 6), all.slice(1, 5).toReversed());
    assert.deepEqual(await emails("many-rare"), rare.toReversed());
  },
);
