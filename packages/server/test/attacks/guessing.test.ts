import assert from "node:assert/strict";
import { size } from "../../../../tools/size.ts";
import { createHousekeeping } from "../../src/process/jobs.ts";
import {
  addressOf,
  anotherNode,
  attempt,
  countRows,
  latestMail,
  par,
  statuses,
  tokenIn,
} from "../steps.ts";
import { eachWorld, type TestUser, type World } from "../world.ts";

// An attacker guesses passwords, from one place or from many. These tests say what that may cost
// the owner.

const WRONG = "wrong wrong wrong";
const QUARTER_HOUR = 900;
const GUESSES_AT_ONCE = size({ small: 200, full: 500 });
const SPRAYED = size({ small: 300, full: 1000 });

const evaluations = (world: World) => world.parts.hasher.figures().evaluations;

/** Fails `n` times, each from another network. */
async function failFromEverywhere(world: World, user: TestUser, n: number): Promise<void> {
  const answers = await par(n, async (i) =>
    attempt(world, user.email, WRONG, { address: addressOf(i) }),
  );
  assert.ok(answers.every(({ status }) => status === 401 || status === 429));
}

async function fail(
  world: World,
  identifier: string,
  n: number,
  address = "198.51.100.9",
): Promise<readonly number[]> {
  const answered = [];
  for (let i = 0; i < n; i += 1)
    answered.push((await attempt(world, identifier, WRONG, { address })).status);
  return answered;
}

eachWorld(
  "LG-01 after 100 failures from everywhere the right password is refused from a fresh client, but a trusted device and recovery get in",
  async (world) => {
    const user = await world.user();
    const { deviceToken } = (await attempt(world, user.email, user.password)).body;
    const before = evaluations(world);
    await failFromEverywhere(world, user, 101);
    assert.equal(evaluations(world) - before, 100);

    const fresh = { address: "203.0.113.5" };
    const refused = await attempt(world, user.email, user.password, fresh);
    assert.deepEqual(
      [refused.status, refused.body.code, refused.headers.get("retry-after")],
      [429, "rate_limited", "900"],
    );
    world.clock.advance(30 * 86_400);
    assert.equal(
      (await attempt(world, user.email, user.password, fresh)).status,
      429,
      "waiting does not help",
    );
    assert.equal(
      (await attempt(world, user.email, user.password, { ...fresh, deviceToken })).status,
      201,
    );
    assert.equal(
      (await attempt(world, user.email, user.password, fresh)).status,
      429,
      "the device's success is the device's alone",
    );

    await world.request("POST", "/v1/password-resets", { body: { email: user.email } });
    const token = tokenIn(await latestMail(world, user.email));
    assert.equal(
      (
        await world.request("POST", "/v1/password-resets/confirm", {
          body: { token, newPassword: "nine grey geese fly" },
        })
      ).status,
      204,
    );
    assert.equal((await attempt(world, user.email, "nine grey geese fly", fresh)).status, 201);
  },
);

eachWorld(
  `LG-02 MN-02 if ${GUESSES_AT_ONCE} guesses come at once, spread over two nodes and as many networks, 100 are evaluated`,
  async (world) => {
    const user = await world.user();
    const other = await anotherNode(world);
    const before = evaluations(world);
    const answers = await par(GUESSES_AT_ONCE, async (i) =>
      attempt(i % 2 === 0 ? world : other, user.email, WRONG, { address: addressOf(i) }),
    );
    const told = statuses(answers);
    // A machine under load may ask some callers to come back later, but it evaluates exactly as
    // many as the budget permits.
    assert.equal(
      (told[401] ?? 0) + (told[429] ?? 0) + (told[503] ?? 0),
      GUESSES_AT_ONCE,
      JSON.stringify(told),
    );
    assert.ok(told[401] === 100 || told[503] !== undefined, JSON.stringify(told));
    assert.ok(evaluations(world) - before <= 100);
  },
);

eachWorld(
  "LG-02 if 200 guesses come at once from one address, twenty are evaluated",
  async (world) => {
    const user = await world.user();
    const before = evaluations(world);
    assert.deepEqual(statuses(await par(200, async () => attempt(world, user.email, WRONG))), {
      401: 20,
      429: 180,
    });
    assert.equal(evaluations(world) - before, 20);
  },
);

