import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin } from "../../records/audit/events.ts";
import type { Db } from "../../platform/db/open.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Profile, ProfileRules } from "./profile.ts";
import type { InputProblem } from "./register.ts";
import { lockUser, setProfile, type User } from "./users.store.ts";

export interface UpdateMeDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly profileRules: ProfileRules;
}

export type UpdateMeOutcome =
  | { readonly kind: "updated"; readonly user: User }
  | { readonly kind: "gone" | "paused" }
  | { readonly kind: "invalid"; readonly problems: readonly InputProblem[] };

/**
 * Changes the members of an account that its user may set freely. `profile` is merged into the
 * stored one (RFC 7396), and the operator's schema must accept the result. If `locale` is null, the
 * operator's default language is used for mail.
 */
export async function updateMe(
  deps: UpdateMeDeps,
  userId: string,
  patch: { readonly profile?: Profile | undefined; readonly locale?: string | null | undefined },
  origin: Origin,
): Promise<UpdateMeOutcome> {
  if (patch.profile === undefined && patch.locale === undefined)
    return {
      kind: "invalid",
      problems: [{ path: "", message: "must have profile, locale or both" }],
    };
  return transact(deps, async (tx): Promise<UpdateMeOutcome> => {
    const user = await lockUser(tx, userId);
    if (user === undefined) return { kind: "gone" };
    if (user.pausedAt !== null) return { kind: "paused" };
    const profile =
      patch.profile === undefined
        ? user.profile
        : deps.profileRules.merge(user.profile, patch.profile);
    const problems = patch.profile === undefined ? [] : deps.profileRules.check(profile);
    if (problems.length > 0)
      return {
        kind: "invalid",
        problems: problems.map((p) => ({ path: `/profile${p.path}`, message: p.message })),
      };
    const locale = patch.locale === undefined ? user.locale : patch.locale;
    await setProfile(tx, user, { profile, locale });
    await record(tx, deps, { event: "user.updated", ...origin, userId });
    return { kind: "updated", user: { ...user, profile, locale } };
  });
}
