import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { sql } from "kysely";
import { generateSync } from "otplib";
import { databaseFile, readConfig } from "../../src/process/config.ts";
import { openDatabase, type OpenDatabase, type OpenOptions } from "../../src/platform/db/open.ts";
import { eachDatabase, withSqlite } from "../../src/platform/db/testing.ts";
import { systemClock } from "../../src/platform/kernel/clock.ts";
import { silentLog } from "../../src/platform/kernel/log.ts";
import { systemRandom } from "../../src/platform/kernel/random.ts";
import type { SessionTokens } from "../../src/accounts/users/ports.ts";
import { startServer, type ServerProcess } from "../process.ts";
import type { Challenge } from "../second-factor.ts";

/**
 * The secrets that must not appear anywhere else, under the names by which a failure reports them.
 */
interface Canaries {
  readonly passwords: Map<string, string>;
  readonly tokens: Map<string, string>;
  readonly codes: Map<string, string>;
  readonly addresses: Map<string, string>;
}

/** Everything that leaves the server or stays behind, as the test saw it. */
interface Sinks {
  readonly log: string;
  readonly audit: string;
  readonly metrics: string;
  readonly problems: string;
  readonly answers: string;
  readonly mails: string;
  readonly tables: string;
  /**
   * The bytes of the embedded database after the server has stopped, and of all its files while it
   * ran.
   */
  readonly file: string;
  readonly journal: string;
}

/** A code in the plain text of a mail stands on a line of its own. */
const SHORT_CODE = /^ {4}(\d{8})\r?$/m;
const LONG_CODE = /^ {4}https?:\S+#([\w-]{43})\r?$/m;
const METRICS_TOKEN = "canary-metrics-5f0d7c2a91";

