import { transact } from "../../platform/db/transact.ts";
import type { Begun, FactorName, Prepared, Proof } from "@portcullis/contract";
import { timingSafeEqual } from "node:crypto";
import type { RemoteOrigin } from "../../records/audit/events.ts";
import type { Held } from "../../platform/db/held.ts";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { UnixSeconds } from "../../platform/kernel/clock.ts";
import { hashToken } from "../../platform/kernel/codes.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import { fingerprintOf, holdWithFingerprint } from "../users/hold-unchanged.ts";
import { findUser, lockUser, type User } from "../users/users.store.ts";
import { assuranceOf } from "./assurance.ts";
import {
  findOpen,
  insertChallenge,
  isDone,
  markDone,
  takeTry,
  type Challenge,
} from "./challenges.store.ts";
import { enrolledFactors, type Match, type Preparation, type ReserveOutcome } from "./factor.ts";
import { admit, countSignIn, enter, open, reasonAgainst, type SignedIn } from "./opening.ts";
import { noteMismatch, proveFactor, type Guess } from "./prove-factor.ts";
import { rememberDevice } from "./remembered-devices.ts";
import type { SignInPolicy } from "./sign-in-policy.ts";
import type { SecondStep, SignInDeps } from "./sign-in.ts";
import { settleAttempt, settleGuess } from "./lock-out.ts";
import { CHALLENGE_SECONDS } from "../proofs/lifetimes.ts";

/** The number of tries for one challenge (MF-03). */
const TRIES = 5;

export interface OpenChallenge {
  readonly challengeId: string;
  readonly challengeSecret: string;
  readonly expiresAt: UnixSeconds;
  readonly factors: readonly FactorName[];
  readonly enrol: readonly FactorName[];
}

/**
 * Stores a sign-in whose password was right until its second step. Only this client gets the
 * secret. Returns `undefined` if the user has been deleted since.
 */
export async function openChallenge(
  deps: SignInDeps,
  { user, attempt, factors, enrol }: SecondStep,
): Promise<OpenChallenge | undefined> {
  const now = deps.clock.now();
  const [id, secret] = [uuidv7(deps), deps.random.bytes(32).toString("base64url")];
  const isKept = await transact(deps, async (tx) => {
    if ((await lockUser(tx, user.id)) === undefined) return false;
    await insertChallenge(tx, {
      id,
      userId: user.id,
      secretHash: hashToken(secret),
      standing: fingerprintOf(user),
      enrols: factors.length === 0,
      triesLeft: TRIES,
      address: attempt.address,
      trustedDevice: attempt.trustedDevice ?? null,
      createdAt: now,
      expiresAt: now + CHALLENGE_SECONDS,
    });
    return true;
  });
  if (!isKept) return undefined;
  const names = (list: SecondStep["factors"]): readonly FactorName[] =>
    list.map(({ name }) => name);
  return {
    challengeId: id,
    challengeSecret: secret,
    expiresAt: now + CHALLENGE_SECONDS,
    factors: names(factors),
    enrol: names(enrol),
  };
}

/** Identifies a challenge, with the proof that it belongs to this client. */
export interface Claim {
  readonly challengeId: string;
  readonly challengeSecret: string;
}

/** A claim, and the policy of the way in. */
interface Asked extends Claim {
  readonly policy: SignInPolicy;
}

export interface Answer extends Asked {
  readonly proof: Proof;
  readonly rememberDevice?: boolean | undefined;
}

interface Told {
  readonly rememberToken: string | null;
  readonly recoveryCodesLeft: number | null;
  /** The recovery codes, if the user has set up a first factor during this sign-in. */
  readonly recoveryCodes: readonly string[] | null;
}

