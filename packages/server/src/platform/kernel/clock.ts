/**
 * Whole seconds since 1970-01-01T00:00:00Z. This is the only unit of time on the wire and in the
 * database.
 */
export type UnixSeconds = number;

/** Spans of time in seconds. */
export const MINUTE = 60;
export const HOUR = 3600;
export const DAY = 86_400;

export interface Clock {
  now(): UnixSeconds;
  /** The wall clock, for logs and UUIDv7. */
  wallMilliseconds(): number;
  /** Never steps back. Only differences between two readings mean anything. */
  monotonicMilliseconds(): number;
  /**
   * Resolves after `milliseconds`, or at once when `signal` aborts. It does not keep the process
   * alive.
   */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  wallMilliseconds: () => Date.now(),
  monotonicMilliseconds: () => performance.now(),
  sleep: async (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(done, milliseconds);
      timer.unref();
      signal?.addEventListener("abort", done, { once: true });
      function done(): void {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      }
    }),
};

/**
 * Lets the process deal with everything that has already arrived. No time passes, so it needs no
 * clock.
 */
export async function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export interface ManualClock extends Clock {
  advance(seconds: number): void;
}

/** Makes a clock that stands still. `sleep` resolves once `advance` has passed its end. */
export function manualClock(startsAt: UnixSeconds = 1_800_000_000): ManualClock {
  let milliseconds = startsAt * 1000;
  let sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  return {
    now: () => Math.floor(milliseconds / 1000),
    wallMilliseconds: () => milliseconds,
    monotonicMilliseconds: () => milliseconds,
    sleep: async (duration, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        sleepers.push({ until: milliseconds + duration, wake: resolve });
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }),
    advance: (seconds) => {
      milliseconds += seconds * 1000;
      const due = sleepers.filter((s) => s.until <= milliseconds);
      sleepers = sleepers.filter((s) => s.until > milliseconds);
      for (const sleeper of due) sleeper.wake();
    },
  };
}

/** Formats a moment as ISO 8601 in UTC with whole seconds, such as `2026-01-02T03:04:05Z`. */
export function isoMoment(at: UnixSeconds): string {
  return new Date(at * 1000).toISOString().replace(".000Z", "Z");
}
