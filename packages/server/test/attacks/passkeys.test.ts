import type { Assertion, Attestation } from "@portcullis/contract";
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { size } from "../../../../tools/size.ts";
import { systemRandom } from "../../src/platform/kernel/random.ts";
import {
  verifyAssertion,
  verifyRegistration,
  type Registered,
} from "../../src/accounts/factors/passkeys/verify.ts";
import { createAuthenticator, type Algorithm } from "../authenticator.ts";
import { attested, attestedDataOf, passkeyBombs } from "../hostile-passkeys.ts";
import {
  add,
  enrolPasskey,
  enter,
  finishSignIn,
  newAuthenticator,
  start,
  startSignIn,
} from "../passkeys.ts";
import { addressOf, countRows } from "../steps.ts";
import { eachWorld, publicUrl, type World } from "../world.ts";

/** Set TEST_SEED to repeat a run. */
const SEED = Number(process.env["TEST_SEED"] ?? systemRandom.bytes(4).readUInt32BE(0));
const REGISTRATIONS = size({ small: 5000, full: 70_000 });
const ASSERTIONS = size({ small: 2500, full: 32_000 });
const OVER_HTTP = size({ small: 40, full: 150 });

const domain = new URL(publicUrl).hostname;
const rp = { passkeyDomain: domain, passkeyOrigins: [publicUrl] };
const challenge = randomBytes(32).toString("base64url");
const domainHash = createHash("sha256").update(domain).digest();
const algorithms: readonly Algorithm[] = ["ES256", "EdDSA", "RS256"];

/** Returns numbers from 0 up to `below`, the same for the same seed (mulberry32). */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Roll = ReturnType<typeof dice>;

/**
 * Bytes that trip readers of CBOR, DER and JSON: endless and enormous lengths, nesting, breaks,
 * tags, surrogates.
 */
const stones = [
  "9bffffffffffffffff",
  "bb7fffffffffffffff",
  "5bffffffffffffffff",
  "7affffffff",
  "5affffff",
  "9f",
  "bf",
  "5f",
  "ff",
  "f97e00",
  "fb7ff0000000000000",
  "d8187f",
  "c249ffffffffffffffff",
  "1bffffffffffffffff",
  "3bffffffffffffffff",
  "81".repeat(40),
  "a1".repeat(40),
  "308480000000",
  "3080",
  "22",
  "5c7564383030",
  "efbbbf",
  "ff00",
  "a0",
  "80",
].map((hex) => Buffer.from(hex, "hex"));

/** Changes some bytes one to four times. */
function mutate(roll: Roll, original: Uint8Array): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let changes = 1 + roll(4); changes > 0; changes--) bytes = changed(roll, bytes);
  return bytes;
}

function changed(roll: Roll, bytes: Buffer): Buffer {
  const at = roll(bytes.length + 1);
  const length = 1 + roll(8);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (roll(7)) {
    case 0:
      return Buffer.concat([
        before,
        Buffer.of((after[0] ?? 0) ^ (1 << roll(8))),
        after.subarray(1),
      ]);
    case 1:
      return Buffer.concat([before, Buffer.of(roll(256)), after.subarray(1)]);
    case 2:
      return Buffer.concat([before, after.subarray(length)]);
    case 3:
      return Buffer.concat([before, after.subarray(0, length), after]);
    case 4:
      return before;
    case 5:
      return Buffer.concat([before, stones[roll(stones.length)] ?? Buffer.alloc(0), after]);
    default:
      return Buffer.concat([before, Buffer.from(Array.from({ length }, () => roll(256))), after]);
  }
}

/** Encodes as base64url, at times in a way that no encoder would. */
function encoded(roll: Roll, bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("base64url");
  const odd = roll(40);
  if (odd === 0) return `${text}A`;
  if (odd === 1) return text.slice(0, -1) || "A";
  return text || "A";
}

async function naming<Result>(what: () => string, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (cause) {
    throw new Error(`seed ${SEED}: ${what()}`, { cause });
  }
}

