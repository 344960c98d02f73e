import { transact } from "../../../platform/db/transact.ts";
import type { Assertion } from "@portcullis/contract";
import { record } from "../../../records/audit/audit.ts";
import type { Origin } from "../../../records/audit/events.ts";
import type { Keyring } from "../../../platform/kernel/keyring.ts";
import type { AmrList } from "../../sessions/amr.ts";
import type { Match } from "../../sign-in/factor.ts";
import type { Ceremony } from "./ceremonies.store.ts";
import type { CeremonyDeps } from "./ceremonies.ts";
import { userHandleOf } from "./options.ts";
import { markSuspect, usePasskey, type Passkey } from "./passkeys.store.ts";
import type { RelyingParty, Said } from "./verify.ts";

export interface ShowDeps extends CeremonyDeps, RelyingParty {
  readonly keyring: Keyring;
}

interface Shown {
  readonly ceremony: Ceremony;
  readonly credential: Assertion;
  readonly passkey: Passkey;
  /**
   * Whether it also stands for the password. It must then verify its user, and name them by itself
   * (PK-03, PK-04).
   */
  readonly alone: boolean;
}

/** Checks an assertion of this passkey. Returns `undefined` if it is not good. */
export async function showPasskey(
  deps: ShowDeps,
  { ceremony, credential, passkey, alone }: Shown,
  origin: Origin,
): Promise<Match | undefined> {
  const { userHandle } = credential.response;
  const namesOwner = userHandle === userHandleOf(passkey.userId);
  if (!namesOwner && (alone || typeof userHandle === "string")) return undefined;
  // The library is loaded with the first passkey and not at the start, because it takes a third of
  // a second and 28 MB.
  const { verifyAssertion } = await import("./verify.ts");
  const said = await verifyAssertion(
    deps,
    { challenge: ceremony.challenge, key: passkey, mustVerify: alone },
    credential,
  );
  if (said?.kind !== passkey.kind) return undefined;
  if (hasGoneBack(said.signCount, passkey.signCount)) {
    await suspect(deps, passkey, origin);
    return undefined;
  }
  const { signCount: to, backedUp, verified } = said;
  return {
    amr: amrOf(said),
    spend: async (tx) => {
      const isUsed = await usePasskey(
        tx,
        { id: passkey.id, from: passkey.signCount, to, backedUp, verified },
        deps.clock.now(),
      );
      return isUsed ? {} : undefined;
    },
  };
}

/** Returns the methods of RFC 8176. A passkey that verified its user shows two factors at once. */
export function amrOf({ kind, verified }: Pick<Said, "kind" | "verified">): AmrList {
  return [kind === "multi_device" ? "swk" : "hwk", "user", ...(verified ? (["mfa"] as const) : [])];
}

/** Compares the counter (WebAuthn Level 3 §6.1.1). Passkeys without a counter say 0 each time. */
function hasGoneBack(said: number, stored: number): boolean {
  return (said !== 0 || stored !== 0) && said <= stored;
}

/** Marks a passkey of which there may be a copy (PK-06). */
async function suspect(deps: ShowDeps, { id, userId }: Passkey, origin: Origin): Promise<void> {
  await transact(deps, async (tx) => {
    if (await markSuspect(tx, id, deps.clock.now()))
      await record(tx, deps, {
        event: "factor.suspect",
        ...origin,
        userId,
        result: "refused",
        details: { factor: "passkey" },
      });
  });
}
