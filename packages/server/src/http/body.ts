import { findJsonDefect } from "@portcullis/verifier";

const MAX_BYTES = 65_536;
const MAX_DEPTH = 16;
const ACCEPTED = /^application\/json(?:; ?charset=utf-8)?$/;

export type BodyOutcome =
  | { readonly kind: "read"; readonly value: unknown }
  | { readonly kind: "refused"; readonly code: "malformed_request" | "malformed_json" | "body_too_large" | "unsupported_media_type" };

/** The headers that say what the body is. */
export interface Framing {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentLength: string | undefined;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a body as strict JSON: exactly `application/json` (CK-04), uncompressed, at most 64 KiB, valid UTF-8 without BOM
 * (IN-04), no duplicate or prototype keys, at most 16 levels (IN-02).
 */
export async function readJson(request: Request, framing: Framing): Promise<BodyOutcome> {
  if (framing.contentEncoding !== undefined || !ACCEPTED.test(framing.contentType ?? "")) return refused("unsupported_media_type");
  if (Number(framing.contentLength ?? 0) > MAX_BYTES) return refused("body_too_large");

  const bytes = await (framing.contentLength === undefined ? readStream(request) : readWhole(request));
  if (bytes === undefined) return refused("malformed_request");
  if (bytes.byteLength > MAX_BYTES) return refused("body_too_large");

  const text = decode(bytes);
  if (text === undefined || findJsonDefect(text, { maxDepth: MAX_DEPTH }) !== undefined) return refused("malformed_json");
  return { kind: "read", value: JSON.parse(text) };
}

function refused(code: Extract<BodyOutcome, { kind: "refused" }>["code"]): BodyOutcome {
  return { kind: "refused", code };
}

/** `undefined` when the client went away; the parser has held the body to its announced length. */
async function readWhole(request: Request): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch {
    return undefined;
  }
}

/** Stops reading as soon as the limit is passed: the result is then longer than the limit, and cut. */
async function readStream(request: Request): Promise<Uint8Array | undefined> {
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
