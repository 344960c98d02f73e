import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndCause } from "@portcullis/contract";
import fc from "fast-check";
import { instantOf, NOW, row, sid, steppingClock, sub } from "../test/world.ts";
import { uuidWords } from "./uuid.ts";
import {
  createRevocationView,
  KEPT_SECONDS,
  type Covered,
  type RevocationRow,
  type RevocationView,
} from "./view.ts";

const causes = [
  "logout",
  "admin",
  "refresh_reused",
  "password_changed",
] as const satisfies readonly EndCause[];

const id = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
/** Makes ids that spread over the whole table, unlike those of `id`. */
const spread = (n: number): string => {
  const word = (Math.imul(n, 0x9e37_79b1) >>> 0).toString(16).padStart(8, "0");
  return `${word}-${word.slice(0, 4)}-4000-8000-${n.toString(16).padStart(12, "0")}`;
};

const covered = (changes: Partial<Covered> & { readonly sid?: string } = {}): Covered => {
  const { sid: session = sid, ...rest } = changes;
  return { session: uuidWords(session), sub, kid: "es", hep: 3, aep: 7, ...rest };
};

const causeOf = (view: RevocationView, session: string): EndCause | undefined =>
  view.refusalOf(covered({ sid: session }))?.cause;

test("the view agrees with a plain map after any sequence of rows and prunings", () => {
  const operation = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        session: fc.nat({ max: 60 }),
        expiresAt: fc.integer({ min: 1, max: 500 }),
        cause: fc.constantFrom(...causes),
      }),
    },
    { weight: 1, arbitrary: fc.record({ prunedAt: fc.nat({ max: 600 }) }) },
  );
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 300 }),
      fc.constantFrom(id, spread),
      (operations, name) => {
        const view = createRevocationView();
        const model = new Map<string, { readonly expiresAt: number; readonly cause: EndCause }>();
        for (const step of operations) {
          if ("prunedAt" in step) {
            view.prune(step.prunedAt);
            for (const [session, end] of model)
              if (end.expiresAt <= step.prunedAt - KEPT_SECONDS) model.delete(session);
          } else {
            const session = name(step.session);
            view.apply(row({ subject: session, expiresAt: step.expiresAt, cause: step.cause }));
            const known = model.get(session);
            const later =
              known === undefined ||
              step.expiresAt > known.expiresAt ||
              (step.expiresAt === known.expiresAt && step.cause < known.cause);
            if (later) model.set(session, { expiresAt: step.expiresAt, cause: step.cause });
          }
          assert.equal(view.size, model.size);
        }
        for (let n = 0; n <= 61; n += 1)
          assert.equal(causeOf(view, name(n)), model.get(name(n))?.cause);
      },
    ),
    { numRuns: 150 },
  );
});

test("the same rows lead to the same view in any order and any number of times", () => {
  const anyRow: fc.Arbitrary<RevocationRow> = fc
    .record({
      scope: fc.constantFrom("session", "user", "all", "key"),
      n: fc.nat({ max: 2 }),
      minHardEpoch: fc.option(fc.nat({ max: 4 })),
      minAuthorizationEpoch: fc.option(fc.nat({ max: 4 })),
      cause: fc.constantFrom(...causes),
      expiresAt: fc.integer({ min: 100, max: 104 }),
    })
    .map(({ n, ...rest }) => ({
      ...rest,
      subject: rest.scope === "all" ? "*" : rest.scope === "key" ? `k${n}` : id(n),
    }));
  const tokens = [0, 1, 2].flatMap((n) =>
    [0, 1, 2, 3, 4].flatMap((epoch) => [
      covered({ sid: id(n), sub: id(n), kid: `k${n}` }),
      covered({ sub: id(n), hep: epoch }),
      covered({ sub: id(n), aep: epoch }),
    ]),
  );
  const answers = (view: RevocationView): unknown[] => {
    const before = [view.size, ...tokens.map((t) => view.refusalOf(t))];
    view.prune(102 + KEPT_SECONDS);
    return [...before, view.size, ...tokens.map((t) => view.refusalOf(t))];
  };
  const shuffled = fc
    .array(anyRow, { maxLength: 12 })
    .chain((rows) =>
      fc.tuple(
        fc.constant(rows),
        fc.shuffledSubarray([...rows, ...rows], { minLength: rows.length * 2 }),
      ),
    );
  fc.assert(
    fc.property(shuffled, ([rows, again]) => {
      const once = createRevocationView();
      const twice = createRevocationView();
      for (const r of rows) once.apply(r);
      for (const r of again) twice.apply(r);
      assert.deepEqual(answers(twice), answers(once));
    }),
    { numRuns: 300 },
  );
});

