import { hash, hashRaw, verify } from "@node-rs/argon2";
import { systemClock } from "../kernel/clock.ts";
import { readForeignHash } from "./foreign.ts";
import { matchesForeign } from "./match-foreign.ts";
import { isRequest, type HashReply, type HashRequest, type PresentedPassword } from "./messages.ts";
import { effortOf, OUTPUT_BYTES, readArgon2id } from "./phc.ts";
import { createScale } from "./scale.ts";

// This is the entry point of the hashing process. Its only state is what evaluations cost. It dies
// with its parent: a signal that is sent to the whole process group must not end it while the
// parent still answers the requests that it has accepted.
const [memoryCost = Number.NaN, timeCost = Number.NaN, parallelism = Number.NaN] = process.argv
  .slice(2)
  .map(Number);
const current = { memoryCost, timeCost, parallelism };
const scale = createScale(current);

process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  if (isRequest(message)) void answer(message);
});

async function answer(request: HashRequest): Promise<void> {
  const reply = await evaluate(request).catch((error: unknown): HashReply => ({
    id: request.id,
    kind: "fault",
    message: error instanceof Error ? error.message : "unknown",
  }));
  // A parent that was killed in between has no use for the answer.
  if (process.connected) process.send?.(reply, undefined, undefined, () => undefined);
}

async function evaluate(request: HashRequest): Promise<HashReply> {
  const { id } = request;
  if (request.kind === "hash")
    return {
      id,
      kind: "hashed",
      phc: await hash(request.password, { ...current, outputLen: OUTPUT_BYTES }),
    };
  return { id, kind: (await matches(request.hash, request.presented)) ? "matched" : "mismatched" };
}

interface Comparison {
  readonly effort: string;
  matches(): Promise<boolean>;
}

async function matches(stored: string, presented: PresentedPassword): Promise<boolean> {
  const comparison = comparisonOf(stored, presented);
  const matched = await timed(comparison.effort, comparison.matches);
  await makeUp(comparison.effort, presented.normalized);
  return matched;
}

/** A hash of an unknown form matches no password. */
function comparisonOf(stored: string, { normalized, asTyped }: PresentedPassword): Comparison {
  const ours = readArgon2id(stored);
  if (ours !== undefined)
    return { effort: effortOf(ours), matches: async () => verify(stored, normalized) };
  const foreign = readForeignHash(stored);
  if (foreign !== undefined)
    return { effort: foreign.effort, matches: async () => matchesForeign(foreign, asTyped) };
  return { effort: "none", matches: async () => false };
}

/**
 * Does the work that a weaker hash has saved, because the time of a sign-in must not tell how old
 * the stored hash is (EN-02). A hash that costs more than ours, as those of most other systems do,
 * cannot be hidden until the sign-in that upgrades it.
 */
async function makeUp(effort: string, password: string): Promise<void> {
  const missing = scale.missing(effort);
  if (missing !== undefined)
    await timed(effortOf(missing), async () =>
      hashRaw(password, { ...missing, outputLen: OUTPUT_BYTES }),
    );
}

async function timed<Result>(effort: string, evaluation: () => Promise<Result>): Promise<Result> {
  const from = systemClock.monotonicMilliseconds();
  const result = await evaluation();
  scale.note(effort, systemClock.monotonicMilliseconds() - from);
  return result;
}
