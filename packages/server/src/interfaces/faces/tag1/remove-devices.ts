import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { RemoteOrigin } from "../../../records/audit/events.ts";
import { originOf } from "../../../records/audit/origin.ts";
import type { Tx } from "../../../platform/db/open.ts";
import { noteRemoved } from "../../../accounts/factors/change.ts";
import { deleteCodes } from "../../../accounts/factors/recovery-codes.store.ts";
import { deleteAllTotp } from "../../../accounts/factors/totp.store.ts";
import type { Visit } from "../../../platform/http/page.ts";
import { openSession, recordOpened } from "../../../accounts/sessions/open.ts";
import { revokeAllOf } from "../../../accounts/sessions/revoke.ts";
import type { HeldSession } from "../../../accounts/sessions/sessions.store.ts";
import { isRequired } from "../../../accounts/sign-in/policy.ts";
import type { Grant } from "../../../accounts/tokens/mint.ts";
import { lockUser, type User } from "../../../accounts/users/users.store.ts";
import { mayTouch, standingFactors } from "./devices.ts";
import { holdHolder } from "./second-step.ts";
import type { SessionsDeps } from "./sessions.ts";
import type { Holder } from "./tokens.ts";

type RemoveOutcome =
  | { readonly kind: "removed"; readonly user: User; readonly grant: Grant }
  | { readonly kind: "ended" | "unverified" | "demanded" };

/** Removes every authenticator app and ends every session. A new session replaces the caller's. */
export async function removeDevices(
  deps: SessionsDeps,
  holder: Holder,
  visit: Visit,
): Promise<RemoveOutcome> {
  const origin = originOf({ ...visit, caller: holder.bearer });
  return transact(deps, async (tx) => {
    const held = await holdHolder(tx, deps, holder);
    if (held === undefined) return { kind: "ended" } as const;
    if (!(await mayTouch(deps, tx, holder, ["totp"]))) return { kind: "unverified" } as const;
    const { user, session } = held;
    const standing = await standingFactors(deps, tx, user.id);
    const isLast = standing.every((name) => name === "totp");
    if (standing.includes("totp") && isLast && isRequired(deps, user))
      return { kind: "demanded" } as const;

    await deleteAllTotp(tx, user.id);
    if (isLast) await deleteCodes(tx, user.id);
    if (standing.includes("totp"))
      await noteRemoved(tx, deps, { user, name: "totp", sessionId: session.id }, origin);
    await revokeAllOf(tx, deps, user, "factor_changed");
    await record(tx, deps, {
      event: "sessions.ended",
      ...origin,
      userId: user.id,
      details: { cause: "factor_changed" },
    });
    const { opened, user: reopened } = await reopen(tx, deps, session, origin);
    await recordOpened(tx, deps, opened, origin);
    return { kind: "removed", user: reopened, grant: opened.grant } as const;
  });
}

/**
 * Opens the new session with the same proofs and the same end, so that it does not extend how long
 * the user stays signed in (JW-18).
 */
async function reopen(
  tx: Tx,
  deps: SessionsDeps,
  { userId, amr, acr, authTime, endsAt }: HeldSession,
  origin: RemoteOrigin,
) {
  const user = await lockUser(tx, userId);
  if (user === undefined) throw new Error("the row of a user went away while it was held");
  const policy = { ...deps.facePolicy.sessions, sessionTtlSeconds: endsAt - deps.clock.now() };
  const proven = { amr, acr, authTime };
  return { user, opened: await openSession(tx, deps, { policy, user, proven }, origin) };
}
