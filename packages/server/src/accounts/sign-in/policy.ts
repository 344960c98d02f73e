import type { Clock, UnixSeconds } from "../../platform/kernel/clock.ts";
import type { User } from "../users/users.store.ts";

export type MfaPolicy = "off" | "optional" | "superusers" | "required";

export interface PolicyDeps {
  readonly clock: Clock;
  readonly mfaPolicy: MfaPolicy;
  /** Before this time, users without a second factor are not kept out. */
  readonly mfaGraceUntil: UnixSeconds | undefined;
}

/**
 * Tells whether the policy demands a second factor of this user. A grace period makes no
 * difference.
 */
export function isDemanded(
  policy: MfaPolicy,
  { superuserSince }: Pick<User, "superuserSince">,
): boolean {
  return policy === "required" || (policy === "superusers" && superuserSince !== null);
}

/** Tells whether a user without a second factor must set one up before signing in. */
export function isRequired(
  { clock, mfaPolicy, mfaGraceUntil }: PolicyDeps,
  user: Pick<User, "superuserSince">,
): boolean {
  return (
    isDemanded(mfaPolicy, user) && (mfaGraceUntil === undefined || clock.now() >= mfaGraceUntil)
  );
}