eachDatabase(
  "PW-13, AU-03, AD-09, MF-09 a whole journey leaves no password, second factor, token, code or address in log, audit, metrics or refusals",
  async (database) => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-canary-"));
    try {
      const settings = {
        PORTCULLIS_DATA_DIR: folder,
        PORTCULLIS_MAIL: `dir:${join(folder, "mail")}`,
        PORTCULLIS_REFRESH_GRACE: "0",
        PORTCULLIS_REMEMBER_DEVICE: "30d",
        PORTCULLIS_METRICS_TOKEN: METRICS_TOKEN,
        PORTCULLIS_LOG: "debug",
        PORTCULLIS_SECRET: systemRandom.bytes(48).toString("base64"),
        ...(database.options.url !== undefined && {
          PORTCULLIS_DATABASE_URL: database.options.url,
        }),
      };
      const stored =
        database.dialect === "sqlite"
          ? { file: databaseFile(readConfig(settings)), log: silentLog }
          : database.options;
      const canaries: Canaries = {
        passwords: new Map(),
        tokens: new Map([["metrics token", METRICS_TOKEN]]),
        codes: new Map(),
        addresses: new Map(),
      };
      const sinks = await journey(settings, stored, canaries);

      assertAwake(sinks, canaries);
      const all = [
        ...canaries.passwords,
        ...canaries.tokens,
        ...canaries.codes,
        ...canaries.addresses,
      ];
      for (const sink of ["log", "audit", "metrics", "problems"] as const)
        assertNone(sink, sinks[sink], all);
      assertNone("mails", sinks.mails, [
        ...canaries.passwords,
        ...[...canaries.tokens].filter(([name]) => !isMailed(name)),
      ]);
      assertNone("tables", sinks.tables, [
        ...canaries.passwords,
        ...canaries.tokens,
        ...canaries.codes,
      ]);
      assertNone("database file", sinks.file, [
        ...canaries.passwords,
        ...canaries.tokens,
        ...canaries.codes,
      ]);
      // The write-ahead log holds mailed secrets until it is overwritten.
      assertNone("write-ahead log", sinks.journal, [
        ...canaries.passwords,
        ...[...canaries.tokens].filter(([name]) => !isMailed(name)),
      ]);
      assert.doesNotMatch(
        sinks.answers + sinks.log,
        /\$argon2|password_?sealed|privateSealed|code_?mac|"d":/i,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test("PV-01 deleted data is overwritten in the file of the embedded database", async () => {
  await withSqlite(async ({ db, options }) => {
    const row = {
      id: "mail",
      recipient: "anna@example.com",
      template: "t",
      data: "canary ".repeat(20),
      created_at: 1,
      next_attempt_at: 1,
      attempts: 0,
    };
    await db
      .insertInto("outbox")
      .values([row, { ...row, id: "other" }])
      .execute();
    await sql`pragma wal_checkpoint(truncate)`.execute(db);
    assert.ok(bytesOf(options).includes("canary"));
    await db.updateTable("outbox").set({ data: "{}" }).where("id", "=", "mail").execute();
    await db.deleteFrom("outbox").where("id", "=", "other").execute();
    await sql`pragma wal_checkpoint(truncate)`.execute(db);
    assert.ok(!bytesOf(options).includes("canary"));
  });
});

/**
 * Checks that every sink received something and every canary was used. Otherwise the test would
 * prove nothing.
 */
function assertAwake(sinks: Sinks, canaries: Canaries): void {
  for (const event of [
    "http.request",
    "http.fault",
    "mail.sent",
    "mail.directory_unavailable",
    "server.ready",
  ])
    assert.match(sinks.log, new RegExp(`"event":"${event}"`));
  for (const event of [
    "user.confirmed",
    "session.refresh_reused",
    "sign_in.failed",
    "password.reset",
    "password.changed",
    "user.disabled",
    "factor.added",
    "recovery_code.used",
    "device.remembered",
  ])
    assert.match(sinks.audit, new RegExp(event));
  assert.match(sinks.metrics, /portcullis_http_requests_total\{/);
  for (const code of [
    "malformed_json",
    "invalid_credentials",
    "invalid_code",
    "session_ended",
    "internal",
    "unacceptable_password",
  ])
    assert.match(sinks.problems, new RegExp(code));
  for (const code of canaries.codes.values()) assert.ok(sinks.mails.includes(code));
  for (const address of canaries.addresses.values()) assert.match(address, /@example\.com$/);
  assert.ok(
    canaries.passwords.size >= 8 &&
      canaries.tokens.size >= 12 &&
      canaries.codes.size >= 3 &&
      canaries.addresses.size >= 4,
  );
}

function assertNone(
  sink: string,
  text: string,
  canaries: Iterable<readonly [string, string]>,
): void {
  const found = [...canaries]
    .filter(([, canary]) => forms(canary).some((form) => text.includes(form)))
    .map(([name]) => name);
  assert.deepEqual(found, [], `${sink} holds: ${found.join(", ")}`);
}

const isMailed = (name: string): boolean => name.startsWith("reset");

/** Returns a canary as it is and as URLs, JSON, base64 and hexadecimal would spell it. */
function forms(canary: string): readonly string[] {
  const bytes = Buffer.from(canary);
  return [
    canary,
    encodeURIComponent(canary),
    JSON.stringify(canary).slice(1, -1),
    bytes.toString("base64url").slice(0, -2),
    bytes.toString("hex"),
  ];
}

async function journey(
  settings: Readonly<Record<string, string>>,
  stored: OpenOptions,
  canaries: Canaries,
): Promise<Sinks> {
  const mailFolder = settings["PORTCULLIS_MAIL"]?.slice("dir:".length) ?? "";
  const server = await startServer(settings);
  const caller = new Caller(server);
  const answersOf = async <Body>(
    method: string,
    path: string,
    status: number,
    asked: Asked = {},
  ): Promise<Body> => {
    const answered = await caller.ask(method, path, asked);
    assert.equal(answered.status, status, `${method} ${path}: ${answered.text}`);
    return (answered.text === "" ? undefined : JSON.parse(answered.text)) as Body;
  };
  const password = (name: string): string =>
    planted(canaries.passwords, name, `canary password ${systemRandom.bytes(6).toString("hex")}`);
  const address = (name: string): string =>
    planted(
      canaries.addresses,
      name,
      `canary.${name}.${systemRandom.bytes(4).toString("hex")}@example.com`,
    );
  const token = (name: string, value: string): string => planted(canaries.tokens, name, value);
  const keep = (
    name: string,
    tokens: SessionTokens & { readonly deviceToken?: string },
  ): SessionTokens => {
    token(`access ${name}`, tokens.accessToken);
    token(`refresh ${name}`, tokens.refreshToken);
    if (tokens.deviceToken !== undefined) token(`device ${name}`, tokens.deviceToken);
    return tokens;
  };
  const signIn = async (name: string, identifier: string, secret: string): Promise<SessionTokens> =>
    keep(
      name,
      await answersOf<SessionTokens>("POST", "/v1/sessions", 201, {
        body: { identifier, password: secret },
      }),
    );
  const mailed = async (count: number): Promise<string> => {
    await until(() => mailsIn(mailFolder).length >= count);
    assert.equal(mailsIn(mailFolder).length, count);
    return mailsIn(mailFolder).at(-1) ?? "";
  };
  const codeIn = (name: string, mail: string): string =>
    planted(canaries.codes, name, SHORT_CODE.exec(mail)?.[1] ?? "");

  try {
    // ── an operator, with the link the server prints
    const operator = { email: address("operator"), password: password("operator") };
    await until(() => server.said.stdout.includes("Setup"));
    const setupToken = token("setup", /\/setup#(\S+)/.exec(server.said.stdout)?.[1] ?? "");
    await answersOf("POST", "/v1/setup", 403, {
      body: { ...operator, setupToken: `${setupToken}x` },
    });
    await answersOf("POST", "/v1/setup", 201, { body: { ...operator, setupToken } });

    // ── the second factor that the policy asks of them, a wrong code, one kept for the day it is
    // lost, a device that is remembered
    const secondStep = async (
      name: string,
    ): Promise<{ readonly path: string; readonly challengeSecret: string }> => {
      const body = { identifier: operator.email, password: operator.password };
      const { challengeId, challengeSecret } = await answersOf<Challenge>(
        "POST",
        "/v1/sessions",
        202,
        { body },
      );
      return {
        path: `/v1/challenges/${challengeId}`,
        challengeSecret: token(`challenge secret ${name}`, challengeSecret),
      };
    };
    const { path: enrolling, challengeSecret } = await secondStep("enrolling");
    const begun = { body: { challengeSecret, factor: "totp" } };
    const { secret } = await answersOf<{ readonly secret: string }>(
      "POST",
      `${enrolling}/enrol`,
      200,
      begun,
    );
    token("authenticator secret", secret);
    const proof = { factor: "totp", code: generateSync({ secret, epoch: systemClock.now() }) };
    const enrolled = keep(
      "operator",
      await answersOf("POST", enrolling, 201, { body: { challengeSecret, ...proof } }),
    );
    await mailed(1);
    const made = { token: enrolled.accessToken };
    const { recoveryCodes } = await answersOf<{ recoveryCodes: readonly string[] }>(
      "POST",
      "/v1/me/factors/recovery-codes",
      201,
      made,
    );
    for (const [index, one] of recoveryCodes.entries()) {
      token(`recovery code ${index}`, one);
      token(`recovery code ${index} without its hyphen`, one.replace("-", ""));
    }
    await mailed(2);
    const again = await secondStep("again");
    const wrong = { challengeSecret: again.challengeSecret, factor: "totp", code: proof.code };
    await answersOf("POST", again.path, 422, { body: wrong });
    await mailed(3);
    const kept = {
      challengeSecret: again.challengeSecret,
      factor: "recovery_codes",
      code: recoveryCodes[0],
      rememberDevice: true,
    };
    const remembered = await answersOf<SessionTokens & { readonly rememberToken: string }>(
      "POST",
      again.path,
      201,
      { body: kept },
    );
    token("remember", remembered.rememberToken);
    const superuser = keep("operator again", remembered).accessToken;
    await mailed(4);

    // ── registration
    const anna = { email: address("anna"), password: password("anna") };
    await answersOf("POST", "/v1/users", 422, { body: { ...anna, password: anna.email } });
    await answersOf("POST", "/v1/users", 422, { body: { ...anna, email: `${anna.email} ` } });
    const pending = await answersOf<{ registrationId: string; clientSecret: string }>(
      "POST",
      "/v1/users",
      202,
      { body: anna },
    );
    token("client secret", pending.clientSecret);
    const code = codeIn("registration", await mailed(5));
    const { registrationId, clientSecret } = pending;
    await answersOf("POST", "/v1/users/confirm", 422, {
      body: { registrationId, clientSecret, code: code === "00000000" ? "00000001" : "00000000" },
    });
    const account = await answersOf<{ id: string }>("POST", "/v1/users/confirm", 201, {
      body: { registrationId, clientSecret, code },
    });
    await answersOf("POST", "/v1/users", 202, {
      body: { ...anna, password: password("pre-hijacker") },
    });
    await mailed(6);

    // ── signing in, refreshing, a theft
    await answersOf("POST", "/v1/sessions", 401, {
      body: { identifier: anna.email, password: password("wrong") },
    });
    await answersOf("POST", "/v1/sessions", 401, {
      body: { identifier: address("stranger"), password: password("stranger") },
    });
    const first = await signIn("first", anna.email.toUpperCase(), anna.password);
    const refreshed = keep(
      "refreshed",
      await answersOf("POST", "/v1/sessions/refresh", 200, {
        body: { refreshToken: first.refreshToken, attemptId: "canary-attempt-2c41" },
      }),
    );
    await answersOf("GET", "/v1/me", 200, { token: refreshed.accessToken });
    await answersOf("POST", "/v1/sessions/refresh", 401, {
      body: { refreshToken: first.refreshToken },
    });
    await answersOf("GET", "/v1/me", 401, { token: refreshed.accessToken });
    await mailed(7);
    await answersOf("POST", "/v1/sessions/refresh", 401, {
      body: { refreshToken: token("forged", `${first.refreshToken.slice(0, -8)}AAAAAAAA`) },
    });
    const device = [...canaries.tokens].find(([name]) => name === "device first")?.[1] ?? "";
    await answersOf("POST", "/v1/sessions", 401, {
      body: {
        identifier: anna.email,
        password: password("wrong on a known device"),
        deviceToken: device,
      },
    });

    // ── secrets that clients put in the wrong place
    const second = await signIn("second", anna.email, anna.password);
    await mailed(8);
    await answersOf("GET", `/v1/me?access_token=${second.accessToken}`, 401);
    await answersOf(
      "GET",
      `/v1/me/${anna.email}?password=${encodeURIComponent(anna.password)}`,
      404,
    );
    await answersOf("GET", "/v1/me", 401, {
      headers: {
        authorization: `Basic ${Buffer.from(`${anna.email}:${anna.password}`).toString("base64")}`,
      },
    });
    await answersOf("GET", "/v1/me", 401, {
      headers: { authorization: `Bearer ${anna.password}`, cookie: `token=${second.accessToken}` },
    });
    await answersOf("POST", "/v1/sessions", 400, {
      raw: `{"identifier":"${anna.email}","password":"${anna.password}",}`,
    });
    await answersOf("POST", "/v1/sessions", 422, {
      body: { identifier: anna.email, password: anna.password, email: anna.email },
    });
    await answersOf("POST", "/v1/sessions/refresh", 422, {
      body: { refreshToken: [second.refreshToken] },
    });
    await answersOf("POST", "/v1/sessions", 415, {
      raw: `identifier=${anna.email}&password=${anna.password}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });

    // ── a forgotten password
    const reset = await answersOf<{ resetId: string }>("POST", "/v1/password-resets", 202, {
      body: { email: anna.email },
    });
    await answersOf("POST", "/v1/password-resets", 202, { body: { email: address("nobody") } });
    const resetMail = await mailed(9);
    const resetCode = codeIn("reset", resetMail);
    const resetToken = token("reset token", LONG_CODE.exec(resetMail)?.[1] ?? "");
    const [chosen, tooClose] = [
      password("chosen at reset"),
      planted(canaries.passwords, "too close", anna.email.split("@")[0] ?? ""),
    ];
    canaries.passwords.delete("too close");
    await answersOf("POST", "/v1/password-resets/confirm", 422, {
      body: { resetId: reset.resetId, code: resetCode, newPassword: tooClose },
    });
    await answersOf("POST", "/v1/password-resets/confirm", 422, {
      body: { token: `${resetToken.slice(0, -1)}~`, newPassword: chosen },
    });
    await answersOf("POST", "/v1/password-resets/confirm", 204, {
      body: { token: resetToken, newPassword: chosen },
    });

    // ── the own account
    const third = await signIn("third", anna.email, chosen);
    await mailed(11);
    const last = password("last");
    await answersOf("POST", "/v1/me/password", 422, {
      token: third.accessToken,
      body: { currentPassword: password("not the current one"), newPassword: last },
    });
    const changed = keep(
      "changed",
      await answersOf("POST", "/v1/me/password", 200, {
        token: third.accessToken,
        body: { currentPassword: chosen, newPassword: last },
      }),
    );
    await mailed(12);
    await answersOf("PATCH", "/v1/me", 200, {
      token: changed.accessToken,
      body: { profile: { displayName: "Anna" } },
    });
    await answersOf("GET", "/v1/sessions", 200, { token: changed.accessToken });
    await answersOf("POST", "/v1/sessions/logout", 204, {
      body: { refreshToken: changed.refreshToken },
    });

    // ── administration
    const asked = { token: superuser };
    await answersOf("GET", `/v1/admin/users?search=${encodeURIComponent(anna.email)}`, 200, asked);
    await answersOf(
      "GET",
      `/v1/admin/users?cursor=${encodeURIComponent(anna.password)}`,
      422,
      asked,
    );
    await answersOf("GET", `/v1/admin/users/${account.id}`, 200, asked);
    await answersOf("GET", `/v1/admin/users/${account.id}/sessions`, 200, asked);
    await answersOf("POST", `/v1/admin/users/${account.id}/password-reset`, 202, asked);
    const adminMail = await mailed(13);
    codeIn("reset by an operator", adminMail);
    token("reset token by an operator", LONG_CODE.exec(adminMail)?.[1] ?? "");
    await answersOf("POST", `/v1/admin/users/${account.id}/disable`, 204, asked);
    await answersOf("POST", "/v1/sessions", 401, {
      body: { identifier: anna.email, password: last },
    });
    for (const path of ["audit", "keys", "revocations", "figures"])
      await answersOf("GET", `/v1/admin/${path}`, 200, asked);

    // ── mail that cannot leave, storage that refuses a row
    const mails = mailsIn(mailFolder).join("\n");
    renameSync(mailFolder, `${mailFolder}-away`);
    await answersOf("POST", "/v1/password-resets", 202, { body: { email: operator.email } });
    await until(() => server.said.stderr.includes("mail.directory_unavailable"));
    await withDatabase(stored, refuseRegistrations);
    const unlucky = { email: address("unlucky"), password: password("unlucky") };
    await answersOf("POST", "/v1/users", 500, { body: unlucky });

    const metrics = await caller.ask("GET", "/metrics", { token: METRICS_TOKEN });
    assert.equal(metrics.status, 200);
    const running = bytesOf(stored);
    const { tables, audit } = await withDatabase(stored, dump);
    await server.stop();
    return {
      log: server.said.stderr,
      audit,
      metrics: metrics.text,
      problems: caller.problems.join("\n"),
      answers: caller.answers.join("\n"),
      mails,
      tables,
      file: bytesOf(stored),
      journal: running,
    };
  } finally {
    await server.kill();
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let patience = 400; patience > 0 && !condition(); patience -= 1) await systemClock.sleep(25);
  assert.ok(condition());
}

function planted(kind: Map<string, string>, name: string, canary: string): string {
  assert.ok(canary.length >= 8, `no canary for ${name}`);
  kind.set(name, canary);
  return canary;
}

interface Asked {
  readonly token?: string;
  readonly body?: unknown;
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

class Caller {
  readonly problems: string[] = [];
  readonly answers: string[] = [];
  readonly #server: ServerProcess;

  constructor(server: ServerProcess) {
    this.#server = server;
  }

  async ask(
    method: string,
    path: string,
    { token, body, raw, headers = {} }: Asked,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(this.#server.url + path, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(sent !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(sent !== undefined && { body: sent }),
    });
    const text = await response.text();
    const head = JSON.stringify([...response.headers]);
    (response.status >= 400 ? this.problems : this.answers).push(head, text);
    return { status: response.status, text };
  }
}

/** Reads whole mails, oldest first, with folded lines and encoded characters undone. */
function mailsIn(folder: string): readonly string[] {
  const files = readdirSync(folder).filter((name) => !name.startsWith("."));
  return files.toSorted().map((name) => readable(readFileSync(join(folder, name), "utf8")));
}

function readable(mail: string): string {
  return mail
    .replaceAll(/=\r?\n/g, "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

function bytesOf({ url, file }: OpenOptions): string {
  if (url !== undefined) return "";
  const parts = readdirSync(dirname(file)).filter((name) => name.startsWith(basename(file)));
  return parts.map((name) => readFileSync(join(dirname(file), name), "latin1")).join("\n");
}

async function withDatabase<Result>(
  options: OpenOptions,
  use: (database: OpenDatabase) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase(options);
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}

/** Makes the database refuse every registration. PostgreSQL's error quotes the whole row. */
async function refuseRegistrations({ db, dialect }: OpenDatabase): Promise<void> {
  if (dialect === "postgres")
    await sql`alter table registrations add constraint refused check (tries_left > 100) not valid`.execute(
      db,
    );
  else
    await sql`create trigger refused before insert on registrations begin select raise(abort, 'refused'); end`.execute(
      db,
    );
}

async function dump({
  db,
}: OpenDatabase): Promise<{ readonly tables: string; readonly audit: string }> {
  const rows = async (table: string): Promise<string> =>
    JSON.stringify((await sql`select * from ${sql.table(table)}`.execute(db)).rows, bytesAsText);
  const names = (await db.introspection.getTables()).map(({ name }) => name);
  return {
    tables: (await Promise.all(names.map(rows))).join("\n"),
    audit: await rows("audit_events"),
  };
}

function bytesAsText(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value;
}
