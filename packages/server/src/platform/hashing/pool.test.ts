import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import { manualClock, systemClock } from "../kernel/clock.ts";
import { silentLog, type Log } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import type { PresentedPassword } from "./messages.ts";
import { readArgon2id, standardParameters } from "./phc.ts";
import { createHasher, type Hasher, type HasherDeps } from "./pool.ts";

const cheap = { memoryCost: 1024, timeCost: 1, parallelism: 1 };
const open: Hasher[] = [];
after(async () => Promise.all(open.map(async (hasher) => hasher.close())));

/**
 * It is patient, so that a busy machine refuses no password that the test does not expect to be
 * refused.
 */
function hasherWith(changes: Partial<HasherDeps> = {}): Hasher {
  const patience = { waitMilliseconds: 60_000 };
  const deps = {
    log: silentLog,
    clock: systemClock,
    random: systemRandom,
    concurrency: 2,
    params: standardParameters,
    ...patience,
  };
  const hasher = createHasher({ ...deps, ...changes });
  open.push(hasher);
  return hasher;
}

/** A password that is the same normalised. */
const plain = (password: string): PresentedPassword => ({
  normalized: password,
  asTyped: password,
});

async function hashed(hasher: Hasher, password: string): Promise<string> {
  const outcome = await hasher.hash(password);
  assert.equal(outcome.kind, "hashed");
  return outcome.phc;
}

test("a password verifies against its own hash and no other does", async () => {
  const hasher = hasherWith();
  const phc = await hashed(hasher, "correct horse battery staple");
  assert.deepEqual(await hasher.verify(phc, plain("correct horse battery staple")), {
    kind: "matched",
  });
  assert.deepEqual(await hasher.verify(phc, plain("correct horse battery stapl")), {
    kind: "mismatched",
  });
  assert.deepEqual(await hasher.verify(hasher.decoy, plain("correct horse battery staple")), {
    kind: "mismatched",
  });
  assert.equal(hasher.figures().evaluations, 4);
});

test("PW-02: every byte of a long password counts: the first 72 bytes or 255 characters of it open nothing", async () => {
  const hasher = hasherWith({ params: cheap });
  const password = "äö- zx".repeat(60).slice(0, 256);
  const phc = await hashed(hasher, password);
  assert.equal((await hasher.verify(phc, plain(password))).kind, "matched");
  assert.equal((await hasher.verify(phc, plain(password.slice(0, 255)))).kind, "mismatched");
  assert.equal(
    (await hasher.verify(phc, plain(Buffer.from(password).subarray(0, 72).toString()))).kind,
    "mismatched",
  );
});

test("PW-08: hashes are Argon2id, 19 MiB, t=2, p=1, with a 16-byte salt that is never used twice", async () => {
  const hasher = hasherWith();
  const first = await hashed(hasher, "same password");
  assert.deepEqual(readArgon2id(first), {
    ...standardParameters,
    variant: "argon2id$v=19",
    saltBytes: 16,
    outputBytes: 32,
  });
  const weak = hasherWith({ params: cheap, queueLimit: 1000, waitMilliseconds: 60_000 });
  const hashes = await Promise.all(
    Array.from({ length: 500 }, async () => hashed(weak, "same password")),
  );
  assert.equal(new Set(hashes.map((phc) => phc.split("$")[4])).size, 500);
});

test("PW-09: a hash of weaker parameters still verifies and is due for an upgrade", async () => {
  const old = await hashed(hasherWith({ params: cheap }), "correct horse");
  const hasher = hasherWith();
  assert.equal(hasher.needsUpgrade(old), true);
  assert.equal(hasher.needsUpgrade(await hashed(hasher, "correct horse")), false);
  assert.equal((await hasher.verify(old, plain("correct horse"))).kind, "matched");
  assert.equal((await hasher.verify(old, plain("correct house"))).kind, "mismatched");
});

test("a hash of an unknown or broken format matches nothing and is no fault", async () => {
  const hasher = hasherWith({ params: cheap });
  for (const phc of [
    "",
    "!",
    "plain",
    "$argon2id$v=19$m=8,t=1,p=9$c29tZXNhbHRzb21lc2FsdA$l0jXnLPLyzf2bYYmvzmnJ2bFhsfc3tEALOuoPfZPS0I",
  ]) {
    assert.deepEqual(await hasher.verify(phc, plain("plain")), { kind: "mismatched" }, phc);
  }
});

test("EN-02: unknown users, foreign formats and old parameters are answered by one evaluation each, as a current hash is", async () => {
  const hasher = hasherWith();
  const weak = hasherWith({ params: { memoryCost: 4096, timeCost: 1, parallelism: 1 } });
  const stored = [
    await hashed(hasher, "the password"),
    hasher.decoy,
    await hashed(weak, "the password"),
    "pbkdf2_sha256$600000$salt$hash",
  ];
  for (const phc of stored) {
    const before = hasher.figures().evaluations;
    assert.deepEqual(await hasher.verify(phc, plain("another password")), { kind: "mismatched" });
    assert.equal(hasher.figures().evaluations, before + 1);
  }
});

test("PW-11: beyond the running and the waiting, a password is refused at once", async () => {
  const hasher = hasherWith({ concurrency: 1, queueLimit: 2 });
  const accepted = [hasher.hash("one"), hasher.hash("two"), hasher.hash("three")];
  assert.deepEqual(await hasher.hash("four"), { kind: "busy" });
  assert.deepEqual(await hasher.verify(hasher.decoy, plain("five")), { kind: "busy" });
  // Refused while the first is still being hashed.
  const { queued, running, refused } = hasher.figures();
  assert.deepEqual({ queued, running, refused }, { queued: 2, running: 1, refused: 2 });
  assert.deepEqual(
    new Set((await Promise.all(accepted)).map((outcome) => outcome.kind)),
    new Set(["hashed"]),
  );
  assert.equal((await hasher.hash("six")).kind, "hashed");
});

