import assert from "node:assert/strict";
import fc from "fast-check";
import {
  attempt,
  codeIn,
  confirm,
  countRows,
  eventsOf,
  isAccepted,
  latestMail,
  par,
  register,
  statuses,
  tokenIn,
} from "../../../test/steps.ts";
import { eachWorld, type World } from "../../../test/world.ts";
import { openBlockList } from "./block-list.ts";

const immediate = { PORTCULLIS_REGISTRATION: "immediate" } as const;
let people = 0;

/**
 * Registers somebody with this password, where registration is immediate, from an address of their
 * own.
 */
async function take(world: World, password: unknown) {
  const n = (people += 1);
  const email = `someone${n}@example.com`;
  const answered = await register(world, email, { password }, { address: `192.0.2.${n % 250}` });
  return {
    email,
    status: answered.status,
    code: answered.body.code,
    reason: answered.body["reason"],
  };
}

const opens = async (world: World, identifier: string, password: string) =>
  (await attempt(world, identifier, password, { address: `198.51.100.${(people += 1) % 250}` }))
    .status === 201;

eachWorld(
  "PW-01 by default a password has at least eight code points, counted after normalisation",
  async (world) => {
    for (const [password, status] of [
      ["q7-wmzt", 422],
      ["q7-wmztk", 201],
      ["🦔🦉🦊🐢🦩🐇🐌", 422],
      ["🦔🦉🦊🐢🦩🐇🐌🐝", 201],
      ["e\u0301q7-wmz", 422],
    ] as const) {
      const taken = await take(world, password);
      assert.equal(taken.status, status, password);
      if (status === 422) assert.equal(taken.reason, "too_short");
    }
  },
  immediate,
);

eachWorld(
  "PW-01 in the profile nist it has at least fifteen",
  async (world) => {
    for (const [password, status] of [
      ["q7-wmztk-bvrnl", 422],
      ["q7-wmztk-bvrnlx", 201],
      ["🦔🦉🦊🐢🦩🐇🐌🐝🦀🐙🐬🦄🐍🐺", 422],
      ["🦔🦉🦊🐢🦩🐇🐌🐝🦀🐙🐬🦄🐍🐺🐼", 201],
    ] as const) {
      assert.equal((await take(world, password)).status, status, password);
    }
  },
  { ...immediate, PORTCULLIS_PASSWORD_PROFILE: "nist" },
);

const long = (length: number) =>
  Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 37) % 90))).join("");

eachWorld(
  "PW-02 up to 256 code points and 1,024 bytes are taken whole, more is refused and nothing is ever cut off",
  async (world) => {
    for (const length of [64, 256]) {
      const taken = await take(world, long(length));
      assert.equal(taken.status, 201);
      assert.ok(await opens(world, taken.email, long(length)));
      for (const shorter of [72, 255, length - 1])
        if (shorter < length)
          assert.equal(await opens(world, taken.email, long(length).slice(0, shorter)), false);
      assert.equal(await opens(world, taken.email, `${long(length)}x`), false);
    }
    for (const password of [
      long(257),
      "ä".repeat(8) + "🦔".repeat(254),
      "x".repeat(1025),
      long(1024),
    ]) {
      const taken = await take(world, password);
      assert.equal(taken.status, 422, String(password.length));
    }
    assert.equal((await take(world, long(257))).reason, "too_long");
  },
  immediate,
);

eachWorld(
  "PW-03 spaces, emoji and every script register and sign in",
  async (world) => {
    const passwords = fc.sample(
      fc
        .string({ unit: "grapheme", minLength: 20, maxLength: 40 })
        .filter(
          (text) =>
            text.isWellFormed() &&
            !/\p{Cc}/u.test(text) &&
            new Set(text.normalize("NFKC")).size > 12,
        ),
      { numRuns: 60, seed: 7 },
    );
    for (const password of [
      ...passwords,
      "   a b c d   ",
      "пароль из семи слов",
      "密码要足够长才可以哦",
      "عبارة مرور طويلة",
    ]) {
      const taken = await take(world, password);
      assert.equal(taken.status, 201, JSON.stringify(password));
      assert.ok(await opens(world, taken.email, password), JSON.stringify(password));
    }
  },
  immediate,
);

