import { z } from "zod";
import { failuresOf, type Endpoint, type StepUp } from "./endpoint.ts";
import { endpoints } from "./endpoints.ts";
import { account, session, tokens } from "./endpoints/shapes.ts";
import { failures, type FailureCode } from "./failures.ts";

/** A JSON object of the document. */
interface OpenApiObject {
  readonly [member: string]: OpenApiValue;
}
type OpenApiValue = string | number | boolean | null | readonly OpenApiValue[] | OpenApiObject;

/** The root of an OpenAPI 3.1 document. */
export interface OpenApi extends OpenApiObject {
  readonly openapi: "3.1.1";
  readonly info: OpenApiObject;
  readonly paths: OpenApiObject;
  readonly components: OpenApiObject;
}

/** Schemas that several calls share, by the name the document gives them. */
const shapes: Readonly<Record<string, z.ZodType>> = {
  Account: account,
  Session: session,
  Tokens: tokens,
};
const names: ReadonlyMap<unknown, string> = new Map(
  Object.entries(shapes).map(([name, shape]) => [shape, name]),
);

const problemMembers: OpenApiObject = {
  type: { type: "string", format: "uri", examples: ["urn:portcullis:invalid_input"] },
  title: { type: "string" },
  status: { type: "integer", minimum: 400, maximum: 599 },
  code: { type: "string", description: "Stable: branch on this" },
  instance: {
    type: "string",
    format: "uri",
    description: "The request id, also in X-Request-Id",
    examples: ["urn:request:Zm9vYmFyYmF6"],
  },
  retryAfterSeconds: { type: "number", description: "As Retry-After" },
  cause: {
    type: "string",
    description: "With `session_ended` and `invalid_refresh_token`: why the session ended",
  },
  acrValues: {
    type: "string",
    description:
      "With `insufficient_user_authentication`: the assurance that is asked for (RFC 9470 §3)",
  },
  maxAgeSeconds: {
    type: "integer",
    description: "With `insufficient_user_authentication`: how old the proof may be",
  },
  factors: {
    type: "array",
    description:
      "With `insufficient_user_authentication` and `second_factor_required`: the second factors that would do; none: the password",
    items: { type: "string" },
  },
  errors: {
    type: "array",
    description: "With `invalid_input`: what is wrong, member by member",
    items: {
      type: "object",
      properties: {
        path: { type: "string", description: "JSON Pointer (RFC 6901)" },
        message: { type: "string" },
      },
      required: ["path", "message"],
    },
  },
};

const problem: OpenApiObject = {
  type: "object",
  description: "Problem details (RFC 9457)",
  properties: problemMembers,
  required: ["type", "title", "status", "code", "instance"],
};

/** OpenAPI 3.1 of every native call, printed from the same declarations the server parses with. */
export function openApiDocument({
  publicUrl,
  version,
}: {
  readonly publicUrl: string;
  readonly version: string;
}): OpenApi {
  const all: readonly Endpoint[] = Object.values(endpoints);
  const paths: Record<string, Record<string, OpenApiObject>> = {};
  for (const e of all) (paths[e.path] ??= {})[e.method.toLowerCase()] = operation(e);

  return {
    openapi: "3.1.1",
    info: {
      title: "Portcullis",
      version,
      summary: "User accounts and tokens",
      description:
        "JSON in and out. Refusals are problem details (RFC 9457) with a stable `code`. Members that are not listed are refused. Times are whole seconds since 1970-01-01T00:00:00Z.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: publicUrl }],
    tags: [...new Set(all.map((e) => e.tag))].map((name) => ({
      name,
      description: tagDescriptions[name] ?? name,
    })),
    paths,
    components: {
      securitySchemes,
      schemas: {
        ...Object.fromEntries(
          Object.entries(shapes).map(([name, shape]) => [name, schemaOf(shape, "output", name)]),
        ),
        Json: { description: "Any JSON value" },
        Problem: problem,
      },
      headers: {
        RequestId: {
          description: "Names this request in the server's log",
          schema: { type: "string" },
        },
        RetryAfter: { description: "Seconds to wait", schema: { type: "integer", minimum: 1 } },
        Challenge: {
          description: "RFC 6750 §3, RFC 9470 §3",
          schema: { type: "string", examples: ['Bearer error="invalid_token"'] },
        },
      },
    },
  };
}

const securitySchemes: OpenApiObject = {
  accessToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "An access token (RFC 9068)",
  },
  signature: {
    type: "apiKey",
    in: "header",
    name: "Portcullis-Signature",
    description:
      "`t=<Unix seconds>,v1=<hex>`: HMAC-SHA-256 over `<t>.<body>` under the shared secret; good once, for five minutes",
  },
};

const tagDescriptions: Readonly<Record<string, string>> = {
  Registration: "Opening an account",
  Sessions: "Signing in, staying signed in, logging out",
  "Own account": "What users do with their own account",
  "Second factors": "Authenticator apps, passkeys, codes by mail, recovery codes",
  Recovery: "Forgotten passwords",
  Mail: "Mail that left, was not delivered, or must not be sent",
  Administration: "For superusers",
  Server: "For load balancers and services that verify tokens",
};

