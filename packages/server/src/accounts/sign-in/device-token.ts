import { keyFor, readHs256, signHs256 } from "../../platform/hs256/hs256.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";

/**
 * Says that a client has signed in to this account before (LG-04). It opens nothing; it only has
 * attempts of its own.
 */
export interface DeviceClaims {
  readonly sub: string;
  readonly did: string;
  /**
   * When the account's password was set: with the next one, by change or by recovery, the trust
   * ends (RS-02).
   */
  readonly pwd: number;
}

const TYPE = "dt+jwt";

export function deviceTokenOf(keyring: Keyring, { sub, did, pwd }: DeviceClaims): string {
  return signHs256(keyFor(keyring, "device-token"), TYPE, { sub, did, pwd });
}

/** Returns `undefined` for anything that this server has not made. */
export function readDeviceToken(keyring: Keyring, token: string): DeviceClaims | undefined {
  const payload = readHs256(keyFor(keyring, "device-token"), TYPE, token);
  if (payload === undefined) return undefined;
  const { sub, did, pwd } = payload;
  return typeof sub === "string" && typeof did === "string" && typeof pwd === "number"
    ? { sub, did, pwd }
    : undefined;
}

export function newDeviceId(random: Random): string {
  return random.bytes(16).toString("base64url");
}