eachWorld(
  "PW-03 a control character is refused and never cut off at",
  async (world) => {
    const good = "seven quiet herons";
    const { email } = await take(world, good);
    for (const tail of ["\0", "\0tail", "\u0007", "\r\n", "\u009f", "\ud800"]) {
      assert.equal((await take(world, good + tail)).status >= 400, true, JSON.stringify(tail));
      assert.equal(await opens(world, email, good + tail), false, JSON.stringify(tail));
    }
    assert.ok(await opens(world, email, good));
  },
  immediate,
);

eachWorld(
  "PW-04 another password opens the account if and only if NFKC makes the two one",
  async (world) => {
    const { email } = await take(world, " Ünïcode Ångström ﬁsh ①");
    for (const [other, same] of [
      [" Ünïcode Ångström ﬁsh ①".normalize("NFC"), true],
      [" Ünïcode Ångström ﬁsh ①".normalize("NFD"), true],
      [" Ünïcode Ångström fish 1", true],
      [" ünïcode Ångström ﬁsh ①", false],
      ["Ünïcode Ångström ﬁsh ①", false],
      [" Ünïcode Ångström ﬁsh ① ", false],
      [" Unicode Angstrom fish 1", false],
    ] as const) {
      assert.equal(await opens(world, email, other), same, other);
    }
  },
  immediate,
);

eachWorld(
  "PW-05 common passwords are refused at registration, change and reset alike, and the reason is stated",
  async (world) => {
    const samples = [
      "password",
      "12345678",
      "iloveyou",
      "sunshine",
      "princess",
      "football",
      "baseball",
      "trustno1",
      "Password",
      "QWERTYUIOP",
      "passwordpassword",
      "aaaaaaaa",
    ];
    const list = await openBlockList();
    for (const one of samples.slice(0, 8)) assert.ok(list.includes(one), `${one} is in the list`);
    const user = await world.user();
    const { accessToken: token } = await world.signIn(user);
    await world.request("POST", "/v1/password-resets", { body: { email: user.email } });
    const reset = tokenIn(await latestMail(world, user.email));
    for (const common of samples) {
      const registered = await take(world, common);
      assert.deepEqual(
        [registered.status, registered.code, registered.reason],
        [422, "unacceptable_password", "common"],
        common,
      );
      const changed = await world.request("POST", "/v1/me/password", {
        token,
        body: { currentPassword: user.password, newPassword: common },
      });
      assert.deepEqual([changed.status, changed.body["reason"]], [422, "common"], common);
      const recovered = await world.request("POST", "/v1/password-resets/confirm", {
        body: { token: reset, newPassword: common },
      });
      assert.deepEqual([recovered.status, recovered.body["reason"]], [422, "common"], common);
    }
    assert.ok(await opens(world, user.email, user.password), "the old password is still good");
  },
  immediate,
);

eachWorld(
  "PW-06 a password made of the address, the name or the service is refused at registration, change and reset alike",
  async (world) => {
    const email = "anna.bell@example.com";
    const pending = await register(world, email, {
      profile: { displayName: "Chrysanthemum" },
      username: "periwinkle",
    });
    for (const password of [
      "annabell-annabell",
      "Portcullis2026",
      "chrysanthemum1",
      "periwinkle!",
      "example-anna",
    ]) {
      const registered = await register(world, email, {
        password,
        profile: { displayName: "Chrysanthemum" },
        username: "periwinkle",
      });
      assert.deepEqual(
        [registered.status, registered.body["reason"]],
        [422, "contains_context"],
        password,
      );
    }
    await confirm(world, pending.body, codeIn(await latestMail(world, email)));
    const { accessToken: token } = (await attempt(world, email, "seven quiet herons")).body;
    await world.request("POST", "/v1/password-resets", { body: { email } });
    const reset = tokenIn(await latestMail(world, email));
    for (const newPassword of ["annabell-annabell", "chrysanthemum1"]) {
      const changed = await world.request("POST", "/v1/me/password", {
        token,
        body: { currentPassword: "seven quiet herons", newPassword },
      });
      assert.deepEqual([changed.status, changed.body["reason"]], [422, "contains_context"]);
      const recovered = await world.request("POST", "/v1/password-resets/confirm", {
        body: { token: reset, newPassword },
      });
      assert.deepEqual([recovered.status, recovered.body["reason"]], [422, "contains_context"]);
    }
  },
);

