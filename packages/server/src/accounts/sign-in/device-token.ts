import { keyFor, readHs256, signHs256 } from "../../platform/hs256/hs256.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import type { Random } from "../../platform/kernel/random.ts";

/**
 * The claims of a device token: the client has signed in to this account before (LG-04). The token
 * opens nothing. It only gives the client attempts of its own.
 */
export interface DeviceClaims {
  readonly sub: string;
  readonly did: string;
  /**
   * When the account's password was set. A new password, by a change or by recovery, ends the trust
   * (RS-02).
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
