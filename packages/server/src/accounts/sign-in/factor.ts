import type { Begun, FactorName, Prepared, Proof } from "@portcullis/contract";
import type { Origin } from "../../records/audit/events.ts";
import type { Queryable, Tx } from "../../platform/db/open.ts";
import type { Client } from "../../platform/http/serve.ts";
import type { AmrList } from "../sessions/amr.ts";
import type { User } from "../users/users.store.ts";

/** What a factor is shown for. What was begun for one flow proves nothing in another. */
export interface Flow {
  readonly kind: "challenge" | "step_up" | "enrolment";
  /** Of the challenge, of the session that is stepped up, or of the session that enrols. */
  readonly id: string;
}

export interface Asked {
  readonly flow: Flow;
  /** As read when it was asked; `spend` finds out whether that still holds. */
  readonly user: User;
  readonly client: Client;
  readonly origin: Origin;
  /** What its owner is to call what is enrolled. */
  readonly name?: string | undefined;
}

/** A proof that was found good and has not been used yet. */
export interface Match {
  /** What it adds to the session's methods; with `mfa` it stands for two factors by itself. */
  readonly amr: AmrList;
  /**
   * Uses it, by one guarded statement, with the user's row held; `undefined` where it has been used
   * meanwhile.
   */
  spend(tx: Tx): Promise<Spent | undefined>;
}

export interface Spent {
  readonly recoveryCodesLeft?: number;
  /** Of the device or passkey that was enrolled. */
  readonly enrolledId?: string;
}

export type Checked =
  | { readonly kind: "matched"; readonly match: Match }
  | { readonly kind: "mismatched" | "busy" };

export type Preparation<What> =
  | { readonly kind: "prepared"; readonly prepared: What }
  | { readonly kind: "unavailable" | "no_address" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

/** How a factor is set up before there is a session, by whoever must have one. */
export interface Enrolment {
  /** Whether this user could set it up. */
  isOpenTo(user: User): boolean;
  begin(asked: Asked): Promise<Preparation<Begun>>;
  /** Its first proof; spending it enrols the factor, records it and tells the user. */
  check(asked: Asked, proof: Proof): Promise<Checked>;
}

/**
 * A second factor, as the sign-in pipeline sees it. Implemented below, handed down by compose.ts.
 */
export interface Factor {
  readonly name: FactorName;
  /** Whether sign-in asks for it by itself. Recovery codes only take the place of another. */
  readonly standsAlone: boolean;
  readonly enrolment?: Enrolment;
  isEnrolled(db: Queryable, userId: string): Promise<boolean>;
  /** For a factor that needs something of the server before it can be shown. */
  prepare?(asked: Asked): Promise<Preparation<Prepared>>;
  /** Compares. Called once for each guess that the account's budget has left (MF-03). */
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
 * Makes what an account with its first factor gets beside it, so that the loss of a device locks
 * nobody out.
 */
export type MakeReserve = () => Promise<ReserveOutcome>;

/** Which factors sign-in can ask a user for; empty where none of them stands alone. */
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
