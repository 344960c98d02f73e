import { endpoints, failuresOf, type Endpoint } from "@portcullis/contract";
import assert from "node:assert/strict";
import test from "node:test";
import { acts, demandsOf, type Act, type ActOrPublic } from "./acts.ts";
import { endpointActs } from "./endpoint-acts.ts";

const pairs: readonly { readonly endpoint: Endpoint; readonly act: ActOrPublic }[] = Object.values(
  endpoints,
).map((endpoint) => ({ endpoint, act: endpointActs[endpoint.name] }));

test("AD-14: the contract publishes for an endpoint the same demands as the policy makes of its act", () => {
  assert.ok(pairs.length >= 70, `${pairs.length} endpoints seen`);
  for (const { endpoint, act } of pairs) {
    const { access, stepUp, whilePaused } = endpoint;
    if (act === "public") {
      assert.ok(access === "public" || access === "signed", endpoint.name);
      assert.deepEqual([stepUp, whilePaused], [undefined, undefined], endpoint.name);
      continue;
    }
    const demands = demandsOf(act);
    assert.equal(access, demands.superuser === true ? "superuser" : "user", endpoint.name);
    assert.deepEqual(stepUp, demands.proof, endpoint.name);
    assert.equal(whilePaused, demands.whilePaused, endpoint.name);
    assert.equal(
      failuresOf(endpoint).includes("account_paused"),
      demands.whilePaused !== true || endpoint.failures.some((code) => code === "account_paused"),
      endpoint.name,
    );
  }
});

test("an act that asks for the password has an input for it at its native endpoints", () => {
  for (const { endpoint, act } of pairs) {
    if (act === "public" || demandsOf(act).password !== true) continue;
    assert.match(JSON.stringify(endpoint.input), /[pP]assword/, endpoint.name);
  }
});

test("an act that a paused account may do asks for no proof, since no account is read for it", () => {
  const names = Object.keys(acts) as Act[];
  assert.deepEqual(
    names.filter((act) => demandsOf(act).whilePaused === true),
    ["readOwnToken", "endOwnSession"],
  );
  for (const act of names) {
    const { whilePaused, superuser, proof } = demandsOf(act);
    if (whilePaused === true) assert.deepEqual([superuser, proof], [undefined, undefined], act);
  }
});
