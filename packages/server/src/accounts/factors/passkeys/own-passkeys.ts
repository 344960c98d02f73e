import { transact } from "../../../platform/db/transact.ts";
import { record } from "../../../records/audit/audit.ts";
import type { Origin } from "../../../records/audit/events.ts";
import type { Tx } from "../../../platform/db/open.ts";
import type { User } from "../../users/users.store.ts";
import { removeInSession, type ChangeDeps, type Changer, type RemoveOutcome } from "../change.ts";
import {
  deletePasskey,
  listPasskeys,
  setName,
  type OwnPasskey,
  type Passkey,
} from "./passkeys.store.ts";

/** Returns `undefined` if the user has no such passkey. */
export async function renamePasskey(
  deps: Pick<ChangeDeps, "db" | "clock" | "keyring">,
  which: OwnPasskey,
  name: string,
  origin: Origin,
): Promise<Passkey | undefined> {
  return transact(deps, async (tx) => {
    const renamed = await setName(tx, which, name);
    if (renamed !== undefined)
      await record(tx, deps, {
        event: "factor.renamed",
        ...origin,
        userId: which.userId,
        details: { factor: "passkey" },
      });
    return renamed;
  });
}

/** Removes a passkey, which signs in no user from then on (PK-05). */
export async function removePasskey(
  deps: ChangeDeps,
  who: Changer,
  { id, endOtherSessions }: { readonly id: string; readonly endOtherSessions: boolean },
  origin: Origin,
): Promise<RemoveOutcome> {
  const which = { id, userId: who.userId };
  const removing = {
    name: "passkey",
    isLastCredential: async (tx: Tx, user: User) => wouldLockOut(tx, user, id),
    remove: async (tx: Tx) => deletePasskey(tx, which),
    endOtherSessions,
  } as const;
  return removeInSession(deps, who, removing, origin);
}

/**
 * A user without a password signs in with a passkey that verifies them, and with no other (PK-09).
 */
async function wouldLockOut(tx: Tx, user: User, id: string): Promise<boolean> {
  if (user.passwordSealed !== null) return false;
  const verifying = (await listPasskeys(tx, user.id)).filter(
    ({ verifiedAt }) => verifiedAt !== null,
  );
  return verifying.length > 0 && verifying.every((passkey) => passkey.id === id);
}
