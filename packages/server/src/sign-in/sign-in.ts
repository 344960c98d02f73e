import { record } from "../audit/audit.ts";
import type { Origin } from "../audit/events.ts";
import type { Db, Tx } from "../db/open.ts";
import { countUp } from "../figures/counters.store.ts";
import type { Client } from "../http/serve.ts";
import type { Keyring } from "../kernel/keyring.ts";
import type { Log } from "../kernel/log.ts";
import type { Settle } from "../revocations/settle.ts";
import { openSession, signTokens, type Opened, type Proven, type SessionDeps } from "../sessions/open.ts";
import { readAddress } from "../users/address.ts";
import { normalizePassword } from "../users/password-policy.ts";
import { matchPassword, sealPassword, type PasswordDeps } from "../users/passwords.ts";
import type { SessionTokens } from "../users/ports.ts";
import { readUsername } from "../users/username.ts";
import { findByIdentifier, lockUser, upgradePassword, type Identifier, type User } from "../users/users.store.ts";
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
}

export interface Credentials {
  readonly identifier: string;
  readonly password: string;
  readonly deviceToken?: string | undefined;
}

export type SignInOutcome =
  | { readonly kind: "opened"; readonly tokens: SessionTokens; readonly deviceToken: string }
  | { readonly kind: "challenge"; readonly factors: readonly string[] }
  | { readonly kind: "refused" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number }
  | { readonly kind: "busy" };

/**
 * The one way in: budget, password, account state, second factors, session. Until the last step nothing has been opened,
 * so nothing has to be undone. Unknown, wrong, disabled and unverified are one refusal at one cost (EN-01, EN-02).
 */
export async function signIn(deps: SignInDeps, credentials: Credentials, client: Client, origin: Origin): Promise<SignInOutcome> {
  const name = readName(credentials.identifier);
  const user = await findByIdentifier(deps.db, name);
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
  await deps.settle(opened.recorded);
  if (password.weak) await upgrade(deps, password.user, credentials.password);
  return {
    kind: "opened",
    tokens: signTokens(deps, opened.grant),
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
): Promise<Opened | undefined> {
  const { user } = signingIn;
  const held = await lockUser(tx, user.id);
  if (held === undefined || !isSamePassword(user, held, signingIn.weak) || reasonAgainst(deps, held) !== undefined) return undefined;
  const opened = await openSession(tx, deps, held, signingIn.proven, signingIn.client);
  await settleAttempt(tx, deps, deps.attemptLimits, signingIn.attempt);
  await countUp(tx, SIGN_INS, deps.clock.now());
  for (const { revocation } of opened.recorded) {
    await record(tx, deps, {
      event: "session.ended",
      ...origin,
      actor: { kind: "system" },
      userId: user.id,
      sessionId: revocation.subject,
      details: { cause: revocation.cause },
    });
  }
  await record(tx, deps, {
    event: "session.opened",
    ...origin,
    actor: { kind: "user", id: user.id },
    userId: user.id,
    sessionId: opened.session.id,
    details: { method: signingIn.proven.amr.join(" ") },
  });
  return opened;
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
function readName(identifier: string): Identifier {
  if (identifier.includes("@")) {
    const address = readAddress(identifier);
    return { emailCanonical: address.kind === "address" ? address.canonical : "" };
  }
  const username = readUsername(identifier);
  return { usernameCanonical: username.kind === "username" ? username.canonical : "" };
}

function trustedDevice(keyring: Keyring, user: User, token: string | undefined): string | undefined {
  const device = token === undefined ? undefined : readDeviceToken(keyring, token);
  const { sub, pwd } = trustOf(user);
  return device?.sub === sub && device.pwd === pwd ? device.did : undefined;
}

function trustOf(user: User): { readonly sub: string; readonly pwd: number } {
  return { sub: user.id, pwd: user.passwordChangedAt ?? 0 };
}
