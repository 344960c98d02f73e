import type { Denial } from "../../../accounts/policies/may.ts";
import { detail, permissionDenied, type Answer } from "./answers.ts";

/**
 * Answers a refusal of the policy in DRF's form. A missing proof is a 403, because faces have no
 * step-up and a client would react to a 401 by refreshing its token again and again.
 */
export function answerToDenial({ code, members }: Denial): Answer {
  switch (code) {
    case "session_ended":
      return detail(401, "User not found", { code: "user_not_found" });
    case "account_paused":
      return detail(401, "User is inactive", { code: "user_inactive" });
    case "forbidden":
      return permissionDenied();
    case "factor_required":
      return detail(403, "Your account must have a second factor before you can do this.", {
        code,
      });
    case "insufficient_user_authentication":
      return detail(
        403,
        members["acrValues"] === "aal2"
          ? "Show your second factor to do this: sign in with it again."
          : "Log in again to do this.",
        { code },
      );
  }
}
