import { transact } from "../../platform/db/transact.ts";
import assert from "node:assert/strict";
import { rowsOf } from "../../../test/factors.ts";
import { countRows, eventsOf, isAccepted, mailsTo, type TableName } from "../../../test/steps.ts";
import { eachWorld, type World } from "../../../test/world.ts";
import { takeGuess } from "../sign-in/lock-out.ts";
import { resetFactors } from "./reset-factors.ts";
import { operator } from "../../records/audit/origin.ts";

const tables = [
  "totp_devices",
  "passkeys",
  "ceremonies",
  "email_factors",
  "email_codes",
  "recovery_codes",
  "remembered_devices",
] as const;

async function equip(world: World, userId: string): Promise<void> {
  for (const kind of ["totp", "passkey", "email", "recoveryCode", "begun", "device"] as const)
    await rowsOf[kind](world.rules.db, userId);
}

async function counts(world: World): Promise<Readonly<Partial<Record<TableName, number>>>> {
  return Object.fromEntries(
    await Promise.all(tables.map(async (table) => [table, await countRows(world, table)] as const)),
  );
}

eachWorld(
  "a reset removes every factor of one user and what was begun, and nothing of anybody else",
  async (world) => {
    const [one, other] = [await world.user(), await world.user()];
    await equip(world, other.id);
    const before = await counts(world);
    await equip(world, one.id);
    assert.notDeepEqual(await counts(world), before);

    assert.deepEqual(await resetFactors(world.rules, one.id, operator), { kind: "reset" });
    assert.deepEqual(await counts(world), before);
    assert.equal((await eventsOf(world)).at(-1), "factors.reset");
  },
);

eachWorld(
  "LG-11: every session of the user is dead when a reset returns, and says why",
  async (world) => {
    const user = await world.user();
    const bystander = await world.signIn(await world.user());
    const [laptop, phone] = [await world.signIn(user), await world.signIn(user)];
    await resetFactors(world.rules, user.id, operator);
    for (const { accessToken: token } of [laptop, phone]) {
      const { status, body } = await world.request("GET", "/v1/token", { token });
      assert.deepEqual([status, body.code, body["cause"]], [401, "session_ended", "factors_reset"]);
    }
    assert.ok(await isAccepted(world, bystander.accessToken));
  },
);

eachWorld(
  "MF-12, LG-14: the user is told of each kind of factor that was removed, once",
  async (world) => {
    const user = await world.user();
    await rowsOf.totp(world.rules.db, user.id);
    await rowsOf.totp(world.rules.db, user.id);
    await rowsOf.email(world.rules.db, user.id);
    await resetFactors(world.rules, user.id, operator);
    const told = (await mailsTo(world, user.email)).map(
      ({ text }) => /authenticator app|codes by e-mail/.exec(text)?.[0],
    );
    assert.deepEqual(
      [told.length, new Set(told)],
      [2, new Set(["authenticator app", "codes by e-mail"])],
    );
  },
);

eachWorld(
  "a reset of a user without a factor mails nothing, and one of an unknown user is told so",
  async (world) => {
    const user = await world.user();
    assert.deepEqual(await resetFactors(world.rules, user.id, operator), { kind: "reset" });
    assert.deepEqual(await mailsTo(world, user.email), []);
    assert.deepEqual(
      await resetFactors(world.rules, "0190a0a0-0000-4000-8000-000000000000", operator),
      { kind: "unknown" },
    );
  },
);

eachWorld("MF-03: a user who was locked out by wrong codes can try again", async (world) => {
  const { db } = world.rules;
  const user = await world.user();
  const guess = async (): Promise<string> =>
    (await transact({ db }, async (tx) => takeGuess(tx, world.rules, user.id, "192.0.2.1"))).kind;
  while ((await guess()) === "taken");
  await resetFactors(world.rules, user.id, operator);
  assert.equal(await guess(), "taken");
});

eachWorld(
  "PK-09: a user without a password and without an address keeps the passkey that is all there is",
  async (world) => {
    const { db } = world.rules;
    const user = await world.user({ username: "anna" });
    await equip(world, user.id);
    await db
      .updateTable("users")
      .set({ password_sealed: null })
      .where("id", "=", user.id)
      .execute();
    assert.deepEqual(
      await resetFactors(world.rules, user.id, operator),
      { kind: "reset" },
      "a mail can set a password",
    );

    await rowsOf.passkey(db, user.id);
    await db
      .updateTable("users")
      .set({ email: null, email_canonical: null, email_verified_at: null })
      .where("id", "=", user.id)
      .execute();
    const events = await eventsOf(world);
    assert.deepEqual(await resetFactors(world.rules, user.id, operator), {
      kind: "last_credential",
    });
    assert.equal(await countRows(world, "passkeys"), 1);
    assert.deepEqual(await eventsOf(world), events);
  },
);
