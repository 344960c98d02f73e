import { transact } from "../../platform/db/transact.ts";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { endpoints, type Endpoint } from "@portcullis/contract";
import { generateSync } from "otplib";
import { Secret, URI } from "otpauth";
import {
  addressOf,
  attempt,
  countRows,
  dump,
  otherCode,
  par,
  statuses,
} from "../../../test/steps.ts";
import {
  answerChallenge,
  challenge,
  enrolTotp,
  signInWithTotp,
  stepUp,
  totpCode,
} from "../../../test/second-factor.ts";
import {
  eachWorld,
  type AnswerOf,
  type Refused,
  type TestUser,
  type World,
} from "../../../test/world.ts";
import { manualClock } from "../../platform/kernel/clock.ts";
import { keyring, UnsealError } from "../../platform/kernel/keyring.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { matchStep, sealSecret, TOTP, uriOf } from "./totp.ts";
import {
  findUnconfirmed,
  insertTotp,
  listConfirmed,
  pruneUnconfirmed,
  spendStep,
} from "./totp.store.ts";

const keys = keyring([Buffer.alloc(32, 7)], systemRandom);
/** The secret of RFC 4226 Appendix D and RFC 6238 Appendix B. */
const SECRET = Buffer.from("12345678901234567890");

interface Form {
  readonly digits?: number;
  readonly periodSeconds?: number;
}

function deviceOf(secret: Uint8Array, { digits = 6, periodSeconds = 30 }: Form = {}) {
  return { id: "device", secretSealed: sealSecret(keys, "device", secret), digits, periodSeconds };
}

const stepAt = (now: number, code: string, form?: Form, secret: Uint8Array = SECRET) =>
  matchStep(deviceOf(secret, form), keys, code, manualClock(now));

// ── codes

test("MF-01 the vectors of RFC 6238 Appendix B for SHA-1 pass", () => {
  const vectors = [
    [59, "94287082"],
    [1_111_111_109, "07081804"],
    [1_111_111_111, "14050471"],
    [1_234_567_890, "89005924"],
    [2_000_000_000, "69279037"],
    [20_000_000_000, "65353130"],
  ] as const;
  for (const [at, code] of vectors)
    assert.equal(stepAt(at, code, { digits: 8 }), Math.floor(at / 30), code);
});

test("MF-01 the vectors of RFC 4226 Appendix D pass, each in its step", () => {
  const vectors = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split(
    " ",
  );
  for (const [count, code] of vectors.entries()) assert.equal(stepAt(count * 30, code), count);
});

test("MF-01 a code is good one step before and after its own and no further, to the second", () => {
  const at = 1_800_000_000;
  const code = (steps: number): string =>
    generateSync({
      secret: new Secret({ buffer: Uint8Array.from(SECRET).buffer }).base32,
      epoch: at + 30 * steps,
    });
  const step = at / 30;
  assert.deepEqual(
    [-2, -1, 0, 1, 2].map((steps) => stepAt(at, code(steps))),
    [undefined, step - 1, step, step + 1, undefined],
  );
  assert.deepEqual([stepAt(at + 59, code(0)), stepAt(at + 60, code(0))], [step, undefined]);
  assert.deepEqual([stepAt(at - 30, code(0)), stepAt(at - 31, code(0))], [step, undefined]);
});

test("a device of eight digits or another period is asked for its own", () => {
  const at = 1_234_567_890;
  assert.equal(stepAt(at, "89005924"), undefined, "eight digits are none of six");
  assert.equal(stepAt(at, "005924", { digits: 8 }), undefined);
  const secret = new Secret({ buffer: Uint8Array.from(SECRET).buffer }).base32;
  assert.equal(
    stepAt(at, generateSync({ secret, epoch: at, period: 60 }), { periodSeconds: 60 }),
    Math.floor(at / 60),
  );
});

test("a code may be typed in two groups, and any other text is a mismatch and no fault", () => {
  assert.equal(stepAt(0, "755 224"), 0);
  for (const none of [
    "",
    " ",
    "75522",
    "7552244",
    "75522a",
    "-75522",
    "７５５２２４",
    "75522\u0664",
    "٧٥٥٢٢٤",
    "\0".repeat(6),
    "755224\n",
  ])
    assert.equal(stepAt(0, none), undefined, JSON.stringify(none));
});

