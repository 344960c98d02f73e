import { readCompact } from "@portcullis/verifier";
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

const HEADER = Buffer.from(JSON.stringify({ alg: "HS256", typ: "dt+jwt" })).toString("base64url");

export function deviceTokenOf(keyring: Keyring, claims: DeviceClaims): string {
  const input = `${HEADER}.${Buffer.from(JSON.stringify({ sub: claims.sub, did: claims.did, pwd: claims.pwd })).toString("base64url")}`;
  return `${input}.${keyring.mac("device-token", input).toString("base64url")}`;
}

export function readDeviceToken(keyring: Keyring, token: string): DeviceClaims | undefined {
  const compact = readCompact(token, { typ: "dt+jwt", algorithms: ["HS256"], kid: "absent" });
  if (
    compact === undefined ||
    !keyring.verifyMac("device-token", compact.signingInput, compact.signature)
  )
    return undefined;
  const { sub, did, pwd } = compact.payload;
  return typeof sub === "string" && typeof did === "string" && typeof pwd === "number"
    ? { sub, did, pwd }
    : undefined;
}

export function newDeviceId(random: Random): string {
  return random.bytes(16).toString("base64url");
}
