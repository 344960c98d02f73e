import { isUtf8 } from "node:buffer";
import { findJsonDefect } from "./strict-json.ts";

/**
 * The greatest length of a token that is read. A longer one is refused unread. Each character of a
 * token is one byte.
 */
export const MAX_TOKEN_BYTES = 4096;

/** The greatest number of objects and lists that may be nested in a header or payload. */
const MAX_DEPTH = 8;

/**
 * The protected header that a kind of token must have: `alg`, `typ`, and `kid` if it is required. A
 * header with any other member is refused.
 */
export interface HeaderShape {
  /**
   * The value of `typ`, compared character by character. Each kind of token has its own, so that
   * one kind cannot be used in place of another (RFC 8725 §3.11).
   */
  readonly typ: string;
  /** The values of `alg` that are accepted. */
  readonly algorithms: readonly string[];
  /** Says whether the header must have a `kid` or must not have one. */
  readonly kid: "required" | "absent";
}

/** The header of an access token (RFC 9068 §2.1). */
export const accessHeader: HeaderShape = {
  typ: "at+jwt",
  algorithms: ["ES256", "EdDSA", "RS256"],
  kid: "required",
};

/** A well-formed token. Nothing in it is proven: its signature has not been checked. */
export interface Compact {
  readonly alg: string;
  readonly typ: string;
  /** The name of the key. It is empty if the shape says that `kid` must be absent. */
  readonly kid: string;
  /** The payload, parsed. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** The bytes that the signature covers (RFC 7515 §5.2, step 8). */
  readonly signingInput: Uint8Array;
  /** The signature, decoded. Its length depends on the algorithm and has not been checked. */
  readonly signature: Uint8Array;
}

/**
 * Reads a compact JWS without checking its signature (RFC 7515 §5.2, RFC 7519 §7.2).
 *
 * Only one spelling of a token is accepted: at most {@link MAX_TOKEN_BYTES} bytes; three canonical
 * base64url segments without padding; header and payload are JSON objects in UTF-8, at most eight
 * levels deep, without duplicate names; the header has exactly the members that `shape` describes.
 * Therefore `crit`, `b64`, `zip`, `jku`, `jwk`, `x5u`, `x5c` and every member that is invented
 * later are refused without being listed.
 *
 * {@link createVerifier} calls this for access tokens. Use it on its own for tokens of another
 * type, and check the signature before you believe anything in the payload.
 *
 * @example
 * ```ts
 * import { createHmac, timingSafeEqual } from "node:crypto";
 * import { readCompact } from "@portcullis/verifier";
 *
 * // A token of another kind, which its issuer and its reader sign with a shared secret.
 * const secret = "a secret of at least 32 bytes, kept by both sides";
 * const mac = (input: string | Uint8Array) => createHmac("sha256", secret).update(input).digest();
 * const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
 * const input = `${encode({ alg: "HS256", typ: "invitation+jwt" })}.${encode({ room: 7 })}`;
 * const token = `${input}.${mac(input).toString("base64url")}`;
 *
 * const shape = { typ: "invitation+jwt", algorithms: ["HS256"], kid: "absent" } as const;
 * const read = readCompact(token, shape);
 * if (read === undefined) throw new Error("The invitation is malformed.");
 * console.log(timingSafeEqual(mac(read.signingInput), read.signature)); // true
 * console.log(read.payload["room"]); // 7
 *
 * console.log(readCompact(token, { ...shape, typ: "at+jwt" })); // undefined
 * ```
 *
 * @param token the token as it was received, without `Bearer`
 * @param shape the header that this kind of token must have
 * @returns the parts of the token, or `undefined` if it is not acceptable
 */
export function readCompact(token: string, shape: HeaderShape): Compact | undefined {
  if (token.length > MAX_TOKEN_BYTES) return undefined;
  const [first, second, third, fourth] = token.split(".", 4);
  if (first === undefined || second === undefined || third === undefined || fourth !== undefined)
    return undefined;

  const header = readObject(first);
  if (header === undefined) return undefined;
  const { alg, typ, kid } = header;
  if (typeof alg !== "string" || !shape.algorithms.includes(alg) || typ !== shape.typ)
    return undefined;
  if (shape.kid === "required" ? typeof kid !== "string" : Object.hasOwn(header, "kid"))
    return undefined;
  if (Object.keys(header).length !== (shape.kid === "required" ? 3 : 2)) return undefined;

  const payload = readObject(second);
  const signature = readSegment(third);
  if (payload === undefined || signature === undefined) return undefined;
  return {
    alg,
    typ: shape.typ,
    kid: typeof kid === "string" ? kid : "",
    payload,
    signingInput: Buffer.from(token.slice(0, first.length + 1 + second.length), "latin1"),
    signature,
  };
}

/**
 * Decodes a segment and encodes it again, because Node's decoder tolerates padding, spaces, the
 * other alphabet and trailing bits. Returns `undefined` if the segment is empty or not canonical.
 */
function readSegment(segment: string): Buffer | undefined {
  const bytes = Buffer.from(segment, "base64url");
  return bytes.length > 0 && bytes.toString("base64url") === segment ? bytes : undefined;
}

function readObject(segment: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = readSegment(segment);
  if (bytes === undefined || !isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  if (findJsonDefect(text, { maxDepth: MAX_DEPTH }) !== undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
