import { transact } from "../../../platform/db/transact.ts";
import type { Assertion } from "@portcullis/contract";
import type { Origin, RemoteOrigin } from "../../../records/audit/events.ts";
import type { Tx } from "../../../platform/db/open.ts";
import type { UnixSeconds } from "../../../platform/kernel/clock.ts";
import { assuranceOf } from "../../sign-in/assurance.ts";
import type { Match } from "../../sign-in/factor.ts";
import { noteFailure } from "../../sign-in/failures.ts";
import {
  countSignIn,
  admit,
  enter,
  open,
  reasonAgainst,
  type OpeningDeps,
  type SignedIn,
} from "../../sign-in/opening.ts";
import type { SignInPolicy } from "../../sign-in/sign-in-policy.ts";
import { trustedDevice } from "../../sign-in/sign-in.ts";
import { holdUnchanged } from "../../users/hold-unchanged.ts";
import { findUser, type User } from "../../users/users.store.ts";
import { beginSignIn, endSignIn } from "./ceremonies.ts";
import type { Ceremony } from "./ceremonies.store.ts";
import { requestOf, type Request } from "./options.ts";
import { findPasskey } from "./passkeys.store.ts";
import { showPasskey, type ShowDeps } from "./show-passkey.ts";

export interface PasskeySignInDeps extends OpeningDeps, ShowDeps {}

/** Begins a sign-in. It names no credential, because the user is not known yet (EN-07). */
export function startPasskeySignIn(deps: PasskeySignInDeps): Request {
  return requestOf(deps, beginSignIn(deps));
}

export interface PasskeySignIn {
  readonly policy: SignInPolicy;
  readonly ceremonyId: string;
  readonly credential: Assertion;
  readonly deviceToken?: string | undefined;
}

export type PasskeySignInOutcome =
  | ({ readonly kind: "opened" } & SignedIn)
  | { readonly kind: "refused" };

/**
 * Signs in by passkey alone, in the order ceremony, passkey, account state, session. The passkey
 * stands for two factors, so that no other is asked for. Every failure gets the same answer.
 */
export async function signInWithPasskey(
  deps: PasskeySignInDeps,
  { policy, ceremonyId, credential, deviceToken }: PasskeySignIn,
  origin: RemoteOrigin,
): Promise<PasskeySignInOutcome> {
  const ceremony = await endSignIn(deps, ceremonyId);
  if (ceremony === undefined) return { kind: "refused" };
  const recognised = await recognise(deps, { policy, ceremony, credential }, origin);
  if ("reason" in recognised) {
    await transact(deps, async (tx) => noteRefused(tx, deps, recognised, origin));
    return { kind: "refused" };
  }
  const { user, match } = recognised;
  const trusted = trustedDevice(deps.keyring, user, deviceToken);

  const outcome = await transact(deps, async (tx) => {
    const held = admit(policy, await holdUnchanged(tx, user, "account"));
    if (held === undefined || (await match.spend(tx)) === undefined) {
      await noteRefused(tx, deps, { userId: user.id, reason: "changed" }, origin);
      return undefined;
    }
    await countSignIn(tx, deps);
    const proven = assuranceOf(match.amr);
    const entrance = { policy, user: held, proven, trustedDevice: trusted };
    return { user: held, opened: await open(tx, deps, entrance, origin) };
  });
  if (outcome === undefined) return { kind: "refused" };
  return { kind: "opened", ...(await enter(deps, outcome.user, outcome.opened, trusted)) };
}

interface Refused {
  readonly userId: string | undefined;
  readonly reason: string;
}

interface Presented extends Pick<PasskeySignIn, "policy" | "credential"> {
  readonly ceremony: Ceremony;
}

async function recognise(
  deps: PasskeySignInDeps,
  { policy, ceremony, credential }: Presented,
  origin: Origin,
): Promise<{ readonly user: User; readonly match: Match } | Refused> {
  const passkey = await findPasskey(deps.db, credential.id);
  if (passkey === undefined) return { userId: undefined, reason: "unknown" };
  const { userId } = passkey;
  const match = await showPasskey(deps, { ceremony, credential, passkey, alone: true }, origin);
  const user = await findUser(deps.db, userId);
  if (match === undefined || user === undefined) return { userId, reason: "passkey" };
  const reason =
    reasonAgainst(policy, user) ??
    (hasChangedSince(user, ceremony.createdAt, deps.clock.now()) ? "changed" : undefined);
  return reason === undefined ? { user, match } : { userId, reason };
}

/** If a value changes twice within a second, the second timestamp is one second in the future. */
const LATE_SECONDS = 1;

/**
 * Whether the account has changed since the ceremony began. At that time the user was not known, so
 * there is no standing to compare (PK-08). A value ahead of the clock is not a time: it only had to
 * be greater than the value before.
 */
function hasChangedSince(
  { passwordChangedAt, emailVerifiedAt, hardEpoch }: User,
  at: UnixSeconds,
  now: UnixSeconds,
): boolean {
  const isSince = (moment: UnixSeconds | null): boolean =>
    moment !== null && moment > at + LATE_SECONDS && moment <= now;
  return [passwordChangedAt, emailVerifiedAt, hardEpoch].some(isSince);
}

async function noteRefused(
  tx: Tx,
  deps: PasskeySignInDeps,
  { userId, reason }: Refused,
  origin: Origin,
): Promise<void> {
  await noteFailure(tx, deps, { event: "sign_in.failed", userId, reason }, origin);
}