eachWorld(
  "LG-03 every spelling of a name, and the username beside the address, draw on one budget",
  async (world) => {
    const user = await world.user({ email: "anna@xn--bcher-kva.example", username: "strasse" });
    const names = [
      "anna@xn--bcher-kva.example",
      "ANNA@bücher.example",
      "Anna@BÜCHER.example",
      "strasse",
      "STRASSE",
      "Straße",
    ];
    const before = evaluations(world);
    const answers = [];
    for (let i = 0; i < 30; i += 1)
      answers.push(
        (await attempt(world, names[i % names.length] ?? "", WRONG, { address: "203.0.113.5" }))
          .status,
      );
    assert.deepEqual(answers, [
      ...Array.from({ length: 20 }, () => 401),
      ...Array.from({ length: 10 }, () => 429),
    ]);
    assert.equal(evaluations(world) - before, 20);
    assert.equal(
      (await attempt(world, user.email, user.password, { address: "203.0.113.5" })).status,
      429,
    );
    assert.equal(
      (await attempt(world, "STRASSE", user.password, { address: "203.0.113.5" })).status,
      429,
    );
    assert.equal(
      (await attempt(world, "ANNA@bücher.example", user.password, { address: "203.0.113.6" }))
        .status,
      201,
    );
  },
);

eachWorld(
  "LG-04 an attacker who never stops, from fifty networks, does not keep the owner's device out",
  async (world) => {
    const user = await world.user();
    const { deviceToken } = (await attempt(world, user.email, user.password)).body;
    for (let minute = 0; minute < 10; minute += 1) {
      await par(50, async (i) => attempt(world, user.email, WRONG, { address: addressOf(i) }));
      world.clock.advance(60);
    }
    assert.equal(
      (await attempt(world, user.email, user.password, { address: "203.0.113.5" })).status,
      429,
    );
    const owner = await attempt(world, user.email, user.password, {
      address: addressOf(3),
      deviceToken,
    });
    assert.equal(owner.status, 201, "at the first try, even from the attacker's own network");
  },
);

eachWorld(
  "LG-04 a device token opens nothing, serves its own account only, and has ten attempts",
  async (world) => {
    const [anna, bert] = [await world.user(), await world.user()];
    const { deviceToken } = (await attempt(world, anna.email, anna.password)).body;
    await fail(world, bert.email, 20);
    assert.equal(
      (await attempt(world, bert.email, bert.password, { address: "198.51.100.9", deviceToken }))
        .status,
      429,
    );
    const forged = deviceToken.replace(/.$/, (last) => (last === "A" ? "E" : "A"));
    await fail(world, anna.email, 20);
    assert.equal(
      (
        await attempt(world, anna.email, anna.password, {
          address: "198.51.100.9",
          deviceToken: forged,
        })
      ).status,
      429,
    );

    const answers = [];
    for (let i = 0; i < 12; i += 1)
      answers.push(
        (await attempt(world, anna.email, WRONG, { deviceToken, address: addressOf(i) })).status,
      );
    assert.deepEqual(answers, [...Array.from({ length: 10 }, () => 401), 429, 429]);
    assert.equal((await attempt(world, anna.email, anna.password, { deviceToken })).status, 429);
    world.clock.advance(QUARTER_HOUR);
    assert.equal((await attempt(world, anna.email, anna.password, { deviceToken })).status, 201);
  },
);

eachWorld(
  "LG-05 a restart forgets no failure, and a second node has no budget of its own",
  async (world) => {
    const user = await world.user();
    await fail(world, user.email, 15);
    const restarted = await anotherNode(world);
    assert.deepEqual(await fail(restarted, user.email, 7), [401, 401, 401, 401, 401, 429, 429]);
    assert.deepEqual(await fail(world, user.email, 1), [429]);
  },
);

eachWorld(
  "LG-06 a lock that has ended comes back after the same number of failures",
  async (world) => {
    const user = await world.user();
    const locked = [...Array.from({ length: 20 }, () => 401), 429, 429];
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await fail(world, user.email, 22), locked);
      world.clock.advance(QUARTER_HOUR);
    }
  },
);

eachWorld(
  "LG-07 an attacker's own successes buy no further guesses at another user",
  async (world) => {
    const [victim, attacker] = [await world.user(), await world.user()];
    const before = evaluations(world);
    const answers = [];
    for (let i = 0; i < 40; i += 1) {
      assert.equal(
        (await attempt(world, attacker.email, attacker.password, { address: "198.51.100.9" }))
          .status,
        201,
      );
      answers.push(...(await fail(world, victim.email, 1)));
    }
    assert.deepEqual(answers, [
      ...Array.from({ length: 20 }, () => 401),
      ...Array.from({ length: 20 }, () => 429),
    ]);
    assert.equal(evaluations(world) - before, 60);
  },
);

