import { readCompact, type Compact } from "@portcullis/verifier";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Keyring, Purpose } from "../kernel/keyring.ts";
import type { Secret } from "../kernel/secret.ts";

/** A key for tokens that this server signs and reads itself. */
export interface Hs256Key {
  mac(input: string): Buffer;
  /** Compares in constant time. */
  verifies(input: string | Uint8Array, signature: Uint8Array): boolean;
}

/** A key of the keyring signs with the current master secret. It also verifies older ones. */
export function keyFor(keyring: Keyring, purpose: Purpose): Hs256Key {
  return {
    mac: (input) => keyring.mac(purpose, input),
    verifies: (input, signature) => keyring.verifyMac(purpose, input, signature),
  };
}

/** A key that other services share. */
export function sharedKey(secret: Secret): Hs256Key {
  const mac = (input: string | Uint8Array): Buffer =>
    createHmac("sha256", secret.reveal()).update(input).digest();
  return {
    mac,
    verifies: (input, signature) => {
      const expected = mac(input);
      return expected.length === signature.length && timingSafeEqual(expected, signature);
    },
  };
}

/**
 * Signs a compact JWT with HMAC-SHA-256 (RFC 7515 §3.1, RFC 7518 §3.2). The same key, type and
 * payload always give the same bytes, down to the order of the members.
 *
 * @param typ header `typ`, which keeps kinds of tokens apart (RFC 8725 §3.11)
 */
export function signHs256(key: Hs256Key, typ: string, payload: object): string {
  const input = `${headerOf(typ)}.${encode(payload)}`;
  return `${input}.${key.mac(input).toString("base64url")}`;
}

/**
 * Returns the payload of a token that `signHs256` has made with this key and type, or `undefined`
 * for any other text. Expiry and claims are left to the caller.
 */
export function readHs256(
  key: Hs256Key,
  typ: string,
  token: string,
): Compact["payload"] | undefined {
  const compact = readCompact(token, { typ, algorithms: ["HS256"], kid: "absent" });
  if (compact === undefined || !key.verifies(compact.signingInput, compact.signature))
    return undefined;
  return compact.payload;
}

/** The few encoded headers. Refresh tokens are made on a hot path. */
const headers = new Map<string, string>();

function headerOf(typ: string): string {
  const known = headers.get(typ);
  if (known !== undefined) return known;
  const header = encode({ alg: "HS256", typ });
  headers.set(typ, header);
  return header;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
