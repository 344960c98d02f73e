import { originOf } from "../../../records/audit/origin.ts";
import type { Tx } from "../../../platform/db/open.ts";
import type { Visit } from "../../../platform/http/page.ts";
import { findImported } from "../../../accounts/sessions/imported-tokens.store.ts";
import { exchange, spend } from "./imported-tokens.ts";
import {
  inspect,
  renew,
  type RefreshDeps,
  type RenewOutcome,
} from "../../../accounts/sessions/refresh.ts";
import { endSession, type RevokeDeps } from "../../../accounts/sessions/revoke.ts";
import type { CountForgery } from "../../../accounts/sessions/forgeries.ts";
import { enrolledFactors } from "../../../accounts/sign-in/factor.ts";
import { isRequired } from "../../../accounts/sign-in/policy.ts";
import type { SignInPolicy } from "../../../accounts/sign-in/sign-in-policy.ts";
import { signIn, type SignInDeps } from "../../../accounts/sign-in/sign-in.ts";
import type { Grant } from "../../../accounts/tokens/mint.ts";
import type { User } from "../../../accounts/users/users.store.ts";
import {
  busy,
  detail,
  nonFieldErrors,
  permissionDenied,
  throttled,
  type Answer,
} from "../drf/answers.ts";
import type { AuthenticatorDeps } from "./authenticator.ts";
import type { RefreshTokenOutcome } from "./tokens.ts";

export interface JwtDeps extends SignInDeps, RefreshDeps, RevokeDeps, AuthenticatorDeps {
  readonly countForgery: CountForgery;
  /** The field that users log in by. */
  readonly loginField: "email" | "username";
  /**
   * Whether each refresh returns a new refresh token and ends the old one (`ROTATE_REFRESH_TOKENS`
   * with `BLACKLIST_AFTER_ROTATION`).
   */
  readonly rotate: boolean;
  readonly facePolicy: SignInPolicy;
  /** The policy of sign-ins that are answered with a sliding token. */
  readonly slidingPolicy: SignInPolicy;
}

export interface Pair {
  readonly refresh: string;
  readonly access: string;
}

/** The value that was asked for, or the answer that refuses it. */
export type Outcome<Value> =
  | { readonly kind: "done"; readonly value: Value }
  | { readonly kind: "refused"; readonly answer: Answer };

export interface Login {
  readonly identifier: string;
  readonly password: string;
}

const NO_ACCOUNT = "No active account found with the given credentials";
const INVALID = "Token is invalid or expired";
const BLACKLISTED = "Token is blacklisted";
const WRONG_TYPE = "Token has wrong type";

/** Answers like `InvalidToken` of SimpleJWT. */
function tokenNotValid(words = INVALID): Answer {
  return detail(401, words, { code: "token_not_valid" });
}

const noActiveAccount = (): Answer =>
  detail(401, "No active account found for the given token.", { code: "no_active_account" });

const secondFactorRequired = (): Answer =>
  detail(401, "A second factor is needed to sign in.", { code: "second_factor_required" });

/** A login, the policy of its view, and the words of a refusal if they are not SimpleJWT's. */
interface LoginAtView {
  readonly login: Login;
  readonly policy: SignInPolicy;
  readonly words?: string | undefined;
}

/** Logs a user in. The session is open, but no token is signed yet. */
export async function logIn(
  deps: JwtDeps,
  { login: { identifier, password }, policy, words = NO_ACCOUNT }: LoginAtView,
  visit: Visit,
): Promise<Outcome<{ readonly user: User; readonly grant: Grant; readonly idleEndsAt: number }>> {
  const outcome = await signIn(
    deps,
    { policy, credentials: { identifier, by: deps.loginField, password } },
    originOf(visit),
  );
  switch (outcome.kind) {
    case "opened": {
      const { session, grant } = outcome.opened;
      return done({ user: outcome.user, grant, idleEndsAt: session.idleEndsAt });
    }
    case "challenge":
      return refused(secondFactorRequired());
    case "refused":
      return refused(detail(401, words));
    case "throttled":
      return refused(throttled(outcome.retryAfterSeconds));
    case "busy":
      return refused(busy());
  }
}

