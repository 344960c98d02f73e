import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { judge } from "./refresh-rules.ts";

const GRACE = 10;
const ROTATED_AT = 1_000_000;
const live = {
  generation: 7,
  rotatedAt: ROTATED_AT,
  confirmedAt: null,
  attemptHash: "digest-of-the-attempt",
  hardEpoch: 3,
  idleEndsAt: ROTATED_AT + 1000,
  endsAt: ROTATED_AT + 5000,
  revokedAt: null,
  revokedCause: null,
  user: { hardEpoch: 3, authorizationEpoch: 0, disabledAt: null, pausedAt: null, number: 1 },
};
const judged = (
  generation: number,
  age: number,
  attemptHash: string | null = null,
  session: Partial<typeof live> = {},
  grace = GRACE,
) =>
  judge({ ...live, ...session }, { generation, attemptHash }, ROTATED_AT + age, {
    graceSeconds: grace,
  });

test("the current token rotates once the last rotation is older than the grace window", () => {
  assert.deepEqual(judged(7, GRACE), { kind: "rotate" });
  assert.deepEqual(judged(7, GRACE - 1), { kind: "repeat", confirms: true, audited: false });
});

test("RF-02 the token before the current one gets the same successor inside the window, audited", () => {
  assert.deepEqual(judged(6, GRACE - 1), { kind: "repeat", confirms: false, audited: true });
});

test("RF-01 the token before the current one is theft once the window has passed", () => {
  assert.deepEqual(judged(6, GRACE), { kind: "theft", cause: "refresh_reused" });
});

test("RF-05 the window reaches back one generation only", () => {
  assert.deepEqual(judged(5, 0), { kind: "theft", cause: "refresh_reused" });
});

test("RF-03 the attempt that lost its answer may repeat at any age, until the successor has been used", () => {
  assert.deepEqual(judged(6, 900, "digest-of-the-attempt"), {
    kind: "repeat",
    confirms: false,
    audited: true,
  });
  assert.deepEqual(judged(6, 900, "another-attempt"), { kind: "theft", cause: "refresh_reused" });
  assert.deepEqual(judged(5, 900, "digest-of-the-attempt"), {
    kind: "theft",
    cause: "refresh_reused",
  });
  const used = judge(
    { ...live, confirmedAt: ROTATED_AT + 1 },
    { generation: 6, attemptHash: "digest-of-the-attempt" },
    ROTATED_AT + 900,
    { graceSeconds: GRACE },
  );
  assert.deepEqual(used, { kind: "theft", cause: "refresh_reused" });
});

test("a rotation without an attempt id is never a lost answer", () => {
  const session = judge(
    { ...live, attemptHash: null },
    { generation: 6, attemptHash: null },
    ROTATED_AT + 900,
    { graceSeconds: GRACE },
  );
  assert.deepEqual(session, { kind: "theft", cause: "refresh_reused" });
});

test("RF-16 a generation ahead of the database ends the session", () => {
  assert.deepEqual(judged(8, 0), { kind: "theft", cause: "refresh_ahead" });
});

test("a grace of 0 makes every use a rotation and every second use a theft", () => {
  assert.deepEqual(judged(7, 0, null, {}, 0), { kind: "rotate" });
  assert.deepEqual(judged(6, 0, null, {}, 0), { kind: "theft", cause: "refresh_reused" });
});

test("RF-10, RF-11 a session that has ended stays ended, whatever is presented, and tells the reason", () => {
  const causes: readonly [Parameters<typeof judge>[0], string][] = [
    [{ ...live, revokedAt: 5, revokedCause: "logout" }, "logout"],
    [{ ...live, endsAt: ROTATED_AT + 1 }, "expired"],
    [{ ...live, idleEndsAt: ROTATED_AT + 1 }, "idle"],
    [{ ...live, user: { ...live.user, disabledAt: 5 } }, "user_disabled"],
    [{ ...live, user: { ...live.user, hardEpoch: 4 } }, "logout_everywhere"],
  ];
  for (const [session, cause] of causes) {
    for (const generation of [5, 6, 7, 8]) {
      const verdict = judge(
        session,
        { generation, attemptHash: live.attemptHash },
        ROTATED_AT + 1,
        { graceSeconds: GRACE },
      );
      assert.equal(verdict.kind === "ended" && verdict.cause, cause);
    }
  }
});

test("only the current generation ever rotates, and only one generation is ever repeated outside of it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 40 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 60 }),
      (generation, age, sameAttempt, grace) => {
        const verdict = judged(generation, age, sameAttempt ? live.attemptHash : null, {}, grace);
        if (verdict.kind === "rotate") assert.equal(generation, live.generation);
        if (verdict.kind === "repeat")
          assert.ok(live.generation - generation === 0 || live.generation - generation === 1);
        if (verdict.kind === "repeat" && age >= grace)
          assert.ok(sameAttempt && generation === live.generation - 1);
      },
    ),
  );
});

test("a face's every call rotates and spends the token before at once, which is stolen only after the grace", () => {
  const presented = (generation: number, age: number) =>
    judge(live, { generation, attemptHash: live.attemptHash }, ROTATED_AT + age, {
      graceSeconds: GRACE,
      rotation: "every_call",
    }).kind;
  assert.equal(presented(live.generation, 0), "rotate");
  assert.equal(presented(live.generation - 1, 0), "spent");
  assert.equal(presented(live.generation - 4, GRACE - 1), "spent");
  assert.equal(presented(live.generation - 1, GRACE), "theft");
  assert.equal(presented(live.generation + 1, 0), "theft");
});

test("a face that never rotates answers one refresh token again and again", () => {
  for (const age of [0, GRACE, 999])
    assert.equal(
      judge(live, { generation: live.generation, attemptHash: null }, ROTATED_AT + age, {
        graceSeconds: GRACE,
        rotation: "never",
      }).kind,
      "repeat",
    );
});
