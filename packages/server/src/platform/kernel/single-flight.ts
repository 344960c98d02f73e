import { nextTurn } from "./clock.ts";

/**
 * Runs one job per key at a time; whoever asks for a key whose job is under way gets that job's
 * result.
 *
 * A job begins after the requests that have already arrived have been read: one that never leaves
 * the processor, as a transaction on SQLite does not, would otherwise be over before the next
 * request could join it.
 */
export function singleFlight<Value>(): (key: string, job: () => Promise<Value>) => Promise<Value> {
  const underWay = new Map<string, Promise<Value>>();
  return async (key, job) => {
    const known = underWay.get(key);
    if (known !== undefined) return known;
    const started = nextTurn()
      .then(job)
      .finally(() => underWay.delete(key));
    underWay.set(key, started);
    return started;
  };
}