export type AnswerOutcome =
  | ({ readonly kind: "opened" } & Told & SignedIn)
  | { readonly kind: "invalid_challenge" | "mismatched" | "busy" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

/**
 * Completes a sign-in with the second factor. The account is checked again (LG-11). The try and the
 * guess are taken before anything is compared, and of several right answers at once only one opens
 * the session (MF-04).
 */
export async function answerChallenge(
  deps: SignInDeps,
  answer: Answer,
  origin: RemoteOrigin,
): Promise<AnswerOutcome> {
  const pending = await findPending(deps, answer);
  if (pending === undefined) return { kind: "invalid_challenge" };
  const { challenge, user } = pending;
  const guess: Guess = {
    flow: { kind: "challenge", id: challenge.id },
    user,
    proof: answer.proof,
    enrols: challenge.enrols,
    origin,
    takeTry: async (tx) => takeTry(tx, challenge.id, deps.clock.now()),
  };
  const proven = await proveFactor(deps, guess);
  if (proven.kind === "exhausted") return { kind: "invalid_challenge" };
  if (proven.kind !== "matched") return proven;
  const reserve =
    challenge.enrols && answer.policy.makesRecoveryCodes ? await deps.makeReserve() : undefined;
  if (reserve?.kind === "busy") return reserve;

  const outcome = await transact(deps, async (tx) => {
    const held = await holdPending(tx, deps, answer.policy, challenge);
    if (held === undefined) return { kind: "invalid_challenge" } as const;
    const entered = await conclude(
      tx,
      deps,
      { ...answer, challenge, user: held, match: proven.match, reserve },
      origin,
    );
    if (entered === undefined) await noteMismatch(tx, deps, guess);
    return entered ?? ({ kind: "mismatched" } as const);
  });
  if (outcome.kind !== "opened") return outcome;
  const { opened, trustedDevice, ...told } = outcome;
  return { ...told, ...(await enter(deps, outcome.user, opened, trustedDevice)) };
}

interface Concluding {
  readonly policy: SignInPolicy;
  readonly challenge: Challenge;
  readonly user: Held<User>;
  readonly match: Match;
  readonly reserve: Extract<ReserveOutcome, { readonly kind: "made" }> | undefined;
  readonly rememberDevice?: boolean | undefined;
}

async function conclude(
  tx: Tx,
  deps: SignInDeps,
  { challenge, user, match, reserve, ...asked }: Concluding,
  origin: RemoteOrigin,
) {
  const trustedDevice = challenge.trustedDevice ?? undefined;
  // Budgets and figures are settled before the proof, because using the proof writes the audit
  // chain. Every transaction locks the rows of budgets and figures before the end of that chain.
  await settleGuess(tx, deps, user.id, origin.address);
  await settleAttempt(tx, deps, deps.attemptLimits, {
    account: user.id,
    known: true,
    address: challenge.address,
    trustedDevice,
  });
  await countSignIn(tx, deps);
  const spent = await match.spend(tx);
  if (spent === undefined) return undefined;
  if (!(await markDone(tx, challenge.id, deps.clock.now())))
    throw new Error("a challenge was answered while its user's row was held");
  await reserve?.keep(tx, user.id);
  const proven = assuranceOf(["pwd", ...match.amr]);
  const entrance = { policy: asked.policy, user, proven, trustedDevice };
  const opened = await open(tx, deps, entrance, origin);
  const remembered =
    asked.rememberDevice === true ? await rememberDevice(tx, deps, user, origin) : undefined;
  const told: Told = {
    rememberToken: remembered ?? null,
    recoveryCodesLeft: spent.recoveryCodesLeft ?? null,
    recoveryCodes: reserve?.codes ?? null,
  };
  return { kind: "opened", user, opened, trustedDevice, ...told } as const;
}

/**
 * Locks the user of a challenge. Returns `undefined` if the challenge has been answered or the
 * account has changed.
 */
async function holdPending(
  tx: Tx,
  deps: SignInDeps,
  policy: SignInPolicy,
  challenge: Challenge,
): Promise<Held<User> | undefined> {
  const found = await holdWithFingerprint(tx, challenge.userId, challenge.standing);
  const held = admit(policy, found);
  if (held === undefined || (await isDone(tx, challenge.id))) return undefined;
  return (await mayGoOn(tx, deps, challenge)) ? held : undefined;
}

export type PrepareOutcome<What> = Preparation<What> | { readonly kind: "invalid_challenge" };

/** Mails a code for a challenge, or begins the ceremony of a passkey. */
export async function prepareChallenge(
  deps: SignInDeps,
  asked: Asked & { readonly factor: FactorName },
  origin: RemoteOrigin,
): Promise<PrepareOutcome<Prepared>> {
  const pending = await findPending(deps, asked);
  if (pending === undefined) return { kind: "invalid_challenge" };
  const factor = pending.challenge.enrols
    ? undefined
    : deps.factors.find(({ name }) => name === asked.factor);
  if (factor?.prepare === undefined || !(await factor.isEnrolled(deps.db, pending.user.id)))
    return { kind: "unavailable" };
  const flow = { kind: "challenge", id: pending.challenge.id } as const;
  return factor.prepare({ flow, user: pending.user, origin });
}

/**
 * Begins to set up the factor that a user must have. Answering the challenge with it confirms it.
 */
export async function enrolInChallenge(
  deps: SignInDeps,
  asked: Asked & { readonly factor: FactorName },
  origin: RemoteOrigin,
): Promise<PrepareOutcome<Begun>> {
  const pending = await findPending(deps, asked);
  if (pending === undefined) return { kind: "invalid_challenge" };
  const { challenge, user } = pending;
  const enrolment = challenge.enrols
    ? deps.factors.find(({ name }) => name === asked.factor)?.enrolment
    : undefined;
  if (enrolment?.isOpenTo(user) !== true) return { kind: "unavailable" };
  return enrolment.begin({ flow: { kind: "challenge", id: challenge.id }, user, origin });
}

interface Pending {
  readonly challenge: Challenge;
  readonly user: User;
}

async function findPending(
  deps: SignInDeps,
  { challengeId, challengeSecret, policy }: Asked,
): Promise<Pending | undefined> {
  const challenge = await findOpen(deps.db, challengeId, deps.clock.now());
  if (challenge === undefined || !isSecretOf(challenge, challengeSecret)) return undefined;
  const user = await findUser(deps.db, challenge.userId);
  if (
    user === undefined ||
    fingerprintOf(user) !== challenge.standing ||
    reasonAgainst(policy, user) !== undefined
  )
    return undefined;
  return (await mayGoOn(deps.db, deps, challenge)) ? { challenge, user } : undefined;
}

/** If the user has set up a factor since, that factor must be shown instead. */
async function mayGoOn(
  db: Queryable,
  { factors }: SignInDeps,
  { enrols, userId }: Challenge,
): Promise<boolean> {
  return !enrols || (await enrolledFactors(db, factors, userId)).length === 0;
}

function isSecretOf({ secretHash }: Challenge, secret: string): boolean {
  return timingSafeEqual(Buffer.from(secretHash), Buffer.from(hashToken(secret)));
}
