import type { RemoteOrigin } from "../../records/audit/events.ts";
import type { Held } from "../../platform/db/held.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import { countUp } from "../../records/counters/counters.store.ts";
import type { Client } from "../../platform/http/serve.ts";
import { notify } from "../../records/mail/notices.ts";
import {
  openSession,
  recordOpened,
  type Opened,
  type Proven,
  type SessionDeps,
} from "../sessions/open.ts";
import { take } from "../../records/attempts/attempts.store.ts";
import { mailsTo } from "../../records/attempts/budgets.ts";
import type { User } from "../users/users.store.ts";
import { deviceTokenOf, newDeviceId } from "./device-token.ts";
import { SIGN_INS } from "./failures.ts";
import type { SignInPolicy } from "./sign-in-policy.ts";

export interface OpeningDeps extends SessionDeps {
  readonly db: Db;
}

/** The facts for the last step, which is the same for every way to sign in. */
export interface Entrance {
  readonly policy: SignInPolicy;
  readonly user: Held<User>;
  readonly proven: Proven;
  /** The id of the device token, if the client has a valid one. */
  readonly trustedDevice: string | undefined;
}

export interface SignedIn {
  readonly user: User;
  readonly opened: Opened;
  readonly deviceToken: string;
}

/** Returns why an account must not sign in, even if everything is proven. */
export function reasonAgainst(
  policy: Pick<SignInPolicy, "requireVerifiedEmail">,
  user: User,
): string | undefined {
  if (user.disabledAt !== null) return "disabled";
  if (user.pausedAt !== null) return "paused";
  return policy.requireVerifiedEmail && user.email !== null && user.emailVerifiedAt === null
    ? "unverified"
    : undefined;
}

/** Returns a held account that is about to be let in, or `undefined` if it must not be. */
export function admit(
  policy: Pick<SignInPolicy, "requireVerifiedEmail">,
  held: Held<User> | undefined,
): Held<User> | undefined {
  return held === undefined || reasonAgainst(policy, held) !== undefined ? undefined : held;
}

/** Counts a sign-in for the figures. */
export async function countSignIn(tx: Tx, { clock }: Pick<OpeningDeps, "clock">): Promise<void> {
  await countUp(tx, SIGN_INS, clock.now());
}

/**
 * Opens the session of a held account and tells its user of a new device. Call `enter` once it has
 * committed.
 */
export async function open(
  tx: Tx,
  deps: OpeningDeps,
  { policy, user, proven, trustedDevice }: Entrance,
  origin: RemoteOrigin,
): Promise<Opened> {
  const opened = await openSession(tx, deps, { policy: policy.sessions, user, proven }, origin);
  if (policy.noticeNewDevices && trustedDevice === undefined)
    await noticeNewDevice(tx, deps, user, origin);
  await recordOpened(tx, deps, opened, origin);
  return opened;
}

/**
 * Makes the device token, by which the device is known from now on (LG-04). Call it after the
 * commit.
 */
export async function enter(
  deps: OpeningDeps,
  user: User,
  opened: Opened,
  trustedDevice: string | undefined,
): Promise<SignedIn> {
  const did = trustedDevice ?? newDeviceId(deps.random);
  return { user, opened, deviceToken: deviceTokenOf(deps.keyring, { ...trustOf(user), did }) };
}

export function trustOf(user: User): { readonly sub: string; readonly pwd: number } {
  return { sub: user.id, pwd: user.passwordChangedAt ?? 0 };
}

/**
 * Reports a sign-in from a new device by mail, unless it is the user's first sign-in (LG-14). At
 * most a few mails are sent per hour, because otherwise an attacker with the password could bury
 * the one mail that matters.
 */
async function noticeNewDevice(
  tx: Tx,
  deps: OpeningDeps,
  user: User,
  { address, userAgent }: Client,
): Promise<void> {
  if (user.lastLoginAt === null || user.emailVerifiedAt === null) return;
  const now = deps.clock.now();
  if ((await take(tx, mailsTo(`new-device:${user.id}`), now)).kind === "exhausted") return;
  await notify(tx, deps, user, { template: "new_device", data: { at: now, address, userAgent } });
}