test("MF-09 a secret opens for the device it was sealed for and for no other", () => {
  const device = { ...deviceOf(SECRET), id: "another" };
  assert.throws(() => matchStep(device, keys, "755224", manualClock(0)), UnsealError);
});

test("codes of otplib are accepted", () => {
  for (let n = 0; n < 200; n += 1) {
    const secret = systemRandom.bytes(20);
    const at = systemRandom.bytes(4).readUInt32BE();
    const code = generateSync({
      secret: new Secret({ buffer: Uint8Array.from(secret).buffer }).base32,
      epoch: at,
    });
    assert.equal(stepAt(at, code, {}, secret), Math.floor(at / 30));
  }
});

const run = promisify(execFile);

/**
 * Installs it where that is ours to do. @throws {Error} in CI, where a missing oathtool means that
 * nothing was tested
 */
async function hasOathtool(): Promise<boolean> {
  try {
    await run("oathtool", ["--version"]);
    return true;
  } catch {
    const mayInstall = process.getuid?.() === 0 && existsSync("/etc/debian_version");
    try {
      if (!mayInstall)
        throw new Error(
          "oathtool is not installed, and this is no Debian that we may install it on",
        );
      await run("apt-get", ["install", "-y", "oathtool"], { timeout: 50_000 });
      return true;
    } catch (error) {
      if (process.env["CI"] === "true") throw error;
      const line = "!".repeat(100);
      process.stderr.write(
        `${line}\nThe test with codes of oathtool is SKIPPED.\n${error instanceof Error ? error.message : ""}\n${line}\n`,
      );
      return false;
    }
  }
}

test("codes of oathtool are accepted", async (t) => {
  if (!(await hasOathtool())) return t.skip("oathtool is not installed");
  for (const digits of [6, 8]) {
    for (const at of [1_111_111_109, 1_800_000_000, 1_800_000_029, 2_147_483_647, 4_102_444_800]) {
      const secret = systemRandom.bytes(20);
      const { base32 } = new Secret({ buffer: Uint8Array.from(secret).buffer });
      const { stdout } = await run("oathtool", [
        "--totp",
        `--digits=${digits}`,
        "-b",
        base32,
        "--now",
        `@${at}`,
      ]);
      assert.equal(stepAt(at, stdout.trim(), { digits }, secret), Math.floor(at / 30));
    }
  }
});

test("the URI says what it is of, and a colon does not end the issuer", () => {
  const uri = uriOf({ secret: SECRET, issuer: "Acme: Books", label: "anna@example.com", ...TOTP });
  assert.equal(
    uri,
    "otpauth://totp/Acme%20Books:anna%40example.com?issuer=Acme%20Books&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1&digits=6&period=30",
  );
  assert.match(
    uriOf({ secret: SECRET, label: "anna", digits: 8, periodSeconds: 60 }),
    /^otpauth:\/\/totp\/anna\?secret=\w+&algorithm=SHA1&digits=8&period=60$/,
  );
});

// ── enrolment

type Begun = AnswerOf<typeof endpoints.startTotp, 201>;
type Confirmed = AnswerOf<typeof endpoints.confirmTotp>;

async function begin(world: World, token: string, name?: string): Promise<Begun> {
  const begun = await world.request<Begun>("POST", "/v1/me/factors/totp", {
    token,
    body: { ...(name !== undefined && { name }) },
  });
  assert.equal(begun.status, 201, begun.text);
  return begun.body;
}

const confirm = async (
  world: World,
  token: string,
  { id, code }: { readonly id: string; readonly code: string },
) =>
  world.request<Confirmed & Refused>("POST", `/v1/me/factors/totp/${id}/confirm`, {
    token,
    body: { code },
  });

const isAsked = async (world: World, user: TestUser) =>
  (await attempt(world, user.email, user.password)).status === 202;

