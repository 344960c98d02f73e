import { transact } from "../../platform/db/transact.ts";
import type { Proof } from "@portcullis/contract";
import type { RemoteOrigin } from "../../records/audit/events.ts";
import type { Db, Tx } from "../../platform/db/open.ts";
import type { Client } from "../../platform/http/serve.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { notify } from "../../records/mail/notices.ts";
import { take } from "../../records/attempts/attempts.store.ts";
import { mailsTo } from "../../records/attempts/budgets.ts";
import type { User } from "../users/users.store.ts";
import { noteFailure } from "./failures.ts";
import type { Checked, Factor, Flow, Match } from "./factor.ts";
import { returnGuess, takeGuess } from "./lock-out.ts";

export interface ProveDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
  readonly factors: readonly Factor[];
}

export interface Guess {
  readonly flow: Flow;
  readonly user: User;
  readonly proof: Proof;
  /** Whether this proof sets the factor up. Otherwise an enrolled factor is shown. */
  readonly enrols?: boolean;
  readonly origin: RemoteOrigin;
  /** Takes a try of the flow itself. Returns false if it has none left. */
  readonly takeTry?: (tx: Tx) => Promise<boolean>;
}

export type ProofOutcome =
  | { readonly kind: "matched"; readonly match: Match }
  | { readonly kind: "mismatched" | "busy" }
  /** The flow itself has no tries left. */
  | { readonly kind: "exhausted" }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number };

/**
 * Takes a guess from the account's budget, and only then compares. The budget is the same for every
 * challenge, session, node and kind of factor (MF-03). If the password was right and the factor is
 * wrong, the user is told by mail (LG-14).
 */
export async function proveFactor(deps: ProveDeps, guess: Guess): Promise<ProofOutcome> {
  const { user, origin } = guess;
  const taken = await transact(deps, async (tx) => {
    const budget = await takeGuess(tx, deps, user.id, origin.address);
    if (budget.kind === "exhausted") {
      await noteFailure(
        tx,
        deps,
        { event: "second_factor.throttled", userId: user.id, reason: guess.proof.factor },
        origin,
      );
      return { kind: "throttled", retryAfterSeconds: budget.retryAfterSeconds } as const;
    }
    if (guess.takeTry === undefined || (await guess.takeTry(tx))) return { kind: "taken" } as const;
    await returnGuess(tx, user.id, origin.address);
    return { kind: "exhausted" } as const;
  });
  if (taken.kind !== "taken") return taken;

  const checked = await check(deps, guess);
  if (checked.kind === "matched") return checked;
  await transact(deps, async (tx) => {
    if (checked.kind === "busy") return returnGuess(tx, user.id, origin.address);
    return noteMismatch(tx, deps, guess);
  });
  return checked;
}

async function check(
  deps: ProveDeps,
  { flow, user, proof, origin, enrols = false }: Guess,
): Promise<Checked> {
  const factor = deps.factors.find(({ name }) => name === proof.factor);
  const asked = { flow, user, origin };
  const outcome = enrols
    ? await factor?.enrolment?.check(asked, proof)
    : await factor?.check(asked, proof);
  return outcome ?? { kind: "mismatched" };
}

/** Records a wrong proof. It also serves a right proof that another request has used first. */
export async function noteMismatch(
  tx: Tx,
  deps: ProveDeps,
  { flow, user, proof, origin, enrols }: Guess,
): Promise<void> {
  if (flow.kind === "challenge" && enrols !== true) await tell(tx, deps, user, origin);
  await noteFailure(
    tx,
    deps,
    { event: "second_factor.failed", userId: user.id, reason: proof.factor },
    origin,
  );
}

/**
 * Tells the user by mail. At most a few mails are sent per hour, because otherwise an attacker with
 * the password could bury the one mail that matters.
 */
async function tell(
  tx: Tx,
  deps: ProveDeps,
  user: User,
  { address, userAgent }: Client,
): Promise<void> {
  const now = deps.clock.now();
  if ((await take(tx, mailsTo(`second-factor-failed:${user.id}`), now)).kind === "exhausted")
    return;
  await notify(tx, deps, user, {
    template: "second_factor_failed",
    data: { at: now, address, userAgent },
  });
}
