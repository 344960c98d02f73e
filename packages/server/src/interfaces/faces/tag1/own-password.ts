import type { OwnPasswordOutcome } from "../../../accounts/users/ports.ts";
import { busy, fieldErrors, throttled, type Answer } from "../drf/answers.ts";

/** Answers that `current_password` was not accepted. */
export function refusePassword(
  outcome: Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>,
): Answer {
  switch (outcome.kind) {
    case "mismatched":
      return fieldErrors({ current_password: ["Invalid password."] });
    case "throttled":
      return throttled(outcome.retryAfterSeconds);
    case "busy":
      return busy();
  }
}
