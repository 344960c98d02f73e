import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { databaseFile, readConfig } from "../../src/process/config.ts";
import { openDatabase } from "../../src/platform/db/open.ts";
import { onPostgres } from "../../src/platform/db/testing.ts";
import { systemClock } from "../../src/platform/kernel/clock.ts";
import { silentLog } from "../../src/platform/kernel/log.ts";
import { systemRandom } from "../../src/platform/kernel/random.ts";
import { mailFigures } from "../../src/records/mail/mail.ts";
import { size } from "../../../../tools/size.ts";
import { startServer, type ServerProcess } from "../process.ts";
import { startSmtpSink, type ReceivedMail, type SmtpSink } from "../smtp-sink.ts";

const ROUNDS = size({ small: 3, full: 50 });
/**
 * PostgreSQL has fewer rounds, because another process sends only after the dead one has been
 * silent for 15 s.
 */
const POSTGRES_ROUNDS = size({ small: 1, full: 10 });
const CLIENTS = 3;
/**
 * While so many mails wait to be sent, the clients pause, because sending is what this test is
 * about.
 */
const ENOUGH = 40;
const PASSWORD = "seven quiet herons";
/** Passwords are hashed in turn, so a busy machine may answer with this status. */
const BUSY = 503;
const PATIENCE_MILLISECONDS = 60_000;

test(`DU-06 no mail is lost in ${ROUNDS} rounds of kill -9 during sending, and at most one is repeated for each [sqlite]`, async (t) => {
  await inFolder(async (folder) => {
    const file = databaseFile(readConfig({ PORTCULLIS_DATA_DIR: folder }));
    await campaign(t, {
      settings: { PORTCULLIS_DATA_DIR: folder },
      rounds: ROUNDS,
      database: { file },
    });
  });
});

onPostgres(
  `DU-06 no mail is lost in ${POSTGRES_ROUNDS} rounds of kill -9 during sending, and at most one is repeated for each`,
  async ({ options }) => {
    const { url = "" } = options;
    await inFolder(async (folder) => {
      const settings = { PORTCULLIS_DATA_DIR: folder, PORTCULLIS_DATABASE_URL: url };
      await campaign(undefined, { settings, rounds: POSTGRES_ROUNDS, database: { url, file: "" } });
    });
  },
);

interface Campaign {
  readonly settings: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly database: { readonly url?: string; readonly file: string };
}

/** The knowledge of the clients and of the mail server. */
interface Ledger {
  /** The number of mails that each address was promised by answered requests. */
  readonly promised: Map<string, number>;
  /** Addresses with a request whose answer was lost, so that there may be one more mail. */
  readonly unsure: Set<string>;
  /** Registrations that are not used for anything else yet. */
  readonly pending: Pending[];
  readonly arrivals: Arrival[];
  /** The received mails, by address. */
  readonly mailsTo: Map<string, ReceivedMail[]>;
  round: number;
}

interface Pending {
  readonly email: string;
  readonly registrationId: string;
  readonly clientSecret: string;
}

interface Arrival {
  readonly mail: ReceivedMail;
  /** The round of the process that sent it. */
  readonly round: number;
}

async function campaign(
  t: TestContext | undefined,
  { settings, rounds, database }: Campaign,
): Promise<void> {
  const ledger: Ledger = {
    promised: new Map(),
    unsure: new Set(),
    pending: [],
    arrivals: [],
    mailsTo: new Map(),
    round: 0,
  };
  let onArrival = (): void => {};
  const sink = await startSmtpSink({
    judge: (mail) => {
      ledger.arrivals.push({ mail, round: ledger.round });
      ledger.mailsTo.set(mail.to, [...mailsTo(ledger, mail.to), mail]);
      onArrival();
      return undefined;
    },
  });
  const start = async (): Promise<ServerProcess> => {
    ledger.round += 1;
    return startServer({ ...settings, ...settingsFor(sink) });
  };
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const server = await start();
      await storm(server, ledger, (listener) => (onArrival = listener));
      assertNoErrors(server);
    }
    await drain(await start(), ledger, database);
  } finally {
    await sink.close();
  }
  assertNoneTooMany(ledger);
  const duplicates = assertFewDuplicates(ledger, rounds);
  const { queued, failed } = await figuresOf(database);
  assert.deepEqual({ queued, failed }, { queued: 0, failed: 0 });
  const promised = total(ledger);
  const report = {
    rounds,
    promised,
    arrivals: ledger.arrivals.length,
    duplicates,
    lostAnswers: ledger.unsure.size,
  };
  t?.diagnostic(JSON.stringify(report));
  assert.ok(promised >= rounds, `the storm was none: ${JSON.stringify(report)}`);
}

