import type { FailureCode } from "@portcullis/contract";
import { findJsonDefect } from "@portcullis/verifier";

const MAX_BYTES = 65_536;
const MAX_DEPTH = 16;
const ACCEPTED = /^application\/json(?:; ?charset=utf-8)?$/;

type RefusedBody<Code extends FailureCode> = { readonly kind: "refused"; readonly code: Code };
export type BytesWithinLimit =
  | { readonly kind: "read"; readonly bytes: Uint8Array<ArrayBuffer> }
  | RefusedBody<"malformed_request" | "body_too_large">;
export type BytesOutcome = BytesWithinLimit | RefusedBody<"unsupported_media_type">;
export type JsonOutcome =
  | { readonly kind: "read"; readonly value: unknown }
  | RefusedBody<"malformed_json">;

/** The headers that describe the body. */
export interface Framing {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentLength: string | undefined;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the bytes of a body that calls itself JSON. Its type must be exactly `application/json`
 * (CK-04), it must not be compressed, and it may have at most 64 KiB.
 */
export async function readBytes(request: Request, framing: Framing): Promise<BytesOutcome> {
  if (framing.contentEncoding !== undefined || !ACCEPTED.test(framing.contentType ?? ""))
    return refused("unsupported_media_type");
  return readWithinLimit(request, framing.contentLength);
}

/** Reads a body of any kind that has at most 64 KiB. */
export async function readWithinLimit(
  request: Request,
  contentLength: string | undefined,
): Promise<BytesWithinLimit> {
  if (Number(contentLength ?? 0) > MAX_BYTES) return refused("body_too_large");

  const bytes = await (contentLength === undefined ? readStream(request) : readWhole(request));
  if (bytes === undefined) return refused("malformed_request");
  return bytes.byteLength > MAX_BYTES ? refused("body_too_large") : { kind: "read", bytes };
}

/**
 * Parses strict JSON: valid UTF-8 without a BOM (IN-04), without duplicate keys or keys of the
 * prototype, and at most 16 levels deep (IN-02).
 */
export function readJson(bytes: Uint8Array): JsonOutcome {
  const text = decode(bytes);
  if (text === undefined || findJsonDefect(text, { maxDepth: MAX_DEPTH }) !== undefined)
    return refused("malformed_json");
  return { kind: "read", value: JSON.parse(text) };
}

function refused<Code extends FailureCode>(code: Code): RefusedBody<Code> {
  return { kind: "refused", code };
}

/**
 * Returns `undefined` if the client went away. Node's parser makes sure that the body is no longer
 * than announced.
 */
async function readWhole(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch {
    return undefined;
  }
}

/**
 * Stops reading as soon as the limit is passed. The result is then incomplete, but longer than the
 * limit. Returns `undefined` if the client went away.
 */
async function readStream(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length > MAX_BYTES) break;
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = strictUtf8.decode(bytes);
    return text.startsWith("\uFEFF") ? undefined : text;
  } catch {
    return undefined;
  }
}
