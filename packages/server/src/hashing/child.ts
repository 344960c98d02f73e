import { hash, hashRaw, verify } from "@node-rs/argon2";
import { isRequest, type HashReply, type HashRequest } from "./messages.ts";
import { OUTPUT_BYTES, readArgon2id, work } from "./phc.ts";

// Entry of the hashing process. It holds no state and dies with its parent: a signal sent to the whole process group
// must not take it away while the parent still answers the requests it has accepted.
const [memoryCost = Number.NaN, timeCost = Number.NaN, parallelism = Number.NaN] = process.argv.slice(2).map(Number);
const current = { memoryCost, timeCost, parallelism, outputLen: OUTPUT_BYTES };

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
  if (process.connected) process.send?.(reply);
}

async function evaluate(request: HashRequest): Promise<HashReply> {
  const { id, password } = request;
  if (request.kind === "hash") return { id, kind: "hashed", phc: await hash(password, current) };
  return { id, kind: (await matches(request.phc, password)) ? "matched" : "mismatched" };
}

/** Dispatches on the PHC prefix. A format nobody here knows matches nothing. */
async function matches(phc: string, password: string): Promise<boolean> {
  const stored = readArgon2id(phc);
  const matched = stored !== undefined && (await verify(phc, password).catch(() => false));
  await makeUp(work(current) - (stored === undefined ? 0 : work(stored)), password);
  return matched;
}

/** Spends what a weaker hash has left unspent: the time of a sign-in must not tell how old the stored hash is (EN-02). */
async function makeUp(missing: number, password: string): Promise<void> {
  const share = Math.ceil(missing / timeCost);
  if (share >= 8 * parallelism) await hashRaw(password, { ...current, memoryCost: share });
}
