import type { AccessClaims } from "@portcullis/contract";
import type { Db } from "../../platform/db/open.ts";
import { refuse, type Refusal } from "../../platform/http/serve.ts";
import { insufficient } from "../sign-in/assurance.ts";
import { enrolledFactors, type Factor } from "../sign-in/factor.ts";
import { isRequired, type PolicyDeps } from "../sign-in/policy.ts";
import type { User } from "../users/users.store.ts";
import { demandsOf, type Act, type Demands } from "./acts.ts";

export interface MayDeps extends PolicyDeps {
  readonly db: Db;
  readonly factors: readonly Factor[];
}

/** A caller whose token has been verified, with what it says about the session's proofs. */
export interface Actor {
  /** The user's row as it is now, or `undefined` if it is gone. */
  readonly account: User | undefined;
  readonly claims: Pick<AccessClaims, "acr" | "auth_time">;
}

export type Denial = Refusal<
  | "session_ended"
  | "account_paused"
  | "forbidden"
  | "factor_required"
  | "insufficient_user_authentication"
>;

/**
 * Decides whether a caller may do an act. Returns `undefined` if so, else the refusal.
 *
 * The password that some acts ask for is checked by their rules, which also count the attempts.
 * Returns synchronously if the account's row is enough to decide.
 */
export function may(
  deps: MayDeps,
  act: Act,
  { account, claims }: Actor,
): Denial | undefined | Promise<Denial | undefined> {
  const demands = demandsOf(act);
  if (account === undefined) return refuse("session_ended", { cause: "user_deleted" });
  if (account.disabledAt !== null) return refuse("session_ended", { cause: "user_disabled" });
  if (account.pausedAt !== null && demands.whilePaused !== true) return refuse("account_paused");
  if (demands.superuser === true && account.superuserSince === null) return refuse("forbidden");
  return demands.superuser === true || demands.proof !== undefined
    ? missingProof(deps, demands, account, claims)
    : undefined;
}

/**
 * Returns what has still to be proven (RFC 9470), or `undefined` if nothing has. Users with a
 * second factor must have shown it, lately if the act says so. A superuser who lacks a factor that
 * the policy demands may do nothing (AD-06).
 */
async function missingProof(
  deps: MayDeps,
  { superuser, proof }: Demands,
  account: User,
  { acr, auth_time }: Actor["claims"],
): Promise<Denial | undefined> {
  const isRecent = proof === undefined || deps.clock.now() - auth_time <= proof.maxAgeSeconds;
  if (acr === "aal2" && isRecent) return undefined;
  const enrolled = await enrolledFactors(deps.db, deps.factors, account.id);
  if (enrolled.length > 0)
    return insufficient({
      acr: "aal2",
      maxAgeSeconds: proof?.maxAgeSeconds,
      factors: enrolled.map(({ name }) => name),
    });
  if (superuser === true && isRequired(deps, account)) return refuse("factor_required");
  if (proof?.when !== "always" || isRecent) return undefined;
  return insufficient({ acr: "aal1", maxAgeSeconds: proof.maxAgeSeconds, factors: [] });
}