/**
 * Lets the last process send all mails that are left. They include mails that a dead process has
 * sent but not marked, and mails of requests whose answer was lost.
 */
async function drain(
  server: ServerProcess,
  ledger: Ledger,
  database: Campaign["database"],
): Promise<void> {
  try {
    await until(
      () => missing(ledger).length === 0,
      () => `lost: ${missing(ledger).length} of ${total(ledger)}, such as ${missing(ledger)[0]}`,
    );
    await until(
      async () => (await figuresOf(database)).queued === 0,
      () => "the outbox does not become empty",
    );
    await systemClock.sleep(500);
    await server.stop();
    assertNoErrors(server);
  } finally {
    await server.kill();
  }
}

function total({ promised }: Ledger): number {
  return [...promised.values()].reduce((sum, count) => sum + count, 0);
}

function settingsFor(sink: SmtpSink): Readonly<Record<string, string>> {
  return {
    PORTCULLIS_SECRET: "a master secret of the mail storm, 48 bytes long",
    PORTCULLIS_PUBLIC_URL: "https://accounts.example.com",
    PORTCULLIS_REGISTRATION: "confirm",
    PORTCULLIS_TRUSTED_PROXIES: "127.0.0.1",
    PORTCULLIS_LOG: "error",
    PORTCULLIS_MAIL: `smtp://127.0.0.1:${sink.port}`,
    PORTCULLIS_MAIL_FROM: "accounts@example.com",
    PORTCULLIS_MAIL_RATE: "1000",
  };
}

/**
 * Checks the log, which has one object per line. Other lines come from processes that hash
 * passwords and have lost their parent.
 */
function assertNoErrors({ said }: ServerProcess): void {
  assert.deepEqual(
    said.stderr.split("\n").filter((line) => line.startsWith("{")),
    [],
  );
}

// ── the storm

/**
 * Runs until the server dies, which happens before or after the answer to a mail or at any time.
 */
async function storm(
  server: ServerProcess,
  ledger: Ledger,
  onArrival: (listener: () => void) => void,
): Promise<void> {
  const cut = new AbortController();
  const death = Promise.withResolvers<void>();
  const die = (): void => {
    cut.abort();
    server.kill().then(death.resolve, death.reject);
  };
  let left = 1 + randomBelow(5);
  const delay = randomBelow(3) === 0 ? 0 : randomBelow(6);
  onArrival(() => {
    left -= 1;
    if (left !== 0) return;
    if (delay === 0) die();
    else void systemClock.sleep(delay - 1).then(die);
  });
  try {
    await Promise.all([
      death.promise,
      ...Array.from({ length: CLIENTS }, async () => client(server, ledger, cut.signal)),
    ]);
  } finally {
    onArrival(() => {});
    await server.kill();
  }
}

/** Runs until the first request without an answer. */
async function client(server: ServerProcess, ledger: Ledger, cut: AbortSignal): Promise<void> {
  for (let going = true; going && !cut.aborted;) {
    while (!cut.aborted && total(ledger) - ledger.arrivals.length > ENOUGH)
      await systemClock.sleep(20);
    if (cut.aborted) return;
    const pending = randomBelow(2) === 0 ? takeArrived(ledger) : undefined;
    going =
      pending === undefined
        ? await registering(server, ledger)
        : await resetting(server, ledger, pending);
  }
}

async function registering(server: ServerProcess, ledger: Ledger): Promise<boolean> {
  const email = `${systemRandom.bytes(8).toString("hex")}@example.com`;
  const answered = await ask(server, "/v1/users", { email, password: PASSWORD });
  if (answered === undefined) {
    ledger.unsure.add(email);
    return false;
  }
  if (answered.status === BUSY) return true;
  assert.equal(answered.status, 202, answered.text);
  promise(ledger, email);
  ledger.pending.push({ email, ...(JSON.parse(answered.text) as Omit<Pending, "email">) });
  return true;
}

