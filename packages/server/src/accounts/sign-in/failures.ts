import { recordIf, type AuditDeps } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Tx } from "../../platform/db/open.ts";
import { countUp } from "../../records/counters/counters.store.ts";
import { addressKeys } from "../../platform/http/address.ts";

export const SIGN_INS = "sign_ins";
export const FAILED_SIGN_INS = "failed_sign_ins";

export type FailureEvent =
  | "sign_in.failed"
  | "sign_in.throttled"
  | "second_factor.failed"
  | "second_factor.throttled";

/**
 * Counts a failed or throttled sign-in. A flood must not fill the disk (AU-04), so within an hour
 * only the 1st, 2nd, 4th, 8th … failure of an account is recorded, with the count. If no account
 * has the name, failures are counted by subnet. Deciding this takes no time from which a guesser in
 * a busy subnet could tell that an account exists.
 */
export async function noteFailure(
  tx: Tx,
  deps: AuditDeps,
  failure: {
    readonly event: FailureEvent;
    readonly userId: string | undefined;
    readonly reason: string;
  },
  origin: Origin,
): Promise<void> {
  const now = deps.clock.now();
  const subject = failure.userId ?? addressKeys(origin.address ?? "").subnet;
  await countUp(tx, FAILED_SIGN_INS, now);
  const count = await countUp(tx, `${failure.event}:${subject}`, now);
  const { event, userId = null, reason } = failure;
  await recordIf(isPowerOfTwo(count), tx, deps, {
    event,
    ...origin,
    userId,
    result: "refused",
    details: { reason, countThisHour: count },
  });
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0;
}