eachWorld(
  "LG-07 the owner's success forgets the owner's own mistakes and leaves the guesses of others counted",
  async (world) => {
    const user = await world.user();
    await failFromEverywhere(world, user, 95);
    assert.deepEqual(await fail(world, user.email, 4, "203.0.113.5"), [401, 401, 401, 401]);
    assert.equal(
      (await attempt(world, user.email, user.password, { address: "203.0.113.5" })).status,
      201,
    );
    // 95 of the 100 are still used up: after five more failures from anywhere, only the account's
    // devices may try.
    assert.deepEqual(
      await fail(world, user.email, 7, "203.0.113.77"),
      [401, 401, 401, 401, 401, 429, 429],
    );
  },
);

eachWorld(
  "LG-08 the addresses of one /64, and the spellings of one address, are one client",
  async (world) => {
    const before = evaluations(world);
    const answers = await par(150, async (i) =>
      attempt(world, `nobody${i}@example.com`, WRONG, {
        address: `2001:db8:1:2:${((i * 7919) % 65536).toString(16)}::${i.toString(16)}`,
      }),
    );
    assert.deepEqual(statuses(answers), { 401: 100, 429: 50 });
    assert.equal(
      (await attempt(world, "other@example.com", WRONG, { address: "2001:db8:1:3::1" })).status,
      401,
      "the next /64 is somebody else",
    );

    const spellings = [
      "198.51.100.9",
      "::ffff:198.51.100.9",
      "::ffff:c633:6409",
      "0:0:0:0:0:ffff:c633:6409",
      "0000:0000:0000:0000:0000:ffff:c633:6409",
      "::FFFF:C633:6409",
    ];
    const more = await par(120, async (i) =>
      attempt(world, `somebody${i}@example.com`, WRONG, {
        address: spellings[i % spellings.length] ?? "",
      }),
    );
    assert.deepEqual(statuses(more), { 401: 100, 429: 20 });
    assert.equal(evaluations(world) - before, 201);
  },
);

eachWorld("LG-08 the /48 above has a limit of its own", async (world) => {
  const answers = await par(200, async (i) =>
    attempt(world, `nobody${i}@example.com`, WRONG, { address: `2001:db8:1:${i.toString(16)}::1` }),
  );
  assert.deepEqual(statuses(answers), { 401: 180, 429: 20 });
});

eachWorld("LG-09 no header of a direct client changes who it is", async (world) => {
  const user = await world.user();
  const answers = [];
  for (let i = 0; i < 25; i += 1) {
    const address = `203.0.113.${i}`;
    const headers = {
      "x-forwarded-for": address,
      forwarded: `for=${address}`,
      "x-real-ip": address,
      "x-client-ip": address,
      "true-client-ip": address,
      "cf-connecting-ip": address,
      x_forwarded_for: address,
    };
    answers.push((await attempt(world, user.email, WRONG, { headers })).status);
  }
  assert.deepEqual(answers, [
    ...Array.from({ length: 20 }, () => 401),
    ...Array.from({ length: 5 }, () => 429),
  ]);
});

eachWorld(
  "LG-09 behind a trusted proxy the client is the one that the proxy names, even if a client has put others before it",
  async (world) => {
    const user = await world.user();
    for (let i = 0; i < 20; i += 1)
      await attempt(world, user.email, WRONG, {
        address: "10.0.0.7",
        headers: { "x-forwarded-for": `203.0.113.${i}, 198.51.100.9` },
      });
    const asVictim = async (forwarded: string) =>
      (
        await attempt(world, user.email, user.password, {
          address: "10.0.0.7",
          headers: { "x-forwarded-for": forwarded },
        })
      ).status;
    assert.equal(await asVictim("192.0.2.44, 198.51.100.9"), 429);
    assert.equal(await asVictim("198.51.100.9, 192.0.2.44"), 201);
  },
  { PORTCULLIS_TRUSTED_PROXIES: "10.0.0.0/8" },
);

eachWorld(
  `LG-10 one password tried on ${SPRAYED} accounts from one /24 is stopped before 200 evaluations`,
  async (world) => {
    const before = evaluations(world);
    const spray = async (i: number) =>
      attempt(world, `person${i}@example.com`, "Summer2026!", { address: `198.51.100.${i % 256}` });
    for (let batch = 0; batch < SPRAYED / 50; batch += 1)
      await par(50, async (i) => spray(batch * 50 + i));
    assert.equal(evaluations(world) - before, 180);
  },
);

