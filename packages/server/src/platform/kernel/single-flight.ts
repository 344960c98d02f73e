import { nextTurn } from "./clock.ts";

/**
 * Runs one job per key at a time. A caller that asks for a key whose job is under way gets the
 * result of that job.
 *
 * A job begins only after the requests that have already arrived have been read. Otherwise a job
 * that never leaves the processor, such as a transaction on SQLite, would be over before the next
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