/** Confirms a registration with the mailed code, and forgets the password. */
async function resetting(
  server: ServerProcess,
  ledger: Ledger,
  { email, registrationId, clientSecret }: Pending,
): Promise<boolean> {
  const confirmed = await ask(server, "/v1/users/confirm", {
    registrationId,
    clientSecret,
    code: codeTo(ledger, email),
  });
  if (confirmed === undefined) return false;
  assert.equal(confirmed.status, 201, confirmed.text);
  const asked = await ask(server, "/v1/password-resets", { email });
  if (asked === undefined) {
    ledger.unsure.add(email);
    return false;
  }
  assert.equal(asked.status, 202, asked.text);
  promise(ledger, email);
  return true;
}

function promise(ledger: Ledger, email: string): void {
  ledger.promised.set(email, (ledger.promised.get(email) ?? 0) + 1);
}

function takeArrived(ledger: Ledger): Pending | undefined {
  const at = ledger.pending.findIndex(({ email }) => mailsTo(ledger, email).length > 0);
  return at === -1 ? undefined : ledger.pending.splice(at, 1)[0];
}

function codeTo(ledger: Ledger, email: string): string {
  const code = /^ {4}(\d{8})\r?$/m.exec(mailsTo(ledger, email)[0]?.raw ?? "")?.[1];
  assert.ok(code !== undefined);
  return code;
}

// ── the conditions that must hold in the end

function mailsTo(ledger: Ledger, email: string): readonly ReceivedMail[] {
  return ledger.mailsTo.get(email) ?? [];
}

function differentMailsTo(ledger: Ledger, email: string): number {
  return new Set(mailsTo(ledger, email).map(({ messageId }) => messageId)).size;
}

function missing(ledger: Ledger): readonly string[] {
  return [...ledger.promised]
    .filter(([email, count]) => differentMailsTo(ledger, email) < count)
    .map(([email]) => email);
}

/** Checks that no address got a mail without a request. */
function assertNoneTooMany(ledger: Ledger): void {
  for (const email of new Set(ledger.arrivals.map(({ mail }) => mail.to))) {
    const most = (ledger.promised.get(email) ?? 0) + (ledger.unsure.has(email) ? 1 : 0);
    assert.ok(differentMailsTo(ledger, email) <= most, `${email} got more than it was promised`);
  }
}

/**
 * Checks that a mail is repeated only because the process that sent it died, and at most once for
 * each such process.
 */
function assertFewDuplicates(ledger: Ledger, rounds: number): number {
  const sentAgain = new Map<number, number>();
  const lastSent = new Map<string, number>();
  for (const { mail, round } of ledger.arrivals) {
    const before = lastSent.get(mail.messageId);
    lastSent.set(mail.messageId, round);
    if (before === undefined) continue;
    assert.ok(before < round, `one process sent ${mail.messageId} twice`);
    sentAgain.set(before, (sentAgain.get(before) ?? 0) + 1);
  }
  for (const [round, count] of sentAgain)
    assert.ok(
      count <= 1,
      `the crash of round ${round} of ${rounds} made ${count} mails come twice`,
    );
  return sentAgain.size;
}

async function figuresOf({ url, file }: Campaign["database"]) {
  const { db, close } = await openDatabase({
    file,
    log: silentLog,
    ...(url !== undefined && { url }),
  });
  try {
    return await mailFigures(db);
  } finally {
    await close();
  }
}

// ── means

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-mail-storm-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function until(
  condition: () => boolean | Promise<boolean>,
  otherwise: () => string,
): Promise<void> {
  const started = systemClock.monotonicMilliseconds();
  while (!(await condition())) {
    assert.ok(systemClock.monotonicMilliseconds() - started < PATIENCE_MILLISECONDS, otherwise());
    await systemClock.sleep(20);
  }
}

/**
 * Returns `undefined` if the server stopped before the answer was complete, so that nothing was
 * acknowledged.
 */
async function ask(
  server: ServerProcess,
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly text: string } | undefined> {
  const address = [10, randomBelow(256), randomBelow(256), randomBelow(256)].join(".");
  try {
    const response = await fetch(server.url + path, {
      method: "POST",
      headers: { "x-forwarded-for": address, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function randomBelow(bound: number): number {
  return systemRandom.bytes(4).readUInt32BE(0) % bound;
}
