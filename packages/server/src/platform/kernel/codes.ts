import { createHash } from "node:crypto";
import type { Keyring } from "./keyring.ts";

/**
 * Returns the form in which a random token of at least 128 bits is stored. It cannot be guessed, so
 * a plain digest is enough.
 */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}

/**
 * Returns the form in which a short code is stored: a keyed digest, bound to the one flow that the
 * code belongs to, so that a dump does not reveal the code.
 */
export function macCode(keyring: Keyring, flowId: string, code: string): string {
  return keyring.mac("one-time-code", `${flowId}:${code}`).toString("base64url");
}

export function verifyCode(keyring: Keyring, flowId: string, code: string, mac: string): boolean {
  return keyring.verifyMac("one-time-code", `${flowId}:${code}`, Buffer.from(mac, "base64url"));
}