interface Sample {
  readonly credential: Attestation;
  readonly clientData: Buffer;
  readonly authData: Buffer;
}

function sampleOf(algorithm: Algorithm): Sample {
  const credential = createAuthenticator({ origin: publicUrl, domain, algorithm }).create({
    challenge,
    user: { id: "AAAA" },
  });
  return {
    credential,
    clientData: Buffer.from(credential.response.clientDataJSON, "base64url"),
    authData: attestedDataOf(credential),
  };
}

/**
 * Makes a registration with a fault in one part: the browser's data, the whole object, the
 * authenticator data, or the key in it.
 */
function wrongRegistration(roll: Roll, { credential, clientData, authData }: Sample): Attestation {
  const response = { ...credential.response };
  switch (roll(4)) {
    case 0:
      response.clientDataJSON = encoded(roll, mutate(roll, clientData));
      break;
    case 1:
      response.attestationObject = encoded(
        roll,
        mutate(roll, Buffer.from(response.attestationObject, "base64url")),
      );
      break;
    case 2:
      response.attestationObject = encoded(roll, attested(mutate(roll, authData)));
      break;
    default: {
      const [before, key] = [authData.subarray(0, 87), authData.subarray(87)];
      response.attestationObject = encoded(
        roll,
        attested(Buffer.concat([before, mutate(roll, key)])),
      );
    }
  }
  return { ...credential, response };
}

/** Checks that an accepted object says what it must. */
function assertSound({ response }: Attestation | Assertion, type: string): void {
  // Decodes UTF-8 as WebAuthn §7.1 does, which drops a byte order mark from the front.
  const text = new TextDecoder().decode(Buffer.from(response.clientDataJSON, "base64url"));
  const said: unknown = JSON.parse(text);
  assert.ok(
    typeof said === "object" &&
      said !== null &&
      "challenge" in said &&
      "origin" in said &&
      "type" in said,
  );
  assert.deepEqual([said.challenge, said.origin, said.type], [challenge, publicUrl, type]);
  const data =
    "attestationObject" in response ? response.attestationObject : response.authenticatorData;
  assert.ok(Buffer.from(data, "base64url").includes(domainHash));
}

test(`PK-07 if ${REGISTRATIONS} registrations are damaged, none causes a fault, and only sound ones are accepted (seed ${SEED})`, async () => {
  const roll = dice(SEED);
  const samples = algorithms.map(sampleOf);
  let accepted = 0;
  for (let count = 0; count < REGISTRATIONS; count++) {
    const credential = wrongRegistration(roll, samples[roll(samples.length)] ?? assert.fail());
    const registered = await naming(
      () => JSON.stringify(credential),
      async () => verifyRegistration(rp, challenge, credential),
    );
    if (registered === undefined) continue;
    accepted += 1;
    assertSound(credential, "webauthn.create");
  }
  assert.ok(
    accepted < REGISTRATIONS / 4,
    `${accepted} were accepted: what was put wrong is not looked at`,
  );
});

test(`PK-07 if ${ASSERTIONS} assertions are damaged, none causes a fault or is accepted for unsigned data (seed ${SEED})`, async () => {
  const roll = dice(SEED + 1);
  const signers = await Promise.all(
    algorithms.map(async (algorithm) => {
      const authenticator = createAuthenticator({ origin: publicUrl, domain, algorithm });
      const key = await verifyRegistration(
        rp,
        challenge,
        authenticator.create({ challenge, user: { id: "AAAA" } }),
      );
      return { authenticator, key: key ?? assert.fail() };
    }),
  );
  for (let count = 0; count < ASSERTIONS; count++) {
    const { authenticator, key } = signers[roll(signers.length)] ?? assert.fail();
    const { credential, isSigned } = wrongAssertion(
      roll,
      authenticator.get({ challenge }),
      authenticator,
    );
    const shown = await naming(
      () => JSON.stringify({ key: keyText(key), credential }),
      async () => verifyAssertion(rp, { challenge, key, mustVerify: false }, credential),
    );
    if (shown === undefined) continue;
    assert.ok(isSigned, `seed ${SEED}: accepted ${JSON.stringify(credential)}`);
    assertSound(credential, "webauthn.get");
  }
});

