import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  cbor,
  cose,
  createAuthenticator,
  keyOf,
  type Algorithm,
  type Cbor,
  type Made,
  type Wrong,
} from "../../../../test/authenticator.ts";
import { verifyAssertion, verifyRegistration } from "./verify.ts";

const rp = {
  passkeyDomain: "example.com",
  passkeyOrigins: ["https://accounts.example.com", "https://app.example.com:8443"],
};
const at: Made = { origin: "https://accounts.example.com", domain: "example.com" };
const challenge = randomBytes(32).toString("base64url");
const creation = { challenge, user: { id: "AAAA" } };
const request = { challenge };

async function register(made: Partial<Made> = {}, wrong: Wrong = {}) {
  return verifyRegistration(
    rp,
    challenge,
    createAuthenticator({ ...at, ...made }).create(creation, wrong),
  );
}

async function show(made: Partial<Made> = {}, wrong: Wrong = {}, mustVerify = false) {
  const authenticator = createAuthenticator({ ...at, ...made });
  const key = await verifyRegistration(rp, challenge, authenticator.create(creation));
  assert.ok(key);
  return verifyAssertion(rp, { challenge, key, mustVerify }, authenticator.get(request, wrong));
}

const algorithms: readonly Algorithm[] = ["ES256", "EdDSA", "RS256"];

for (const algorithm of algorithms)
  test(`a passkey that signs with ${algorithm} is registered and recognised`, async () => {
    const registered = await register({ algorithm, synced: true });
    assert.deepEqual(
      [registered?.kind, registered?.backedUp, registered?.verified, registered?.signCount],
      ["multi_device", true, true, 0],
    );
    assert.deepEqual(await show({ algorithm }), {
      signCount: 1,
      kind: "single_device",
      backedUp: false,
      verified: true,
    });
  });

test("every page that was named may use passkeys", async () => {
  for (const origin of rp.passkeyOrigins)
    assert.ok((await register({ origin })) && (await show({ origin })), origin);
});

/**
 * Faults in the messages of the browser and the authenticator, for either ceremony (PK-02, PK-03,
 * PK-06).
 */
const wrongs: Readonly<Record<string, Wrong>> = {
  "another type": { type: "webauthn.other" },
  "another challenge": { challenge: randomBytes(32).toString("base64url") },
  "an empty challenge": { challenge: "" },
  "another origin": { origin: "https://accounts.example.com.evil.example" },
  "the origin with a path": { origin: "https://accounts.example.com/" },
  "the origin in capitals": { origin: "https://Accounts.example.com" },
  "the origin without TLS": { origin: "http://accounts.example.com" },
  "the origin at another port": { origin: "https://accounts.example.com:8443" },
  "a frame": { crossOrigin: true },
  "a frame, as a word": { crossOrigin: "true" },
  "a page around it": { topOrigin: "https://evil.example" },
  "a frame in a page of ours": { crossOrigin: true, topOrigin: "https://accounts.example.com" },
  "another domain": { domain: "evil.example" },
  "a domain below": { domain: "accounts.example.com" },
  "nobody present": { up: false },
  "a copy of what cannot be copied": { be: false, bs: true },
  "an id that is not what was decoded": { rawId: "AAAA" },
  "client data that is no JSON": { clientDataJSON: Buffer.from("{") },
  "client data that is a list": { clientDataJSON: Buffer.from("[]") },
  "client data that is null": { clientDataJSON: Buffer.from("null") },
  "too little authenticator data": { authenticatorData: Buffer.alloc(36) },
};

for (const [what, wrong] of Object.entries(wrongs))
  test(`PK-02 PK-03 PK-06 ${what} is refused at registration and after it`, async () => {
    assert.deepEqual([await register({}, wrong), await show({}, wrong)], [undefined, undefined]);
  });

test("PK-01 an answer made for one ceremony is refused in the other", async () => {
  assert.equal(await register({}, { type: "webauthn.get" }), undefined);
  assert.equal(await show({}, { type: "webauthn.create" }), undefined);
});

test("PK-03 an unverified user is refused if verification is required, and else only reported as such", async () => {
  assert.equal((await show({ verifies: true }, {}, true))?.verified, true);
  assert.equal(await show({ verifies: false }, {}, true), undefined);
  assert.equal((await show({ verifies: false }))?.verified, false);
  assert.equal((await register({ verifies: false }))?.verified, false);
  assert.equal(await show({}, { up: false, uv: true }, true), undefined);
});

test("a signature of another key, of other data or none at all is refused", async () => {
  for (const algorithm of algorithms) {
    const others = [
      ...algorithms.map(keyOf).map((key): Wrong => ({ key })),
      ...[0, 1, 64, 70].map((n): Wrong => ({ signature: Buffer.alloc(n, 1) })),
    ];
    for (const wrong of others) assert.equal(await show({ algorithm }, wrong), undefined);
    const authenticator = createAuthenticator({ ...at, algorithm });
    const key = await verifyRegistration(rp, challenge, authenticator.create(creation));
    assert.ok(key);
    const shown = authenticator.get(request, { uv: false });
    const raised = Buffer.from(shown.response.authenticatorData, "base64url");
    raised.writeUInt8(raised.readUInt8(32) | 0x04, 32);
    const response = { ...shown.response, authenticatorData: raised.toString("base64url") };
    assert.equal(
      await verifyAssertion(rp, { challenge, key, mustVerify: false }, { ...shown, response }),
      undefined,
      "UV was not signed",
    );
  }
});

