import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Origin } from "../../../records/audit/events.ts";
import type { Refusal } from "../../../platform/http/serve.ts";
import { notify } from "../../../records/mail/notices.ts";
import { refusalOfWeak } from "../../sign-in/assurance.ts";
import { holdUnchanged } from "../../users/hold-unchanged.ts";
import { setPassword } from "../../users/users.store.ts";
import { takeCensus } from "../factors.store.ts";
import type { ChangeDeps, Changer } from "../change.ts";

export type RemovePasswordOutcome =
  | { readonly kind: "removed" | "session_ended" | "last_credential" }
  | {
      readonly kind: "insufficient";
      readonly refusal: Refusal<"insufficient_user_authentication">;
    };

/**
 * Removes the password. From then on only a passkey signs in to the account. No session ends,
 * because what the sessions have proven still holds (PK-09).
 */
export async function removePassword(
  deps: ChangeDeps,
  who: Changer,
  origin: Origin,
): Promise<RemovePasswordOutcome> {
  const { userId, sessionId, claims } = who;
  return transact(deps, async (tx): Promise<RemovePasswordOutcome> => {
    const user = await holdUnchanged(tx, { id: userId, hardEpoch: claims.hep }, "session");
    if (user === undefined) return { kind: "session_ended" };
    if ((await takeCensus(tx, userId)).verifyingPasskeys === 0) return { kind: "last_credential" };
    const refusal = refusalOfWeak(claims, ["passkey"], ["passkey"]);
    if (refusal !== undefined) return { kind: "insufficient", refusal };
    if (user.passwordSealed === null) return { kind: "removed" };
    const now = deps.clock.now();
    await setPassword(tx, user, null, now);
    await notify(tx, deps, user, { template: "password_changed", data: { at: now } });
    await record(tx, deps, { event: "password.removed", ...origin, userId, sessionId });
    return { kind: "removed" };
  });
}
