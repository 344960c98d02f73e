import assert from "node:assert/strict";
import { test } from "node:test";
import { SignJWT } from "jose";
import {
  claims,
  eddsa,
  es256,
  headerOf,
  instantOf,
  LEEWAY,
  LIFETIME,
  NOW,
  pairs,
  publicKeys,
  row,
  sub,
  token,
  world,
} from "../test/world.ts";

for (const pair of pairs) {
  test(`a token that a standard library signed with ${pair.alg} is verified, twice`, async () => {
    const { verifier } = world();
    const presented = await new SignJWT({ ...claims })
      .setProtectedHeader(headerOf(pair))
      .sign(pair.privateKey);
    for (const _ of ["examined", "remembered"]) {
      const outcome = verifier.verify(presented);
      assert.equal(outcome.kind, "verified");
      assert.deepEqual(outcome.kind === "verified" && outcome.claims, claims);
    }
  });
}

for (const cacheSize of [0, 100]) {
  test(`JW-08 JW-17 a token is accepted before the second exp + leeway and refused from it on, with a cache of ${cacheSize}`, () => {
    const { clock, verdict } = world({ cacheSize });
    const presented = token();
    const at = (moment: number): string => {
      clock.advance(moment - clock.now());
      return verdict(presented);
    };
    assert.equal(at(claims.exp - 1), "verified");
    assert.equal(at(claims.exp), "verified");
    assert.equal(at(claims.exp + LEEWAY - 1), "verified");
    assert.equal(at(claims.exp + LEEWAY), "token_expired");
    assert.equal(at(claims.exp + LEEWAY + 1), "token_expired");
  });
}

test("JW-08 a token is dead in the second of its exp if there is no leeway (RFC 7519 §4.1.4)", () => {
  const { clock, verdict } = world({ leewaySeconds: 0 });
  clock.advance(claims.exp - 1 - NOW);
  assert.equal(verdict(token()), "verified");
  clock.advance(1);
  assert.equal(verdict(token()), "token_expired");
});

test("JW-08 a leeway of more than five seconds is refused at start", () => {
  for (const leewaySeconds of [6, -1, NaN, Infinity])
    assert.throws(() => world({ leewaySeconds }), RangeError);
  for (const maxLifetimeSeconds of [0, -1, NaN])
    assert.throws(() => world({ maxLifetimeSeconds }), RangeError);
});

test("JW-17 a revocation counts at the next check of a remembered token", () => {
  const { view, verifier, verdict } = world();
  const presented = token();
  assert.equal(verdict(presented), "verified");
  view.apply(row({ cause: "logout_other_device" }));
  assert.deepEqual(verifier.verify(presented), {
    kind: "refused",
    code: "session_ended",
    cause: "logout_other_device",
  });
});

test("JW-17 revocations of a user, of all users and of a key count for remembered tokens", () => {
  const presented = token();
  for (const [revocation, code] of [
    [
      row({ scope: "user", subject: sub, minHardEpoch: claims.hep + 1, cause: "user_disabled" }),
      "session_ended",
    ],
    [
      row({ scope: "user", subject: sub, minAuthorizationEpoch: claims.aep + 1, cause: "admin" }),
      "token_stale",
    ],
    [
      row({ scope: "all", subject: "*", minHardEpoch: claims.hep + 1, cause: "restored" }),
      "session_ended",
    ],
    [row({ scope: "key", subject: "es", cause: "key_removed" }), "token_stale"],
  ] as const) {
    const { view, verdict } = world();
    assert.equal(verdict(presented), "verified");
    view.apply(revocation);
    assert.equal(verdict(presented), code);
    assert.equal(verdict(presented), code);
  }
});

test("RV-08 the revocation of a session does not affect the user's other sessions", () => {
  const { view, verdict } = world();
  view.apply(row());
  assert.equal(verdict(token()), "session_ended");
  assert.equal(verdict(token({ sid: "9b2d3c64-5f2e-4c1a-9d3b-7a6f5e4d3c2c" })), "verified");
});

test("RV-03 every live token is refused while the view is not fresh, remembered or not", () => {
  const { clock, view, verdict } = world();
  const presented = token();
  assert.equal(verdict(presented), "verified");
  view.markStale();
  assert.equal(verdict(presented), "revocation_view_stale");
  assert.equal(verdict(token({ gen: 2 })), "revocation_view_stale");
  assert.equal(verdict("not a token"), "invalid_token");
  view.markFresh(instantOf(clock), 10);
  assert.equal(verdict(presented), "verified");
  clock.advance(10);
  assert.equal(verdict(presented), "revocation_view_stale");
});

test("an expired token is refused as expired even while the view is stale, because a refresh cures it", () => {
  const { clock, view, verdict } = world();
  view.markStale();
  clock.advance(LIFETIME + LEEWAY);
  assert.equal(verdict(token()), "token_expired");
});

test("the refusal of a forged token does not tell whether it has expired or its session has ended", () => {
  const { clock, view, verdict } = world();
  view.apply(row());
  const forged = `${token().slice(0, -4)}AAAA`;
  assert.equal(verdict(forged), "invalid_token");
  clock.advance(LIFETIME * 2);
  assert.equal(verdict(forged), "invalid_token");
});

test("KY-03 a removed key that has left the key set is still distinguished from an unknown one", () => {
  const { keys, view, verifier } = world();
  view.apply(row({ scope: "key", subject: "es", cause: "key_removed" }));
  keys.replace(publicKeys(eddsa));
  assert.deepEqual(verifier.verify(token({}, es256)), {
    kind: "refused",
    code: "token_stale",
    cause: "key_removed",
  });
});

test("one request cannot change the claims that the next one gets", () => {
  const { verifier } = world();
  const outcome = verifier.verify(token({ roles: { list: ["reader"] } }));
  assert.ok(outcome.kind === "verified");
  const { claims: handed } = outcome;
  assert.throws(() => Object.assign(handed, { sub: "somebody" }), TypeError);
  assert.ok(Object.isFrozen(handed.amr));
  assert.ok(Object.isFrozen(handed["roles"]));
});
