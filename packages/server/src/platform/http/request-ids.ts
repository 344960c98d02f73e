import type { Random } from "../kernel/random.ts";

const BYTES = 9;
const DRAWN_AT_ONCE = 128;

/**
 * Makes request ids: twelve characters each, which cannot be guessed. Random bytes are drawn in
 * batches because each draw costs a system call.
 */
export function requestIds(random: Random): () => string {
  let pool: Buffer = Buffer.alloc(0);
  let used = 0;
  return () => {
    if (used === pool.length) {
      pool = random.bytes(BYTES * DRAWN_AT_ONCE);
      used = 0;
    }
    return pool.toString("base64url", used, (used += BYTES));
  };
}