eachWorld(
  "EN-06 an unknown name is throttled exactly as a user's name, in every spelling",
  async (world) => {
    await world.user({ email: "known@xn--bcher-kva.example", username: "grosser" });
    const scripts = [
      (name: string) => Array.from({ length: 24 }, () => `${name}@xn--bcher-kva.example`),
      (name: string) =>
        Array.from(
          { length: 24 },
          (_, i) =>
            `${i % 2 === 0 ? name : name.toUpperCase()}@${i % 3 === 0 ? "bücher" : "BÜCHER"}.example`,
        ),
      (name: string) => [
        ...Array.from({ length: 20 }, () => `${name}@xn--bcher-kva.example`),
        ` ${name}@xn--bcher-kva.example`,
        `${name}@xn--bcher-kva.example `,
        `${name}@bücher.example`,
      ],
    ];
    for (const [i, script] of scripts.entries()) {
      const told = [];
      for (const [j, name] of ["known", "unknown"].entries()) {
        const answers = [];
        for (const identifier of script(name)) {
          const answered = await attempt(world, identifier, WRONG, {
            address: addressOf(10 * i + j),
          });
          answers.push([answered.status, answered.body.code, answered.headers.get("retry-after")]);
        }
        told.push(answers);
      }
      assert.deepEqual(told[0], told[1], `script ${i}`);
    }
    for (const names of [
      ["grosser", "größer", "GROSSER", "großer"],
      ["kleiner", "kleıner", "KLEINER", "kleiner"],
    ]) {
      const answers = [];
      for (let i = 0; i < 24; i += 1)
        answers.push(
          (
            await attempt(world, names[i % 2 === 0 ? 0 : 2] ?? "", WRONG, {
              address: addressOf(100),
            })
          ).status,
        );
      assert.deepEqual(statuses(answers.map((status) => ({ status }))), { 401: 20, 429: 4 });
    }
  },
);

eachWorld(
  "EN-06 an account that is locked for good and an unknown name get the same answer",
  async (world) => {
    const user = await world.user();
    const told = [];
    for (const identifier of [user.email, "nobody@example.com"]) {
      await par(101, async (i) => attempt(world, identifier, WRONG, { address: addressOf(i) }));
      const { status, body, headers } = await attempt(world, identifier, WRONG, {
        address: "203.0.113.5",
      });
      told.push([status, body.code, body["retryAfterSeconds"], headers.get("retry-after")]);
    }
    assert.deepEqual(told, [
      [429, "rate_limited", 900, "900"],
      [429, "rate_limited", 900, "900"],
    ]);
  },
);

eachWorld(
  "AU-04 a flood of failures leaves a handful of events, and the counts are kept",
  async (world) => {
    const user = await world.user();
    const before = await countRows(world, "audit_events");
    for (let batch = 0; batch < 10; batch += 1) {
      await par(50, async (i) =>
        attempt(world, user.email, WRONG, { address: addressOf(batch * 50 + i) }),
      );
      await par(50, async (i) =>
        attempt(world, `nobody${batch * 50 + i}@example.com`, WRONG, { address: "203.0.113.5" }),
      );
    }
    const written = (await countRows(world, "audit_events")) - before;
    assert.ok(written <= 4 * 10, `${written} events`);
    const { count } = await world.rules.db
      .selectFrom("counters")
      .select("count")
      .where("name", "=", "failed_sign_ins")
      .executeTakeFirstOrThrow();
    assert.equal(count, 1000);
    const told = await world.rules.db
      .selectFrom("audit_events")
      .select("details")
      .where("event", "=", "sign_in.failed")
      .where("user_id", "=", user.id)
      .orderBy("position", "desc")
      .executeTakeFirstOrThrow();
    assert.equal(JSON.parse(told.details).countThisHour, 64);
  },
);

eachWorld(
  "AU-04 failures of unknown names are forgotten in the end, but those of an account are not",
  async (world) => {
    const user = await world.user();
    await failFromEverywhere(world, user, 101);
    await par(200, async (i) =>
      attempt(world, `nobody${i}@example.com`, WRONG, { address: addressOf(i) }),
    );
    world.clock.advance(7 * 86_400);
    await createHousekeeping(world.rules).tick();
    assert.equal(await countRows(world, "attempts"), 1);
    assert.equal(
      (await attempt(world, user.email, user.password, { address: "203.0.113.5" })).status,
      429,
    );
  },
);
