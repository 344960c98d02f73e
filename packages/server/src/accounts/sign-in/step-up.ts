import { transact } from "../../platform/db/transact.ts";
import type { FactorName, Prepared, Proof } from "@portcullis/contract";
import type { RemoteOrigin } from "../../records/audit/events.ts";
import type { Tx } from "../../platform/db/open.ts";
import type { AmrList } from "../sessions/amr.ts";
import type { Opened, Proven } from "../sessions/open.ts";
import { raiseSession } from "../sessions/raise.ts";
import { findSession } from "../sessions/sessions.store.ts";
import type { CheckOwnPassword, OwnPasswordOutcome, SignedIn } from "../users/ports.ts";
import { holdUnchanged } from "../users/hold-unchanged.ts";
import { findUser, type User } from "../users/users.store.ts";
import { assuranceOf } from "./assurance.ts";
import { enrolledFactors, type Match, type Preparation } from "./factor.ts";
import { noteMismatch, proveFactor, type Guess } from "./prove-factor.ts";
import type { SessionPolicy } from "../sessions/session-policy.ts";
import type { SignInDeps } from "./sign-in.ts";
import { settleGuess } from "./lock-out.ts";

export interface StepUpDeps extends SignInDeps {
  readonly checkOwnPassword: CheckOwnPassword;
}

export type StepUpOutcome =
  | { readonly kind: "raised"; readonly opened: Opened; readonly recoveryCodesLeft: number | null }
  | { readonly kind: "session_ended" }
  | { readonly kind: "second_factor_required"; readonly factors: readonly FactorName[] }
  | { readonly kind: "factor_mismatched" }
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

interface StepUp {
  readonly policy: SessionPolicy;
  readonly shown: { readonly password: string } | Proof;
}

/**
 * Verifies the identity of the user again and continues the session under a new id. The password
 * alone is not enough if the user has a second factor (MF-07).
 */
export async function stepUp(
  deps: StepUpDeps,
  who: SignedIn,
  { policy, shown }: StepUp,
  origin: RemoteOrigin,
): Promise<StepUpOutcome> {
  const user = await findUser(deps.db, who.userId);
  if (user === undefined || user.disabledAt !== null) return { kind: "session_ended" };
  return "password" in shown
    ? byPassword(deps, who, { policy, user, password: shown.password }, origin)
    : byFactor(deps, who, { policy, user, proof: shown }, origin);
}

async function byPassword(
  deps: StepUpDeps,
  who: SignedIn,
  { password, ...raised }: Raised & { readonly password: string },
  origin: RemoteOrigin,
): Promise<StepUpOutcome> {
  const { user } = raised;
  const factors = await enrolledFactors(deps.db, deps.factors, user.id);
  if (factors.length > 0)
    return { kind: "second_factor_required", factors: factors.map(({ name }) => name) };
  const own = await deps.checkOwnPassword(who, password, origin);
  if (own.kind !== "matched") return own;
  return raise(
    deps,
    who,
    {
      ...raised,
      show: async (tx) => {
        // If the user has set up a factor since, that factor must be shown instead.
        if ((await enrolledFactors(tx, deps.factors, user.id)).length > 0) return undefined;
        return { proven: assuranceOf(["pwd"]), recoveryCodesLeft: null };
      },
    },
    origin,
  );
}

async function byFactor(
  deps: StepUpDeps,
  who: SignedIn,
  { proof, ...raised }: Raised & { readonly proof: Proof },
  origin: RemoteOrigin,
): Promise<StepUpOutcome> {
  const { user } = raised;
  const guess: Guess = {
    flow: { kind: "step_up", id: who.sessionId },
    user,
    proof,
    origin,
  };
  const proven = await proveFactor(deps, guess);
  if (proven.kind === "mismatched" || proven.kind === "exhausted")
    return { kind: "factor_mismatched" };
  if (proven.kind !== "matched") return proven;
  const session = await findSession(deps.db, who.sessionId);
  return raise(
    deps,
    who,
    {
      ...raised,
      show: async (tx) => {
        await settleGuess(tx, deps, user.id, origin.address);
        const spent = await proven.match.spend(tx);
        if (spent === undefined) {
          await noteMismatch(tx, deps, guess);
          return undefined;
        }
        return {
          proven: assuranceOf(methodsOf(session?.amr ?? [], proven.match)),
          recoveryCodesLeft: spent.recoveryCodesLeft ?? null,
        };
      },
    },
    origin,
  );
}

/**
 * Returns the methods proven now, plus `pwd` and `mfa` if the session had them. Older factors are
 * dropped, because the new `auth_time` would make them look recent.
 */
function methodsOf(before: AmrList, { amr }: Match): AmrList {
  const kept = (method: "pwd" | "mfa"): AmrList => (before.includes(method) ? [method] : []);
  return [...new Set([...kept("pwd"), ...amr, ...kept("mfa")])];
}

/** The user whose session is raised, and the lifetimes of the session that takes its place. */
interface Raised {
  readonly policy: SessionPolicy;
  readonly user: User;
}

interface Raising extends Raised {
  /**
   * Uses what was shown, while the user's row is held. Returns `undefined` if it has been used by
   * then.
   */
  readonly show: (tx: Tx) => Promise<Shown | undefined>;
}

interface Shown {
  readonly proven: Proven;
  readonly recoveryCodesLeft: number | null;
}

async function raise(
  deps: StepUpDeps,
  who: SignedIn,
  { policy, user, show }: Raising,
  origin: RemoteOrigin,
): Promise<StepUpOutcome> {
  const outcome = await transact(deps, async (tx) => {
    const held = await holdUnchanged(tx, user, "account");
    if (held === undefined) return "session_ended" as const;
    const shown = await show(tx);
    if (shown === undefined) return "mismatched" as const;
    const raised = await raiseSession(
      tx,
      deps,
      { policy, id: who.sessionId, user: held, proven: shown.proven },
      origin,
    );
    return raised === undefined
      ? ("session_ended" as const)
      : { opened: raised, recoveryCodesLeft: shown.recoveryCodesLeft };
  });
  if (outcome === "session_ended") return { kind: "session_ended" };
  if (outcome === "mismatched") return { kind: "factor_mismatched" };
  return { kind: "raised", opened: outcome.opened, recoveryCodesLeft: outcome.recoveryCodesLeft };
}

/** Mails a code for stepping up, or begins the ceremony of a passkey. */
export async function prepareStepUp(
  deps: StepUpDeps,
  who: SignedIn,
  name: FactorName,
  origin: RemoteOrigin,
): Promise<Preparation<Prepared> | { readonly kind: "session_ended" }> {
  const user = await findUser(deps.db, who.userId);
  if (user === undefined || user.disabledAt !== null) return { kind: "session_ended" };
  const factor = deps.factors.find((one) => one.name === name);
  if (factor?.prepare === undefined || !(await factor.isEnrolled(deps.db, user.id)))
    return { kind: "unavailable" };
  return factor.prepare({
    flow: { kind: "step_up", id: who.sessionId },
    user,
    origin,
  });
}
