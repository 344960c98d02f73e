import type { StepKind } from "./step.ts";

/**
 * Refuses a request that would only be refused later, before anything of it is read. Under a flood,
 * such a request must cost next to nothing (IN-07).
 */
export const turnAway: StepKind<unknown> = {
  name: "turn away",
  build: (_deps, served) => served.turnAway,
};
