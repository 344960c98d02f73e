import { effortOf, type Argon2Parameters } from "./phc.ts";

/** Learns from past evaluations what each effort costs on this machine. */
export interface Scale {
  note(effort: string, milliseconds: number): void;
  /**
   * Returns the evaluation that has to follow one of this effort, so that both together cost no
   * less than a current one. Returns `undefined` if this effort already costs as much.
   */
  missing(effort: string): Argon2Parameters | undefined;
}

const PARTS = 16;

/**
 * Costs are measured and not computed. How much quicker two hashes over less memory are than one
 * over the sum depends on the caches, and how other algorithms compare depends on the processor.
 * The quickest evaluation of each effort counts, because it was held up least. The answer is work
 * to be done and not time to be waited, so that load slows it down like any other work.
 */
export function createScale(current: Argon2Parameters): Scale {
  const quickest = new Map<string, number>();
  const whole = effortOf(current);
  const parts = Array.from({ length: PARTS }, (_, index) => ({
    params: partOf(current, index + 1),
    share: (index + 1) / PARTS,
  }));

  return {
    note: (effort, milliseconds) =>
      void quickest.set(effort, Math.min(milliseconds, quickest.get(effort) ?? Infinity)),
    missing: (effort) => {
      if (effort === whole) return undefined;
      const target = quickest.get(whole);
      if (target === undefined) return current;
      const gap = target - (quickest.get(effort) ?? 0);
      if (gap <= 0) return undefined;
      // A part that has not been measured yet is taken to cost its share of the whole.
      return (
        parts.find(({ params, share }) => (quickest.get(effortOf(params)) ?? target * share) >= gap)
          ?.params ?? current
      );
    },
  };
}

function partOf(current: Argon2Parameters, sixteenths: number): Argon2Parameters {
  const memoryCost = Math.ceil((current.memoryCost * sixteenths) / PARTS);
  return { ...current, memoryCost: Math.max(memoryCost, 8 * current.parallelism) };
}
