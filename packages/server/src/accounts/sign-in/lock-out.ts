import type { Tx } from "../../platform/db/open.ts";
import { addressKeys } from "../../platform/http/address.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Identifier } from "../users/users.store.ts";
import {
  countOf,
  forget,
  giveBack,
  takeEach,
  type Limit,
  type TakeOutcome,
} from "../../records/attempts/attempts.store.ts";

/**
 * An attempt at an account by a client. The key is the account, whichever of its names was used
 * (LG-03), or the digest of a name that no account has.
 */
export interface Attempt {
  readonly account: string;
  readonly known: boolean;
  readonly address: string;
  /** The id of the device token, if it belongs to this account. */
  readonly trustedDevice: string | undefined;
}

const QUARTER_HOUR = 900;
/**
 * NIST SP 800-63B-4 §3.2.2 allows at most 100 consecutive failures. After that only a trusted
 * device or recovery helps (LG-01).
 */
const ACCOUNT_FAILURES = 100;
const NEVER = 100 * 365 * 86_400;
/**
 * The number of names without an account is unlimited, so their failures must be forgotten after a
 * time (AU-04).
 */
const UNKNOWN_SECONDS = 7 * 86_400;

export interface AttemptLimits {
  readonly perDevice: number;
  readonly perAddress: number;
  readonly perSubnet: number;
  readonly perAddressAndAccount: number;
  readonly everywhere: number;
}

/** Failures in a quarter of an hour. */
export const defaultAttemptLimits: AttemptLimits = {
  perDevice: 10,
  perAddress: 100,
  perSubnet: 180,
  perAddressAndAccount: 20,
  everywhere: 20_000,
};

/**
 * Uses the canonical form if the name has one, so that all spellings of an unknown name share a
 * budget, as those of an account do (EN-06).
 */
export function unknownAccount(keyring: Keyring, name: Identifier, spelling: string): string {
  const canonical = "emailCanonical" in name ? name.emailCanonical : name.usernameCanonical;
  return keyring.mac("throttle-bucket", canonical || spelling).toString("base64url");
}

/**
 * Takes one attempt before the hash is computed. A trusted device only uses its own budget, so that
 * strangers cannot lock the owner out (LG-04). All other clients use the budgets of the address,
 * its subnet, all clients, the address and account together, and the account.
 */
export async function takeAttempt(
  tx: Tx,
  deps: { readonly clock: Clock },
  limits: AttemptLimits,
  attempt: Attempt,
): Promise<TakeOutcome> {
  const taken = await takeEach(tx, bucketsOf(limits, attempt), deps.clock.now());
  // The answer for a permanently locked account is the same as for an unknown name.
  return taken.kind === "taken"
    ? taken
    : { ...taken, retryAfterSeconds: Math.min(taken.retryAfterSeconds, QUARTER_HOUR) };
}

/**
 * Settles an attempt after the right password: gives back what this attempt took, and forgets this
 * client's earlier failures on this account, including their share of the account's count. Failures
 * of other clients stay (LG-07).
 */
export async function settleAttempt(
  tx: Tx,
  deps: { readonly clock: Clock },
  limits: AttemptLimits,
  attempt: Attempt,
): Promise<void> {
  if (attempt.trustedDevice !== undefined) return forget(tx, [deviceBucket(attempt.trustedDevice)]);
  const pair = pairBucket(attempt);
  const own = Math.max(1, await countOf(tx, pair, deps.clock.now()));
  // The order is that in which they are taken, because otherwise two transactions could wait for
  // each other's rows and deadlock.
  for (const { bucket } of bucketsOf(limits, attempt))
    await giveBack(
      tx,
      bucket,
      bucket === pair || bucket === accountBucket(attempt.account) ? own : 1,
    );
}

/** Gives back an attempt that was never evaluated. */
export async function returnAttempt(
  tx: Tx,
  limits: AttemptLimits,
  attempt: Attempt,
): Promise<void> {
  for (const { bucket } of bucketsOf(limits, attempt)) await giveBack(tx, bucket);
}

