import { transact } from "../../platform/db/transact.ts";
import assert from "node:assert/strict";
import type { endpoints } from "@portcullis/contract";
import {
  addressOf,
  attempt,
  countRows,
  dump,
  eventsOf,
  mailsTo,
  par,
  servedBy,
  statuses,
} from "../../../test/steps.ts";
import {
  answerChallenge,
  challenge,
  enrolTotp,
  stepUp,
  totpCode,
  type Enrolled,
} from "../../../test/second-factor.ts";
import {
  eachWorld,
  type AnswerOf,
  type Refused,
  type TestUser,
  type World,
} from "../../../test/world.ts";
import { createHasher } from "../../platform/hashing/pool.ts";
import { systemClock } from "../../platform/kernel/clock.ts";
import { silentLog } from "../../platform/kernel/log.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import { findUser } from "../users/users.store.ts";
import { createRecoveryCodes, makeCodes } from "./recovery-codes.ts";
import { listUnused, replaceCodes, spendCode } from "./recovery-codes.store.ts";

type Factors = AnswerOf<typeof endpoints.getFactors>;
type Made = AnswerOf<typeof endpoints.makeRecoveryCodes, 201>;

const stateOf = async (world: World, token: string) =>
  (await world.request<Factors>("GET", "/v1/me/factors", { token })).body.recoveryCodes;

const renew = async (world: World, token: string) =>
  world.request<Made & Refused>("POST", "/v1/me/factors/recovery-codes", { token });

const use = async (world: World, user: TestUser, code: string) =>
  answerChallenge(world, await challenge(world, user), { factor: "recovery_codes", code });

const first = ({ recoveryCodes: [code] }: Pick<Enrolled, "recoveryCodes">): string =>
  code ?? assert.fail("no code was made");

/** A hasher that never has time for a hash. */
async function closedHasher() {
  const hasher = createHasher({
    log: silentLog,
    clock: systemClock,
    random: systemRandom,
    concurrency: 1,
    params: { memoryCost: 64, timeCost: 1, parallelism: 1 },
  });
  await hasher.close();
  return hasher;
}

eachWorld(
  "MF-05 ten codes of fifty random bits come with the first factor, and each is typed as people type",
  async (world) => {
    const user = await world.user();
    const { recoveryCodes, tokens } = await enrolTotp(world, user);
    assert.equal(new Set(recoveryCodes).size, 10);
    for (const code of recoveryCodes) assert.match(code, /^[a-z2-7]{5}-[a-z2-7]{5}$/);
    assert.deepEqual(await stateOf(world, tokens.accessToken), {
      left: 10,
      createdAt: world.clock.now() - 30,
      few: false,
    });

    const [a = "", b = "", c = "", d = ""] = recoveryCodes;
    for (const [typed, left] of [
      [a, 9],
      [b.replace("-", ""), 8],
      [c.toUpperCase().replace("-", " "), 7],
      [` ${[...d].join(" ")} `, 6],
    ] as const) {
      const opened = await use(world, user, typed);
      assert.deepEqual([opened.status, opened.body.recoveryCodesLeft], [201, left], typed);
    }
    assert.deepEqual(
      (await eventsOf(world)).filter((event) => event === "recovery_code.used").length,
      4,
    );
  },
);

eachWorld("MF-05 a code works once, and is its owner's alone", async (world) => {
  const [anna, ben] = [await world.user(), await world.user()];
  const [hers, his] = [await enrolTotp(world, anna), await enrolTotp(world, ben)];
  assert.equal((await use(world, anna, first(his))).body.code, "invalid_code");
  assert.equal((await use(world, anna, first(hers))).status, 201);
  assert.equal((await use(world, anna, first(hers))).body.code, "invalid_code");
  for (const none of ["----", "aaaaa-aaaaa", "a".repeat(64), "%%%%%"])
    assert.equal((await use(world, anna, none)).body.code, "invalid_code", none);
  assert.equal((await use(world, ben, first(his))).status, 201);
});