test("RV-14 a million revoked sessions take at most 64 MB, are all found, and release the memory", () => {
  const view = createRevocationView();
  let largest = 0;
  for (let n = 0; n < 1_000_000; n += 1) {
    view.apply(row({ subject: spread(n), expiresAt: NOW + 600 + (n % 2) * 600 }));
    if (n % 50_000 === 0) largest = Math.max(largest, view.bytes);
  }
  assert.equal(view.size, 1_000_000);
  assert.ok(Math.max(largest, view.bytes) <= 64_000_000, `${view.bytes} bytes`);
  for (let n = 0; n < 1_000_000; n += 997) assert.equal(causeOf(view, spread(n)), "logout");
  for (let n = 1_000_000; n < 1_020_000; n += 1) assert.equal(causeOf(view, spread(n)), undefined);

  view.prune(NOW + 600 + KEPT_SECONDS);
  assert.equal(view.size, 500_000);
  for (let n = 0; n < 1_000_000; n += 997)
    assert.equal(causeOf(view, spread(n)), n % 2 === 1 ? "logout" : undefined);
  view.prune(NOW + 1200 + KEPT_SECONDS);
  assert.deepEqual([view.size, view.bytes], [0, 0]);
});

test("sessions whose ids differ in one word are distinguished, and keep their causes while the table grows and shrinks", () => {
  const inWord = [
    (hex: string) => `${hex}-0000-7000-8000-000000000000`,
    (hex: string) => `00000000-${hex.slice(0, 4)}-${hex.slice(4)}-8000-000000000000`,
    (hex: string) => `00000000-0000-7000-${hex.slice(0, 4)}-${hex.slice(4)}00000000`,
    (hex: string) => `00000000-0000-7000-8000-0000${hex}`,
  ];
  for (const name of inWord) {
    const view = createRevocationView();
    const nth = (n: number): string => name(n.toString(16).padStart(8, "0"));
    const cause = (n: number): EndCause => causes[n % causes.length] ?? "logout";
    for (let n = 1; n <= 10_000; n += 1)
      view.apply(row({ subject: nth(n), cause: cause(n), expiresAt: n % 5 === 0 ? 200 : 100 }));
    assert.equal(view.size, 10_000);
    for (let n = 1; n <= 10_000; n += 1) assert.equal(causeOf(view, nth(n)), cause(n));
    assert.equal(causeOf(view, nth(10_001)), undefined);
    view.prune(100 + KEPT_SECONDS);
    assert.equal(view.size, 2_000);
    for (let n = 1; n <= 10_000; n += 1)
      assert.equal(causeOf(view, nth(n)), n % 5 === 0 ? cause(n) : undefined);
  }
});

test("RV-14 pruning in parts reaches every part", () => {
  const view = createRevocationView();
  for (let n = 0; n < 5_000; n += 1) view.apply(row({ subject: spread(n), expiresAt: 100 }));
  view.prune(100 + KEPT_SECONDS, 100);
  assert.ok(view.size > 0 && view.size < 5_000);
  view.prune(100 + KEPT_SECONDS, 100);
  view.prune(100 + KEPT_SECONDS, 56);
  assert.equal(view.size, 0);
});

