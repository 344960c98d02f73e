import type { FactorName } from "@portcullis/contract";
import type { Queryable } from "../../../platform/db/open.ts";
import { countCodes } from "../../../accounts/factors/recovery-codes.store.ts";
import { listConfirmed } from "../../../accounts/factors/totp.store.ts";
import type { Clock } from "../../../platform/kernel/clock.ts";
import { FRESH_SECONDS, isAsStrong } from "../../../accounts/sign-in/assurance.ts";
import { enrolledFactors, type Factor } from "../../../accounts/sign-in/factor.ts";
import type { User } from "../../../accounts/users/users.store.ts";
import type { Holder, TokenDeps } from "./tokens.ts";

/**
 * The prefixes of django-otp's persistent ids. An account's emergency codes are one device, even
 * after new ones were made.
 */
const TOTP = "otp_totp.totpdevice/";
const STATIC = "otp_static.staticdevice/";

export interface VerifyDeps extends Pick<TokenDeps, "tokens"> {
  readonly factors: readonly Factor[];
}

/** Returns the device of the factor that was just shown, or null if it has been removed since. */
export async function deviceIdOf(
  deps: VerifyDeps,
  db: Queryable,
  user: User,
  shown: "totp" | "recovery_codes",
): Promise<string | null> {
  if (shown === "recovery_codes") return `${STATIC}${deps.tokens.idOf(user)}`;
  const [latest] = (await listConfirmed(db, user.id)).toSorted(
    (one, other) => other.lastStep - one.lastStep,
  );
  return latest === undefined ? null : `${TOTP}${latest.id}`;
}

/**
 * Tells whether the user still has the device of the token. A device that was removed or never
 * confirmed does not count.
 */
async function isEnrolled(
  deps: VerifyDeps,
  db: Queryable,
  { user, deviceId }: Holder,
): Promise<boolean> {
  if (deviceId === null) return false;
  if (deviceId === `${STATIC}${deps.tokens.idOf(user)}`)
    return (await countCodes(db, user.id)) !== undefined;
  return (await listConfirmed(db, user.id)).some(({ id }) => deviceId === `${TOTP}${id}`);
}

/** Lists the user's factors that are enough on their own, so that sign-in asks for one of them. */
export async function standingFactors(
  deps: VerifyDeps,
  db: Queryable,
  userId: string,
): Promise<readonly FactorName[]> {
  const enrolled = await enrolledFactors(db, deps.factors, userId);
  return enrolled.filter(({ standsAlone }) => standsAlone).map(({ name }) => name);
}

/** Tells whether a token shows the second factor of its user, or the user has none. */
export async function isVerified(
  deps: VerifyDeps,
  db: Queryable,
  holder: Holder,
): Promise<boolean> {
  return (
    (await isEnrolled(deps, db, holder)) ||
    (await standingFactors(deps, db, holder.user.id)).length === 0
  );
}

function isFresh({ clock }: { readonly clock: Clock }, { bearer }: Holder): boolean {
  return clock.now() - bearer.claims.auth_time <= FRESH_SECONDS;
}

/**
 * Tells whether the user may change the `touched` factors. If they have a second factor, the token
 * must have shown one lately that is at least as strong (MF-07).
 */
export async function mayTouch(
  deps: VerifyDeps & { readonly clock: Clock },
  db: Queryable,
  holder: Holder,
  touched: readonly FactorName[] | "all",
): Promise<boolean> {
  const standing = await standingFactors(deps, db, holder.user.id);
  if (standing.length === 0) return true;
  const isStrong = isAsStrong(holder.bearer.claims.amr, touched === "all" ? standing : touched);
  return isStrong && isFresh(deps, holder) && (await isEnrolled(deps, db, holder));
}
