import { failuresOf, type Endpoint } from "../endpoint.ts";
import { endCauses, failures, type FailureCode } from "../failures.ts";
import type { JsonObject } from "./json.ts";

/** The members of a refusal, in the order in which the server writes them. */
const members: JsonObject = {
  type: {
    type: "string",
    format: "uri",
    description: "`urn:portcullis:` and the code (RFC 9457 §3.1.1).",
  },
  title: {
    type: "string",
    description: "The meaning of the code, in English for developers. It may be reworded.",
  },
  status: {
    type: "integer",
    minimum: 400,
    maximum: 599,
    description: "The HTTP status of the response.",
  },
  code: {
    type: "string",
    description: "The reason. Branch on it: a code never changes its meaning.",
  },
  instance: {
    type: "string",
    format: "uri",
    description: "`urn:request:` and the id of the request, which is also in `X-Request-Id`.",
  },
  retryAfterSeconds: {
    type: "number",
    description: "How many seconds to wait before the next attempt. `Retry-After` rounds it up.",
  },
  cause: {
    type: "string",
    enum: endCauses,
    description:
      "Why the session has ended, if the code is `session_ended` or `invalid_refresh_token` and the server still knows.",
  },
  reason: {
    type: "string",
    description:
      "The rule that the password breaks, if the code is `unacceptable_password`: `too_short`, `too_long`, `forbidden_character`, `common` or `contains_context`.",
  },
  acrValues: {
    type: "string",
    description:
      "The level that the user has to prove, if the code is `insufficient_user_authentication` (RFC 9470 §3): `aal1` or `aal2`.",
  },
  maxAgeSeconds: {
    type: "integer",
    description:
      "The greatest age of the proof in seconds, if the code is `insufficient_user_authentication`.",
  },
  factors: {
    type: "array",
    description:
      "The second factors that the user can prove, if the code is `insufficient_user_authentication` or `second_factor_required`. If it is empty, the password is enough.",
    items: { type: "string" },
  },
  errors: {
    type: "array",
    description: "The members that were refused, if the code is `invalid_input`.",
    items: {
      type: "object",
      properties: {
        path: {
          type: "string",
          description: "The place of the member, as a JSON Pointer (RFC 6901).",
        },
        message: {
          type: "string",
          description: "The fault, in English for developers.",
        },
      },
      required: ["path", "message"],
    },
  },
};

/** The body of every refusal. */
export const problem: JsonObject = {
  type: "object",
  description: "A refusal, as problem details (RFC 9457).",
  properties: members,
  required: ["type", "title", "status", "code", "instance"],
  examples: [
    {
      type: "urn:portcullis:rate_limited",
      title: failures.rate_limited.title,
      status: 429,
      code: "rate_limited",
      instance: "urn:request:Zm9vYmFyYmF6",
      retryAfterSeconds: 30,
    },
  ],
};

export const headers: JsonObject = {
  RetryAfter: {
    description: "How many seconds to wait before the next attempt (RFC 9110 §10.2.3).",
    schema: { type: "integer", minimum: 1 },
  },
  Challenge: {
    description: "The credentials that the server expects (RFC 6750 §3, RFC 9470 §3).",
    schema: { type: "string" },
    example: 'Bearer error="invalid_token", error_description="The access token has expired"',
  },
};

/** Shared responses, by name, which grow as calls need them. */
export type Responses = Map<string, JsonObject>;

/** Calls are refused with these whatever they do, so no client handles them call by call. */
const common: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "body_too_large",
  "busy",
  "headers_too_large",
  "internal",
  "malformed_json",
  "malformed_request",
  "request_timeout",
  "revocation_view_stale",
  "unavailable",
  "unsupported_media_type",
]);

/** The response that all calls share for the statuses that they do not declare themselves. */
export const otherRefusals: JsonObject = refusal(
  [...common].toSorted(),
  "These refusals are the same for all calls. Those about the body or the access token come only from calls that take one.",
);

/**
 * Returns one response for each status that a call can be refused with. Statuses that have only
 * common codes share the response `default`. Calls that can be refused with the same codes refer to
 * the same response.
 */
export function refusalsOf(e: Endpoint, responses: Responses): JsonObject {
  // `Map.groupBy` would do, but Node 20 does not have it.
  const byStatus = new Map<number, FailureCode[]>();
  for (const code of failuresOf(e)) {
    const { status } = failures[code];
    const codes = byStatus.get(status);
    if (codes === undefined) byStatus.set(status, [code]);
    else codes.push(code);
  }
  const own = [...byStatus].filter(
    ([status, codes]) => e.answers[status] === undefined && codes.some((code) => !common.has(code)),
  );
  // Many tools expect a call to declare at least one status from 400 to 499.
  if (!own.some(([status]) => status < 500)) own.push([400, byStatus.get(400) ?? []]);
  const refer = (codes: readonly FailureCode[]): JsonObject => {
    const name = nameOf(codes);
    if (!responses.has(name)) responses.set(name, refusal(codes));
    return { $ref: `#/components/responses/${name}` };
  };
  return {
    ...Object.fromEntries(own.map(([status, codes]) => [String(status), refer(codes.toSorted())])),
    default: { $ref: "#/components/responses/Other" },
  };
}

/** Codes that many calls have, most of them together, get one short name. */
const groups: Readonly<Record<string, readonly FailureCode[]>> = {
  BadToken: ["invalid_token", "session_ended", "token_expired", "token_stale", "unauthenticated"],
  BadCode: ["code_exhausted", "code_expired", "invalid_code"],
  BadLink: ["invalid_link", "link_expired", "link_used", "link_void"],
  NotSuperuser: ["factor_required", "forbidden"],
  Paused: ["account_paused"],
  StepUp: ["insufficient_user_authentication"],
};

/**
 * Names a response after its codes, so that a name never changes its meaning: for example,
 * `BadTokenOrInvalidPasskey`.
 */
function nameOf(codes: readonly FailureCode[]): string {
  const found = Object.entries(groups).filter(([, group]) =>
    group.every((code) => codes.includes(code)),
  );
  const grouped = found.flatMap(([, group]) => group);
  const others = codes.filter((code) => !grouped.includes(code));
  return [...found.map(([name]) => name), ...others.map(pascalCase)].join("Or");
}

function pascalCase(code: string): string {
  return code.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function refusal(codes: readonly FailureCode[], ...introduction: readonly string[]): JsonObject {
  const statuses = new Set<number>(codes.map((code) => failures[code].status));
  const isPaused = statuses.has(429) || statuses.has(503);
  const isChallenged = statuses.has(401) || codes.includes("forbidden");
  const lines = codes.map((code) => {
    const { status, title } = failures[code];
    return `${statuses.size > 1 ? `${status} ` : ""}\`${code}\`: ${title}.`;
  });
  return {
    description: [...introduction, ...lines].join("  \n"),
    ...((isPaused || isChallenged) && {
      headers: {
        ...(isPaused && { "Retry-After": { $ref: "#/components/headers/RetryAfter" } }),
        ...(isChallenged && { "WWW-Authenticate": { $ref: "#/components/headers/Challenge" } }),
      },
    }),
    content: {
      "application/problem+json": {
        schema: {
          allOf: [
            { $ref: "#/components/schemas/Problem" },
            { properties: { code: { enum: codes } } },
          ],
        },
      },
    },
  };
}