eachWorld(
  "an authenticator app is given 160 random bits, under the name of the service and the account",
  async (world) => {
    const user = await world.user();
    const { accessToken: token } = await world.signIn(user);
    const [first, second] = [await begin(world, token), await begin(world, token)];
    assert.notEqual(first.secret, second.secret);
    for (const { secret, uri, expiresAt } of [first, second]) {
      assert.equal(Secret.fromBase32(secret).bytes.length, 20);
      const read = URI.parse(uri);
      assert.deepEqual(
        [read.issuer, read.label, read.secret.base32],
        [world.rules.serviceName, user.email, secret],
      );
      assert.equal(expiresAt, world.clock.now() + 900);
    }
    const nameless = await world.user({ username: "anna" });
    const { accessToken } = await world.signIn(nameless);
    await world.rules.db
      .updateTable("users")
      .set({ email: null, email_canonical: null })
      .where("id", "=", nameless.id)
      .execute();
    assert.equal(URI.parse((await begin(world, accessToken)).uri).label, "anna");
  },
);

eachWorld(
  "MF-09 a device that was not confirmed counts for nothing, and cannot be after a quarter of an hour",
  async (world) => {
    const user = await world.user();
    const { accessToken: token } = await world.signIn(user);
    const begun = await begin(world, token);
    assert.equal(await isAsked(world, user), false);
    assert.equal(
      (await stepUp(world, token, { factor: "totp", code: totpCode(world, begun.secret) })).body
        .code,
      "invalid_code",
    );
    assert.equal(
      (
        await confirm(world, token, {
          id: begun.id,
          code: otherCode(totpCode(world, begun.secret)),
        })
      ).body.code,
      "invalid_code",
    );
    assert.equal(await isAsked(world, user), false);

    world.clock.advance(900);
    const { accessToken } = await world.signIn(user);
    assert.equal(
      (await confirm(world, accessToken, { id: begun.id, code: totpCode(world, begun.secret) }))
        .body.code,
      "not_found",
    );
    const again = await begin(world, accessToken);
    world.clock.advance(299);
    assert.equal(
      (await confirm(world, accessToken, { id: again.id, code: totpCode(world, again.secret) }))
        .status,
      200,
    );
    assert.equal(await isAsked(world, user), true);
  },
);

eachWorld(
  "a new beginning replaces the one before, and users cannot confirm the device of another",
  async (world) => {
    const [anna, eve] = [await world.user(), await world.user()];
    const [{ accessToken: token }, { accessToken: hers }] = [
      await world.signIn(anna),
      await world.signIn(eve),
    ];
    const first = await begin(world, token);
    const second = await begin(world, token);
    assert.equal(await countRows(world, "totp_devices"), 1);
    for (const [who, id, secret] of [
      [token, first.id, first.secret],
      [hers, second.id, second.secret],
    ] as const)
      assert.equal(
        (await confirm(world, who, { id, code: totpCode(world, secret) })).body.code,
        "not_found",
      );
    assert.equal(
      (await confirm(world, token, { id: second.id, code: totpCode(world, first.secret) })).body
        .code,
      "invalid_code",
    );
    const confirmed = await confirm(world, token, {
      id: second.id,
      code: totpCode(world, second.secret),
    });
    assert.deepEqual([confirmed.status, confirmed.body.id], [200, second.id]);
  },
);

eachWorld("if 20 requests confirm a device at once, one succeeds", async (world) => {
  const user = await world.user();
  const { accessToken: token } = await world.signIn(user);
  const { id, secret } = await begin(world, token);
  const answers = await par(20, async () =>
    confirm(world, token, { id, code: totpCode(world, secret) }),
  );
  assert.equal(statuses(answers)[200], 1);
  assert.equal((await listConfirmed(world.rules.db, user.id)).length, 1);
});

eachWorld("a user has five devices at most, each of which will do", async (world) => {
  const user = await world.user();
  let { accessToken: token } = await world.signIn(user);
  const secrets: string[] = [];
  for (let n = 1; n <= 5; n += 1) {
    const { id, secret } = await begin(world, token, `Phone ${n}`);
    const confirmed = await confirm(world, token, { id, code: totpCode(world, secret) });
    assert.equal(confirmed.status, 200, confirmed.text);
    token = confirmed.body.tokens.accessToken;
    secrets.push(secret);
  }
  const refused = await world.request("POST", "/v1/me/factors/totp", { token, body: {} });
  assert.deepEqual([refused.status, refused.body.code], [409, "too_many_factors"]);
  for (const secret of secrets) {
    world.clock.advance(30);
    await signInWithTotp(world, user, secret);
  }
});

