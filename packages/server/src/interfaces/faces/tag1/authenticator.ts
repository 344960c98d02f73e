import type { Act } from "../../../accounts/policies/acts.ts";
import type { Actor, Denial, MayDeps } from "../../../accounts/policies/may.ts";
import type { Visit } from "../../../platform/http/page.ts";
import { detail, permissionDenied, type Answer } from "../drf/answers.ts";
import { answerToDenial } from "../drf/denials.ts";
import {
  nobody,
  type Admission,
  type Authentication,
  type Authenticator,
  type Permission,
} from "../drf/view.ts";
import { isVerified, mayTouch, type VerifyDeps } from "./devices.ts";
import { presentPending, type Entrant, type PendingDeps } from "./pending.ts";
import { present, refuseRequest, type Holder } from "./tokens.ts";

/** The user of a token, which belongs to a session or to a login that waits for its second step. */
export type Presenter = Holder | Entrant;

export interface AuthenticatorDeps extends PendingDeps, VerifyDeps, MayDeps {
  /** `JWT_AUTH_HEADER_PREFIX`: the word before the token. */
  readonly headerPrefix: string;
}

/**
 * Authenticates like `JSONWebTokenAuthentication`. A header that begins with another word is left
 * to other schemes.
 */
export function jwtAuthenticator(deps: AuthenticatorDeps): Authenticator<Presenter> {
  return { challenge: challengeOf(deps), authenticate, policy: { deps, actorOf, answerTo } };

  async function authenticate({ header }: Visit): Promise<Authentication<Presenter>> {
    const parts = (header("authorization") ?? "")
      .split(/[ \t\n\v\f\r]+/)
      .filter((part) => part !== "");
    const [prefix, token] = parts;
    if (prefix?.toLowerCase() !== deps.headerPrefix.toLowerCase()) return { kind: "anonymous" };
    if (token === undefined)
      return refused("Invalid Authorization header. No credentials provided.");
    if (parts.length > 2)
      return refused("Invalid Authorization header. Credentials string should not contain spaces.");
    const presented = await present(deps, token);
    if (presented.kind === "held") return { kind: "user", user: presented.holder };
    if (presented.kind === "paused")
      return { kind: "paused", user: presented.holder, answer: refuseRequest("disabled") };
    if (presented.kind !== "undecodable")
      return { kind: "refused", answer: refuseRequest(presented.kind) };
    const waiting = await presentPending(deps, token);
    if (waiting.kind === "pending") return { kind: "user", user: waiting.entrant };
    return { kind: "refused", answer: refuseRequest(waiting.kind) };
  }
}

/** For views without authentication, which ignore even a bad token. */
export function noAuthenticator(
  deps: Pick<AuthenticatorDeps, "headerPrefix">,
): Authenticator<Presenter> {
  return nobody(challengeOf(deps));
}

export const UNVERIFIED =
  "You do not have permission to perform this action until you verify your OTP device.";

/** Tells whether this login waits for its second step, like a native challenge. */
export function isWaiting(who: Presenter): who is Entrant {
  return "claim" in who;
}

/** A login that waits for its second step has no session, so it may do public acts only. */
function actorOf(who: Presenter): Actor | undefined {
  return isWaiting(who) ? undefined : { account: who.user, claims: who.bearer.claims };
}

/**
 * Answers a refusal of the policy with the words after which the tutorial's front ends ask for a
 * code.
 */
export function answerTo(denial: Denial, act: Act): Answer {
  if (denial.code !== "insufficient_user_authentication") return answerToDenial(denial);
  if (denial.members["acrValues"] === "aal2") return permissionDenied(UNVERIFIED);
  return permissionDenied(
    act === "addFactor" ? "Log in again to set up a device." : "Log in again to do this.",
  );
}

const unverified: Admission<never> = { kind: "denied", words: UNVERIFIED };

/** Admits like `IsAuthenticated`. A login that waits for its second step is not yet admitted. */
export function hasSession(who: Presenter | undefined): Admission<Holder> {
  if (who === undefined) return { kind: "denied" };
  return isWaiting(who) ? unverified : { kind: "admitted", user: who };
}

/** Admits like `IsOtpVerified`: if the user has a second factor, the token must show it. */
export function isOtpVerified(
  deps: VerifyDeps & Pick<PendingDeps, "db">,
): Permission<Presenter, Holder> {
  return async (who) => {
    const admission = hasSession(who);
    return admission.kind === "denied" || (await isVerified(deps, deps.db, admission.user))
      ? admission
      : unverified;
  };
}

/**
 * Also requires that the factor was shown lately. The original does so before a change of the
 * password; the policy does not.
 */
export function isOtpFresh(
  deps: VerifyDeps & Pick<PendingDeps, "db" | "clock">,
): Permission<Presenter, Holder> {
  return async (who) => {
    const admission = hasSession(who);
    return admission.kind === "denied" || (await mayTouch(deps, deps.db, admission.user, []))
      ? admission
      : unverified;
  };
}

function challengeOf({ headerPrefix }: Pick<AuthenticatorDeps, "headerPrefix">): string {
  return `${headerPrefix} realm="api"`;
}

function refused(text: string): Authentication<Presenter> {
  return { kind: "refused", answer: detail(401, text) };
}
