import assert from "node:assert/strict";
import { test } from "node:test";
import type { Db } from "../../platform/db/open.ts";
import { eachDatabase } from "../../platform/db/testing.ts";
import { transact } from "../../platform/db/transact.ts";
import { manualClock } from "../../platform/kernel/clock.ts";
import { keyring } from "../../platform/kernel/keyring.ts";
import { systemRandom } from "../../platform/kernel/random.ts";
import {
  isCodeOf,
  linkHash,
  makeCode,
  makeMailedProof,
  readTypedCode,
  TRIES,
} from "./mailed-proof.ts";
import { refusalOfCode, refusalOfLink, refusalOfStrangersCode } from "./refusals.ts";
import { returnTry, spendProof, takeTry } from "./tries.store.ts";
import { CODE_SECONDS } from "./lifetimes.ts";

const clock = manualClock();
const deps = {
  clock,
  random: systemRandom,
  keyring: keyring([Buffer.from("a master secret of this test, 48 bytes long, yes")], systemRandom),
};

test("RG-03 a mailed code has eight digits and ten minutes, its link 256 bits and a day, both five tries", () => {
  const now = clock.now();
  const { code, token, stored } = makeMailedProof(deps, "flow", { isMailed: true });
  assert.match(code, /^\d{8}$/);
  assert.equal(Buffer.from(token, "base64url").length, 32);
  assert.equal(stored.tokenHash, linkHash(token));
  assert.deepEqual(
    [stored.triesLeft, stored.codeExpiresAt - now, stored.expiresAt - now],
    [5, 600, 86_400],
  );
  assert.ok(!JSON.stringify(stored).includes(code) && !JSON.stringify(stored).includes(token));
});

test("a code is good for its own flow and no other", () => {
  const { code, codeMac } = makeCode(deps, "flow", { isMailed: true });
  assert.ok(isCodeOf(deps, "flow", code, codeMac));
  assert.ok(!isCodeOf(deps, "another flow", code, codeMac));
  const wrong = code === "00000000" ? "00000001" : "00000000";
  assert.ok(!isCodeOf(deps, "flow", wrong, codeMac));
});

test("EN-03 a code that is not mailed cannot be typed in, and has as many tries as one that is", () => {
  const { code, stored } = makeMailedProof(deps, "flow", { isMailed: false });
  assert.equal(readTypedCode(code), undefined);
  assert.equal(stored.triesLeft, TRIES);
});

test("a typed code may hold spaces, and nothing but eight digits", () => {
  assert.equal(readTypedCode("1234 5678"), "12345678");
  for (const typed of ["1234567", "123456789", "1234567a", "", "１２３４５６７８"])
    assert.equal(readTypedCode(typed), undefined, typed);
});

test("a code is refused by what the person who began the flow may know, in this order", () => {
  const open = { usedAt: null, voidAt: null, triesLeft: 1, codeExpiresAt: 10, expiresAt: 20 };
  const rows = [
    [undefined, "invalid_code"],
    [{ ...open, usedAt: 5, voidAt: 6, triesLeft: 0, codeExpiresAt: 1 }, "code_used"],
    [{ ...open, voidAt: 6, codeExpiresAt: 1 }, "invalid_code"],
    [{ ...open, codeExpiresAt: 9, triesLeft: 0 }, "code_expired"],
    [{ ...open, triesLeft: 0 }, "code_exhausted"],
    [open, "invalid_code"],
  ] as const;
  for (const [proof, refusal] of rows) assert.equal(refusalOfCode(proof, 9), refusal);
  assert.equal(refusalOfStrangersCode(undefined, 9), "invalid_code");
  assert.equal(refusalOfStrangersCode(open, 10), "code_expired");
  assert.equal(refusalOfStrangersCode(open, 9), "code_exhausted");
});

test("a link is refused as unknown, used, void or expired, and else not at all", () => {
  const open = { usedAt: null, voidAt: null, expiresAt: 20 };
  const rows = [
    [undefined, "invalid_link"],
    [{ ...open, usedAt: 5, voidAt: 6, expiresAt: 1 }, "link_used"],
    [{ ...open, voidAt: 6, expiresAt: 1 }, "link_void"],
    [{ ...open, expiresAt: 19 }, "link_expired"],
    [open, undefined],
  ] as const;
  for (const [proof, refusal] of rows) assert.equal(refusalOfLink(proof, 19), refusal);
});

const par = async <Result>(count: number, act: () => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, act));

/** Stores the reset of an unknown address, whose row belongs to no user. */
async function storeReset(db: Db): Promise<string> {
  const { stored } = makeMailedProof(deps, "flow", { isMailed: true });
  const id = "00000000-0000-7000-8000-000000000001";
  await db
    .insertInto("password_resets")
    .values({
      id,
      user_id: null,
      token_hash: stored.tokenHash,
      code_mac: stored.codeMac,
      tries_left: stored.triesLeft,
      password_changed_at: null,
      email_canonical: null,
      created_at: clock.now(),
      expires_at: stored.expiresAt,
      used_at: null,
    })
    .execute();
  return id;
}

eachDatabase(
  "RG-03 five of forty simultaneous guesses take a try, and a try that is given back can be taken again",
  async ({ db }) => {
    const id = await storeReset(db);
    const guess = async (): Promise<boolean> =>
      transact({ db }, async (tx) => {
        const which = { is: { id }, after: { created_at: clock.now() - CODE_SECONDS } };
        return (await takeTry(tx, "password_resets", which)) !== undefined;
      });
    assert.equal((await par(40, guess)).filter(Boolean).length, TRIES);
    await transact({ db }, async (tx) => returnTry(tx, "password_resets", { is: { id } }));
    assert.equal((await par(10, guess)).filter(Boolean).length, 1);
  },
);

eachDatabase(
  "RG-04 one of forty simultaneous right answers is spent, and none after the end of the proof",
  async ({ db }) => {
    const id = await storeReset(db);
    const spend = async (after: number): Promise<boolean> =>
      transact({ db }, async (tx) =>
        spendProof(
          tx,
          "password_resets",
          { is: { id }, after: { expires_at: after } },
          clock.now(),
        ),
      );
    assert.equal(await spend(clock.now() + 86_400), false, "the link ends in this second");
    assert.equal((await par(40, async () => spend(clock.now()))).filter(Boolean).length, 1);
  },
);

eachDatabase(
  "a try is taken of the very row that is meant, and a void one is not open",
  async ({ db }) => {
    const id = await storeReset(db);
    await transact({ db }, async (tx) => {
      const other = { is: { id: "00000000-0000-7000-8000-000000000002" } };
      assert.equal(await takeTry(tx, "password_resets", other), undefined);
      assert.equal(
        await takeTry(tx, "password_resets", { is: { id }, unset: ["created_at"] }),
        undefined,
      );
      const row = await takeTry(tx, "password_resets", { is: { id }, unset: ["used_at"] });
      assert.deepEqual([row?.id, row?.tries_left], [id, TRIES - 1]);
    });
  },
);