eachWorld("ten first codes can be tried in ten minutes", async (world) => {
  const user = await world.user();
  const { accessToken: token } = await world.signIn(user);
  const { id, secret } = await begin(world, token);
  const wrong = otherCode(totpCode(world, secret));
  const tried = await par(11, async () => confirm(world, token, { id, code: wrong }));
  assert.deepEqual(statuses(tried), { 422: 10, 429: 1 });
  const throttled = await confirm(world, token, { id, code: totpCode(world, secret) });
  assert.deepEqual(
    [throttled.body.code, throttled.body["retryAfterSeconds"]],
    ["rate_limited", 600],
  );
  assert.equal(await isAsked(world, user), false);
});

eachWorld(
  "devices that were never confirmed are forgotten, those that were are not",
  async (world) => {
    const [anna, ben] = [await world.user(), await world.user()];
    await enrolTotp(world, anna);
    for (const user of [anna, ben]) {
      const device = {
        name: "Phone",
        flowId: "",
        secretSealed: Buffer.from("sealed"),
        ...TOTP,
        lastStep: 0,
        createdAt: 100,
        confirmedAt: null,
      };
      await transact(world.rules, async (tx) =>
        insertTotp(tx, { id: `pending of ${user.id}`, userId: user.id, ...device }),
      );
    }
    assert.equal(await pruneUnconfirmed(world.rules.db, 99, 10), 0);
    assert.equal(await pruneUnconfirmed(world.rules.db, 100, 1), 1);
    assert.equal(await pruneUnconfirmed(world.rules.db, world.clock.now(), 10), 1);
    assert.equal((await listConfirmed(world.rules.db, anna.id)).length, 1);
  },
);

// ── one step, once

const answerWith = async (world: World, user: TestUser, code: string) =>
  (await answerChallenge(world, await challenge(world, user), { factor: "totp", code })).status;

eachWorld(
  "MF-01 a code of two steps away does not sign in, those of its neighbours do",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    world.clock.advance(60);
    for (const steps of [-2, 2])
      assert.equal(await answerWith(world, user, totpCode(world, secret, steps)), 422);
    for (const steps of [-1, 0, 1])
      assert.equal(await answerWith(world, user, totpCode(world, secret, steps)), 201);
  },
);

eachWorld(
  "MF-02 a step that was accepted is not again, nor is one before it, and the one a device was confirmed with is used",
  async (world) => {
    const user = await world.user();
    const { accessToken: token } = await world.signIn(user);
    const { id, secret } = await begin(world, token);
    const first = totpCode(world, secret);
    assert.equal((await confirm(world, token, { id, code: first })).status, 200);
    assert.equal(await answerWith(world, user, first), 422);
    assert.equal(await answerWith(world, user, totpCode(world, secret, -1)), 422);

    world.clock.advance(60);
    const [before, now, after] = [-1, 0, 1].map((steps) => totpCode(world, secret, steps));
    assert.equal(await answerWith(world, user, now ?? ""), 201);
    for (const replayed of [now, before])
      assert.equal(await answerWith(world, user, replayed ?? ""), 422);
    assert.equal(await answerWith(world, user, after ?? ""), 201);
    for (const replayed of [after, now])
      assert.equal(await answerWith(world, user, replayed ?? ""), 422);
  },
);

eachWorld(
  "MF-02 a step is accepted once whatever it is shown for, and on one of a user's devices only",
  async (world) => {
    const user = await world.user();
    const { secret, tokens } = await enrolTotp(world, user);
    const second = await begin(world, tokens.accessToken);
    const confirmed = await confirm(world, tokens.accessToken, {
      id: second.id,
      code: totpCode(world, second.secret),
    });
    world.clock.advance(30);
    assert.equal(
      (
        await stepUp(world, confirmed.body.tokens.accessToken, {
          factor: "totp",
          code: totpCode(world, secret),
        })
      ).status,
      200,
    );
    assert.equal(await answerWith(world, user, totpCode(world, secret)), 422);
    assert.equal(await answerWith(world, user, totpCode(world, second.secret)), 422);
    world.clock.advance(30);
    assert.equal(await answerWith(world, user, totpCode(world, second.secret)), 201);
  },
);

