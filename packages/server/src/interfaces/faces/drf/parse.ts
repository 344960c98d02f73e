import { readWithinLimit } from "../../../platform/http/body.ts";
import type { Visit } from "../../../platform/http/page.ts";
import { detail, type Answer } from "./answers.ts";
import { covers } from "./media-types.ts";
import { Numeral, typeName } from "./python.ts";

/**
 * A parsed body. Names that clients choose are keys of a Map only, so that none can reach an
 * object's prototype. If two members have the same name, the last one counts, as in Python.
 */
export type Data =
  | {
      readonly kind: "members";
      readonly members: ReadonlyMap<string, unknown>;
      readonly isForm: boolean;
    }
  /** A JSON value other than an object. `typeName` is Python's name for its type. */
  | { readonly kind: "other"; readonly typeName: string };

export type DataOutcome =
  | { readonly kind: "read"; readonly data: Data }
  | { readonly kind: "refused"; readonly answer: Answer };

interface Parser {
  readonly mediaType: string;
  readonly isForm: boolean;
  readonly parse: (
    bytes: Uint8Array<ArrayBuffer>,
    contentType: string,
  ) => DataOutcome | Promise<DataOutcome>;
}

const MAX_DEPTH = 16;
/** The first parser that the Content-Type covers is used. A wildcard covers all of them. */
const parsers: readonly Parser[] = [
  { mediaType: "application/json", isForm: false, parse: parseJson },
  { mediaType: "application/x-www-form-urlencoded", isForm: true, parse: parseForm },
  { mediaType: "multipart/form-data", isForm: true, parse: parseMultipart },
];

/** Matches the places where a number may begin. A false match inside a text does no harm. */
const NUMBER = /[[:,\s]-?\d|^\s*-?\d/;

export const parsed: readonly string[] = parsers.map(({ mediaType }) => mediaType);

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a body as JSON or as a form, according to its Content-Type. An empty body counts as an
 * empty form.
 */
export async function readData(visit: Visit): Promise<DataOutcome> {
  const body = await readWithinLimit(visit.request, visit.header("content-length"));
  if (body.kind === "refused")
    return body.code === "body_too_large"
      ? refused(413, "Request body is too large.")
      : refused(400, "Malformed request.");

  const contentType = visit.header("content-type") ?? "";
  const parser = parsers.find(({ mediaType }) => covers(contentType, mediaType));
  if (body.bytes.byteLength === 0) return members(new Map(), parser?.isForm ?? false);
  return parser === undefined
    ? refused(415, `Unsupported media type "${contentType}" in request.`)
    : parser.parse(body.bytes, contentType);
}

/**
 * Decodes as UTF-8 even if a charset parameter differs. The words after the dash are ours, because
 * the message of a parser could repeat a password.
 */
function parseJson(bytes: Uint8Array): DataOutcome {
  const text = decode(bytes);
  if (text === undefined) return refused(400, "JSON parse error - the text is not UTF-8");
  if (isTooDeep(text)) return refused(400, `JSON parse error - more than ${MAX_DEPTH} levels`);
  let value: unknown;
  try {
    value = NUMBER.test(text) ? JSON.parse(text, exactNumbers) : JSON.parse(text);
  } catch {
    return refused(400, "JSON parse error - the text is not JSON");
  }
  if (typeName(value) !== "dict" || typeof value !== "object" || value === null)
    return { kind: "read", data: { kind: "other", typeName: typeName(value) } };
  return members(new Map(Object.entries(value)), false);
}

function parseForm(bytes: Uint8Array): DataOutcome {
  const text = decode(bytes) ?? Buffer.from(bytes).toString("latin1");
  // URLSearchParams drops a leading question mark; after an ampersand it stays part of the text.
  return members(new Map(new URLSearchParams(`&${text}`)), true);
}

async function parseMultipart(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<DataOutcome> {
  try {
    const form = await new Response(bytes, { headers: { "content-type": contentType } }).formData();
    return members(new Map(form), true);
  } catch {
    return refused(400, "Multipart form parse error - the parts cannot be told apart");
  }
}

function members(found: ReadonlyMap<string, unknown>, isForm: boolean): DataOutcome {
  return { kind: "read", data: { kind: "members", members: found, isForm } };
}

function refused(status: number, text: string): DataOutcome {
  return { kind: "refused", answer: detail(status, text) };
}

function exactNumbers(
  _name: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  return typeof value === "number" ? new Numeral(context?.source ?? String(value)) : value;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Checks the depth first, because the parser recurses. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (inString && char === "\\") at += 1;
    else if (char === '"') inString = !inString;
    else if (inString) continue;
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
