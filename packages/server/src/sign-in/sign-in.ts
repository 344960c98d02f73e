import type { Origin } from "../audit/events.ts";
import type { Db, Tx } from "../db/open.ts";
import { countUp } from "../figures/counters.store.ts";
import type { Client } from "../http/serve.ts";
import type { Keyring } from "../kernel/keyring.ts";
import type { Log } from "../kernel/log.ts";
import { notify } from "../mail/notices.ts";
import type { Settle } from "../revocations/settle.ts";
import { openSession, recordOpened, type Opened, type Proven, type SessionDeps } from "../sessions/open.ts";
import { take } from "../throttle/attempts.store.ts";
import { mailsTo } from "../throttle/budgets.ts";
import { readAddress } from "../users/address.ts";
import { readDjangoAddress } from "../users/django-address.ts";
import { normalizePassword } from "../users/password-policy.ts";
import { matchPassword, sealPassword, type PasswordDeps } from "../users/passwords.ts";
import type { ReadUsername } from "../users/username.ts";
import { findByIdentifier, findBySpelling, lockUser, upgradePassword, type Identifier, type User } from "../users/users.store.ts";
import { deviceTokenOf, newDeviceId, readDeviceToken } from "./device-token.ts";
import { noteFailure, SIGN_INS } from "./failures.ts";
import type { Factor } from "./factor.ts";
import { returnAttempt, settleAttempt, takeAttempt, unknownAccount, type Attempt, type AttemptLimits } from "./throttle.ts";

export interface SignInDeps extends SessionDeps, PasswordDeps {
  readonly db: Db;
  readonly log: Log;
  readonly settle: Settle;
  readonly factors: readonly Factor[];
  readonly attemptLimits: AttemptLimits;
  /** Whether an account whose address nobody has confirmed is refused. */
  readonly requireVerifiedEmail: boolean;
  readonly readUsername: ReadUsername;
  /** Whether a user is told of a client without a device token. Clients of a face have none, and every login would be news. */
  readonly noticeNewDevices: boolean;
  /** Tells the mail sender that something is waiting. */
  readonly wakeMail: () => void;
}

export interface Credentials {
  readonly identifier: string;
  /** What the identifier is, a `spelling` being an address in its very letters; told by its form where it is not said. */
  readonly by?: "email" | "spelling" | "username";
  readonly password: string;
  readonly deviceToken?: string | undefined;
}

export type SignInOutcome =
  | { readonly kind: "opened"; readonly user: User; readonly opened: Opened; readonly deviceToken: string }
  | { readonly kind: "challenge"; readonly factors: readonly string[] }
  | { readonly kind: "refused" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number }
  | { readonly kind: "busy" };

/**
 * The one way in: budget, password, account state, second factors, session. Until the last step nothing has been opened,
 * so nothing has to be undone. Unknown, wrong, disabled and unverified are one refusal at one cost (EN-01, EN-02).
 */
export async function signIn(deps: SignInDeps, credentials: Credentials, client: Client, origin: Origin): Promise<SignInOutcome> {
  const name = readName(deps, credentials);
  const user = await findNamed(deps.db, name, credentials);
  const attempt: Attempt = {
    account: user?.id ?? unknownAccount(deps.keyring, name, credentials.identifier),
    known: user !== undefined,
    address: client.address,
    trustedDevice: user && trustedDevice(deps.keyring, user, credentials.deviceToken),
  };

  const password = await checkPassword(deps, { user, attempt, password: credentials.password }, origin);
  if (password.kind !== "matched") return password;

  const factors = await enrolledFactors(deps, password.user.id);
  if (factors.length > 0) return { kind: "challenge", factors };

  const opened = await deps.db
    .transaction()
    .execute(async (tx) =>
      open(tx, deps, { user: password.user, weak: password.weak, attempt, client, proven: { amr: ["pwd"], acr: "aal1" } }, origin),
    );
  if (opened === undefined) return { kind: "refused" };
  if (opened.noticed) deps.wakeMail();
  await deps.settle(opened.recorded);
  if (password.weak) await upgrade(deps, password.user, credentials.password);
  return {
    kind: "opened",
    user: password.user,
    opened,
    deviceToken: deviceTokenOf(deps.keyring, { ...trustOf(password.user), did: attempt.trustedDevice ?? newDeviceId(deps.random) }),
  };
}

export type PasswordCheck =
  | { readonly kind: "matched"; readonly user: User; readonly weak: boolean }
  | { readonly kind: "refused" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number }
  | { readonly kind: "busy" };

interface Asked {
  readonly user: User | undefined;
  readonly attempt: Attempt;
  readonly password: string;
}

type CheckDeps = Pick<SignInDeps, "db" | "clock" | "keyring" | "hasher" | "attemptLimits" | "requireVerifiedEmail">;

/** Turns away at once, before the database is asked for anything, whoever could not be answered in time (IN-07). */
export async function checkPassword(deps: CheckDeps, asked: Asked, origin: Origin): Promise<PasswordCheck> {
  const answered = deps.hasher.reserve();
  if (answered === undefined) return { kind: "busy" };
  try {
    return await evaluate(deps, asked, origin);
  } finally {
    answered();
  }
}

