import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { eachDatabase } from "../../platform/db/testing.ts";
import {
  deploymentOn,
  done,
  folder,
  freshDeployment,
  makeSuperuser,
  portcullis,
  send,
  withServer,
  type Environment,
} from "./testing.ts";

async function withSmtp(
  options: SMTPServerOptions,
  use: (environment: Environment) => Promise<void>,
): Promise<void> {
  const server = new SMTPServer({ authOptional: true, disabledCommands: ["STARTTLS"], ...options });
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  const { port } = server.server.address() as AddressInfo;
  try {
    await use({
      ...freshDeployment(),
      PORTCULLIS_MAIL: `smtp://127.0.0.1:${port}`,
      PORTCULLIS_MAIL_FROM: "accounts@example.com",
    });
  } finally {
    await new Promise((closed) => server.close(() => closed(undefined)));
  }
}

eachDatabase(
  "an operator lists mails, sends those again that were given up, and keeps the list of suppressed addresses",
  async (database) => {
    const directory = folder();
    const environment = { ...deploymentOn(database), PORTCULLIS_MAIL: `dir:${directory}` };
    await makeSuperuser(environment);
    assert.match(
      await done(environment, "mail", "suppressions", "add", "Admin@Example.com"),
      /^admin@example\.com gets no more mail\.$/m,
    );
    assert.match(
      await done(environment, "mail", "suppressions", "list"),
      /^admin@example\.com +operator +\d{4}-/m,
    );

    const failed = await withServer(environment, async (server) => {
      await send(`${server.url}/v1/password-resets`, "POST", { email: "admin@example.com" });
      let listed = "";
      while (listed === "")
        listed = await done(environment, "mail", "list", "--state", "failed", "--json");
      return JSON.parse(listed) as {
        readonly id: string;
        readonly recipient: string;
        readonly lastError: string;
      };
    });
    assert.deepEqual([failed.recipient, failed.lastError], ["admin@example.com", "suppressed"]);
    assert.deepEqual(mailsIn(directory), []);

    assert.match(
      await done(environment, "mail", "suppressions", "clear", "admin@example.com"),
      /gets mail again/,
    );
    assert.equal(
      (await portcullis(environment, "mail", "suppressions", "clear", "admin@example.com")).code,
      1,
    );
    assert.match(await done(environment, "mail", "send-again", failed.id), /waits to be sent/);
    const again = await portcullis(environment, "mail", "send-again", failed.id);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /was given up/);
    assert.match(
      await done(environment, "mail", "send-again", "--all-failed"),
      /^0 wait to be sent; 0 have expired\.$/m,
    );
    await withServer(environment, async () => {
      while (mailsIn(directory).length === 0)
        await new Promise((resolve) => setTimeout(resolve, 50));
    });
    assert.match(mailsIn(directory)[0] ?? "", /^To: admin@example\.com\r$/m);
    assert.match(
      await done(environment, "mail", "list"),
      /^\S+ +admin@example\.com +password_reset +sent /m,
    );
  },
);

test("mail send-again asks for the mails to send", async () => {
  const environment = freshDeployment();
  await makeSuperuser(environment);
  for (const args of [[], ["0190a0a0-0000-7000-8000-000000000000", "--all-failed"]]) {
    const { code, stderr } = await portcullis(environment, "mail", "send-again", ...args);
    assert.deepEqual([code, stderr], [1, "portcullis: Give the id of a mail, or --all-failed.\n"]);
  }
});

test("mail test sends a mail at once, without a database, and says that it was accepted", async () => {
  const received: string[] = [];
  const options: SMTPServerOptions = {
    onData: (stream, session, callback) => {
      received.push(...session.envelope.rcptTo.map(({ address }) => address));
      stream.resume().on("end", () => callback());
    },
  };
  await withSmtp(options, async (environment) => {
    const { code, stdout, stderr } = await portcullis(
      environment,
      "mail",
      "test",
      "anna@example.com",
    );
    assert.deepEqual(
      [code, stdout, stderr],
      [0, "The mail server has taken the mail to anna@example.com.\n", ""],
    );
  });
  assert.deepEqual(received, ["anna@example.com"]);

  const directory = folder();
  await done(
    { ...freshDeployment(), PORTCULLIS_MAIL: `dir:${directory}` },
    "mail",
    "test",
    "anna@example.com",
  );
  assert.equal(mailsIn(directory).length, 1);
});

test("mail test shows the mail server's refusal, with its code and our explanation, and ends with exit code 1", async () => {
  const refusing: SMTPServerOptions = {
    onRcptTo: ({ address }, _session, callback) =>
      callback(
        Object.assign(new Error(`5.1.1 no ${address} here, secret words`), { responseCode: 550 }),
      ),
  };
  await withSmtp(refusing, async (environment) => {
    const { code, stderr } = await portcullis(environment, "mail", "test", "anna@example.com");
    assert.deepEqual(
      [code, stderr],
      [
        1,
        "portcullis: The mail server permanently refuses mail to anna@example.com (550 5.1.1).\n",
      ],
    );
  });
  const busy: SMTPServerOptions = {
    onRcptTo: (_address, _session, callback) =>
      callback(Object.assign(new Error("later"), { responseCode: 451 })),
  };
  await withSmtp(busy, async (environment) => {
    const { code, stderr } = await portcullis(environment, "mail", "test", "anna@example.com");
    assert.deepEqual([code, /at the moment \(451\)/.test(stderr)], [1, true], stderr);
  });
  const strict: SMTPServerOptions = {
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (_auth, _session, callback) =>
      callback(Object.assign(new Error("no"), { responseCode: 535 })),
  };
  await withSmtp(strict, async (environment) => {
    const withPassword = {
      ...environment,
      PORTCULLIS_MAIL: (environment["PORTCULLIS_MAIL"] ?? "").replace("//", "//anna:hunter2@"),
    };
    const { code, stderr } = await portcullis(withPassword, "mail", "test", "anna@example.com");
    assert.deepEqual(
      [code, /does not let us in/.test(stderr), stderr.includes("hunter2")],
      [1, true, false],
      stderr,
    );
  });
  const nowhere = {
    ...freshDeployment(),
    PORTCULLIS_MAIL: "smtp://127.0.0.1:1",
    PORTCULLIS_MAIL_FROM: "accounts@example.com",
  };
  const away = await portcullis(nowhere, "mail", "test", "anna@example.com");
  assert.deepEqual(
    [away.code, /cannot be reached.*ECONNREFUSED/.test(away.stderr)],
    [1, true],
    away.stderr,
  );
  assert.match(
    (await portcullis(freshDeployment(), "mail", "test", "anna@example.com")).stderr,
    /PORTCULLIS_MAIL is mailbox:/,
  );
  assert.match(
    (await portcullis(nowhere, "mail", "test", "a@x.test, b@x.test")).stderr,
    /is not one plain e-mail address/,
  );
});

test("doctor reports mail settings that would keep a server from starting", async () => {
  const environment = { ...freshDeployment(), PORTCULLIS_MAIL_TEMPLATES: "/nowhere/templates" };
  const examined = await portcullis(environment, "doctor");
  assert.match(
    examined.stdout,
    /^FAIL {2}mail +PORTCULLIS_MAIL_TEMPLATES: \/nowhere\/templates cannot be read \(ENOENT\)/m,
  );
  assert.equal(examined.code, 1);
});

function mailsIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".eml") && !name.startsWith("."))
    .map((name) => readFileSync(join(directory, name), "utf8"));
}
