import { effortOf, type Argon2Parameters } from "./phc.ts";

/** What evaluations cost on this machine, learnt from those that took place. */
export interface Scale {
  note(effort: string, milliseconds: number): void;
  /**
   * What has to follow an evaluation of this effort for both to cost no less than a current one;
   * nothing where it costs as much.
   */
  missing(effort: string): Argon2Parameters | undefined;
}

const PARTS = 16;

/**
 * Measured, not computed: how much quicker two hashes over less memory are than one over the sum of
 * it depends on the caches, how other algorithms compare on the processor. The quickest evaluation
 * of each effort counts, the one that was held up least. The answer is work to be done, not time to
 * be waited, so that load slows it down like any other.
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
      // A part nobody has measured yet is taken for what its share promises.
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
