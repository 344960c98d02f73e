import { held } from "../../../test/steps.ts";
import { transact } from "../../platform/db/transact.ts";
import assert from "node:assert/strict";
import { rowsOf } from "../../../test/factors.ts";
import { eachWorld, type TestUser, type World } from "../../../test/world.ts";
import { disable } from "../users/users.store.ts";
import { reportOn, type Report, type ReportQuery } from "./report.ts";

async function report(
  world: World,
  query: Partial<ReportQuery> = {},
  emailCodes = true,
): Promise<Report> {
  const outcome = await reportOn({ ...world.rules, emailCodes }, { limit: 50, ...query });
  assert.ok(outcome.kind === "report");
  return outcome;
}

const idsOf = (users: readonly { readonly id: string }[]): readonly string[] =>
  users.map(({ id }) => id);

async function members(world: World, count: number): Promise<readonly TestUser[]> {
  const made: TestUser[] = [];
  for (let n = 0; n < count; n += 1) made.push(await world.user());
  return made;
}

eachWorld(
  "the report counts every factor that stands alone, and nothing that was only begun or is kept for the day it is lost",
  async (world) => {
    const { db } = world.rules;
    const names = [
      "bare",
      "begun",
      "codes",
      "totp",
      "passkey",
      "email",
      "unverified",
      "disabled",
    ] as const;
    const people = new Map<string, TestUser>();
    for (const name of names) people.set(name, await world.user({ email: `${name}@example.com` }));
    const idOf = (name: (typeof names)[number]): string =>
      people.get(name)?.id ?? assert.fail(name);
    await rowsOf.begun(db, idOf("begun"));
    await rowsOf.recoveryCode(db, idOf("codes"));
    await rowsOf.totp(db, idOf("totp"));
    await rowsOf.totp(db, idOf("totp"));
    await rowsOf.recoveryCode(db, idOf("totp"));
    await rowsOf.passkey(db, idOf("passkey"));
    await rowsOf.recoveryCode(db, idOf("passkey"), 1);
    await rowsOf.email(db, idOf("email"));
    await rowsOf.email(db, idOf("unverified"));
    await db
      .updateTable("users")
      .set({ email_verified_at: null })
      .where("id", "=", idOf("unverified"))
      .execute();
    await transact({ db }, async (tx) =>
      disable(tx, await held(tx, idOf("disabled")), world.clock.now()),
    );

    const all = await report(world, { policy: "required" });
    assert.deepEqual(
      [all.policy, all.concerned, all.without, all.withoutRecoveryCodes],
      ["required", 7, 4, 2],
    );
    assert.deepEqual(idsOf(all.users), [
      idOf("bare"),
      idOf("begun"),
      idOf("codes"),
      idOf("unverified"),
    ]);

    const withoutMail = await report(world, { policy: "required" }, false);
    assert.deepEqual(
      [withoutMail.concerned, withoutMail.without, withoutMail.withoutRecoveryCodes],
      [7, 5, 1],
    );
    assert.deepEqual(idsOf(withoutMail.users), [
      idOf("bare"),
      idOf("begun"),
      idOf("codes"),
      idOf("email"),
      idOf("unverified"),
    ]);
  },
);

eachWorld("the policy superusers concerns superusers alone", async (world) => {
  await world.user();
  const without = await world.user({ superuser: true });
  const withOne = await world.user({ superuser: true });
  await rowsOf.totp(world.rules.db, withOne.id);
  const {
    concerned,
    without: count,
    withoutRecoveryCodes,
    users,
  } = await report(world, { policy: "superusers" });
  assert.deepEqual([concerned, count, withoutRecoveryCodes, idsOf(users)], [2, 1, 1, [without.id]]);
});

eachWorld(
  "the policy in force is reported on unless another is asked for, and one that demands nothing concerns no user",
  async (world) => {
    await world.user({ superuser: true });
    const { policy, concerned, without, users } = await report(world);
    assert.deepEqual([policy, concerned, without, users], ["optional", 0, 0, []]);
  },
);

eachWorld(
  "the pages show everybody once, longest here first, and a cursor is good for its own policy only",
  async (world) => {
    const people = await members(world, 5);
    const seen: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page: Report = await report(world, {
        policy: "required",
        limit: 2,
        ...(cursor !== undefined && { cursor }),
      });
      assert.equal(page.without, people.length);
      seen.push(...idsOf(page.users));
      const foreign = page.nextCursor ?? "x";
      assert.equal(
        (
          await reportOn(
            { ...world.rules, emailCodes: true },
            { policy: "superusers", limit: 2, cursor: foreign },
          )
        ).kind,
        "invalid_cursor",
      );
      cursor = page.nextCursor;
    }
    assert.deepEqual(seen, idsOf(people));
  },
);

eachWorld("the report asks the database as often for sixty users as for three", async (world) => {
  const counted = async (): Promise<number> => {
    const before = world.queries();
    await report(world, { policy: "required", limit: 1000 });
    return world.queries() - before;
  };
  for (const { id } of await members(world, 3)) await rowsOf.totp(world.rules.db, id);
  const few = await counted();
  await members(world, 60);
  assert.equal(await counted(), few);
});