function signPair(deps: JwtDeps, grant: Grant, userNumber: number, idleEndsAt: number): Pair {
  return {
    refresh: deps.tokens.refresh(grant, userNumber, idleEndsAt),
    access: signAccess(deps, grant, userNumber),
  };
}

function signAccess(deps: JwtDeps, grant: Grant, userNumber: number): string {
  return deps.tokens.access(grant, userNumber, { token_type: "access" });
}

/** Logs a user in and signs a pair of tokens. Views with an answer of their own use it, too. */
export async function obtainPair(
  deps: JwtDeps,
  login: Login,
  visit: Visit,
  words?: string,
): Promise<Outcome<{ readonly user: User; readonly pair: Pair }>> {
  const outcome = await logIn(deps, { login, policy: deps.facePolicy, words }, visit);
  if (outcome.kind === "refused") return outcome;
  const { user, grant, idleEndsAt } = outcome.value;
  return done({ user, pair: signPair(deps, grant, user.number, idleEndsAt) });
}

/** Renews a pair. It contains `refresh` only if there is a new refresh token. */
export async function refreshPair(
  deps: JwtDeps,
  token: string,
  visit: Visit,
): Promise<Outcome<Partial<Pair>>> {
  const read = deps.tokens.readRefresh(token);
  if (read.kind === "foreign") return exchangeForeign(deps, read.jti, visit);
  if (read.kind !== "ours") return refused(await answerToUnreadable(deps, read, token, visit));
  const { claims } = read;
  const rotation = deps.rotate ? "every_call" : "never";
  const renewed = await renew(deps, {
    policy: deps.facePolicy.sessions,
    claims,
    attemptHash: null,
    rotation,
    origin: originOf(visit),
  });
  if (renewed.kind !== "granted") return refused(answerToRenewal(renewed));
  const { grant, userNumber, idleEndsAt } = renewed;
  return done(
    deps.rotate
      ? signPair(deps, grant, userNumber, idleEndsAt)
      : { access: signAccess(deps, grant, userNumber) },
  );
}

/**
 * Exchanges a refresh token that Django issued before its users were imported. Such a token belongs
 * to no session, so it yields one pair only, with or without rotation.
 */
async function exchangeForeign(deps: JwtDeps, jti: string, visit: Visit): Promise<Outcome<Pair>> {
  const needsFactor = async (tx: Tx, user: User): Promise<boolean> =>
    isRequired(deps, user) || (await enrolledFactors(tx, deps.factors, user.id)).length > 0;
  const outcome = await exchange(
    deps,
    { jti, policy: deps.facePolicy.sessions, needsFactor },
    originOf(visit),
  );
  switch (outcome.kind) {
    case "opened": {
      const { session, grant } = outcome.opened;
      return done(signPair(deps, grant, outcome.user.number, session.idleEndsAt));
    }
    case "inactive":
      return refused(noActiveAccount());
    case "second_factor_required":
      return refused(secondFactorRequired());
    case "spent":
      return refused(tokenNotValid(BLACKLISTED));
    case "unknown":
      return refused(tokenNotValid());
  }
}

/**
 * Ends the session of a refresh token. If an `owner` is given, the token of another user is
 * refused.
 */
export async function blacklist(
  deps: JwtDeps,
  token: string,
  visit: Visit,
  owner?: User,
): Promise<Outcome<undefined>> {
  const read = deps.tokens.readRefresh(token);
  if (read.kind === "foreign") return blacklistForeign(deps, read.jti, owner);
  if (read.kind !== "ours") return refused(await answerToUnreadable(deps, read, token, visit));
  if (owner !== undefined && owner.id !== read.userId) return refused(permissionDenied());
  const state = await inspect(deps, read.claims);
  if (state === "spent" || state === "ended") return refused(tokenNotValid(BLACKLISTED));
  const origin = originOf(visit);
  const actor = owner === undefined ? origin.actor : ({ kind: "user", id: owner.id } as const);
  await endSession(deps, { id: read.claims.sid, userId: read.userId }, "logout", {
    ...origin,
    actor,
  });
  return done(undefined);
}

async function blacklistForeign(
  deps: JwtDeps,
  jti: string,
  owner: User | undefined,
): Promise<Outcome<undefined>> {
  const imported = await findImported(deps.db, jti);
  if (imported === undefined) return refused(tokenNotValid());
  if (owner !== undefined && owner.id !== imported.userId) return refused(permissionDenied());
  return (await spend(deps, jti)) ? done(undefined) : refused(tokenNotValid(BLACKLISTED));
}