function operation(e: Endpoint): OpenApiObject {
  const parameters = [...parametersIn("path", e.params), ...parametersIn("query", e.query)];
  const description = [e.description, e.stepUp && wordsFor(e.stepUp)]
    .filter((words) => words !== undefined)
    .join(" ");
  return {
    operationId: e.name,
    tags: [e.tag],
    summary: e.summary,
    ...(description === "" ? {} : { description }),
    security: securityOf(e),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(e.input === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: schemaOf(e.input, "input") } },
          },
        }),
    responses: { ...answersOf(e), ...refusalsOf(e) },
  };
}

/** What the caller must have proven lately (RFC 9470). */
function wordsFor({ when, maxAgeSeconds }: StepUp): string {
  const lately = `within the last ${maxAgeSeconds / 60} minutes`;
  if (when === "enrolled") return `Who has a second factor must have shown it ${lately}.`;
  return `The caller must have signed in or stepped up ${lately}, with a second factor if there is one.`;
}

function securityOf({ access }: Endpoint): readonly OpenApiObject[] {
  if (access === "public") return [];
  return [access === "signed" ? { signature: [] } : { accessToken: [] }];
}

function parametersIn(
  place: "path" | "query",
  schema: z.ZodObject | undefined,
): readonly OpenApiObject[] {
  if (schema === undefined) return [];
  const printed = z.toJSONSchema(schema, { io: "input" });
  return Object.entries(schema.shape).map(([name, parameter]) => {
    const { description, ...rest } = schemaOf(parameter, "input");
    const required = printed.required?.includes(name) ?? false;
    return {
      name,
      in: place,
      required,
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function answersOf(e: Endpoint): Record<string, OpenApiObject> {
  return Object.fromEntries(
    Object.entries(e.answers).map(([status, schema]) => [
      status,
      {
        description: answerDescriptions[status] ?? "Done",
        headers: requestId,
        ...(schema === null
          ? {}
          : { content: { "application/json": { schema: schemaOf(schema, "output") } } }),
      },
    ]),
  );
}

const requestId: OpenApiObject = { "X-Request-Id": { $ref: "#/components/headers/RequestId" } };
const answerDescriptions: Readonly<Record<string, string>> = {
  201: "Created",
  202: "Accepted",
  204: "Done; no body",
  503: "Not now",
};

/** One response per status, whose `code` is one of those this call can be refused with. */
function refusalsOf(e: Endpoint): Record<string, OpenApiObject> {
  // `Map.groupBy` would do, but Node 20 does not have it.
  const byStatus = new Map<number, FailureCode[]>();
  for (const code of failuresOf(e)) {
    const { status } = failures[code];
    const codes = byStatus.get(status);
    if (codes === undefined) byStatus.set(status, [code]);
    else codes.push(code);
  }
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => e.answers[status] === undefined)
      .map(([status, codes]) => [String(status), refusal(status, codes)]),
  );
}

function refusal(status: number, codes: readonly FailureCode[]): OpenApiObject {
  return {
    description: codes.map((code) => `\`${code}\`: ${failures[code].title}`).join("  \n"),
    headers: {
      ...requestId,
      ...(status === 429 || status === 503
        ? { "Retry-After": { $ref: "#/components/headers/RetryAfter" } }
        : {}),
      ...(status === 401 ? { "WWW-Authenticate": { $ref: "#/components/headers/Challenge" } } : {}),
    },
    content: {
      "application/problem+json": {
        schema: {
          allOf: [
            { $ref: "#/components/schemas/Problem" },
            { type: "object", properties: { code: { enum: codes } } },
          ],
        },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  };
}

function exampleOf(code: FailureCode): OpenApiObject {
  const { status, title } = failures[code];
  return {
    type: `urn:portcullis:${code}`,
    title,
    status,
    code,
    instance: "urn:request:Zm9vYmFyYmF6",
  };
}

/**
 * The JSON Schema of `schema`, in which shared shapes are references.
 *
 * @param root the name of `schema` itself, when it is the shape to be printed
 * @throws {RangeError} for a recursive schema other than z.json(): its definition would have to be
 *   moved into the components
 */
function schemaOf(schema: z.core.$ZodType, io: "input" | "output", root?: string): OpenApiObject {
  const printed = z.toJSONSchema(schema, {
    io,
    override: ({ zodSchema, jsonSchema }) => {
      const name = names.get(zodSchema);
      if (name === undefined || name === root) return;
      for (const member of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, member);
      jsonSchema.$ref = `#/components/schemas/${name}`;
    },
  });
  const { $schema: _, $defs = {}, ...rest } = printed;
  if (Object.values($defs).some((definition) => definition.anyOf?.length !== 6))
    throw new RangeError("a recursive schema that is not z.json()");
  const text = JSON.stringify(rest).replaceAll(/"#\/\$defs\/\w+"/g, '"#/components/schemas/Json"');
  return JSON.parse(text);
}
