import type { Clock } from "../../platform/kernel/clock.ts";

/** Resolves when the next entry may go. */
export type Pace = (signal: AbortSignal) => Promise<void>;

/** Timers are not exact, so a turn that comes late may catch up this much. */
const SLACK_MILLISECONDS = 100;

/** Spreads turns evenly over each second, however many callers ask at once. */
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
