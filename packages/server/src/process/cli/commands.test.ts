import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eachDatabase } from "../../platform/db/testing.ts";
import {
  begin,
  deploymentOn,
  done,
  freshDeployment,
  makeSuperuser,
  portcullis,
  portcullisAlone,
  portcullisReading,
  signIn,
  statusOf,
  withServer,
} from "./testing.ts";

eachDatabase(
  "if makesuperuser runs twice at once, one call creates a superuser and prints the password, and later ones say that there is one",
  async (database) => {
    const environment = deploymentOn(database);
    const both = await Promise.all([
      portcullisAlone(environment, "makesuperuser", "--email", "one@example.com"),
      portcullisAlone(environment, "makesuperuser", "--email", "two@example.com"),
    ]);
    assert.deepEqual(
      both.map((one) => [one.code, one.stderr]),
      [
        [0, ""],
        [0, ""],
      ],
    );
    assert.equal(both.filter((one) => /^password: \S{20,}$/m.test(one.stdout)).length, 1);

    const again = await done(environment, "makesuperuser");
    assert.match(again, /There is a superuser already/);
    assert.doesNotMatch(again, /password/);
    const listed = await done(environment, "users", "list", "--status", "superuser", "--json");
    assert.equal(listed.trim().split("\n").length, 1);
  },
);

test("serve says when it is ready, introduces itself, and ends with exit code 0 on SIGTERM", async () => {
  const environment = {
    PORTCULLIS_DATA_DIR: freshDeployment()["PORTCULLIS_DATA_DIR"] ?? "",
    PORTCULLIS_PORT: "0",
  };
  await withServer(environment, async (server) => {
    assert.match(server.printed(), /^portcullis ready on http:\/\/localhost:\d+\n/);
    assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
    while (!server.printed().endsWith("\n\n"))
      await new Promise((resolve) => setTimeout(resolve, 10));
    for (const path of ["/docs", "/dev/mailbox"]) {
      assert.ok(server.printed().includes(`${server.url}${path}\n`), path);
      assert.equal((await fetch(`${server.url}${path}`)).status, 200, path);
    }
    const [, setupToken = ""] = /\/setup#(\S+)/.exec(server.printed()) ?? [];
    const body = JSON.stringify({
      setupToken,
      email: "anna@example.com",
      password: "gliding over quiet fjords",
    });
    const created = await fetch(`${server.url}/v1/setup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    assert.equal(created.status, 201);
  });
});

eachDatabase(
  "users logout reports success only after a running server refuses the user's tokens",
  async (database) => {
    const environment = deploymentOn(database);
    const password = await makeSuperuser(environment);
    await withServer(environment, async (server) => {
      const tokens = await signIn(server, password);
      assert.equal(await statusOf(server, tokens), 200);

      const command = begin(environment, "users", "logout", "ADMIN@example.com");
      const ended = once(command, "exit");
      await Promise.race([once(command.stdout, "data"), ended]);
      assert.equal(await statusOf(server, tokens), 401);
      assert.deepEqual(await ended, [0, null]);
    });

    const last = await portcullis(environment, "users", "disable", "admin@example.com");
    assert.equal(last.code, 1);
    assert.match(last.stderr, /is the last active superuser/);
  },
);

test("createsuperuser takes the password from standard input, refuses a bad one, and never asks with --no-input", async () => {
  const environment = freshDeployment();
  const create = ["createsuperuser", "--no-input", "--email", "anna@example.com"] as const;
  const created = await portcullisReading(
    "gliding over quiet fjords\n",
    environment,
    ...create,
    "--password-stdin",
  );
  assert.deepEqual(
    [created.code, created.stdout],
    [0, "The superuser anna@example.com has been created.\n"],
  );
  const common = await portcullisReading(
    "password123\n",
    environment,
    ...create,
    "--password-stdin",
  );
  assert.deepEqual(
    [common.code, common.stderr],
    [1, "portcullis: Many people use this password: choose another.\n"],
  );
  assert.equal((await portcullis(environment, ...create)).code, 2);
});

test("a removed key is replaced, and doctor finds a fault only after the secret was lost", async () => {
  const { PORTCULLIS_SECRET: _, ...environment } = freshDeployment();
  await makeSuperuser(environment);
  const [, kid = ""] = /^(\S+) +ES256 +active/m.exec(await done(environment, "keys", "list")) ?? [];
  assert.equal((await portcullis(environment, "keys", "remove", kid)).code, 1, "nobody agreed");
  await done(environment, "keys", "remove", kid, "--yes");
  const listed = await done(environment, "keys", "list");
  assert.ok(listed.includes(`${kid}  ES256      removed`));
  assert.match(listed, /^\S+ +ES256 +active/m);
  assert.doesNotMatch(await done(environment, "doctor"), /^(?:warn|FAIL)/m);

  const secret = join(environment["PORTCULLIS_DATA_DIR"] ?? "", "secret");
  rmSync(secret);
  const ill = await portcullis(environment, "doctor");
  assert.equal(ill.code, 1);
  assert.match(ill.stdout, /^FAIL {2}secret +.+is gone: put it back/m);
  assert.equal(existsSync(secret), false);
});