// ── the change

const NEXT = "nine grey geese fly";
const change = async (
  world: World,
  token: string | undefined,
  currentPassword: string,
  newPassword = NEXT,
) =>
  world.request<{
    readonly accessToken: string;
    readonly refreshToken: string;
    readonly sessionId: string;
    readonly code?: string;
  }>("POST", "/v1/me/password", {
    ...(token !== undefined && { token }),
    body: { currentPassword, newPassword },
  });

eachWorld(
  "PW-07 changing the password takes the current one and ends every other session before it answers",
  async (world) => {
    const user = await world.user();
    const [here, there] = [await world.signIn(user), await world.signIn(user)];
    const stranger = await world.signIn(await world.user());
    assert.equal((await change(world, undefined, user.password)).status, 401);
    assert.deepEqual(
      [
        (await change(world, here.accessToken, "wrong")).status,
        (await change(world, here.accessToken, "wrong")).body.code,
      ],
      [422, "wrong_password"],
    );
    assert.equal(
      (
        await world.request("POST", "/v1/me/password", {
          token: here.accessToken,
          body: { newPassword: NEXT },
        })
      ).status,
      422,
    );
    assert.ok(await isAccepted(world, there.accessToken));

    const changed = await change(world, here.accessToken, user.password);
    assert.equal(changed.status, 200);
    for (const { accessToken } of [here, there])
      assert.equal(await isAccepted(world, accessToken), false);
    const told = await world.request("POST", "/v1/sessions/refresh", {
      body: { refreshToken: there.refreshToken },
    });
    assert.deepEqual([told.status, told.body["cause"]], [401, "password_changed"]);
    assert.ok(await isAccepted(world, changed.body.accessToken));
    assert.notEqual(changed.body.sessionId, here.sessionId);
    assert.ok(await isAccepted(world, stranger.accessToken));
    assert.deepEqual(
      [await opens(world, user.email, user.password), await opens(world, user.email, NEXT)],
      [false, true],
    );
    assert.equal((await eventsOf(world)).filter((event) => event === "password.changed").length, 1);
  },
);

eachWorld(
  "PW-07 one of ten simultaneous changes of one password, each from its own session, takes effect",
  async (world) => {
    const user = await world.user();
    const sessions = await par(10, async () => world.signIn(user));
    const answers = await par(10, async (i) =>
      change(world, sessions[i]?.accessToken, user.password, `grey geese number ${i} fly south`),
    );
    assert.deepEqual(statuses(answers)[200], 1);
    assert.ok(
      answers.every(({ status }) => [200, 401, 422].includes(status)),
      JSON.stringify(statuses(answers)),
    );
    const winner = answers.findIndex(({ status }) => status === 200);
    assert.ok(await opens(world, user.email, `grey geese number ${winner} fly south`));
    assert.ok(await isAccepted(world, answers[winner]?.body.accessToken ?? ""));
  },
);

eachWorld(
  "PW-07 guessing the current password from within a stolen session is limited, and does not keep the owner out",
  async (world) => {
    const user = await world.user();
    const stolen = await world.signIn(user);
    const answers = [];
    for (let i = 0; i < 12; i += 1)
      answers.push(await change(world, stolen.accessToken, `guess number ${i}`));
    assert.deepEqual(statuses(answers), { 422: 10, 429: 2 });
    assert.equal((await change(world, stolen.accessToken, user.password)).status, 429);
    assert.ok(await opens(world, user.email, user.password));
  },
);

// ── at rest

eachWorld(
  "PW-10 a stored hash is no PHC string, and that of one user opens nothing for another",
  async (world) => {
    const [anna, bert] = [
      await world.user({ password: "seven quiet herons" }),
      await world.user({ password: "nine grey geese fly" }),
    ];
    const rows = await world.rules.db
      .selectFrom("users")
      .select(["id", "password_sealed"])
      .execute();
    for (const row of rows)
      assert.ok(!Buffer.from(row.password_sealed ?? []).includes("$argon2"), "sealed");
    const sealedOf = (id: string) => rows.find((row) => row.id === id)?.password_sealed ?? null;

    await world.rules.db
      .updateTable("users")
      .set({ password_sealed: sealedOf(bert.id) })
      .where("id", "=", anna.id)
      .execute();
    await world.rules.db
      .updateTable("users")
      .set({ password_sealed: sealedOf(anna.id) })
      .where("id", "=", bert.id)
      .execute();
    for (const identifier of [anna.email, bert.email]) {
      for (const password of [anna.password, bert.password])
        assert.equal(await opens(world, identifier, password), false);
    }
    assert.equal(await countRows(world, "sessions"), 0);
  },
);

