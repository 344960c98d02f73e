import type { Begun, FactorName, Prepared, Proof } from "@portcullis/contract";
import type { RemoteOrigin } from "../../records/audit/events.ts";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { AmrList } from "../sessions/amr.ts";
import type { User } from "../users/users.store.ts";

/** The flow in which a factor is shown. A proof begun for one flow is not valid in another. */
export interface Flow {
  readonly kind: "challenge" | "step_up" | "enrolment";
  /** The id of the challenge, of the session that is stepped up, or of the session that enrols. */
  readonly id: string;
}

export interface Asked {
  readonly flow: Flow;
  /** The user as read when the proof was asked for. `spend` checks whether that still holds. */
  readonly user: User;
  readonly origin: RemoteOrigin;
  /** The name that the user gives to the enrolled factor. */
  readonly name?: string | undefined;
}

/** A proof that was found good and has not been used yet. */
export interface Match {
  /**
   * The methods that the proof adds to the session. If they include `mfa`, the proof counts as two
   * factors.
   */
  readonly amr: AmrList;
  /**
   * Uses the proof by one guarded statement, while the user's row is held. Returns `undefined` if
   * it has been used since.
   */
  spend(tx: Tx): Promise<Spent | undefined>;
}

export interface Spent {
  readonly recoveryCodesLeft?: number;
  /** The id of the device or passkey that was enrolled. */
  readonly enrolledId?: string;
}

export type Checked =
  | { readonly kind: "matched"; readonly match: Match }
  | { readonly kind: "mismatched" | "busy" };

export type Preparation<What> =
  | { readonly kind: "prepared"; readonly prepared: What }
  | { readonly kind: "unavailable" | "no_address" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

/** Sets up a factor before there is a session, for a user who must have one. */
export interface Enrolment {
  /** Whether this user could set it up. */
  isOpenTo(user: User): boolean;
  begin(asked: Asked): Promise<Preparation<Begun>>;
  /** Checks the first proof. Using the match enrols the factor, records it and tells the user. */
  check(asked: Asked, proof: Proof): Promise<Checked>;
}

/**
 * A second factor, as sign-in uses it. The factors are implemented in factors/, which stands above;
 * process/ passes them down.
 */
export interface Factor {
  readonly name: FactorName;
  /** Whether sign-in asks for it by itself. Recovery codes only take the place of another. */
  readonly standsAlone: boolean;
  readonly enrolment?: Enrolment;
  isEnrolled(db: Queryable, userId: string): Promise<boolean>;
  /** Prepares a proof, if the factor needs something from the server first. */
  prepare?(asked: Asked): Promise<Preparation<Prepared>>;
  /**
   * Compares a proof. It is called once for each guess that the account's budget has left (MF-03).
   */
  check(asked: Asked, proof: Proof): Promise<Checked>;
}

export type ReserveOutcome =
  | {
      readonly kind: "made";
      readonly codes: readonly string[];
      keep(tx: Tx, userId: string): Promise<void>;
    }
  | { readonly kind: "busy" };

/**
 * Makes the recovery codes that an account gets with its first factor, so that the loss of a device
 * does not lock the user out.
 */
export type MakeReserve = () => Promise<ReserveOutcome>;

/**
 * Returns the factors that sign-in can ask a user for. It is empty if none of them stands alone.
 */
export async function enrolledFactors(
  db: Queryable,
  factors: readonly Factor[],
  userId: string,
): Promise<readonly Factor[]> {
  const standing = await thoseEnrolled(db, factors, userId, true);
  return standing.length === 0
    ? []
    : [...standing, ...(await thoseEnrolled(db, factors, userId, false))];
}

async function thoseEnrolled(
  db: Queryable,
  factors: readonly Factor[],
  userId: string,
  standsAlone: boolean,
): Promise<readonly Factor[]> {
  const enrolled: Factor[] = [];
  for (const factor of factors)
    if (factor.standsAlone === standsAlone && (await factor.isEnrolled(db, userId)))
      enrolled.push(factor);
  return enrolled;
}
