import type { Hasher } from "../../platform/hashing/pool.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { normalizePassword } from "./password-policy.ts";

export interface PasswordDeps {
  readonly hasher: Hasher;
  readonly keyring: Keyring;
}

export type SealOutcome =
  | { readonly kind: "sealed"; readonly passwordSealed: Uint8Array }
  | { readonly kind: "busy" };
export type MatchOutcome =
  | { readonly kind: "matched"; readonly weak: boolean }
  | { readonly kind: "mismatched" | "busy" };

/**
 * Hashes a password and seals the hash for one user id. Without the master secret, guesses cannot
 * be checked against a dump of the database, and rows cannot be swapped (PW-10).
 */
export async function sealPassword(
  deps: PasswordDeps,
  userId: string,
  password: string,
): Promise<SealOutcome> {
  const hashed = await deps.hasher.hash(password);
  if (hashed.kind === "busy") return hashed;
  return {
    kind: "sealed",
    passwordSealed: deps.keyring.seal("password-seal", userId, Buffer.from(hashed.phc)),
  };
}

/**
 * Compares a password with that of a user. An unknown user, a user without a password and a wrong
 * password all cost one hash (EN-02).
 */
export async function matchPassword(
  deps: PasswordDeps,
  user: { readonly id: string; readonly passwordSealed: Uint8Array | null } | undefined,
  presented: string,
): Promise<MatchOutcome> {
  const normalized = normalizePassword(presented);
  const sealed = user?.passwordSealed ?? null;
  const hash =
    user === undefined || sealed === null
      ? deps.hasher.decoy
      : deps.keyring.open("password-seal", user.id, sealed).toString();
  const [comparable, asTyped] =
    normalized.kind === "normalized" ? [normalized.password, presented] : ["", ""];
  const outcome = await deps.hasher.verify(hash, { normalized: comparable, asTyped });
  if (outcome.kind !== "matched") return { kind: outcome.kind };
  if (sealed === null || normalized.kind !== "normalized") return { kind: "mismatched" };
  return { kind: "matched", weak: deps.hasher.needsUpgrade(hash) };
}
