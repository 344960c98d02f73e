import { transact } from "../../platform/db/transact.ts";
import type { FactorName } from "@portcullis/contract";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { notify } from "../../records/mail/notices.ts";
import { deleteDevicesOf } from "../sign-in/remembered-devices.store.ts";
import type { SessionEnding } from "../users/ports.ts";
import { lockUser } from "../users/users.store.ts";
import { deleteEveryFactor, takeCensus, type Census } from "./factors.store.ts";

export interface ResetFactorsDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  readonly sessions: SessionEnding;
  /** Forgets the failed attempts that sign-in remembers against the account. */
  readonly forgetFailures: (tx: Tx, userId: string) => Promise<void>;
}

export type ResetFactorsOutcome = { readonly kind: "reset" | "unknown" | "last_credential" };

/**
 * Removes every second factor of a user, for example after they were lost. When it returns, all
 * sessions and tokens of the user are refused. It is refused if the user could not sign in
 * afterwards (PK-09): without a password, the way back in is a mail that sets one. A repeated call
 * has no further effect.
 */
export async function resetFactors(
  deps: ResetFactorsDeps,
  userId: string,
  origin: Origin,
): Promise<ResetFactorsOutcome> {
  return transact(deps, async (tx) => {
    const user = await lockUser(tx, userId);
    if (user === undefined) return { kind: "unknown" } as const;
    if (user.passwordSealed === null && user.email === null)
      return { kind: "last_credential" } as const;
    const removed = kindsIn(await takeCensus(tx, userId));
    await deleteEveryFactor(tx, user);
    await deleteDevicesOf(tx, userId);
    await deps.forgetFailures(tx, userId);
    await deps.sessions.endAll(tx, user, "factors_reset");
    const at = deps.clock.now();
    for (const factor of removed)
      await notify(tx, deps, user, { template: "factor_removed", data: { at, factor } });
    await record(tx, deps, {
      event: "factors.reset",
      ...origin,
      userId,
      details: { factors: removed.join(" ") },
    });
    return { kind: "reset" } as const;
  });
}

function kindsIn({ totp, passkeys, email, recoveryCodes }: Census): readonly FactorName[] {
  const counts = [
    ["totp", totp],
    ["passkey", passkeys],
    ["email", email],
    ["recovery_codes", recoveryCodes],
  ] as const;
  return counts.filter(([, count]) => count > 0).map(([name]) => name);
}
