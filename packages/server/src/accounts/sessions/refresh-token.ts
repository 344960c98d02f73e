import { readCompact } from "@portcullis/verifier";
import type { Keyring } from "../../platform/kernel/keyring.ts";

/** What a refresh token says: which session, and the how-manieth of its refresh tokens it is. */
export interface RefreshClaims {
  readonly sid: string;
  readonly gen: number;
}

const HEADER = Buffer.from(JSON.stringify({ alg: "HS256", typ: "rt+jwt" })).toString("base64url");

/**
 * The one refresh token of a session and generation. Nothing in it varies, so it can be made again,
 * byte for byte.
 */
export function refreshTokenOf(keyring: Keyring, claims: RefreshClaims): string {
  const input = `${HEADER}.${Buffer.from(JSON.stringify({ sid: claims.sid, gen: claims.gen })).toString("base64url")}`;
  return `${input}.${keyring.mac("refresh-token", input).toString("base64url")}`;
}

/** `undefined` for anything this server has not made. */
export function readRefreshToken(keyring: Keyring, token: string): RefreshClaims | undefined {
  const compact = readCompact(token, { typ: "rt+jwt", algorithms: ["HS256"], kid: "absent" });
  if (
    compact === undefined ||
    !keyring.verifyMac("refresh-token", compact.signingInput, compact.signature)
  )
    return undefined;
  const { sid, gen } = compact.payload;
  return typeof sid === "string" && typeof gen === "number" ? { sid, gen } : undefined;
}
