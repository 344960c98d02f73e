import { transact } from "../../platform/db/transact.ts";
import { answer, refuse, type Caller } from "../../platform/http/serve.ts";
import { take, type TakeOutcome } from "../../records/attempts/attempts.store.ts";
import type { SessionPolicy } from "../sessions/session-policy.ts";
import { findUser } from "../users/users.store.ts";
import type { ChangeDeps, EnrolOutcome, RemoveOutcome } from "./change.ts";
import type { EmailCodeDeps } from "./email-codes.ts";
import type { TotpDeps } from "./totp.ts";

export interface FactorRoutesDeps extends ChangeDeps, TotpDeps, EmailCodeDeps {
  /** The lifetimes of native sessions. */
  readonly sessionPolicy: SessionPolicy;
}

export const busy = refuse("busy");

/** Finds the user who is about to set up a factor, or returns the refusal. */
export async function findEnroller(
  deps: Pick<FactorRoutesDeps, "db" | "mfaPolicy">,
  { userId }: Caller,
) {
  if (deps.mfaPolicy === "off") return refuse("factors_off");
  const user = await findUser(deps.db, userId);
  return user === undefined || user.disabledAt !== null ? refuse("session_ended") : user;
}

/**
 * Takes a try of a limit that only setting up has. Users who set up a factor can guess only at
 * their own, so the limit of the sign-in is left alone.
 */
export async function takeTry(
  { db, clock }: FactorRoutesDeps,
  factor: "totp" | "email",
  { userId }: Caller,
): Promise<TakeOutcome> {
  const limit = { bucket: `${factor}-enrolment:${userId}`, limit: 10, windowSeconds: 600 };
  return transact({ db }, async (tx) => take(tx, limit, clock.now()));
}

export function refuseEnrolment(outcome: Exclude<EnrolOutcome, { readonly kind: "enrolled" }>) {
  switch (outcome.kind) {
    case "mismatched":
      return refuse("invalid_code");
    case "session_ended":
      return refuse("session_ended");
    case "off":
      return refuse("factors_off");
    case "insufficient":
      return outcome.refusal;
    case "busy":
      return busy;
  }
}

export function afterRemoval(outcome: RemoveOutcome) {
  if (outcome.kind === "removed") return answer(204);
  return outcome.kind === "insufficient" ? outcome.refusal : refuse(outcome.kind);
}