test("RV-13 a row is kept until a minute after its last token is dead", () => {
  const view = createRevocationView();
  view.apply(row({ expiresAt: NOW }));
  view.prune(NOW + KEPT_SECONDS - 1);
  assert.equal(causeOf(view, sid), "logout");
  view.prune(NOW + KEPT_SECONDS);
  assert.equal(causeOf(view, sid), undefined);
});

test("RV-06 RV-10 a raised hard epoch ends the older tokens of that user and no other tokens", () => {
  const view = createRevocationView();
  view.apply(row({ scope: "user", subject: sub, minHardEpoch: 4, cause: "logout_everywhere" }));
  assert.deepEqual(view.refusalOf(covered({ hep: 3 })), {
    kind: "refused",
    code: "session_ended",
    cause: "logout_everywhere",
  });
  assert.equal(view.refusalOf(covered({ hep: 4 })), undefined);
  assert.equal(view.refusalOf(covered({ hep: 0, sub: id(9) })), undefined);
});

test("a lower epoch that arrives later changes nothing, and the cause is that of the highest", () => {
  const view = createRevocationView();
  view.apply(row({ scope: "user", subject: sub, minHardEpoch: 5, cause: "password_changed" }));
  view.apply(row({ scope: "user", subject: sub, minHardEpoch: 4, cause: "admin" }));
  view.apply(row({ scope: "user", subject: sub, minAuthorizationEpoch: 9, cause: "admin" }));
  assert.equal(view.refusalOf(covered({ hep: 4 }))?.cause, "password_changed");
  assert.equal(view.refusalOf(covered({ hep: 5 }))?.code, "token_stale");
});

test("RV-15 a raised authorization epoch makes older tokens stale and ends no session", () => {
  const view = createRevocationView();
  view.apply(row({ scope: "user", subject: sub, minAuthorizationEpoch: 8, cause: "admin" }));
  assert.deepEqual(view.refusalOf(covered({ aep: 7 })), { kind: "refused", code: "token_stale" });
  assert.equal(view.refusalOf(covered({ aep: 8 })), undefined);
});

test("a row for all users ends the older tokens of every user", () => {
  const view = createRevocationView();
  view.apply(row({ scope: "all", subject: "*", minHardEpoch: 4, cause: "restored" }));
  assert.deepEqual(view.refusalOf(covered({ hep: 3, sub: id(9) })), {
    kind: "refused",
    code: "session_ended",
    cause: "restored",
  });
  assert.equal(view.refusalOf(covered({ hep: 4 })), undefined);
});

test("KY-03 tokens of a removed key are stale, and their sessions continue after a refresh", () => {
  const view = createRevocationView();
  view.apply(row({ scope: "key", subject: "es", cause: "key_removed" }));
  assert.deepEqual(view.refusalOf(covered()), {
    kind: "refused",
    code: "token_stale",
    cause: "key_removed",
  });
  assert.equal(view.refusalOf(covered({ kid: "ed" })), undefined);
  assert.deepEqual([view.isRemoved("es"), view.isRemoved("ed")], [true, false]);
});

test("a row that cannot be understood throws and changes nothing", () => {
  const view = createRevocationView();
  const unknownScope: RevocationRow = JSON.parse(JSON.stringify({ ...row(), scope: "device" }));
  for (const bad of [
    row({ subject: sid.toUpperCase() }),
    row({ subject: "" }),
    row({ scope: "user", subject: "joe" }),
    row({ scope: "user", subject: sub, minHardEpoch: NaN }),
    row({ expiresAt: NaN }),
    row({ expiresAt: Infinity }),
    unknownScope,
  ])
    assert.throws(() => view.apply(bad), RangeError);
  assert.equal(view.size, 0);
});