function keyText({ publicKey }: Registered): string {
  return Buffer.from(publicKey).toString("hex");
}

/**
 * Signs half of the assertions as they are, so that the code behind the signature check is reached.
 */
function wrongAssertion(
  roll: Roll,
  credential: Assertion,
  authenticator: ReturnType<typeof createAuthenticator>,
): { readonly credential: Assertion; readonly isSigned: boolean } {
  const response = { ...credential.response };
  const part =
    (["clientDataJSON", "authenticatorData", "signature"] as const)[roll(3)] ?? "signature";
  const wrong = mutate(roll, Buffer.from(response[part], "base64url"));
  if (part !== "signature" && roll(2) === 0)
    return { credential: authenticator.get({ challenge }, { [part]: wrong }), isSigned: true };
  response[part] = encoded(roll, wrong);
  // A signature in another encoding still signs the same data; other parts must be the same bytes.
  const isSame =
    part === "signature" ||
    Buffer.from(response[part], "base64url").equals(
      Buffer.from(credential.response[part], "base64url"),
    );
  return { credential: { ...credential, response }, isSigned: isSame };
}

test("PK-07 reading a registration causes no fault, even if it is deeply nested or large", async () => {
  const { credential, authData } = sampleOf("ES256");
  const bombs = passkeyBombs(authData);
  for (const [index, bomb] of bombs.entries()) {
    const attestationObject = Buffer.from(bomb).toString("base64url");
    const wrong = { ...credential, response: { ...credential.response, attestationObject } };
    await naming(
      () => `bomb ${index}`,
      async () => verifyRegistration(rp, challenge, wrong),
    );
  }
  const clientDataJSON = Buffer.from("[".repeat(3072)).toString("base64url");
  assert.equal(
    await verifyRegistration(rp, challenge, {
      ...credential,
      response: { ...credential.response, clientDataJSON },
    }),
    undefined,
  );
});

eachWorld(
  `PK-07 damaged objects are refused over HTTP and cause no fault (seed ${SEED})`,
  async (world) => {
    const roll = dice(SEED + 2);
    const authenticator = newAuthenticator();
    await enrolPasskey(world, await world.user(), authenticator);
    for (let count = 0; count < OVER_HTTP; count++) {
      const asked = { address: addressOf(count) };
      const { ceremonyId, options } = await startSignIn(world, asked);
      const { credential } = wrongAssertion(roll, authenticator.get(options), authenticator);
      const answered = await finishSignIn(world, { ceremonyId, credential }, asked);
      assert.ok([201, 401, 422].includes(answered.status), `seed ${SEED}: ${answered.text}`);
    }

    const { accessToken } = (await enter(world, authenticator)).body;
    for (let count = 0; count < OVER_HTTP; count++) {
      const { ceremonyId, options } = await start(world, accessToken);
      const made = newAuthenticator().create(options);
      const attestationObject = encoded(
        roll,
        mutate(roll, Buffer.from(made.response.attestationObject, "base64url")),
      );
      // The ceremony was made for this, so that only the object is wrong. A valid one would end the
      // session.
      const credential = {
        ...made,
        id: "AAAA",
        rawId: "AAAA",
        response: { ...made.response, attestationObject },
      };
      const answered = await add(world, accessToken, { ceremonyId, credential });
      assert.ok([401, 422].includes(answered.status), `seed ${SEED}: ${answered.text}`);
    }
    assert.equal(await countRows(world, "passkeys"), 1);
    assert.deepEqual(faults(world), []);
  },
);

function faults({ logged }: World) {
  return logged.filter(({ level }) => level === "error");
}
