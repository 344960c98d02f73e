import { createHash } from "node:crypto";
import type { Keyring } from "./keyring.ts";

/**
 * What is stored of a random token of at least 128 bits: it cannot be guessed, so a plain digest is
 * enough.
 */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}

/**
 * What is stored of a short code: a keyed digest bound to the one flow it belongs to, so a dump
 * does not tell it.
 */
export function macCode(keyring: Keyring, flowId: string, code: string): string {
  return keyring.mac("one-time-code", `${flowId}:${code}`).toString("base64url");
}

export function verifyCode(keyring: Keyring, flowId: string, code: string, mac: string): boolean {
  return keyring.verifyMac("one-time-code", `${flowId}:${code}`, Buffer.from(mac, "base64url"));
}
