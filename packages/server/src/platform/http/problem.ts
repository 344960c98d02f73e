import { failures, type FailureCode } from "@portcullis/contract";
import type { z } from "zod";
import type { Headers } from "./headers.ts";
import type { Members } from "./serve.ts";

/**
 * A fault in one member of a request. `path` is a JSON Pointer (RFC 6901); `message` never repeats
 * the value.
 */
export interface Finding {
  readonly path: string;
  readonly message: string;
}

const MAX_FINDINGS = 16;
const MAX_POINTER = 200;
const BUSY_RETRY_SECONDS = 1;

export interface Problem {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

/** Returns the problem details (RFC 9457) of a refusal, with the headers that its code asks for. */
export function problem(code: FailureCode, requestId: string, members: Members): Problem {
  const { status, title } = failures[code];
  const { retryAfterSeconds = status === 503 ? BUSY_RETRY_SECONDS : undefined, ...others } =
    members;
  const standard = {
    type: `urn:portcullis:${code}`,
    title,
    status,
    code,
    instance: `urn:request:${requestId}`,
  };
  // The standard members come first for the reader, and again last so that no other replaces them.
  const body = {
    ...standard,
    ...others,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...standard,
  };
  return {
    status,
    body: JSON.stringify(body),
    headers: {
      "content-type": "application/problem+json",
      ...(retryAfterSeconds === undefined
        ? {}
        : { "retry-after": String(Math.max(1, Math.ceil(retryAfterSeconds))) }),
      ...challenge(code, status, title, others),
    },
  };
}

/**
 * Returns the challenge of RFC 6750 §3: only the scheme if the request had no token, and the reason
 * if its token is refused.
 */
function challenge(code: FailureCode, status: number, title: string, members: Members): Headers {
  switch (code) {
    // RFC 9470 §3
    case "insufficient_user_authentication":
      return {
        "www-authenticate": `Bearer error="${code}", error_description="${title}"${parameters(members)}`,
      };
    case "invalid_token":
    case "token_expired":
    case "token_stale":
    case "session_ended":
      return { "www-authenticate": `Bearer error="invalid_token", error_description="${title}"` };
    case "invalid_signature":
      return { "www-authenticate": "Portcullis-Signature" };
    case "forbidden":
      return { "www-authenticate": 'Bearer error="insufficient_scope"' };
    default:
      return status === 401 ? { "www-authenticate": "Bearer" } : {};
  }
}

/** Writes the authentication context that is asked for, and its greatest age in seconds. */
function parameters({ acrValues, maxAgeSeconds }: Members): string {
  return [
    typeof acrValues === "string" ? `, acr_values="${acrValues}"` : "",
    typeof maxAgeSeconds === "number" ? `, max_age="${maxAgeSeconds}"` : "",
  ].join("");
}

/**
 * Writes zod's findings in our own words, because its messages may quote the input. Only the first
 * finding of each member is kept: zod measures a value even if its type is wrong.
 */
export function findings(issues: readonly z.core.$ZodIssue[]): readonly Finding[] {
  const byPath = new Map<string, Finding>();
  for (const finding of issues.flatMap(findingsOf))
    if (!byPath.has(finding.path)) byPath.set(finding.path, finding);
  return [...byPath.values()].slice(0, MAX_FINDINGS);
}

function findingsOf(issue: z.core.$ZodIssue): readonly Finding[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys
      .slice(0, MAX_FINDINGS)
      .map((key) => ({ path: pointer([...issue.path, key]), message: "is not known here" }));
  return [{ path: pointer(issue.path), message: message(issue) }];
}

function message(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : `must be of type ${issue.expected}`;
    case "too_small":
      return `must be at least ${issue.minimum}${issue.origin === "string" ? " characters" : ""}`;
    case "too_big":
      return `must be at most ${issue.maximum}${issue.origin === "string" ? " characters" : ""}`;
    case "invalid_format":
      return issue.format === "regex"
        ? "does not have the expected form"
        : `must be a valid ${issue.format}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "invalid_union":
      return "has none of the accepted forms";
    case "invalid_key":
      return "has a name that is not acceptable";
    default:
      return "is not acceptable";
  }
}

function pointer(path: readonly PropertyKey[]): string {
  const text = path
    .map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
  return text.length > MAX_POINTER ? `${text.slice(0, MAX_POINTER)}…` : text;
}
