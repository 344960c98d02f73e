import { transact } from "../../platform/db/transact.ts";
import type { CheckOwnPassword } from "../users/ports.ts";
import { findUser } from "../users/users.store.ts";
import { checkPassword, type SignInDeps } from "./sign-in.ts";
import { settleAttempt, type Attempt } from "./lock-out.ts";

/**
 * Implements the check for which users/ needs sign-in: a signed-in user types the password again.
 */
export function createCheckOwnPassword(
  deps: Pick<SignInDeps, "db" | "clock" | "keyring" | "hasher" | "attemptLimits">,
): CheckOwnPassword {
  return async (who, password, origin) => {
    const user = await findUser(deps.db, who.userId);
    if (password === undefined)
      return {
        kind:
          user?.passwordSealed === null && who.hasShownFactor === true ? "matched" : "mismatched",
      };
    const attempt: Attempt = {
      account: who.userId,
      known: true,
      address: origin.address,
      trustedDevice: `session:${who.sessionId}`,
    };
    const checked = await checkPassword(
      deps,
      // The user is signed in already, so an unconfirmed address is no reason to refuse.
      { policy: { requireVerifiedEmail: false }, user, attempt, password },
      origin,
    );
    if (checked.kind !== "matched")
      return checked.kind === "refused" ? { kind: "mismatched" } : checked;
    await transact(deps, async (tx) => settleAttempt(tx, deps, deps.attemptLimits, attempt));
    return { kind: "matched" };
  };
}
