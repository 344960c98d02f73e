import assert from "node:assert/strict";
import { claimsIn, isGoodAtFace, obtain, post, rotating, type Pair } from "../../../../test/jwt.ts";
import { addressOf, eventsOf, PASSWORD } from "../../../../test/steps.ts";
import { eachWorld, type World } from "../../../../test/world.ts";

interface Details {
  readonly email: string;
  readonly username: string;
  readonly tokens: Pair;
}

const ada = { email: "ada@example.com", username: "ada", password: PASSWORD };
const register = async (world: World, body: object) => post(world, "/api/auth/register/", body);

eachWorld(
  "a user of the third tutorial registers, logs in, refreshes and logs out",
  async (world) => {
    const registered = await register(world, ada);
    assert.deepEqual(
      [registered.status, registered.body],
      [201, { email: ada.email, username: ada.username }],
    );
    assert.ok((await eventsOf(world)).includes("user.registered"));

    const { email, password } = ada;
    const { status, body } = await post<Details>(world, "/api/auth/login/", { email, password });
    assert.deepEqual(
      [status, Object.keys(body), Object.keys(body.tokens)],
      [200, ["email", "username", "tokens"], ["refresh", "access"]],
    );
    assert.deepEqual(
      [body.email, body.username, claimsIn(body.tokens.access)["token_type"]],
      [email, ada.username, "access"],
    );

    const next = await post<Pair>(world, "/api/auth/token/refresh/", {
      refresh: body.tokens.refresh,
    });
    assert.equal(next.status, 200);
    const { access, refresh } = next.body;
    const out = await post(world, "/api/auth/logout/", { refresh }, { token: access });
    assert.deepEqual([out.status, out.text], [204, ""]);
    assert.equal(await isGoodAtFace(world, access), false);
    assert.deepEqual(
      (await post(world, "/api/auth/token/refresh/", { refresh })).body["detail"],
      "Token is blacklisted",
    );
  },
  rotating,
);

eachWorld("registration is refused field by field in Django's words", async (world) => {
  assert.equal((await register(world, ada)).status, 201);
  const refused: readonly (readonly [body: object, errors: object])[] = [
    [
      {},
      {
        email: ["This field is required."],
        username: ["This field is required."],
        password: ["This field is required."],
      },
    ],
    [
      { ...ada, username: "grace", email: "ADA@example.com" },
      { email: ["A user with that email already exists."] },
    ],
    [
      { ...ada, email: "grace@example.com" },
      { username: ["A user with that username already exists."] },
    ],
    [{ ...ada, email: "nonsense" }, { email: ["Enter a valid email address."] }],
    [
      { ...ada, email: "b@example.com", username: "a b" },
      {
        username: [
          `Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.`,
        ],
      },
    ],
    [
      { ...ada, email: "b@example.com", username: "b+c" },
      { username: ["Enter a valid username."] },
    ],
    [
      { email: "b@example.com", username: "bob", password: "12345" },
      {
        password: [
          "This password is too short. It must contain at least 8 characters.",
          "This password is too common.",
          "This password is entirely numeric.",
        ],
      },
    ],
  ];
  for (const [body, errors] of refused) {
    const answered = await register(world, body);
    assert.deepEqual([answered.status, answered.body], [400, errors]);
  }
});

eachWorld(
  "the face refuses to register users if registration is closed",
  async (world) => {
    const answered = await register(world, ada);
    assert.deepEqual(
      [answered.status, answered.body],
      [403, { detail: "Registration is closed." }],
    );
  },
  { PORTCULLIS_REGISTRATION: "closed" },
);

eachWorld("registrations through a face draw on the budget of native ones", async (world) => {
  const answers = [];
  for (let i = 0; i < 61; i += 1)
    answers.push((await post(world, "/api/auth/register/", {}, { address: addressOf(1) })).status);
  assert.deepEqual(
    [answers.slice(0, 60).every((status) => status === 400), answers.at(-1)],
    [true, 429],
  );
});

eachWorld(
  "a wrong login and a logout with a bad token are refused in the recipe's words, and end nothing",
  async (world) => {
    const user = await world.user();
    const wrong = await post(world, "/api/auth/login/", { email: user.email, password: "wrong" });
    assert.deepEqual(
      [wrong.status, wrong.body],
      [401, { detail: "Invalid credentials, try again" }],
    );
    assert.equal(wrong.headers.get("www-authenticate"), 'Bearer realm="api"');

    const mine = await obtain(world, user);
    const theirs = await obtain(world, await world.user());
    const logOut = async (refresh: string | undefined, token?: string) =>
      post(world, "/api/auth/logout/", { refresh }, token === undefined ? {} : { token });
    for (const bad of ["nonsense", mine.access]) {
      const answered = await logOut(bad, mine.access);
      assert.deepEqual([answered.status, answered.body], [400, ["Token is expired or invalid"]]);
    }
    assert.deepEqual((await logOut(undefined, mine.access)).body, {
      refresh: ["This field is required."],
    });
    assert.equal((await logOut(theirs.refresh, mine.access)).status, 403);
    assert.equal((await logOut(mine.refresh)).status, 401);
    for (const { access } of [mine, theirs]) assert.ok(await isGoodAtFace(world, access));
  },
);
