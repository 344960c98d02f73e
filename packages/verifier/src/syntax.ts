import { isUtf8 } from "node:buffer";
import { findJsonDefect } from "./strict-json.ts";

/** Longest token that is looked at. All of its characters are one byte. */
export const MAX_TOKEN_BYTES = 4096;

const MAX_DEPTH = 8;

/** What the protected header must be: `alg` and `typ`, a `kid` or none, and no other member. */
export interface HeaderShape {
  /** Compared exactly; each kind of token has its own (RFC 8725 §3.11). */
  readonly typ: string;
  readonly algorithms: readonly string[];
  readonly kid: "required" | "absent";
}

/** Access tokens (RFC 9068 §2.1). */
export const accessHeader: HeaderShape = {
  typ: "at+jwt",
  algorithms: ["ES256", "EdDSA", "RS256"],
  kid: "required",
};

/** A well-formed token of which nothing is proven yet. */
export interface Compact {
  readonly alg: string;
  readonly typ: string;
  /** Empty where the shape asks for none. */
  readonly kid: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The bytes the signature covers (RFC 7515 §5.2, step 8). */
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

/**
 * Reads a compact JWS and accepts one spelling of it only (RFC 7515 §5.2, RFC 7519 §7.2): three
 * canonical base64url segments without padding, header and payload JSON objects in UTF-8 without
 * duplicate names, the header exactly of `shape`. So `crit`, `b64`, `zip`, `jku`, `jwk`, `x5u`,
 * `x5c` and whatever is invented next are refused by not being named.
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
 * Node's decoder forgives padding, spaces, the other alphabet and trailing bits; encoding again
 * shows what it forgave.
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
