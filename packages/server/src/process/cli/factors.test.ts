import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { eachDatabase } from "../../platform/db/testing.ts";
import {
  begin,
  deploymentOn,
  done,
  freshDeployment,
  makeSuperuser,
  portcullis,
  signIn,
  statusOf,
  withServer,
} from "./testing.ts";

eachDatabase(
  "users reset-factors reports success only after a running server refuses the user's tokens",
  async (database) => {
    const environment = deploymentOn(database);
    const password = await makeSuperuser(environment);
    await withServer(environment, async (server) => {
      const tokens = await signIn(server, password);
      assert.equal(await statusOf(server, tokens), 200);

      const command = begin(environment, "users", "reset-factors", "ADMIN@example.com", "--yes");
      const ended = once(command, "exit");
      await Promise.race([once(command.stdout, "data"), ended]);
      assert.equal(await statusOf(server, tokens), 401);
      assert.deepEqual(await ended, [0, null]);
    });
  },
);

test("users reset-factors asks first, and reports an unknown user", async () => {
  const environment = freshDeployment();
  await makeSuperuser(environment);
  const unasked = await portcullis(environment, "users", "reset-factors", "admin@example.com");
  assert.deepEqual([unasked.code, unasked.stdout], [1, ""]);
  assert.match(
    unasked.stderr,
    /^portcullis: Remove every second factor of admin@example\.com, id \S+\? Add --yes to agree\.$/m,
  );
  const unknown = await portcullis(
    environment,
    "users",
    "reset-factors",
    "nobody@example.com",
    "--yes",
  );
  assert.deepEqual([unknown.code, unknown.stdout], [1, ""]);
  assert.match(unknown.stderr, /There is no user nobody@example\.com/);
});

eachDatabase(
  "users mfa-report lists the users that a policy would affect, and says how to switch it on",
  async (database) => {
    const environment = { ...deploymentOn(database), PORTCULLIS_MFA_POLICY: "superusers" };
    await makeSuperuser(environment);
    const inForce = await done(environment, "users", "mfa-report");
    assert.match(
      inForce,
      /^ID +EMAIL +USERNAME +SUPERUSER +LAST LOGIN\n\S+ +admin@example\.com +- +yes +-\n/,
    );
    assert.match(
      inForce,
      /^1 of 1 active superusers have no second factor: PORTCULLIS_MFA_POLICY=superusers makes them set one up/m,
    );

    const everybody = await done(environment, "users", "mfa-report", "--policy", "required");
    assert.match(
      everybody,
      /^1 of 1 active users have no second factor: PORTCULLIS_MFA_POLICY=required /m,
    );
    const [line = "", ...others] = (await done(environment, "users", "mfa-report", "--json"))
      .trim()
      .split("\n");
    const { id, ...user }: Readonly<Record<string, unknown>> = JSON.parse(line);
    assert.equal(typeof id, "string");
    assert.deepEqual(
      [user, others],
      [{ email: "admin@example.com", username: null, superuser: true, lastLoginAt: null }, []],
    );
  },
);

test("users mfa-report says so if the policy demands nothing", async () => {
  const environment = freshDeployment();
  await makeSuperuser(environment);
  const said = await done(environment, "users", "mfa-report");
  assert.equal(
    said,
    "The policy in force, optional, demands no second factor: ask with --policy superusers or --policy required.\n",
  );
});