// ── hashes of other systems

/** The row as an importer writes it: the hash sealed as it was found. */
const setHash = async (world: World, userId: string, hash: string) =>
  world.rules.db
    .updateTable("users")
    .set({ password_sealed: world.rules.keyring.seal("password-seal", userId, Buffer.from(hash)) })
    .where("id", "=", userId)
    .execute();

const getHash = async (world: World, userId: string): Promise<string> => {
  const row = await world.rules.db
    .selectFrom("users")
    .select("password_sealed")
    .where("id", "=", userId)
    .executeTakeFirstOrThrow();
  return world.rules.keyring
    .open("password-seal", userId, row.password_sealed ?? new Uint8Array())
    .toString();
};

eachWorld(
  "PW-09 a user from Django signs in with the old password, and has a hash of ours from then on",
  async (world) => {
    // Written by Django 5.2.17 and, unsalted, by Django 3.2.25.
    for (const hash of [
      "pbkdf2_sha256$10000$oldsaltoldsalt$C2Lewzdy0GbOVqERZpwzRFfQW0z9UUE39OPYo5xmvjk=",
      "bcrypt_sha256$$2b$04$BYpR5V02i4DUQ8n5501ptewFfIH3O0ZLhsbVcCvYQOWg.DLBgsJTa",
      "scrypt$1024$oldsaltoldsalt$8$1$Rvp8H7/tFGAdas5ILyBGTT8jhnhHTEA82IINbp3i3Uk1wiV6ZFhQeWNsW5gxzkh5MERS2YTKzPdsYYyN+Sdelw==",
      "4cc00b6b169790c371cb211d5b52a422",
    ]) {
      const user = await world.user();
      await setHash(world, user.id, hash);
      assert.equal(await opens(world, user.email, "seven quiet heron"), false, hash);
      assert.equal(await getHash(world, user.id), hash, "a wrong password changes nothing");
      assert.ok(await opens(world, user.email, "seven quiet herons"), hash);
      const upgraded = await getHash(world, user.id);
      assert.match(upgraded, /^\$argon2id\$v=19\$m=64,/);
      assert.ok(await opens(world, user.email, "seven quiet herons"));
      assert.equal(await getHash(world, user.id), upgraded);
    }
  },
);

eachWorld(
  "PW-04 a password from Django opens as it was typed there, and in every form of it once it has a hash of ours",
  async (world) => {
    const user = await world.user();
    const typed = " Cafe\u0301 \ufb01sh \u2460";
    await setHash(world, user.id, "md5$XOVguWmtMhimjlk7wSg32Y$4a24c34b82efbebf6d7269ffaca23a19");
    assert.equal(await opens(world, user.email, typed.normalize("NFKC")), false);
    assert.ok(await opens(world, user.email, typed));
    for (const form of ["NFC", "NFD", "NFKC", "NFKD"])
      assert.ok(await opens(world, user.email, typed.normalize(form)), form);
  },
);

eachWorld(
  "a password that is unusable in Django, or no hash at all, lets no user in and is no fault",
  async (world) => {
    const user = await world.user();
    for (const hash of [
      "!Kxxr03aupzAgIZswAEhWU1KjH46GPUe7WnakYODT",
      "not a hash at all",
      "pbkdf2_sha256$10000$oldsaltoldsalt$C2Lewz",
    ]) {
      await setHash(world, user.id, hash);
      for (const password of [hash, hash.slice(1), user.password]) {
        const answered = await attempt(world, user.email, password, {
          address: `198.51.100.${(people += 1) % 250}`,
        });
        assert.deepEqual([answered.status, answered.body.code], [401, "invalid_credentials"]);
      }
    }
  },
);
