import type { Headers } from "../../../platform/http/headers.ts";
import type { Json } from "../../../platform/http/serve.ts";

/**
 * What a view says. Without a body, nothing follows the headers: a JSON `null` is not among DRF's
 * answers.
 */
export interface Answer {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Headers;
}

/** Words by field, in the order in which the fields are declared. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

export function answer(status: number, body: Json): Answer {
  return { status, body };
}

export function empty(status: number): Answer {
  return { status };
}

export const ok = (body: Json): Answer => answer(200, body);
export const created = (body: Json): Answer => answer(201, body);
export const noContent = (): Answer => empty(204);

export const fieldErrors = (errors: FieldErrors): Answer => answer(400, errors);
export const nonFieldErrors = (...words: readonly string[]): Answer =>
  answer(400, { non_field_errors: words });
/** A bare list: what DRF makes of a validation error raised outside a serializer. */
export const bareErrors = (...words: readonly string[]): Answer => answer(400, words);

/** @param more further members, such as SimpleJWT's `code` and `messages` */
export const detail = (
  status: number,
  text: string,
  more: Readonly<Record<string, Json>> = {},
): Answer => answer(status, { detail: text, ...more });

export const notAuthenticated = (): Answer =>
  detail(401, "Authentication credentials were not provided.");
export const permissionDenied = (
  text = "You do not have permission to perform this action.",
): Answer => detail(403, text);
export const notFound = (): Answer => detail(404, "Not found.");

/** 429 in DRF's words. */
export function throttled(retryAfterSeconds: number): Answer {
  const seconds = Math.max(1, Math.ceil(retryAfterSeconds));
  const text = `Request was throttled. Expected available in ${seconds} second${seconds === 1 ? "" : "s"}.`;
  return { ...detail(429, text), headers: { "retry-after": String(seconds) } };
}

/**
 * 503 for what passes: a full hashing queue, a revocation view that is not fresh. DRF has no such
 * answer; the shape is its own.
 */
export function busy(retryAfterSeconds = 1): Answer {
  const headers = { "retry-after": String(Math.max(1, Math.ceil(retryAfterSeconds))) };
  return { ...detail(503, "Service temporarily unavailable, try again later."), headers };
}