eachWorld(
  "MF-05 if 50 challenges are answered at once with one code, one opens a session",
  async (world) => {
    const user = await world.user();
    const code = first(await enrolTotp(world, user));
    const challenges = await par(50, async (index) =>
      challenge(world, user, { address: addressOf(index) }),
    );
    const before = await countRows(world, "sessions");
    const answers = await par(50, async (index) => {
      const asked = challenges[index];
      assert.ok(asked);
      return answerChallenge(
        world,
        asked,
        { factor: "recovery_codes", code },
        { address: addressOf(index) },
      );
    });
    assert.equal(statuses(answers)[201], 1, JSON.stringify(statuses(answers)));
    assert.equal(await countRows(world, "sessions"), before + 1);
  },
);

eachWorld("MF-05 if 50 callers spend one code at once, one succeeds", async (world) => {
  const user = await world.user();
  await enrolTotp(world, user);
  const [code] = await listUnused(world.rules.db, user.id);
  assert.ok(code);
  const spent = await par(50, async () =>
    transact(world.rules, async (tx) => spendCode(tx, code.id, world.clock.now())),
  );
  assert.equal(spent.filter(Boolean).length, 1);
  assert.equal((await listUnused(world.rules.db, user.id)).length, 9);
});

eachWorld(
  "MF-05 a new set voids the old one, is told by mail, and is shown once",
  async (world) => {
    const user = await world.user();
    const { recoveryCodes: old, tokens } = await enrolTotp(world, user);
    assert.equal((await use(world, user, old[0] ?? "")).status, 201);
    const { accessToken: token } = tokens;
    const made = await renew(world, token);
    assert.equal(made.status, 201, made.text);
    const { recoveryCodes: fresh } = made.body;
    assert.deepEqual([fresh.length, new Set([...old, ...fresh]).size], [10, 20]);
    assert.ok(
      (await mailsTo(world, user.email)).some(({ text }) => text.includes("recovery codes")),
    );
    assert.equal((await eventsOf(world)).at(-1), "recovery_codes.made");

    const state = await world.request("GET", "/v1/me/factors", { token });
    for (const code of fresh) assert.ok(!state.text.includes(code));
    assert.equal((await use(world, user, old[1] ?? "")).body.code, "invalid_code");
    assert.deepEqual((await use(world, user, fresh[0] ?? "")).body.recoveryCodesLeft, 9);
  },
);

eachWorld("MF-05 a code that was found right and then voided is not spent", async (world) => {
  const user = await world.user();
  const enrolled = await enrolTotp(world, user);
  const held = await findUser(world.rules.db, user.id);
  assert.ok(held);
  const origin = {
    address: "192.0.2.1",
    userAgent: "",
    requestId: null,
    actor: { kind: "anonymous" },
  } as const;
  const asked = {
    flow: { kind: "challenge", id: "any" },
    user: held,
    origin,
  } as const;
  const checked = await createRecoveryCodes(world.rules).check(asked, {
    factor: "recovery_codes",
    code: first(enrolled),
  });
  assert.ok(checked.kind === "matched");
  assert.equal((await renew(world, enrolled.tokens.accessToken)).status, 201);
  assert.equal(await transact(world.rules, async (tx) => checked.match.spend(tx)), undefined);
});

eachWorld("MF-05 a code is stored as its Argon2id hash, sealed for its row", async (world) => {
  const user = await world.user();
  const { recoveryCodes } = await enrolTotp(world, user);
  for (const [table, text] of Object.entries(await dump(world))) {
    assert.ok(!text.includes("$argon2"), `a hash lies open in ${table}`);
    for (const code of recoveryCodes)
      for (const form of [code, code.replace("-", "")])
        assert.ok(!text.includes(form), `in ${table}`);
  }
  const { keyring } = world.parts;
  const hashes = (await listUnused(world.rules.db, user.id)).map(({ id, codeSealed }) =>
    keyring.open("recovery-code-seal", id, codeSealed).toString(),
  );
  assert.equal(new Set(hashes).size, 10);
  for (const hash of hashes) assert.match(hash, /^\$argon2id\$/);
  assert.doesNotMatch(JSON.stringify(world.logged), new RegExp(recoveryCodes.join("|")));
});

