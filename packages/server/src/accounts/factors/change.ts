import { transact } from "../../platform/db/transact.ts";
import type { AccessClaims, FactorName, Proof } from "@portcullis/contract";
import { record } from "../../records/audit/audit.ts";
import type { Origin, RemoteOrigin } from "../../records/audit/events.ts";
import type { Tx } from "../../platform/db/open.ts";
import type { Caller } from "../../platform/http/serve.ts";
import { notify } from "../../records/mail/notices.ts";
import { signTokens } from "../sessions/open.ts";
import { holdLive, raiseSession } from "../sessions/raise.ts";
import type { SessionPolicy } from "../sessions/session-policy.ts";
import { assuranceOf, refusalOfWeak } from "../sign-in/assurance.ts";
import { enrolledFactors, type Factor } from "../sign-in/factor.ts";
import { isRequired } from "../sign-in/policy.ts";
import { deleteDevicesOf } from "../sign-in/remembered-devices.store.ts";
import type { SignInDeps } from "../sign-in/sign-in.ts";
import type { SessionEnding, SessionTokens, SignedIn } from "../users/ports.ts";
import { holdUnchanged } from "../users/hold-unchanged.ts";
import { findUser, type User } from "../users/users.store.ts";
import { takeCensus, type Census } from "./factors.store.ts";
import { makeCodes } from "./recovery-codes.ts";
import { deleteCodes, replaceCodes } from "./recovery-codes.store.ts";

type TooWeak = NonNullable<ReturnType<typeof refusalOfWeak>>;

export interface ChangeDeps extends SignInDeps {
  readonly sessions: SessionEnding;
}

/** The user who changes a factor from within a session, and what that session has proven. */
export interface Changer extends SignedIn {
  readonly claims: AccessClaims;
}

export function changerOf({ caller }: { readonly caller: Caller }): Changer {
  return { userId: caller.userId, sessionId: caller.sessionId, claims: caller.claims };
}

export type EnrolOutcome =
  | {
      readonly kind: "enrolled";
      readonly id: string | undefined;
      readonly tokens: SessionTokens;
      readonly recoveryCodes: readonly string[] | null;
    }
  | { readonly kind: "mismatched" | "session_ended" | "off" | "busy" }
  | { readonly kind: "insufficient"; readonly refusal: TooWeak };

interface Enrolling {
  /** The lifetimes of the session that takes the place of this one. */
  readonly policy: SessionPolicy;
  readonly factor: Factor;
  readonly proof: Proof;
  readonly name?: string | undefined;
  readonly endOtherSessions: boolean;
}

/**
 * Enrols a factor by its first proof. The session goes on under a new id, and its claims name the
 * new factor beside what it had shown before. With the first factor recovery codes are made, so
 * that a lost device locks no user out.
 */
export async function enrolInSession(
  deps: ChangeDeps,
  who: Changer,
  { policy, factor, proof, name, endOtherSessions }: Enrolling,
  origin: RemoteOrigin,
): Promise<EnrolOutcome> {
  if (deps.mfaPolicy === "off") return { kind: "off" };
  const user = await findUser(deps.db, who.userId);
  if (user === undefined || user.disabledAt !== null) return { kind: "session_ended" };
  const flow = { kind: "enrolment", id: who.sessionId } as const;
  const checked = (await factor.enrolment?.check({ flow, user, origin, name }, proof)) ?? {
    kind: "mismatched",
  };
  if (checked.kind !== "matched") return checked;
  const isBare = (await enrolledFactors(deps.db, deps.factors, user.id)).length === 0;
  const codes = isBare ? await makeCodes(deps) : undefined;
  if (codes?.kind === "busy") return codes;

  const outcome = await transact(deps, async (tx) => {
    const held = await holdUnchanged(tx, user, "account");
    const isLive = await holdLive(tx, deps, { id: who.sessionId, userId: user.id });
    if (held === undefined || !isLive) return { kind: "session_ended" } as const;
    const enrolled = await namesOf(tx, deps, held.id);
    const refusal = refusalOfWeak(who.claims, enrolled, enrolled);
    if (refusal !== undefined) return { kind: "insufficient", refusal } as const;
    const spent = await checked.match.spend(tx);
    if (spent === undefined) return { kind: "mismatched" } as const;
    const made = enrolled.length === 0 ? codes : undefined;
    if (made !== undefined) await replaceCodes(tx, held.id, made.rows, deps.clock.now());
    const othersEnded =
      !endOtherSessions ||
      (await deps.sessions.endOthers(tx, held, who.sessionId, "factor_changed"));
    // The earlier proofs of the session still count, and stay as old as they are.
    const proven = {
      ...assuranceOf([...new Set([...who.claims.amr, ...checked.match.amr])]),
      authTime: who.claims.auth_time,
    };
    const raised = await raiseSession(
      tx,
      deps,
      { policy, id: who.sessionId, user: held, proven },
      origin,
    );
    if (raised === undefined || !othersEnded)
      throw new Error("a session ended while its row was held");
    return {
      kind: "enrolled",
      id: spent.enrolledId,
      raised,
      recoveryCodes: made?.codes ?? null,
    } as const;
  });
  if (outcome.kind !== "enrolled") return outcome;
  const { id, raised, recoveryCodes } = outcome;
  return { kind: "enrolled", id, tokens: signTokens(deps, raised.grant), recoveryCodes };
}

