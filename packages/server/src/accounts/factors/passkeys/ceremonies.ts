import { transact } from "../../../platform/db/transact.ts";
import type { Db } from "../../../platform/db/open.ts";
import type { Clock } from "../../../platform/kernel/clock.ts";
import { momentOf, uuidv7 } from "../../../platform/kernel/ids.ts";
import type { Keyring } from "../../../platform/kernel/keyring.ts";
import type { Random } from "../../../platform/kernel/random.ts";
import { fingerprintOf, holdWithFingerprint } from "../../users/hold-unchanged.ts";
import type { User } from "../../users/users.store.ts";
import { consumeCeremony, insertCeremony, insertSpent, type Ceremony } from "./ceremonies.store.ts";
import { CEREMONY_SECONDS } from "../../proofs/lifetimes.ts";

export interface CeremonyDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
}

/** The purpose that a ceremony is begun for. It can be finished for no other. */
export type Purpose = Pick<Ceremony, "kind" | "userId" | "flowId" | "standing">;

/** The length of a challenge (PK-01). */
const CHALLENGE_BYTES = 32;

export function purposeOf(
  kind: "registration" | "second_factor",
  flowId: string,
  user: User,
): PurposeOfUser {
  return { kind, userId: user.id, flowId, standing: fingerprintOf(user) };
}

/** A purpose of one user, with the fingerprint of the account when it was checked. */
export type PurposeOfUser = Purpose & { readonly userId: string; readonly standing: string };

/** Returns `undefined` if the user has been deleted or has changed since the check. */
export async function beginCeremony(
  deps: CeremonyDeps,
  purpose: PurposeOfUser,
): Promise<Ceremony | undefined> {
  const now = deps.clock.now();
  const challenge = deps.random.bytes(CHALLENGE_BYTES).toString("base64url");
  const ceremony: Ceremony = {
    id: uuidv7(deps),
    ...purpose,
    challenge,
    createdAt: now,
    expiresAt: now + CEREMONY_SECONDS,
  };
  return transact(deps, async (tx) => {
    if ((await holdWithFingerprint(tx, purpose.userId, purpose.standing)) === undefined)
      return undefined;
    await insertCeremony(tx, ceremony);
    return ceremony;
  });
}

/**
 * Ends a ceremony before anything of the credential is read, so that each is tried once. Returns
 * `undefined` if it was not begun for this purpose, or if its user has changed since (PK-01,
 * PK-08).
 */
export async function endCeremony(
  deps: CeremonyDeps,
  id: string,
  purpose: Purpose,
): Promise<Ceremony | undefined> {
  const ceremony = await transact(deps, async (tx) => consumeCeremony(tx, id));
  if (ceremony === undefined || ceremony.expiresAt <= deps.clock.now()) return undefined;
  const { kind, userId, flowId, standing } = purpose;
  const isMeant =
    ceremony.kind === kind &&
    ceremony.userId === userId &&
    ceremony.flowId === flowId &&
    ceremony.standing === standing;
  return isMeant ? ceremony : undefined;
}

interface SignInCeremonyDeps extends CeremonyDeps {
  readonly keyring: Keyring;
}

/**
 * Begins a sign-in by passkey alone. Anyone may ask for any number of them without a name, so
 * nothing is stored until one is finished. The challenge is a MAC over the id, so that only those
 * given out here exist (PK-01).
 */
export function beginSignIn(deps: SignInCeremonyDeps): Ceremony {
  return signInCeremony(deps.keyring, uuidv7(deps));
}

/** How far the clock of the node that began it may be ahead. */
const SKEW_SECONDS = 5;

/**
 * Ends a ceremony that was never stored, by inserting it as finished. The unique id lets only one
 * caller succeed.
 */
export async function endSignIn(
  deps: SignInCeremonyDeps,
  id: string,
): Promise<Ceremony | undefined> {
  const ceremony = signInCeremony(deps.keyring, id);
  const now = deps.clock.now();
  if (ceremony.createdAt > now + SKEW_SECONDS || ceremony.expiresAt <= now) return undefined;
  return (await transact(deps, async (tx) => insertSpent(tx, ceremony))) ? ceremony : undefined;
}

function signInCeremony(keyring: Keyring, id: string): Ceremony {
  const createdAt = momentOf(id);
  const challenge = keyring.mac("passkey-challenge", id.toLowerCase()).toString("base64url");
  const anybody = { kind: "sign_in", userId: null, flowId: "", standing: "" } as const;
  return {
    id: id.toLowerCase(),
    ...anybody,
    challenge,
    createdAt,
    expiresAt: createdAt + CEREMONY_SECONDS,
  };
}
