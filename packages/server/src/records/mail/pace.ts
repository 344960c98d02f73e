import type { Clock } from "../../platform/kernel/clock.ts";

/** Resolves when the next one may go. */
export type Pace = (signal: AbortSignal) => Promise<void>;

/** What is late may catch up so much: timers are not exact. */
const SLACK_MILLISECONDS = 100;

/** Evenly spread over each second, whoever asks and however many at once. */
export function createPace(clock: Clock, perSecond: number): Pace {
  const interval = 1000 / perSecond;
  let next = -Infinity;
  return async (signal) => {
    const now = clock.monotonicMilliseconds();
    const turn = Math.max(next, now - SLACK_MILLISECONDS);
    next = turn + interval;
    if (turn > now) await clock.sleep(turn - now, signal);
  };
}
