import assert from "node:assert/strict";
import { deleteExpired } from "./delete-expired.ts";
import { eachDatabase } from "./testing.ts";

eachDatabase("a batch deletes expired rows only, and no more than its limit", async ({ db }) => {
  await db
    .insertInto("setup_links")
    .values(
      [10, 11, 12, 13].map((expires_at) => ({
        token_hash: `token ${expires_at}`,
        expires_at,
        used_at: null,
      })),
    )
    .execute();
  const deleted = async (upTo: number, limit: number) =>
    deleteExpired(db, "setup_links", "token_hash", { upTo, limit });
  assert.equal(await deleted(9, 5), 0);
  assert.equal(await deleted(12, 2), 2);
  assert.equal(await deleted(12, 2), 1);
  assert.equal(await deleted(12, 2), 0);
  const left = await db.selectFrom("setup_links").select("token_hash").execute();
  assert.deepEqual(left, [{ token_hash: "token 13" }]);
});
