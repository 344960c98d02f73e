import { record } from "../../records/audit/audit.ts";
import type { Origin, RemoteOrigin } from "../../records/audit/events.ts";
import { endUser, type EndUserDeps, type EndUserOutcome } from "./last-superuser.ts";
import type { CheckOwnPassword, OwnPasswordOutcome, SignedIn } from "./ports.ts";
import { deleteUser } from "./users.store.ts";

/** Deletes a user and their personal data; the audit keeps the id as a pseudonym (PV-01). */
export async function removeUser(
  deps: EndUserDeps,
  userId: string,
  origin: Origin,
): Promise<EndUserOutcome> {
  return endUser(deps, userId, async (tx, user) => {
    await deps.sessions.endAll(tx, user, "user_deleted");
    await deleteUser(tx, user);
    await record(tx, deps, { event: "user.deleted", ...origin, userId });
  });
}

export interface DeleteSelfDeps extends EndUserDeps {
  readonly checkOwnPassword: CheckOwnPassword;
}

export type DeleteSelfOutcome =
  | EndUserOutcome
  | Exclude<OwnPasswordOutcome, { readonly kind: "matched" }>;

export async function deleteSelf(
  deps: DeleteSelfDeps,
  who: SignedIn,
  password: string | undefined,
  origin: RemoteOrigin,
): Promise<DeleteSelfOutcome> {
  const own = await deps.checkOwnPassword(who, password, origin);
  return own.kind === "matched" ? removeUser(deps, who.userId, origin) : own;
}