test("PW-11: a password that has waited too long for its turn is refused, the running one is not", async () => {
  const clock = manualClock();
  const hasher = hasherWith({ clock, concurrency: 1, waitMilliseconds: 1000 });
  const first = hasher.hash("first");
  const second = hasher.hash("second");
  clock.advance(0.9);
  const third = hasher.hash("third");
  clock.advance(0.2);
  assert.deepEqual(await second, { kind: "busy" });
  assert.equal((await first).kind, "hashed");
  assert.equal((await third).kind, "hashed");
});

test("PW-11: hashing leaves the event loop of the server idle", async () => {
  const hasher = hasherWith();
  await hasher.hash("starts the process");
  const before = performance.eventLoopUtilization();
  await Promise.all(Array.from({ length: 20 }, async () => hasher.hash("password")));
  const { utilization } = performance.eventLoopUtilization(before);
  assert.ok(utilization < 0.3, `event loop busy for ${utilization.toFixed(2)} of the time`);
});

test("no process is started before the first password, and one serves them all", async () => {
  const hasher = hasherWith({ params: cheap });
  assert.equal(hasher.figures().processId, undefined);
  await hasher.hash("one");
  const { processId } = hasher.figures();
  assert.notEqual(processId, undefined);
  await hasher.hash("two");
  assert.equal(hasher.figures().processId, processId);
});

test("a killed hashing process is replaced, and what it was working on is not lost", async () => {
  const events: string[] = [];
  const log: Log = { ...silentLog, error: (event) => events.push(event) };
  const hasher = hasherWith({ log });
  await hasher.hash("starts the process");
  const killed = processOf(hasher);
  const outcomes = [hasher.hash("one"), hasher.hash("two"), hasher.hash("three")];
  process.kill(killed, "SIGKILL");
  assert.deepEqual(
    new Set((await Promise.all(outcomes)).map((outcome) => outcome.kind)),
    new Set(["hashed"]),
  );
  assert.notEqual(processOf(hasher), killed);
  assert.deepEqual(events, ["hashing.process_ended"]);
});

test("a password whose hashing process dies twice is answered busy", async () => {
  const hasher = hasherWith({ params: { memoryCost: 1_048_576, timeCost: 20, parallelism: 1 } });
  const outcome = hasher.hash("one");
  process.kill(processOf(hasher), "SIGKILL");
  const first = processOf(hasher);
  while (hasher.figures().processId === first) await systemClock.sleep(5);
  process.kill(processOf(hasher), "SIGKILL");
  assert.deepEqual(await outcome, { kind: "busy" });
});

test("a hashing process that has stopped is killed and replaced", async () => {
  const clock = manualClock();
  const hasher = hasherWith({ clock, params: cheap });
  await hasher.hash("starts the process");
  process.kill(processOf(hasher), "SIGSTOP");
  const outcome = hasher.hash("one");
  clock.advance(11);
  assert.equal((await outcome).kind, "hashed");
});

test("the hashing process survives the signals its parent drains on", async () => {
  const hasher = hasherWith({ params: cheap });
  await hasher.hash("starts the process");
  const { processId } = hasher.figures();
  process.kill(processOf(hasher), "SIGTERM");
  process.kill(processOf(hasher), "SIGINT");
  assert.equal((await hasher.hash("one")).kind, "hashed");
  assert.equal(hasher.figures().processId, processId);
});

test("the hashing process does not outlive a parent that was killed", async () => {
  const source = `
    import { systemClock } from ${JSON.stringify(new URL("../kernel/clock.ts", import.meta.url))};
    import { silentLog } from ${JSON.stringify(new URL("../kernel/log.ts", import.meta.url))};
    import { systemRandom } from ${JSON.stringify(new URL("../kernel/random.ts", import.meta.url))};
    import { createHasher } from ${JSON.stringify(new URL("pool.ts", import.meta.url))};
    const params = ${JSON.stringify(cheap)};
    const hasher = createHasher({ log: silentLog, clock: systemClock, random: systemRandom, concurrency: 1, params });
    setInterval(() => {}, 1000);
    console.log((await hasher.hash("starts the process")).kind);
  `;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [line] = await once(parent.stdout, "data");
  assert.equal(String(line), "hashed\n");
  const lastHolderGone = once(parent.stderr.resume(), "close");
  parent.kill("SIGKILL");
  await lastHolderGone;
});

test("parameters Argon2id does not know are a fault, not an answer", async () => {
  const hasher = hasherWith({ params: { memoryCost: 1, timeCost: 1, parallelism: 1 } });
  await assert.rejects(hasher.hash("password"), /hashing process could not evaluate/u);
  assert.throws(() => hasherWith({ concurrency: 0 }), RangeError);
});

test("after closing, everybody is told busy and no process is left", async () => {
  const hasher = hasherWith({ concurrency: 1 });
  const outcomes = [hasher.hash("one"), hasher.hash("two")];
  const processId = processOf(hasher);
  await hasher.close();
  assert.deepEqual(await Promise.all(outcomes), [{ kind: "busy" }, { kind: "busy" }]);
  assert.deepEqual(await hasher.hash("three"), { kind: "busy" });
  assert.throws(() => process.kill(processId, 0), { code: "ESRCH" });
});

function processOf(hasher: Hasher): number {
  const { processId } = hasher.figures();
  assert.ok(processId !== undefined);
  return processId;
}
