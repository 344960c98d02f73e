import type { Headers } from "../../../platform/http/headers.ts";
import type { Json } from "../../../platform/http/serve.ts";

/**
 * The answer of a view. Without a body, only headers are sent: DRF never answers with a JSON
 * `null`.
 */
export interface Answer {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Headers;
}

/** Complaints by field, in the order in which the fields are declared. */
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
/** Answers with a bare list, as DRF does if a validation error is raised outside a serializer. */
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
 * Answers 503 if the fault is temporary: the hashing queue is full or the revocation view is out of
 * date. DRF has no such answer, but this one has the form of its errors.
 */
export function busy(retryAfterSeconds = 1): Answer {
  const headers = { "retry-after": String(Math.max(1, Math.ceil(retryAfterSeconds))) };
  return { ...detail(503, "Service temporarily unavailable, try again later."), headers };
}
