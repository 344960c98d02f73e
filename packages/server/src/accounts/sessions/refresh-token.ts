import { keyFor, readHs256, signHs256 } from "../../platform/hs256/hs256.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";

/** A refresh token says of which session it is, and which one: 1, 2, 3 … */
export interface RefreshClaims {
  readonly sid: string;
  readonly gen: number;
}

const TYPE = "rt+jwt";

/**
 * Returns the one refresh token of a session and generation. Nothing in it varies, so it can be
 * made again, byte for byte.
 */
export function refreshTokenOf(keyring: Keyring, { sid, gen }: RefreshClaims): string {
  return signHs256(keyFor(keyring, "refresh-token"), TYPE, { sid, gen });
}

/** Returns `undefined` for anything that this server has not made. */
export function readRefreshToken(keyring: Keyring, token: string): RefreshClaims | undefined {
  const payload = readHs256(keyFor(keyring, "refresh-token"), TYPE, token);
  if (payload === undefined) return undefined;
  const { sid, gen } = payload;
  return typeof sid === "string" && typeof gen === "number" ? { sid, gen } : undefined;
}