/** Lets the user sign in again from anywhere, after a recovery or with an operator's help. */
export async function forgetFailures(tx: Tx, userId: string): Promise<void> {
  await forget(tx, [accountBucket(userId), guessBucket(userId), wrongGuessBucket(userId)]);
}

/**
 * The number of guesses at the second factor of one account, of any kind, in ten minutes (MF-03).
 */
const GUESSES = 10;
const TEN_MINUTES = 600;

/**
 * Takes one guess at an account's second factor before it is compared. After 100 wrong ones in a
 * row there are none left until the password is changed or reset, or an operator helps. Otherwise
 * ten guesses in ten minutes would find one of a million codes in less than a year on average.
 */
export async function takeGuess(
  tx: Tx,
  deps: { readonly clock: Clock },
  userId: string,
  address: string,
): Promise<TakeOutcome> {
  const taken = await takeEach(tx, guessLimits(userId, address), deps.clock.now());
  return taken.kind === "taken"
    ? taken
    : { ...taken, retryAfterSeconds: Math.min(taken.retryAfterSeconds, QUARTER_HOUR) };
}

/** Gives back a guess that was never evaluated. */
export async function returnGuess(tx: Tx, userId: string, address: string): Promise<void> {
  for (const { bucket } of guessLimits(userId, address)) await giveBack(tx, bucket);
}

/**
 * Settles a guess that was right. As after a right password, only this client's own failures are
 * forgotten (LG-07).
 */
export async function settleGuess(
  tx: Tx,
  deps: { readonly clock: Clock },
  userId: string,
  address: string,
): Promise<void> {
  const own = Math.max(1, await countOf(tx, guessPairBucket(userId, address), deps.clock.now()));
  await giveBack(tx, guessBucket(userId));
  await forget(tx, [guessPairBucket(userId, address)]);
  await giveBack(tx, wrongGuessBucket(userId), own);
}

function guessLimits(userId: string, address: string): readonly Limit[] {
  return [
    { bucket: guessBucket(userId), limit: GUESSES, windowSeconds: TEN_MINUTES },
    // This bucket never refuses an attempt. It remembers which of the account's failures were this
    // client's.
    {
      bucket: guessPairBucket(userId, address),
      limit: Number.MAX_SAFE_INTEGER,
      windowSeconds: UNKNOWN_SECONDS,
    },
    { bucket: wrongGuessBucket(userId), limit: ACCOUNT_FAILURES, windowSeconds: NEVER },
  ];
}

function guessBucket(userId: string): string {
  return `second-factor:${userId}`;
}

function guessPairBucket(userId: string, address: string): string {
  return `second-factor:pair:${userId}:${addressKeys(address).address}`;
}

function wrongGuessBucket(userId: string): string {
  return `second-factor:account:${userId}`;
}

function bucketsOf(limits: AttemptLimits, attempt: Attempt): readonly Limit[] {
  const short = (bucket: string, limit: number): Limit => ({
    bucket,
    limit,
    windowSeconds: QUARTER_HOUR,
  });
  if (attempt.trustedDevice !== undefined)
    return [short(deviceBucket(attempt.trustedDevice), limits.perDevice)];
  const keys = addressKeys(attempt.address);
  return [
    short(`sign-in:${keys.address}`, limits.perAddress),
    short(`sign-in:${keys.subnet}`, limits.perSubnet),
    short("sign-in:everywhere", limits.everywhere),
    short(pairBucket(attempt), limits.perAddressAndAccount),
    {
      bucket: accountBucket(attempt.account),
      limit: ACCOUNT_FAILURES,
      windowSeconds: attempt.known ? NEVER : UNKNOWN_SECONDS,
    },
  ];
}

function deviceBucket(device: string): string {
  return `sign-in:device:${device}`;
}

function pairBucket(attempt: Attempt): string {
  return `sign-in:pair:${attempt.account}:${addressKeys(attempt.address).address}`;
}

function accountBucket(account: string): string {
  return `sign-in:account:${account}`;
}
