import { refuse } from "../../platform/http/serve.ts";
import type { InputProblem, Unacceptable } from "./register.ts";

export function refuseUnacceptable(outcome: Unacceptable) {
  switch (outcome.kind) {
    case "invalid":
      return refuseInput(outcome.problems);
    case "unacceptable_password":
      return refuse("unacceptable_password", { reason: outcome.reason });
    case "busy":
      return refuse("busy");
  }
}

export function refuseInput(problems: readonly InputProblem[]) {
  return refuse("invalid_input", { errors: problems.map((problem) => ({ ...problem })) });
}
