import { endpoints, type Endpoint } from "@portcullis/contract";
import assert from "node:assert/strict";
import { composeApp } from "../../src/process/compose.ts";
import { eachWorld } from "../world.ts";

/** The steps, in their order, that stand between a request and the handler of each access. */
const guards: Readonly<Record<Endpoint["access"], readonly string[]>> = {
  public: [],
  signed: ["read body", "verify signature"],
  user: ["authenticate", "authorize"],
  superuser: ["authenticate", "authorize"],
};

eachWorld("AD-01: the composed server reaches no handler except past its guards", async (world) => {
  const { steps } = composeApp(world.parts, world.rules, () => "ready");
  for (const { name, access, budget, method } of Object.values<Endpoint>(endpoints)) {
    const before = steps.get(name)?.slice(0, steps.get(name)?.indexOf("handle")) ?? [];
    assert.equal(steps.get(name)?.filter((step) => step === "handle").length, 1, name);
    assert.deepEqual(
      before.filter((step) => guards[access].includes(step)),
      guards[access],
      name,
    );
    assert.equal(before.includes("take budget"), budget !== undefined, name);
    // A cookie is a credential only after the step that tells whether a page has forged the call.
    if (access === "user" || access === "superuser")
      assert.equal(before.indexOf("take cookies") + 1, before.indexOf("authenticate"), name);
    if (access !== "signed" && method !== "GET") assert.ok(before.includes("take cookies"), name);
  }
  const pages = [...steps].filter(([name]) => !Object.hasOwn(endpoints, name));
  assert(pages.length > 0);
  for (const [name, passed] of pages)
    assert.deepEqual(passed, ["share with origin", "handle"], name);
});