eachWorld("a user with three codes left is told so", async (world) => {
  const user = await world.user();
  const { recoveryCodes, tokens } = await enrolTotp(world, user);
  let left: number | null = 10;
  for (const code of recoveryCodes) {
    left = (await use(world, user, code)).body.recoveryCodesLeft;
    const state = await stateOf(world, tokens.accessToken);
    assert.deepEqual([state?.left, state?.few], [left, (left ?? 0) <= 3]);
  }
  assert.equal(left, 0);
});

eachWorld(
  "a user with codes alone is not asked for one, for codes only take the place of another factor",
  async (world) => {
    const user = await world.user();
    const made = await makeCodes(world.rules);
    assert.ok(made.kind === "made");
    await transact(world.rules, async (tx) =>
      replaceCodes(tx, user.id, made.rows, world.clock.now()),
    );
    assert.equal((await attempt(world, user.email, user.password)).status, 201);
  },
);

eachWorld("no codes are made for a user who lacks a factor, or may not have one", async (world) => {
  const user = await world.user();
  const { accessToken } = await world.signIn(user);
  const none = await renew(world, accessToken);
  assert.deepEqual([none.status, none.body.code], [409, "no_factor"]);
  assert.equal(await countRows(world, "recovery_codes"), 0);
  const { tokens } = await enrolTotp(world, user);
  const off = servedBy(world, { ...world.rules, mfaPolicy: "off" });
  assert.equal((await renew(off, tokens.accessToken)).body.code, "factors_off");
});

eachWorld(
  "PW-11 if no hash can be made in time, codes are neither made nor judged",
  async (world) => {
    const user = await world.user();
    const enrolled = await enrolTotp(world, user);
    const rules = { ...world.rules, hasher: await closedHasher() };
    const refused = await renew(servedBy(world, rules), enrolled.tokens.accessToken);
    assert.deepEqual(
      [refused.status, refused.body.code, refused.headers.get("retry-after")],
      [503, "busy", "1"],
    );

    const busy = servedBy(world, {
      ...world.rules,
      factors: [...world.rules.factors.slice(0, -1), createRecoveryCodes(rules)],
    });
    const asked = await challenge(world, user);
    const proof = { factor: "recovery_codes", code: first(enrolled) } as const;
    assert.equal((await answerChallenge(busy, asked, proof)).body.code, "busy");
    assert.equal((await answerChallenge(world, asked, proof)).status, 201);
  },
);

eachWorld(
  "MF-07 after showing a weaker factor than their strongest, a user cannot make codes, which are as strong as any",
  async (world) => {
    const user = await world.user();
    const { secret, tokens } = await enrolTotp(world, user);
    await world.rules.db
      .insertInto("email_factors")
      .values({ user_id: user.id, created_at: world.clock.now() })
      .execute();
    await world.request("POST", "/v1/step-up/prepare", {
      token: tokens.accessToken,
      body: { factor: "email" },
    });
    const code = /^ {4}(\d{8})$/m.exec((await mailsTo(world, user.email))[0]?.text ?? "")?.[1];
    const weak = await stepUp(world, tokens.accessToken, { factor: "email", code });
    assert.equal(weak.status, 200, weak.text);
    const refused = await renew(world, weak.body.accessToken);
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body["factors"]],
      [401, "insufficient_user_authentication", ["totp", "recovery_codes"]],
    );
    const strong = await stepUp(world, weak.body.accessToken, {
      factor: "totp",
      code: totpCode(world, secret),
    });
    assert.equal((await renew(world, strong.body.accessToken)).status, 201);
  },
);
