import type { Held } from "../../../platform/db/held.ts";
import { transact } from "../../../platform/db/transact.ts";
import type { CodeProof } from "@portcullis/contract";
import { originOf } from "../../../records/audit/origin.ts";
import type { Tx } from "../../../platform/db/open.ts";
import { findPending } from "../../../accounts/factors/totp.ts";
import { listConfirmed } from "../../../accounts/factors/totp.store.ts";
import { openSession, recordOpened } from "../../../accounts/sessions/open.ts";
import { endOf } from "../../../accounts/sessions/refresh-rules.ts";
import { may } from "../../../accounts/policies/may.ts";
import { holdSession, type HeldSession } from "../../../accounts/sessions/sessions.store.ts";
import { assuranceOf } from "../../../accounts/sign-in/assurance.ts";
import { answerChallenge } from "../../../accounts/sign-in/challenge.ts";
import { admit } from "../../../accounts/sign-in/opening.ts";
import { noteMismatch, proveFactor, type Guess } from "../../../accounts/sign-in/prove-factor.ts";
import { settleGuess } from "../../../accounts/sign-in/lock-out.ts";
import type { Grant } from "../../../accounts/tokens/mint.ts";
import { holdUnchanged } from "../../../accounts/users/hold-unchanged.ts";
import type { User } from "../../../accounts/users/users.store.ts";
import { busy, created, empty, permissionDenied, throttled, type Answer } from "../drf/answers.ts";
import type { Call } from "../drf/view.ts";
import { answerTo, UNVERIFIED, type Presenter } from "./authenticator.ts";
import { coolDown, isCoolingDown } from "./cool-down.ts";
import { deviceIdOf, isVerified, mayTouch } from "./devices.ts";
import type { Entrant } from "./pending.ts";
import type { SessionsDeps } from "./sessions.ts";
import { refuseRequest, tokenOf, type Holder } from "./tokens.ts";

export const SWITCHED_OFF = "Second factors are switched off.";

type By<Who> = Call<Who, undefined>;
type Shown = CodeProof & { readonly factor: "totp" | "recovery_codes" };

type ShownOutcome =
  | { readonly kind: "opened"; readonly user: User; readonly grant: Grant }
  | { readonly kind: "mismatched" | "busy" | "ended" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number }
  | { readonly kind: "denied"; readonly answer: Answer };

/**
 * Exchanges a code for a token that shows its factor: for a login that waits for it, or for a new
 * session beside the one that the code is sent in.
 */
export async function showFactor(
  deps: SessionsDeps,
  call: By<Presenter>,
  proof: Shown,
): Promise<Answer> {
  const { user: who, ...visit } = call;
  if (await isCoolingDown(deps, who.user.id)) return empty(400);
  const outcome =
    "claim" in who
      ? await showAtLogin(deps, { ...visit, user: who }, proof)
      : await showInSession(deps, { ...visit, user: who }, proof);
  switch (outcome.kind) {
    case "opened":
      return created({
        token: tokenOf(
          deps,
          outcome.grant,
          outcome.user,
          await deviceIdOf(deps, deps.db, outcome.user, proof.factor),
        ),
      });
    case "mismatched":
      await coolDown(deps, who.user.id);
      return empty(400);
    case "ended":
      return refuseRequest("undecodable");
    case "denied":
      return outcome.answer;
    case "throttled":
      return throttled(outcome.retryAfterSeconds);
    case "busy":
      return busy();
  }
}

async function showAtLogin(
  deps: SessionsDeps,
  { user: { claim }, ...visit }: By<Entrant>,
  proof: Shown,
): Promise<ShownOutcome> {
  const outcome = await answerChallenge(
    deps,
    { policy: deps.facePolicy, ...claim, proof },
    originOf(visit),
  );
  switch (outcome.kind) {
    case "opened":
      return { kind: "opened", user: outcome.user, grant: outcome.opened.grant };
    case "invalid_challenge":
      return { kind: "ended" };
    case "throttled":
      return outcome;
    case "mismatched":
    case "busy":
      return { kind: outcome.kind };
  }
}

/**
 * Opens a new session. The one that shows the code stays as weak as it is, because its token may be
 * in other hands.
 */
async function showInSession(
  deps: SessionsDeps,
  { user: holder, ...visit }: By<Holder>,
  proof: Shown,
): Promise<ShownOutcome> {
  const { user, bearer } = holder;
  const enrols = proof.factor === "totp" && (await isSettingUp(deps, user));
  const denied = enrols ? await reasonNotToEnrol(deps, holder) : undefined;
  if (denied !== undefined) return { kind: "denied", answer: denied };
  const origin = originOf({ ...visit, caller: bearer });
  const flow = { kind: enrols ? "enrolment" : "step_up", id: bearer.sessionId } as const;
  const guess: Guess = { flow, user, proof, enrols, origin };
  const shown = await proveFactor(deps, guess);
  if (shown.kind === "exhausted") throw new Error("only a challenge has tries of its own");
  if (shown.kind !== "matched") return shown;

  return transact(deps, async (tx) => {
    const held = await holdHolder(tx, deps, holder);
    if (held === undefined) return { kind: "ended" } as const;
    await settleGuess(tx, deps, user.id, origin.address);
    const spent =
      !enrols || (await mayTouch(deps, tx, holder, "all"))
        ? await shown.match.spend(tx)
        : undefined;
    if (spent === undefined) {
      await noteMismatch(tx, deps, guess);
      return { kind: "mismatched" } as const;
    }
    const known = held.session.amr.includes("pwd") ? (["pwd"] as const) : [];
    const proven = assuranceOf([...known, ...shown.match.amr]);
    const opened = await openSession(
      tx,
      deps,
      { policy: deps.facePolicy.sessions, user: held.user, proven },
      origin,
    );
    await recordOpened(tx, deps, opened, origin);
    return { kind: "opened", user: held.user, grant: opened.grant } as const;
  });
}

/** Tells whether a code confirms a new device. Otherwise it shows an existing one. */
async function isSettingUp({ db, clock }: SessionsDeps, { id }: User): Promise<boolean> {
  return (
    (await listConfirmed(db, id)).length === 0 &&
    (await findPending({ db, clock }, id)) !== undefined
  );
}

/** Says why a session may not set up a device (MF-07), or returns `undefined` if it may. */
export async function reasonNotToEnrol(
  deps: SessionsDeps,
  holder: Holder,
): Promise<Answer | undefined> {
  if (deps.mfaPolicy === "off") return permissionDenied(SWITCHED_OFF);
  if (!(await isVerified(deps, deps.db, holder))) return permissionDenied(UNVERIFIED);
  const { user, bearer } = holder;
  const denial = await may(deps, "addFactor", { account: user, claims: bearer.claims });
  if (denial !== undefined) return answerTo(denial, "addFactor");
  const isStrong = await mayTouch(deps, deps.db, holder, "all");
  return isStrong ? undefined : permissionDenied("Log in again to set up a device.");
}

/**
 * Locks the rows of a holder. Returns `undefined` if the account or the session has changed since
 * the token was read.
 */
export async function holdHolder(
  tx: Tx,
  deps: SessionsDeps,
  { user, bearer }: Holder,
): Promise<{ readonly user: Held<User>; readonly session: HeldSession } | undefined> {
  const held = admit(deps.facePolicy, await holdUnchanged(tx, user, "account"));
  const session = held && (await holdSession(tx, bearer.sessionId));
  if (held === undefined || session === undefined || endOf(session, deps.clock.now()) !== undefined)
    return undefined;
  return { user: held, session };
}
