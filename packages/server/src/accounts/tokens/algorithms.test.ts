import assert from "node:assert/strict";
import { verify } from "node:crypto";
import { test } from "node:test";
import { algorithms } from "./algorithms.ts";

// RFC 7518 §3.4: r and s keep their leading zeros. One signature in 128 has a short one, so three
// thousand contain many.
test("an ES256 signature has r and s of 32 bytes each, even if its integers are shorter", () => {
  const { publicKey, privateKey } = algorithms.ES256.generate();
  let short = 0;
  for (let round = 0; round < 3000; round += 1) {
    const data = Buffer.from(`signed ${round}`);
    const signature = algorithms.ES256.sign(data, privateKey);
    assert.equal(signature.length, 64);
    assert.ok(verify("sha256", data, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature));
    if (signature[0] === 0 || signature[32] === 0) short += 1;
  }
  assert.ok(short > 0, "a leading zero was seen");
});