eachWorld(
  "MF-02 if 50 challenges are answered at once with one code, one opens a session",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    const challenges = await par(50, async (index) =>
      challenge(world, user, { address: addressOf(index) }),
    );
    const before = await countRows(world, "sessions");
    const code = totpCode(world, secret);
    const answers = await par(50, async (index) => {
      const asked = challenges[index];
      assert.ok(asked);
      return answerChallenge(world, asked, { factor: "totp", code }, { address: addressOf(index) });
    });
    assert.equal(statuses(answers)[201], 1, JSON.stringify(statuses(answers)));
    assert.equal(await countRows(world, "sessions"), before + 1);
  },
);

eachWorld(
  "MF-02 if 50 callers spend one step at once, one succeeds, and no earlier step is good after it",
  async (world) => {
    const user = await world.user();
    const { id } = await enrolTotp(world, user);
    const step = world.clock.now() / 30 + 10;
    const spend = async (which: number) =>
      transact(world.rules, async (tx) => spendStep(tx, { id, step: which }));
    const spent = await par(50, async () => spend(step));
    assert.equal(spent.filter(Boolean).length, 1);
    assert.deepEqual(
      [await spend(step - 1), await spend(step), await spend(step + 1)],
      [false, false, true],
    );
  },
);

eachWorld(
  "MF-11 only the server's clock counts, whatever a request says about the time",
  async (world) => {
    const user = await world.user();
    const { secret } = await enrolTotp(world, user);
    const later = new Date((world.clock.now() + 3600) * 1000).toUTCString();
    const asked = await challenge(world, user);
    const answered = await answerChallenge(
      world,
      asked,
      { factor: "totp", code: totpCode(world, secret, 120) },
      { headers: { date: later, "x-date": later } },
    );
    assert.equal(answered.body.code, "invalid_code");
  },
);

// ── the secret

eachWorld(
  "MF-09 once confirmed the secret is in no answer, and at no time readable in the database",
  async (world) => {
    const user = await world.user({ superuser: true });
    const { accessToken: token } = await world.signIn(user);
    const begun = await begin(world, token);
    const bytes = Buffer.from(Secret.fromBase32(begun.secret).bytes);
    const forms = [
      begun.secret,
      begun.secret.toLowerCase(),
      bytes.toString("latin1"),
      bytes.toString("hex"),
      bytes.toString("base64"),
      bytes.toString("base64url"),
    ];
    const assertUnread = async () => {
      for (const [table, text] of Object.entries(await dump(world)))
        for (const form of forms) assert.ok(!text.includes(form), `in ${table}`);
      const mails = JSON.stringify(await world.mails());
      for (const form of forms) assert.ok(!mails.includes(form));
      for (const form of forms) assert.ok(!JSON.stringify(world.logged).includes(form));
    };
    await assertUnread();

    const confirmed = await confirm(world, token, {
      id: begun.id,
      code: totpCode(world, begun.secret),
    });
    assert.equal(confirmed.status, 200);
    assert.ok(!confirmed.text.includes(begun.secret));
    const { accessToken } = confirmed.body.tokens;
    const all: readonly Endpoint[] = Object.values(endpoints);
    const readable = all.filter(({ method, access }) => method === "GET" && access !== "signed");
    for (const { path } of readable) {
      const id = path.startsWith("/v1/admin/users/") ? user.id : begun.id;
      const answered = await world.request("GET", path.replaceAll(/\{\w+\}/g, id), {
        token: accessToken,
      });
      for (const form of [
        begun.secret,
        "otpauth:",
        bytes.toString("hex"),
        bytes.toString("base64url"),
      ])
        assert.ok(!answered.text.includes(form), `${path} tells it`);
    }
    await assertUnread();
    assert.equal(await findUnconfirmed(world.rules.db, user.id), undefined);
  },
);
