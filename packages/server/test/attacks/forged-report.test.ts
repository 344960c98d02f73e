import assert from "node:assert/strict";
import { countRows, eventsOf, par, signed, statuses } from "../steps.ts";
import { eachWorld, webhookSecret, type Answered, type Refused, type World } from "../world.ts";

/** Strangers must not be able to stop mail to others by reports that the provider never made. */

const body = { reports: [{ kind: "complaint", address: "anna@example.com" }] };
const text = JSON.stringify(body);

async function send(
  world: World,
  headers: Readonly<Record<string, string>>,
  sent: unknown = body,
  address = "192.0.2.1",
): Promise<Answered<Refused>> {
  return world.request("POST", "/v1/mail-reports", { body: sent, headers, address });
}

async function assertRefused(
  world: World,
  headers: Readonly<Record<string, string>>,
  sent: unknown = body,
): Promise<void> {
  const refused = await send(world, headers, sent);
  assert.deepEqual(
    [refused.status, refused.body.code],
    [401, "invalid_signature"],
    JSON.stringify(headers),
  );
  assert.equal(refused.headers.get("www-authenticate"), "Portcullis-Signature");
  assert.equal(await countRows(world, "suppressions"), 0);
}

async function mailEvents(world: World): Promise<readonly string[]> {
  return (await eventsOf(world)).filter((event) => event.startsWith("mail."));
}

eachWorld(
  "a report without a signature or with another secret suppresses no address",
  async (world) => {
    const now = world.clock.now();
    const good = signed(text, now)["portcullis-signature"] ?? "";
    await assertRefused(world, {});
    await assertRefused(world, signed(text, now, "another secret of the same strength"));
    await assertRefused(world, signed(text, now, ""));
    await assertRefused(world, signed(text, now), {
      reports: [{ kind: "complaint", address: "bob@example.com" }],
    });
    for (const header of [
      "",
      "t=,v1=",
      good.slice(0, -1),
      good.slice(0, good.indexOf(",")),
      `${good}, ${good}`,
      good.replace("v1", "v0"),
      "x".repeat(10_000),
    ])
      await assertRefused(world, { "portcullis-signature": header });
    const token = (await world.signIn(await world.user({ superuser: true }))).accessToken;
    await assertRefused(world, { authorization: `Bearer ${token}` });
    assert.deepEqual(await mailEvents(world), []);
  },
);

eachWorld(
  "a report signed more than five minutes ago or ahead is refused, but one within them is not",
  async (world) => {
    const now = world.clock.now();
    for (const at of [now - 301, now + 301, 0, now * 1000])
      await assertRefused(world, signed(text, at));
    assert.equal((await send(world, signed(text, now - 300))).status, 204);
    assert.equal((await send(world, signed(text, now + 300))).status, 204);
  },
);

eachWorld(
  "if a report arrives twenty times at once, one is taken, and none later while its time is valid",
  async (world) => {
    const at = world.clock.now() + 300;
    const headers = signed(text, at);
    assert.deepEqual(statuses(await par(20, async () => send(world, headers))), {
      204: 1,
      401: 19,
    });
    for (let passed = 0; passed < 600; passed += 100) {
      world.clock.advance(100);
      const replayed = await send(world, headers);
      assert.deepEqual(
        [replayed.status, replayed.body.code],
        [401, "invalid_signature"],
        `${passed + 100} s later`,
      );
    }
    assert.deepEqual(await mailEvents(world), ["mail.suppressed"]);
  },
);

eachWorld(
  "while the secret changes, a report may carry a digest of either; adding one does not make it another report",
  async (world) => {
    const now = world.clock.now();
    const good = signed(text, now)["portcullis-signature"] ?? "";
    const [, foreign = ""] = (
      signed(text, now, "the secret that was used before it")["portcullis-signature"] ?? ""
    ).split(",");
    assert.equal(
      (await send(world, { "portcullis-signature": `t=${now},${foreign},${good.split(",")[1]}` }))
        .status,
      204,
    );
    assert.equal((await send(world, { "portcullis-signature": `${good},${foreign}` })).status, 401);
    assert.equal((await send(world, { "portcullis-signature": good })).status, 401);
  },
);

eachWorld(
  "every report is refused if no secret is configured",
  async (world) => assertRefused(world, signed(text, world.clock.now(), "")),
  {
    PORTCULLIS_MAIL_WEBHOOK_SECRET: "",
  },
);

eachWorld(
  "forged reports are counted against the address they come from, and the provider's are taken even then",
  async (world) => {
    const forged = signed(text, world.clock.now(), "another secret of the same strength");
    const answers = await par(105, async () => send(world, forged));
    assert.deepEqual(statuses(answers), { 401: 100, 429: 5 });
    assert.ok(
      answers
        .filter(({ status }) => status === 429)
        .every(({ headers }) => headers.get("retry-after") === "900"),
    );
    assert.equal((await send(world, forged, body, "198.51.100.9")).status, 401);
    assert.equal((await send(world, signed(text, world.clock.now(), webhookSecret))).status, 204);
  },
);

eachWorld(
  "a signed body is read as strictly as any other, and only after its signature was checked",
  async (world) => {
    const now = world.clock.now();
    const unknown = { reports: body.reports, more: 1 };
    await assertRefused(world, {}, unknown);
    const refused = await send(world, signed(JSON.stringify(unknown), now), unknown);
    assert.deepEqual(
      [refused.status, refused.body["errors"]],
      [422, [{ path: "/more", message: "is not known here" }]],
    );
    const large = {
      reports: Array.from({ length: 100 }, () => ({
        kind: "complaint",
        address: `${"x".repeat(700)}@example.com`,
      })),
    };
    assert.equal((await send(world, signed(JSON.stringify(large), now), large)).status, 413);
    assert.equal(
      (await send(world, { ...signed(text, now), "content-type": "text/plain" })).status,
      415,
    );
  },
);
