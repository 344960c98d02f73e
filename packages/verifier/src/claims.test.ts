import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  audience,
  claims,
  eddsa,
  forge,
  headerOf,
  issuer,
  LEEWAY,
  LIFETIME,
  NOW,
  sid,
  token,
  world,
} from "../test/world.ts";
import { areClaims } from "./claims.ts";

const expected = { issuer, audience, maxLifetimeSeconds: LIFETIME, leewaySeconds: LEEWAY };
const accepted = (changes: Readonly<Record<string, unknown>>): boolean =>
  areClaims({ ...claims, ...changes }, expected, NOW);

const uuids = ["sub", "sid", "jti"] as const;
const counts = ["iat", "exp", "hep", "aep", "gen", "auth_time"] as const;

test("a sound token is accepted, and so are the claims that a face has added", () => {
  assert.ok(accepted({}));
  assert.ok(
    accepted({
      user_id: 7,
      token_type: "access",
      username: "joe",
      otp_device_id: null,
      nested: { list: [1] },
    }),
  );
  assert.ok(accepted({ amr: [], hep: 0, aep: 0, gen: 0, auth_time: 0 }));
});

test("JW-07 every claim is required", () => {
  for (const name of Object.keys(claims)) {
    const { [name]: _, ...rest } = { ...claims } as Record<string, unknown>;
    assert.equal(areClaims(rest, expected, NOW), false, name);
    assert.equal(accepted({ [name]: null }), false, name);
  }
});

test("JW-07 a claim of another type or value is refused even if it is signed correctly", () => {
  const { verdict } = world();
  const wrong = fc.oneof(
    fc
      .tuple(fc.constantFrom("iss", "aud"), fc.jsonValue())
      .filter(([name, value]) => value !== (name === "iss" ? issuer : audience)),
    fc.tuple(fc.constantFrom(...uuids), fc.jsonValue()),
    fc.tuple(
      fc.constantFrom(...counts),
      fc.oneof(
        fc.jsonValue().filter((value) => typeof value !== "number"),
        fc.constantFrom(String(NOW), -1, 0.5, NOW + 0.5, 2 ** 53, 1e300, true, [NOW], {
          valueOf: NOW,
        }),
      ),
    ),
    fc.tuple(
      fc.constant("amr"),
      fc
        .jsonValue()
        .filter(
          (value) => !Array.isArray(value) || value.some((method) => typeof method !== "string"),
        ),
    ),
    fc.tuple(
      fc.constant("acr"),
      fc.jsonValue().filter((value) => typeof value !== "string"),
    ),
  );
  fc.assert(
    fc.property(wrong, ([name, value]) => {
      assert.equal(verdict(token({ [name]: value }, eddsa)), "invalid_token");
    }),
    { numRuns: 500 },
  );
});

test("JW-07 numbers that JSON can write but a claim cannot hold are refused", () => {
  const { verdict } = world();
  for (const name of counts) {
    for (const written of [
      "1e400",
      "-1",
      "-1e400",
      "NaN",
      "Infinity",
      '"1800000000"',
      "1800000000.5",
      "9007199254740993",
      "0x6b49d200",
      "null",
    ]) {
      const payload = JSON.stringify(claims).replace(
        new RegExp(`"${name}":\\d+`),
        `"${name}":${written}`,
      );
      assert.ok(payload.includes(written));
      assert.equal(
        verdict(forge(headerOf(eddsa), payload, eddsa)),
        "invalid_token",
        `${name}: ${written}`,
      );
    }
  }
});

test("JW-07 issuer and audience are one string each and are compared exactly", () => {
  for (const aud of [
    [audience],
    [audience, "other"],
    `${audience}/`,
    audience.toUpperCase(),
    `${audience} `,
    "",
  ])
    assert.equal(accepted({ aud }), false);
  for (const iss of [[issuer], `${issuer}/`, issuer.toUpperCase(), `${issuer}\0`, ""])
    assert.equal(accepted({ iss }), false);
});

test("JW-07 JW-10 an id has one spelling", () => {
  const withoutHyphens = sid.replaceAll("-", "");
  for (const name of ["sub", "sid"])
    assert.equal(accepted({ [name]: withoutHyphens }), false, name);
  // No revocation names a token's `jti`, and the Django faces write it without hyphens.
  assert.ok(accepted({ jti: withoutHyphens }));
  for (const name of uuids)
    for (const id of [
      sid.toUpperCase(),
      withoutHyphens.toUpperCase(),
      `{${sid}}`,
      `urn:uuid:${sid}`,
      `${sid}\n`,
      ` ${sid}`,
      sid.slice(1),
      "",
      "1",
    ])
      assert.equal(accepted({ [name]: id }), false, `${name}: ${id}`);
});

test("JW-07 a token may live for the agreed time and not a second longer", () => {
  assert.ok(accepted({ exp: claims.iat + LIFETIME }));
  assert.equal(accepted({ exp: claims.iat + LIFETIME + 1 }), false);
  assert.ok(accepted({ exp: claims.iat }));
  assert.equal(accepted({ exp: claims.iat - 1 }), false);
});

test("JW-07 a token is refused if it was issued further in the future than the leeway", () => {
  const issuedAt = (iat: number): boolean => accepted({ iat, exp: iat + LIFETIME });
  assert.ok(issuedAt(NOW + LEEWAY));
  assert.equal(issuedAt(NOW + LEEWAY + 1), false);
});
