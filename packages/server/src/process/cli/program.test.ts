import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { reference } from "./reference.ts";
import {
  done,
  folder,
  freshDeployment,
  portcullis,
  portcullisAlone,
  portcullisAloneReading,
  SECRET,
} from "./testing.ts";

test("a wrong call ends with exit code 2, and a call for help with 0", async () => {
  const [unknown, missing, option, help] = await Promise.all([
    portcullisAlone({}, "unlock"),
    portcullisAlone({}, "users", "show"),
    portcullisAlone({}, "users", "list", "--limit", "0"),
    portcullisAlone({}, "users", "--help"),
  ]);
  assert.deepEqual([unknown.code, missing.code, option.code, help.code], [2, 2, 2, 0]);
  assert.match(unknown.stderr, /unknown command 'unlock'/);
  assert.match(help.stdout, /logout/);
});

test("a command reads standard input, prints on standard output and complains on standard error", async () => {
  const environment = freshDeployment();
  const create = async (password: string) =>
    portcullisAloneReading(
      `${password}\n`,
      environment,
      "createsuperuser",
      "--email",
      "admin@example.com",
      "--password-stdin",
    );
  assert.deepEqual(await create("short"), {
    code: 1,
    stdout: "",
    stderr: "portcullis: The password is too short: choose a longer one.\n",
  });
  assert.deepEqual(await create("seven quiet herons"), {
    code: 0,
    stdout: "The superuser admin@example.com has been created.\n",
    stderr: "",
  });
});

test("a wrong setting ends with exit code 1 and one sentence that names it", async () => {
  const { code, stdout, stderr } = await portcullisAlone(
    { ...freshDeployment(), PORTCULLIS_ACCESS_TTL: "2h" },
    "serve",
  );
  assert.deepEqual(
    [code, stdout, stderr],
    [
      1,
      "",
      "portcullis: PORTCULLIS_ACCESS_TTL must be a duration from 30s to 1h, such as 30s, 10m, 12h or 14d.\n",
    ],
  );
});

test("a port in use is reported before anything is opened", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? String(address.port) : "";
  const { code, stderr } = await portcullis(
    { ...freshDeployment(), PORTCULLIS_PORT: port },
    "serve",
  );
  other.close();
  assert.deepEqual(
    [code, stderr],
    [
      1,
      `portcullis: Port ${port} of 127.0.0.1 is in use: set PORTCULLIS_PORT to a free one, or to 0 to have one picked.\n`,
    ],
  );
});

test("config shows the settings in effect, from file and environment, and no secret", async () => {
  const file = join(folder(), "portcullis.json");
  writeFileSync(
    file,
    JSON.stringify({
      port: 9000,
      serviceName: "From the file",
      databaseUrl: "postgres://u:hidden@127.0.0.1/db",
    }),
  );
  const printed = await done(
    { PORTCULLIS_PORT: "9001", PORTCULLIS_SECRET: SECRET },
    "config",
    "--config",
    file,
  );
  assert.match(printed, /^PORTCULLIS_PORT +9001$/m);
  assert.match(printed, /^PORTCULLIS_SERVICE_NAME +From the file$/m);
  assert.match(printed, /^PORTCULLIS_SECRET +\[secret\]$/m);
  assert.ok(!printed.includes("hidden") && !printed.includes(SECRET));
});

test("docs/configuration.md is what config --reference prints", async () => {
  const document = readFileSync(
    fileURLToPath(new URL("../../../../../docs/configuration.md", import.meta.url)),
    "utf8",
  );
  assert.equal(
    document,
    reference(),
    "run `portcullis config --reference > docs/configuration.md`",
  );
  assert.equal(await done({ PORTCULLIS_MODE: "nonsense" }, "config", "--reference"), reference());
});

test("a command that needs a database does not create one", async () => {
  const environment = freshDeployment();
  const { code, stderr } = await portcullis(environment, "users", "list");
  assert.equal(code, 1);
  assert.match(stderr, /^portcullis: There is no database .+ to where it is\.\n$/);
  assert.match(await done(environment, "doctor"), /^warn {2}database +there is none in/m);
});
