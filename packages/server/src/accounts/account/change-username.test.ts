import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import { attempt, eventsOf, par, statuses } from "../../../test/steps.ts";
import { namesOf, somebody, type Somebody } from "../../../test/recovery.ts";
import { eachWorld, type AnswerOf, type Refused, type World } from "../../../test/world.ts";

const change = async (
  world: World,
  { user, token }: Somebody,
  username: unknown,
  password = user.password,
) =>
  world.request<AnswerOf<typeof endpoints.changeUsername> & Refused>("POST", "/v1/me/username", {
    token,
    body: { username, password },
  });

eachWorld(
  "a username is set, changed and removed with the password, and names the account at sign-in",
  async (world) => {
    const anna = await somebody(world);
    const answered = await change(world, anna, "Anna");
    assert.deepEqual([answered.status, answered.body.username], [200, "Anna"]);
    assert.equal((await attempt(world, "ANNA", anna.user.password)).status, 201);
    assert.equal((await change(world, anna, "anna.b")).body.username, "anna.b");
    assert.equal(
      (await attempt(world, "anna", anna.user.password)).status,
      401,
      "the earlier one is free",
    );
    assert.equal((await change(world, anna, null)).body.username, null);
    assert.equal((await attempt(world, "anna.b", anna.user.password)).status, 401);
    assert.equal((await eventsOf(world)).filter((event) => event === "username.changed").length, 3);
  },
);

eachWorld(
  "a wrong password, a taken name and one that cannot be a name change nothing",
  async (world) => {
    const [anna] = [
      await somebody(world, { username: "anna" }),
      await somebody(world, { username: "ben" }),
    ];
    assert.equal((await change(world, anna, "carl", "wrong")).body.code, "wrong_password");
    for (const taken of ["ben", "BEN"])
      assert.equal((await change(world, anna, taken)).body.code, "username_taken");
    for (const [name, reason] of [
      ["-anna", "edge_punctuation"],
      ["\u0430nna", "mixed_scripts"],
    ] as const) {
      const refused = (await change(world, anna, name)).body;
      assert.deepEqual(
        [refused.code, refused["errors"]],
        ["invalid_input", [{ path: "/username", message: reason }]],
      );
    }
    assert.equal((await namesOf(world, anna.user))?.username, "anna");
    assert.equal(
      (await change(world, anna, "Anna")).body.username,
      "Anna",
      "another spelling of one's own is not taken",
    );
  },
);

eachWorld("RG-14 a username is not, and does not look like, an address", async (world) => {
  const [anna, victim] = [await somebody(world), await world.user()];
  for (const name of [victim.email, "a@b", "victim\uFF20example.com", "victim\uFE6Bexample.com"])
    assert.equal((await change(world, anna, name)).body.code, "invalid_input", name);
  assert.equal((await namesOf(world, anna.user))?.username, null);
});

eachWorld(
  "a username stays where there is no address, which may go at the same moment",
  async (world) => {
    const anna = await somebody(world, { username: "anna" });
    await world.rules.db
      .updateTable("users")
      .set({ email: null, email_canonical: null })
      .where("id", "=", anna.user.id)
      .execute();
    assert.equal((await change(world, anna, null)).body.code, "no_address");
    assert.equal((await change(world, anna, "anna2")).status, 200);
  },
);

eachWorld("one of 50 users who want one username at once gets it", async (world) => {
  const everybody: Somebody[] = [];
  for (let i = 0; i < 10; i += 1) everybody.push(await somebody(world));
  const answers = await par(50, async (i) =>
    change(world, everybody[i % 10] ?? assert.fail(), "wanted"),
  );
  assert.deepEqual(statuses(answers.filter(({ status }) => status !== 200)), { 409: 45 });
  const rows = await world.rules.db
    .selectFrom("users")
    .select("id")
    .where("username_canonical", "=", "wanted")
    .execute();
  assert.equal(rows.length, 1);
});