type NoteDeps = Pick<SignInDeps, "clock" | "random" | "keyring">;

/** Writes the record and the mail about a factor that counts from now on, however it came to be. */
export async function noteAdded(
  tx: Tx,
  deps: NoteDeps,
  { user, name }: { readonly user: User; readonly name: FactorName },
  origin: Origin,
): Promise<void> {
  const at = deps.clock.now();
  await notify(tx, deps, user, { template: "factor_added", data: { at, factor: name } });
  await record(tx, deps, {
    event: "factor.added",
    ...origin,
    userId: user.id,
    details: { factor: name },
  });
}

export type RemoveOutcome =
  | {
      readonly kind:
        | "removed"
        | "not_found"
        | "session_ended"
        | "factor_required"
        | "last_credential";
    }
  | { readonly kind: "insufficient"; readonly refusal: TooWeak };

interface Removing {
  readonly name: Exclude<FactorName, "recovery_codes">;
  /** Whether no sign-in would be possible without it. */
  readonly isLastCredential?: (tx: Tx, user: User) => Promise<boolean>;
  /** Removes it. Returns false if the user does not have it. */
  readonly remove: (tx: Tx) => Promise<boolean>;
  readonly endOtherSessions: boolean;
}

/**
 * Removes a factor from within a session that has shown one at least as strong. It is refused if
 * the policy demands a factor and this is the last, or if the user could not sign in any more
 * (PK-09).
 */
export async function removeInSession(
  deps: ChangeDeps,
  who: Changer,
  { name, isLastCredential, remove, endOtherSessions }: Removing,
  origin: Origin,
): Promise<RemoveOutcome> {
  return transact(deps, async (tx) => {
    const { userId: id, claims } = who;
    const user = await holdUnchanged(tx, { id, hardEpoch: claims.hep }, "session");
    if (user === undefined) return { kind: "session_ended" } as const;
    const enrolled = await namesOf(tx, deps, user.id);
    const refusal = refusalOfWeak(who.claims, enrolled, [name]);
    if (refusal !== undefined) return { kind: "insufficient", refusal } as const;
    const last = enrolled.includes(name) && isLast(await takeCensus(tx, user.id), enrolled);
    if ((await isLastCredential?.(tx, user)) === true) return { kind: "last_credential" } as const;
    if (last && isRequired(deps, user)) return { kind: "factor_required" } as const;
    if (!(await remove(tx))) return { kind: "not_found" } as const;
    if (last) await deleteCodes(tx, user.id);
    await noteRemoved(tx, deps, { user, name, sessionId: who.sessionId }, origin);
    if (endOtherSessions) await deps.sessions.endOthers(tx, user, who.sessionId, "factor_changed");
    return { kind: "removed" } as const;
  });
}

/**
 * Writes the record and the mail about a factor that counts no more. Devices that were not asked
 * for it are asked again (MF-10).
 */
export async function noteRemoved(
  tx: Tx,
  deps: NoteDeps,
  {
    user,
    name,
    sessionId,
  }: { readonly user: User; readonly name: FactorName; readonly sessionId: string },
  origin: Origin,
): Promise<void> {
  await deleteDevicesOf(tx, user.id);
  await notify(tx, deps, user, {
    template: "factor_removed",
    data: { at: deps.clock.now(), factor: name },
  });
  await record(tx, deps, {
    event: "factor.removed",
    ...origin,
    userId: user.id,
    sessionId,
    details: { factor: name },
  });
}

/** Mailed codes count only as long as the operator allows them. */
function isLast({ totp, passkeys, email }: Census, enrolled: readonly FactorName[]): boolean {
  return totp + passkeys + (enrolled.includes("email") ? email : 0) === 1;
}

async function namesOf(tx: Tx, deps: ChangeDeps, userId: string): Promise<readonly FactorName[]> {
  return (await enrolledFactors(tx, deps.factors, userId)).map(({ name }) => name);
}
