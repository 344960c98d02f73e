import { keyFor, readHs256, signHs256 } from "../../platform/hs256/hs256.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";

/**
 * The session that a refresh token belongs to, and its number among the tokens of that session: 1,
 * 2, 3 …
 */
export interface RefreshClaims {
  readonly sid: string;
  readonly gen: number;
}

const TYPE = "rt+jwt";

/**
 * Returns the only refresh token of a session and generation. It contains nothing random, so it can
 * be made again, byte for byte.
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
