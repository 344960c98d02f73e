import type { Verdict } from "./bench.ts";

/**
 * A figure is too noisy to judge if the middle half of its rounds is spread over more than this
 * share of their median.
 */
export const NOISY = 0.15;
const FEWEST_ROUNDS = 3;

/**
 * Returns the interquartile range of the rounds as a share of their median. Returns `undefined` if
 * there are too few rounds to tell.
 */
export function spreadOf(values: readonly number[]): number | undefined {
  if (values.length < FEWEST_ROUNDS) return undefined;
  const middle = Math.abs(quantile(values, 0.5));
  const range = quantile(values, 0.75) - quantile(values, 0.25);
  return middle === 0 ? undefined : range / middle;
}

/** Interpolates between the two nearest values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
  return below + (above - below) * (place - Math.floor(place));
}

/** Writes one spread for each series of rounds, such as "3 % / 12 %". */
export function spreads(...series: readonly (readonly number[])[]): string {
  const known = series.map(spreadOf).filter((value) => value !== undefined);
  return known.map((value) => `${(value * 100).toFixed(0)} %`).join(" / ");
}

/** Replaces a judgement by "noisy" if one of the series cannot carry it. */
export function judged(verdict: Verdict, ...series: readonly (readonly number[])[]): Verdict {
  const judgement = verdict === "pass" || verdict === "miss";
  return judgement && series.some((values) => (spreadOf(values) ?? 0) > NOISY) ? "noisy" : verdict;
}
