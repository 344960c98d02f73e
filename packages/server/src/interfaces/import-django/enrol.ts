import type { Tx } from "../../platform/db/open.ts";
import { sealCode } from "../../accounts/factors/recovery-codes.ts";
import { replaceCodes, type SealedCode } from "../../accounts/factors/recovery-codes.store.ts";
import { insertTotp, type TotpDevice } from "../../accounts/factors/totp.store.ts";
import { sealSecret } from "../../accounts/factors/totp.ts";
import type { Hasher } from "../../platform/hashing/pool.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import { uuidv7 } from "../../platform/kernel/ids.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";
import type { FoundDevice } from "./factors.ts";
import type { NewUser } from "./place.ts";

export interface EnrolDeps {
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
}

/** The second factors of one user, ready to be inserted. */
export interface SealedFactors {
  readonly userId: string;
  readonly devices: readonly TotpDevice[];
  readonly codes: readonly SealedCode[];
}

/**
 * Hashes and seals before the transaction, because each code is hashed as slowly as a password
 * (MF-05).
 */
export async function sealFactors(
  deps: EnrolDeps,
  users: readonly NewUser[],
): Promise<readonly SealedFactors[]> {
  const all: SealedFactors[] = [];
  for (const { id: userId, factors } of users) {
    if (factors === undefined) continue;
    const codes = await Promise.all(factors.codes.map(async (code) => sealed(deps, code)));
    all.push({
      userId,
      devices: factors.devices.map((device) => sealDevice(deps, userId, device)),
      codes,
    });
  }
  return all;
}

function sealDevice(
  deps: EnrolDeps,
  userId: string,
  { secret, ...device }: FoundDevice,
): TotpDevice {
  const id = uuidv7(deps);
  const now = deps.clock.now();
  return {
    ...device,
    id,
    userId,
    flowId: "",
    secretSealed: sealSecret(deps.keyring, id, secret),
    createdAt: now,
    confirmedAt: now,
  };
}

async function sealed(deps: EnrolDeps, code: string): Promise<SealedCode> {
  const outcome = await sealCode(deps, code);
  if (outcome.kind === "busy") throw new Error("a recovery code could not be hashed");
  return outcome.row;
}

export async function insertFactors(
  tx: Tx,
  { clock }: Pick<EnrolDeps, "clock">,
  factors: readonly SealedFactors[],
): Promise<void> {
  for (const { userId, devices, codes } of factors) {
    for (const device of devices) await insertTotp(tx, device);
    if (codes.length > 0) await replaceCodes(tx, userId, codes, clock.now());
  }
}
