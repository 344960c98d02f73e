// Measures the limit of the machine: Argon2id verifications a second, in one process.
import { hash, verify } from "@node-rs/argon2";

const PARAMETERS = { memoryCost: 19456, timeCost: 2, parallelism: 1 };
const [seconds = 3, concurrency = 2] = process.argv.slice(2).map(Number);
const password = "plinth-Quartz-41-bench";
const stored = await hash(password, PARAMETERS);

let done = 0;
const startedAt = performance.now();
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    for (; performance.now() < startedAt + seconds * 1000; done += 1)
      await verify(stored, password);
  }),
);
process.stdout.write(
  JSON.stringify({ perSecond: done / ((performance.now() - startedAt) / 1000) }),
);
