import { record } from "../audit/audit.ts";
import type { Origin } from "../audit/events.ts";
import type { Db } from "../db/open.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Keyring } from "../kernel/keyring.ts";
import type { Profile, ProfileRules } from "./profile.ts";
import type { InputProblem } from "./register.ts";
import { lockUser, setProfile, type User } from "./users.store.ts";

export type UpdateProfileOutcome =
  | { readonly kind: "updated"; readonly user: User }
  | { readonly kind: "gone" }
  | { readonly kind: "invalid"; readonly problems: readonly InputProblem[] };

/** Merges into the stored profile (RFC 7396) what the operator's schema then still accepts. */
export async function updateProfile(
  deps: { readonly db: Db; readonly clock: Clock; readonly keyring: Keyring; readonly profileRules: ProfileRules },
  userId: string,
  patch: Profile,
  origin: Origin,
): Promise<UpdateProfileOutcome> {
  return deps.db.transaction().execute(async (tx): Promise<UpdateProfileOutcome> => {
    const user = await lockUser(tx, userId);
    if (user === undefined) return { kind: "gone" };
    const profile = deps.profileRules.merge(user.profile, patch);
    const problems = deps.profileRules.check(profile);
    if (problems.length > 0) return { kind: "invalid", problems: problems.map((p) => ({ path: `/profile${p.path}`, message: p.message })) };
    await setProfile(tx, userId, profile);
    await record(tx, deps, { event: "user.updated", ...origin, userId });
    return { kind: "updated", user: { ...user, profile } };
  });
}