test("an assertion is held against the key of its own credential", async () => {
  const [one, other] = [createAuthenticator(at), createAuthenticator(at)];
  const key = await verifyRegistration(rp, challenge, one.create(creation));
  other.create(creation);
  assert.ok(key);
  const demanded = { challenge, key, mustVerify: false };
  assert.equal(await verifyAssertion(rp, demanded, other.get(request)), undefined);
  assert.equal(
    await verifyAssertion(rp, demanded, other.get(request, { id: key.credentialId })),
    undefined,
  );
});

test("PK-04 the id of a credential is that which its authenticator has signed, and not endless", async () => {
  assert.equal(await register({}, { id: randomBytes(32).toString("base64url") }), undefined);
  for (const [length, isRegistered] of [
    [1023, true],
    [1024, false],
  ] as const) {
    const credentialId = randomBytes(length);
    const registered = await register({}, { credentialId, id: credentialId.toString("base64url") });
    assert.equal(registered !== undefined, isRegistered, String(length));
  }
});

const [x, y] = [randomBytes(32), randomBytes(32)];
const sound: readonly (readonly [number, Cbor])[] = [
  [1, 2],
  [3, -7],
  [-1, 1],
];

const keys: Readonly<Record<string, Uint8Array>> = {
  "a point that is not on the curve": cose([...sound, [-2, x], [-3, y]]),
  "the point at infinity": cose([...sound, [-2, Buffer.alloc(32)], [-3, Buffer.alloc(32)]]),
  "a coordinate that is too long": cose([...sound, [-2, randomBytes(33)], [-3, y]]),
  "a coordinate that is too short": cose([...sound, [-2, randomBytes(31)], [-3, y]]),
  "no second coordinate": cose([...sound, [-2, x]]),
  "a coordinate that is a text": cose([...sound, [-2, x.toString("hex").slice(0, 32)], [-3, y]]),
  "another curve": cose([
    [1, 2],
    [3, -7],
    [-1, 2],
    [-2, x],
    [-3, y],
  ]),
  ES384: cose([
    [1, 2],
    [3, -35],
    [-1, 2],
    [-2, randomBytes(48)],
    [-3, randomBytes(48)],
  ]),
  RS1: cose([
    [1, 3],
    [3, -65_535],
    [-1, randomBytes(256)],
    [-2, Buffer.of(1, 0, 1)],
  ]),
  "an algorithm for another type of key": cose([
    [1, 2],
    [3, -8],
    [-1, 6],
    [-2, x],
  ]),
  "an Edwards curve of another size": cose([
    [1, 1],
    [3, -8],
    [-1, 7],
    [-2, randomBytes(57)],
  ]),
  "RSA of 1024 bits": cose([
    [1, 3],
    [3, -257],
    [-1, randomBytes(128)],
    [-2, Buffer.of(1, 0, 1)],
  ]),
  "RSA of 16384 bits": cose([
    [1, 3],
    [3, -257],
    [-1, randomBytes(2048)],
    [-2, Buffer.of(1, 0, 1)],
  ]),
  "RSA with a huge exponent": cose([
    [1, 3],
    [3, -257],
    [-1, randomBytes(256)],
    [-2, randomBytes(256)],
  ]),
  "no algorithm": cose([
    [1, 2],
    [-1, 1],
    [-2, x],
    [-3, y],
  ]),
  "an empty map": cose([]),
  "a list": cbor([1, 2, 3]),
  "a number": cbor(1),
  nothing: Buffer.alloc(0),
  "a map that is longer than it says": Buffer.concat([
    cose([...sound, [-2, x], [-3, y]]),
    Buffer.of(0),
  ]),
  "a map that says to be endless": Buffer.from("bbffffffffffffffff", "hex"),
};

for (const [what, publicKey] of Object.entries(keys))
  test(`PK-07 a public key that is ${what} is refused`, async () => {
    assert.equal(await register({}, { publicKey }), undefined);
  });

test("an attestation that was not asked for is ignored, and the servers it names are not asked", async (t) => {
  const fetched = t.mock.method(globalThis, "fetch", () =>
    assert.fail("an attestation made us ask somebody"),
  );
  const statement = new Map<string, Cbor>([
    ["alg", -7],
    ["sig", randomBytes(70)],
    ["x5c", [randomBytes(500)]],
  ]);
  for (const fmt of [
    "packed",
    "tpm",
    "android-key",
    "android-safetynet",
    "fido-u2f",
    "apple",
    "of tomorrow",
  ]) {
    const authenticator = createAuthenticator(at);
    const first = authenticator.create(creation);
    const own = authDataOf(Buffer.from(first.response.attestationObject, "base64url"));
    const attestationObject = Buffer.from(
      cbor(
        new Map<string, Cbor>([
          ["fmt", fmt],
          ["attStmt", statement],
          ["authData", own],
        ]),
      ),
    ).toString("base64url");
    const registered = await verifyRegistration(rp, challenge, {
      ...first,
      response: { ...first.response, attestationObject },
    });
    assert.equal(registered?.credentialId, first.id, fmt);
  }
  assert.equal(fetched.mock.callCount(), 0);
});

/**
 * The last member of what the software authenticator makes: `authData`, as a byte string of less
 * than 64 KiB.
 */
function authDataOf(attestationObject: Buffer): Uint8Array {
  const from = attestationObject.indexOf("authData") + "authData".length;
  return attestationObject.subarray(from + (attestationObject.readUInt8(from) === 0x58 ? 2 : 3));
}