/** Returns `undefined` if the token is a valid one of either kind. */
export async function complaintAbout(deps: JwtDeps, token: string): Promise<Answer | undefined> {
  const access = await deps.tokens.readAccess(token, ["access", "sliding"]);
  if (access.kind === "good") return undefined;
  if (access.kind === "unknown") return busy();
  if (access.kind !== "invalid") return tokenNotValid();
  const read = deps.tokens.readRefresh(token);
  if (read.kind === "ours")
    return (await inspect(deps, read.claims)) === "live" ? undefined : nonFieldErrors(BLACKLISTED);
  if (read.kind !== "foreign") return tokenNotValid();
  const imported = await findImported(deps.db, read.jti);
  if (imported === undefined) return tokenNotValid();
  return imported.usedAt === null ? undefined : nonFieldErrors(BLACKLISTED);
}

function answerToRenewal(renewed: Exclude<RenewOutcome, { kind: "granted" }>): Answer {
  if (renewed.kind === "paused" || (renewed.kind === "ended" && renewed.cause === "user_disabled"))
    return noActiveAccount();
  return renewed.kind === "invalid" ? noActiveAccount() : tokenNotValid(BLACKLISTED);
}

/** Counts a token with an unknown signature against the client's address (RF-12). */
async function answerToUnreadable(
  deps: JwtDeps,
  read: Extract<RefreshTokenOutcome, { kind: "invalid" | "expired" | "wrong_type" }>,
  token: string,
  visit: Visit,
): Promise<Answer> {
  if (read.kind === "expired") return tokenNotValid();
  if (read.kind === "wrong_type") return tokenNotValid(WRONG_TYPE);
  const access = await deps.tokens.readAccess(token, "refresh");
  if (access.kind === "wrong_type") return tokenNotValid(WRONG_TYPE);
  if (access.kind !== "invalid") return tokenNotValid();
  const counted = await deps.countForgery(visit.client.address);
  return counted.kind === "exhausted" ? throttled(counted.retryAfterSeconds) : tokenNotValid();
}

/**
 * Logs a user in and signs a sliding token, which is access token and refresh token in one. Its
 * session never rotates.
 */
export async function obtainSliding(
  deps: JwtDeps,
  login: Login,
  visit: Visit,
): Promise<Outcome<string>> {
  const outcome = await logIn(deps, { login, policy: deps.slidingPolicy }, visit);
  if (outcome.kind === "refused") return outcome;
  const { user, grant, idleEndsAt } = outcome.value;
  return done(signSliding(deps, grant, user.number, idleEndsAt));
}

export async function refreshSliding(
  deps: JwtDeps,
  token: string,
  visit: Visit,
): Promise<Outcome<string>> {
  const read = await deps.tokens.readAccess(token, "sliding");
  if (read.kind === "unknown") return refused(busy());
  if (read.kind === "wrong_type") return refused(tokenNotValid(WRONG_TYPE));
  if (read.kind === "ended") return refused(tokenNotValid(BLACKLISTED));
  if (read.kind !== "good") return refused(tokenNotValid());
  const { sid, gen } = read.bearer.claims;
  const asked = {
    policy: deps.slidingPolicy.sessions,
    claims: { sid, gen },
    attemptHash: null,
    rotation: "never",
    origin: originOf(visit),
  } as const;
  const renewed = await renew(deps, asked);
  if (renewed.kind !== "granted") return refused(answerToRenewal(renewed));
  return done(signSliding(deps, renewed.grant, renewed.userNumber, renewed.idleEndsAt));
}

function signSliding(
  deps: JwtDeps,
  grant: Grant,
  userNumber: number,
  refreshableUntil: number,
): string {
  return deps.tokens.access(grant, userNumber, {
    token_type: "sliding",
    refresh_exp: refreshableUntil,
  });
}

function done<Value>(value: Value): Outcome<Value> {
  return { kind: "done", value };
}

function refused(given: Answer): { readonly kind: "refused"; readonly answer: Answer } {
  return { kind: "refused", answer: given };
}
