/** Runs one job per key at a time; whoever asks for a key whose job is under way gets that job's result. */
export function singleFlight<Value>(): (key: string, job: () => Promise<Value>) => Promise<Value> {
  const underWay = new Map<string, Promise<Value>>();
  return async (key, job) => {
    const known = underWay.get(key);
    if (known !== undefined) return known;
    const started = job().finally(() => underWay.delete(key));
    underWay.set(key, started);
    return started;
  };
}