test("rows that expire before 1970 or after 2106 are in force as well", () => {
  const view = createRevocationView();
  view.apply(row({ subject: id(1), expiresAt: -5 }));
  view.apply(row({ subject: id(2), expiresAt: 0 }));
  view.apply(row({ subject: id(3), expiresAt: 2 ** 40 }));
  for (const n of [1, 2, 3]) assert.equal(causeOf(view, id(n)), "logout");
  view.prune(4_000_000_000);
  assert.deepEqual(
    [1, 2, 3].map((n) => causeOf(view, id(n))),
    [undefined, undefined, "logout"],
  );
});

test("RV-11 RV-18 a view is not fresh before markFresh nor after markStale", () => {
  const clock = steppingClock();
  const view = createRevocationView();
  assert.equal(view.isFresh(instantOf(clock)), false);
  view.markFresh(instantOf(clock), 10);
  assert.equal(view.isFresh(instantOf(clock)), true);
  view.markStale();
  assert.equal(view.isFresh(instantOf(clock)), false);
});

test("RV-03 a view is fresh until exactly the bound has passed since the clocks were read", () => {
  const clock = steppingClock();
  const view = createRevocationView();
  view.markFresh(instantOf(clock), 10);
  clock.advance(9.999);
  assert.equal(view.isFresh(instantOf(clock)), true);
  clock.advance(0.001);
  assert.equal(view.isFresh(instantOf(clock)), false);
});

test("RV-07 RV-19 the clock that shows the longer time decides", () => {
  const after = (change: (clock: ReturnType<typeof steppingClock>) => void): boolean => {
    const clock = steppingClock();
    const view = createRevocationView();
    view.markFresh(instantOf(clock), 10);
    change(clock);
    return view.isFresh(instantOf(clock));
  };
  assert.equal(
    after((clock) => clock.suspend(30)),
    false,
    "the machine slept: only the wall clock knows",
  );
  assert.equal(
    after((clock) => clock.stepWall(5)),
    true,
  );
  assert.equal(
    after((clock) => clock.stepWall(10)),
    false,
    "set forward: cannot be told from sleep",
  );
  assert.equal(
    after((clock) => clock.stepWall(-3600)),
    true,
    "set back: no time has passed",
  );
  assert.equal(
    after((clock) => {
      clock.stepWall(-3600);
      clock.advance(10);
    }),
    false,
    "set back: time passes all the same",
  );
});

test("an answer that a later one has overtaken does not shorten the freshness", () => {
  const clock = steppingClock();
  const view = createRevocationView();
  const early = instantOf(clock);
  clock.advance(5);
  view.markFresh(instantOf(clock), 10);
  view.markFresh(early, 10);
  clock.advance(9);
  assert.equal(view.isFresh(instantOf(clock)), true);
});

test("RV-13 the view is stale until it is reloaded if the wall clock goes back to a time before pruned rows", () => {
  const clock = steppingClock();
  const view = createRevocationView();
  view.apply(row({ expiresAt: NOW + 600 }));
  clock.stepWall(3600);
  view.markFresh(instantOf(clock), 10);
  view.prune(clock.now());
  assert.equal(causeOf(view, sid), undefined, "The row was pruned by a wrong clock.");
  clock.stepWall(-3600);
  view.markFresh(instantOf(clock), 10);
  assert.deepEqual(
    [view.isFresh(instantOf(clock)), view.needsReload(instantOf(clock))],
    [false, true],
  );

  view.apply(row({ expiresAt: NOW + 600 }));
  view.markReloaded();
  assert.deepEqual(
    [view.isFresh(instantOf(clock)), view.needsReload(instantOf(clock))],
    [true, false],
  );
  assert.equal(causeOf(view, sid), "logout");
});

test("the wall clock may be set back by less than a minute after pruning", () => {
  const clock = steppingClock();
  const view = createRevocationView();
  view.markFresh(instantOf(clock), 10);
  view.prune(clock.now());
  clock.stepWall(-59);
  assert.equal(view.isFresh(instantOf(clock)), true);
});
