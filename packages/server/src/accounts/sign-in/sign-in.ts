import type { Held } from "../../platform/db/held.ts";
import { transact } from "../../platform/db/transact.ts";
import { record } from "../../records/audit/audit.ts";
import type { Origin, RemoteOrigin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { readAddress } from "../users/address.ts";
import { readDjangoAddress } from "../users/spelled-address.ts";
import { holdSamePassword } from "../users/hold-unchanged.ts";
import { normalizePassword } from "../users/password-policy.ts";
import { matchPassword, sealPassword, type PasswordDeps } from "../users/passwords.ts";
import type { ReadUsername } from "../users/username.ts";
import {
  findByIdentifier,
  findBySpelling,
  upgradePassword,
  type Identifier,
  type User,
} from "../users/users.store.ts";
import { readDeviceToken } from "./device-token.ts";
import { noteFailure } from "./failures.ts";
import { enrolledFactors, type Factor, type MakeReserve } from "./factor.ts";
import {
  countSignIn,
  admit,
  enter,
  open,
  reasonAgainst,
  trustOf,
  type OpeningDeps,
  type SignedIn,
} from "./opening.ts";
import { isRequired, type PolicyDeps } from "./policy.ts";
import { isRemembered, type RememberDeps } from "./remembered-devices.ts";
import {
  returnAttempt,
  settleAttempt,
  takeAttempt,
  unknownAccount,
  type Attempt,
  type AttemptLimits,
} from "./lock-out.ts";
import type { SignInPolicy } from "./sign-in-policy.ts";

export interface SignInDeps extends OpeningDeps, PasswordDeps, PolicyDeps, RememberDeps {
  readonly factors: readonly Factor[];
  readonly makeReserve: MakeReserve;
  readonly attemptLimits: AttemptLimits;
  readonly readUsername: ReadUsername;
}

/** The dependencies of the native endpoints, which have the native policy. */
export interface SignInRoutesDeps extends SignInDeps {
  readonly signInPolicy: SignInPolicy;
}

export interface Credentials {
  readonly identifier: string;
  /**
   * How to read the identifier. With `spelling` it is an address that is compared exactly. The
   * default is an address if it contains `@`, or else a username.
   */
  readonly by?: "email" | "spelling" | "username";
  readonly password: string;
  readonly deviceToken?: string | undefined;
  readonly rememberToken?: string | undefined;
}

/** A sign-in by password, and the policy of the way in. */
export interface PasswordSignIn {
  readonly policy: SignInPolicy;
  readonly credentials: Credentials;
}

/**
 * The second step that a user still has to pass. No session is open yet, so an abandoned sign-in
 * leaves nothing behind.
 */
export interface SecondStep {
  readonly user: User;
  readonly attempt: Attempt;
  /** The enrolled factors. Any one of them completes the sign-in. */
  readonly factors: readonly Factor[];
  /** The factors that can be set up, if the policy demands a factor and the user has none yet. */
  readonly enrol: readonly Factor[];
}

export type SignInOutcome =
  | ({ readonly kind: "opened" } & SignedIn)
  | ({ readonly kind: "challenge" } & SecondStep)
  | { readonly kind: "refused" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number }
  | { readonly kind: "busy" };

/**
 * Signs a user in by password: budget, password, state of the account, second factor, session.
 * Nothing is opened before the last step, so nothing has to be undone. An unknown, wrong, disabled
 * or unverified account is refused in the same way at the same cost (EN-01, EN-02).
 */
export async function signIn(
  deps: SignInDeps,
  { policy, credentials }: PasswordSignIn,
  origin: RemoteOrigin,
): Promise<SignInOutcome> {
  const name = readName(deps, credentials);
  const found = await findNamed(deps.db, name, credentials);
  const attempt: Attempt = {
    account: found?.id ?? unknownAccount(deps.keyring, name, credentials.identifier),
    known: found !== undefined,
    address: origin.address,
    trustedDevice: found && trustedDevice(deps.keyring, found, credentials.deviceToken),
  };

  const password = await checkPassword(
    deps,
    { policy, user: found, attempt, password: credentials.password },
    origin,
  );
  if (password.kind !== "matched") return password;
  const { user, weak } = password;

  const outcome = await transact(deps, async (tx) => {
    const held = admit(policy, await holdSamePassword(tx, user, weak));
    if (held === undefined) return { kind: "refused" } as const;
    const step = await secondStep(deps, tx, held, credentials.rememberToken);
    if (step !== undefined) {
      await record(tx, deps, { event: "sign_in.challenged", ...origin, userId: held.id });
      return { kind: "challenge", user: held, attempt, ...step } as const;
    }
    await settleAttempt(tx, deps, deps.attemptLimits, attempt);
    await countSignIn(tx, deps);
    const entrance = {
      policy,
      user: held,
      proven: { amr: ["pwd"], acr: "aal1" },
      trustedDevice: attempt.trustedDevice,
    } as const;
    return {
      kind: "open",
      user: held,
      opened: await open(tx, deps, entrance, origin),
    } as const;
  });
  if (outcome.kind === "refused") return outcome;
  if (weak) await upgrade(deps, user, credentials.password);
  if (outcome.kind === "challenge") return outcome;
  return {
    kind: "opened",
    ...(await enter(deps, outcome.user, outcome.opened, attempt.trustedDevice)),
  };
}

/** Finds the second step that the user must pass. Returns `undefined` if there is none. */
async function secondStep(
  deps: SignInDeps,
  tx: Tx,
  user: Held<User>,
  rememberToken: string | undefined,
): Promise<Pick<SecondStep, "factors" | "enrol"> | undefined> {
  const factors = await enrolledFactors(tx, deps.factors, user.id);
  if (factors.length > 0)
    return (await isRemembered(tx, deps, user, rememberToken)) ? undefined : { factors, enrol: [] };
  if (!isRequired(deps, user)) return undefined;
  return {
    factors: [],
    enrol: deps.factors.filter(({ enrolment }) => enrolment?.isOpenTo(user) === true),
  };
}

export type PasswordCheck =
  | { readonly kind: "matched"; readonly user: User; readonly weak: boolean }
  | { readonly kind: "refused" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number }
  | { readonly kind: "busy" };

interface Asked {
  readonly policy: Pick<SignInPolicy, "requireVerifiedEmail">;
  readonly user: User | undefined;
  readonly attempt: Attempt;
  readonly password: string;
}

type CheckDeps = Pick<SignInDeps, "db" | "clock" | "keyring" | "hasher" | "attemptLimits">;

/** Refuses a request that could not be answered in time before the database is queried (IN-07). */
export async function checkPassword(
  deps: CheckDeps,
  asked: Asked,
  origin: Origin,
): Promise<PasswordCheck> {
  const answered = deps.hasher.reserve();
  if (answered === undefined) return { kind: "busy" };
  try {
    return await evaluate(deps, asked, origin);
  } finally {
    answered();
  }
}

/**
 * Takes an attempt, computes one hash, then looks at the account. The three steps are the same for
 * every request, so that timing reveals nothing.
 */
async function evaluate(deps: CheckDeps, asked: Asked, origin: Origin): Promise<PasswordCheck> {
  const { user, attempt } = asked;
  const budget = await transact(deps, async (tx) => {
    const taken = await takeAttempt(tx, deps, deps.attemptLimits, attempt);
    if (taken.kind === "exhausted")
      await noteFailure(
        tx,
        deps,
        { event: "sign_in.throttled", userId: user?.id, reason: "budget" },
        origin,
      );
    return taken;
  });
  if (budget.kind === "exhausted")
    return { kind: "throttled", retryAfterSeconds: budget.retryAfterSeconds };

  const match = await matchPassword(deps, user, asked.password);
  if (match.kind === "busy") {
    await transact(deps, async (tx) => returnAttempt(tx, deps.attemptLimits, attempt));
    return { kind: "busy" };
  }
  const reason =
    match.kind === "mismatched"
      ? "password"
      : user === undefined
        ? "unknown"
        : reasonAgainst(asked.policy, user);
  if (match.kind === "matched" && user !== undefined && reason === undefined)
    return { kind: "matched", user, weak: match.weak };
  await transact(deps, async (tx) =>
    noteFailure(
      tx,
      deps,
      { event: "sign_in.failed", userId: user?.id, reason: reason ?? "unknown" },
      origin,
    ),
  );
  return { kind: "refused" };
}

/** Replaces a hash that has old parameters, unless the password has been changed since (PW-09). */
async function upgrade(deps: SignInDeps, user: User, presented: string): Promise<void> {
  const normalized = normalizePassword(presented);
  const { passwordSealed } = user;
  if (normalized.kind !== "normalized" || passwordSealed === null) return;
  const sealed = await sealPassword(deps, user.id, normalized.password);
  if (sealed.kind === "sealed")
    await transact(deps, async (tx) =>
      upgradePassword(tx, user.id, passwordSealed, sealed.passwordSealed),
    );
}

/**
 * Reads the name of an account. A name that no account can have is looked up as well, so that it
 * costs the same.
 */
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

async function findNamed(
  db: Db,
  name: Identifier,
  { by, identifier }: Credentials,
): Promise<User | undefined> {
  if (by !== "spelling" || !("emailCanonical" in name)) return findByIdentifier(db, name);
  return findBySpelling(db, { address: identifier, canonical: name.emailCanonical });
}

export function trustedDevice(
  keyring: Keyring,
  user: User,
  token: string | undefined,
): string | undefined {
  const device = token === undefined ? undefined : readDeviceToken(keyring, token);
  const { sub, pwd } = trustOf(user);
  return device?.sub === sub && device.pwd === pwd ? device.did : undefined;
}
