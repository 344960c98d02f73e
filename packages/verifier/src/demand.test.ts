import assert from "node:assert/strict";
import { test } from "node:test";
import { claims, LEEWAY, NOW, row, token, world } from "../test/world.ts";
import { stepUpChallenge, type Demand } from "./index.ts";

const twoFactors = { acr: "aal2", amr: ["pwd", "otp", "mfa"] };

function verdict(changes: Readonly<Record<string, unknown>>, demand: Demand): string {
  const outcome = world().verifier.verify(token(changes), demand);
  return outcome.kind === "verified" ? "verified" : outcome.code;
}

const insufficient = "insufficient_user_authentication";

test("a token is refused if its assurance is lower than demanded, and accepted if it is higher", () => {
  for (const [acr, demanded, expected] of [
    ["aal1", "aal1", "verified"],
    ["aal1", "aal2", insufficient],
    ["aal2", "aal1", "verified"],
    ["aal2", "aal2", "verified"],
    ["aal3", "aal2", "verified"],
    ["", "aal1", insufficient],
    ["AAL2", "aal2", insufficient],
    ["constructor", "aal1", insufficient],
  ] as const)
    assert.equal(verdict({ acr }, { acr: demanded }), expected, `${acr} for ${demanded}`);
});

test("every demanded method must be among those used", () => {
  assert.equal(verdict(twoFactors, { amr: ["otp"] }), "verified");
  assert.equal(verdict(twoFactors, { amr: ["mfa", "pwd"] }), "verified");
  assert.equal(verdict(twoFactors, { amr: ["pwd", "hwk"] }), insufficient);
  assert.equal(verdict({ ...twoFactors, amr: [] }, { amr: ["pwd"] }), insufficient);
  assert.equal(verdict(twoFactors, { amr: [] }), "verified");
});

test("a proof is too old one second after its greatest age and the leeway, no matter when the token was issued", () => {
  const { clock, verifier } = world();
  const presented = token({ auth_time: NOW, iat: NOW, exp: NOW + 600 });
  const at = (moment: number): string => {
    clock.advance(moment - clock.now());
    return verifier.verify(presented, { maxAgeSeconds: 300 }).kind;
  };
  assert.equal(at(NOW), "verified");
  assert.equal(at(NOW + 300 + LEEWAY), "verified");
  assert.equal(at(NOW + 300 + LEEWAY + 1), "refused");
  assert.equal(
    verdict({ auth_time: NOW - 301 - LEEWAY, iat: NOW, exp: NOW + 600 }, { maxAgeSeconds: 300 }),
    insufficient,
  );
});

test("a proof counts as fresh if the clock that dated it is ahead of ours", () => {
  assert.equal(
    verdict({ auth_time: NOW + LEEWAY, iat: NOW + LEEWAY, exp: NOW + 600 }, { maxAgeSeconds: 0 }),
    "verified",
  );
});

test("a demand that cannot be understood is not met", () => {
  assert.equal(verdict(twoFactors, { maxAgeSeconds: NaN }), insufficient);
  assert.equal(
    verdict({ ...twoFactors, auth_time: NOW }, { maxAgeSeconds: -LEEWAY - 1 }),
    insufficient,
  );
  const unknown: Demand = JSON.parse('{"acr":"aal9"}');
  assert.equal(verdict({ acr: "aal3" }, unknown), insufficient);
});

test("a remembered token is compared with the demand of each call", () => {
  const { verifier } = world();
  const presented = token();
  assert.equal(verifier.verify(presented).kind, "verified");
  assert.equal(verifier.verify(presented, { acr: "aal2" }).kind, "refused");
  assert.equal(verifier.verify(presented, { acr: "aal1" }).kind, "verified");
  assert.equal(verifier.verify(presented, {}).kind, "verified");
});

test("the demand is checked last, so a dead token is refused for being dead", () => {
  const { clock, view, verifier } = world();
  const code = (presented: string): string | undefined => {
    const outcome = verifier.verify(presented, { acr: "aal2" });
    return outcome.kind === "refused" ? outcome.code : undefined;
  };
  const presented = token();
  assert.equal(code("not a token"), "invalid_token");
  assert.equal(code(presented), insufficient);
  view.markStale();
  assert.equal(code(presented), "revocation_view_stale");
  clock.advance(claims.exp + LEEWAY - NOW);
  assert.equal(code(presented), "token_expired");

  const ended = world();
  ended.view.apply(row());
  assert.deepEqual(ended.verifier.verify(presented, { acr: "aal2" }), {
    kind: "refused",
    code: "session_ended",
    cause: "logout",
  });
});

test("a token that meets a demand has the same outcome object as without the demand", () => {
  const { verifier } = world();
  const presented = token(twoFactors);
  const plain = verifier.verify(presented);
  assert.equal(
    verifier.verify(presented, { acr: "aal2", amr: ["otp"], maxAgeSeconds: 300 }),
    plain,
  );
});

test("the refusal repeats the whole demand, and becomes the challenge of RFC 9470 §3", () => {
  const demand = { acr: "aal2", maxAgeSeconds: 300 } as const;
  const refusal = world().verifier.verify(token(), demand);
  assert.deepEqual(refusal, { kind: "refused", code: insufficient, ...demand });
  const words = `Bearer error="${insufficient}", error_description="Verify your identity again, then repeat the request"`;
  assert.equal(stepUpChallenge(demand), `${words}, acr_values="aal2", max_age="300"`);
  assert.equal(stepUpChallenge({ maxAgeSeconds: 0 }), `${words}, max_age="0"`);
  assert.equal(stepUpChallenge({ amr: ["hwk"] }), words);
});