/** Takes an attempt, then pays for one hash, then looks at the account; whoever asks for whomever. */
async function evaluate(deps: CheckDeps, asked: Asked, origin: Origin): Promise<PasswordCheck> {
  const { user, attempt } = asked;
  const budget = await deps.db.transaction().execute(async (tx) => {
    const taken = await takeAttempt(tx, deps, deps.attemptLimits, attempt);
    if (taken.kind === "exhausted") await noteFailure(tx, deps, { event: "sign_in.throttled", userId: user?.id, reason: "budget" }, origin);
    return taken;
  });
  if (budget.kind === "exhausted") return { kind: "throttled", retryAfterSeconds: budget.retryAfterSeconds };

  const match = await matchPassword(deps, user, asked.password);
  if (match.kind === "busy") {
    await deps.db.transaction().execute(async (tx) => returnAttempt(tx, deps.attemptLimits, attempt));
    return { kind: "busy" };
  }
  const reason = match.kind === "mismatched" ? "password" : user === undefined ? "unknown" : reasonAgainst(deps, user);
  if (match.kind === "matched" && user !== undefined && reason === undefined) return { kind: "matched", user, weak: match.weak };
  await deps.db
    .transaction()
    .execute(async (tx) => noteFailure(tx, deps, { event: "sign_in.failed", userId: user?.id, reason: reason ?? "unknown" }, origin));
  return { kind: "refused" };
}

function reasonAgainst(deps: Pick<SignInDeps, "requireVerifiedEmail">, user: User): string | undefined {
  if (user.disabledAt !== null) return "disabled";
  if (user.pausedAt !== null) return "paused";
  return deps.requireVerifiedEmail && user.email !== null && user.emailVerifiedAt === null ? "unverified" : undefined;
}

/** A logout everywhere in between changes nothing: this is the login after it. A change or a reset of the password does. */
function isSamePassword(checked: User, held: User, wasWeak: boolean): boolean {
  const [before, now] = [checked.passwordSealed, held.passwordSealed];
  if (before === null || now === null) return false;
  // Another login may have given a weak hash of it today's parameters meanwhile.
  return Buffer.from(before).equals(now) || (wasWeak && checked.passwordChangedAt === held.passwordChangedAt);
}

/** Opens the session if the account is still what it was when its password was checked (LG-11). */
async function open(
  tx: Tx,
  deps: SignInDeps,
  signingIn: { readonly user: User; readonly weak: boolean; readonly attempt: Attempt; readonly client: Client; readonly proven: Proven },
  origin: Origin,
): Promise<(Opened & { readonly noticed: boolean }) | undefined> {
  const { user } = signingIn;
  const held = await lockUser(tx, user.id);
  if (held === undefined || !isSamePassword(user, held, signingIn.weak) || reasonAgainst(deps, held) !== undefined) return undefined;
  const opened = await openSession(tx, deps, held, signingIn.proven, signingIn.client);
  await settleAttempt(tx, deps, deps.attemptLimits, signingIn.attempt);
  await countUp(tx, SIGN_INS, deps.clock.now());
  const isNewDevice = deps.noticeNewDevices && signingIn.attempt.trustedDevice === undefined;
  const noticed = isNewDevice && (await noticeNewDevice(tx, deps, held, signingIn.client));
  await recordOpened(tx, deps, opened, signingIn.proven.amr.join(" "), origin);
  return { ...opened, noticed };
}

/**
 * Tells a user who has signed in before of a client that does not show it has (LG-14), a few times an hour: whoever has the
 * password could otherwise bury the one mail that matters. True where a mail is waiting.
 */
async function noticeNewDevice(tx: Tx, deps: SignInDeps, user: User, { address, userAgent }: Client): Promise<boolean> {
  if (user.lastLoginAt === null || user.emailVerifiedAt === null) return false;
  const now = deps.clock.now();
  if ((await take(tx, mailsTo(`new-device:${user.id}`), now)).kind === "exhausted") return false;
  await notify(tx, deps, user, { template: "new_device", data: { at: now, address, userAgent } });
  return true;
}

async function enrolledFactors(deps: Pick<SignInDeps, "db" | "factors">, userId: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const factor of deps.factors) if (await factor.isEnrolled(deps.db, userId)) names.push(factor.name);
  return names;
}

/** A hash of older parameters becomes one of today's, unless the password was changed meanwhile (PW-09). */
async function upgrade(deps: SignInDeps, user: User, presented: string): Promise<void> {
  const normalized = normalizePassword(presented);
  const { passwordSealed } = user;
  if (normalized.kind !== "normalized" || passwordSealed === null) return;
  const sealed = await sealPassword(deps, user.id, normalized.password);
  if (sealed.kind === "sealed")
    await deps.db.transaction().execute(async (tx) => upgradePassword(tx, user.id, passwordSealed, sealed.passwordSealed));
}

/** What cannot be anybody's name is looked for all the same. */
function readName(
  deps: Pick<SignInDeps, "readUsername">,
  { identifier, by = identifier.includes("@") ? "email" : "username" }: Credentials,
): Identifier {
  if (by === "spelling") return { emailCanonical: readDjangoAddress(identifier)?.canonical ?? "" };
  if (by === "email") {
    const address = readAddress(identifier);
    return { emailCanonical: address.kind === "address" ? address.canonical : "" };
  }
  const username = deps.readUsername(identifier);
  return { usernameCanonical: username.kind === "username" ? username.canonical : "" };
}

async function findNamed(db: Db, name: Identifier, { by, identifier }: Credentials): Promise<User | undefined> {
  if (by !== "spelling" || !("emailCanonical" in name)) return findByIdentifier(db, name);
  return findBySpelling(db, { address: identifier, canonical: name.emailCanonical });
}

function trustedDevice(keyring: Keyring, user: User, token: string | undefined): string | undefined {
  const device = token === undefined ? undefined : readDeviceToken(keyring, token);
  const { sub, pwd } = trustOf(user);
  return device?.sub === sub && device.pwd === pwd ? device.did : undefined;
}

function trustOf(user: User): { readonly sub: string; readonly pwd: number } {
  return { sub: user.id, pwd: user.passwordChangedAt ?? 0 };
}
