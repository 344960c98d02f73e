import type { z } from "zod";
import type { Endpoint, StepUp } from "./endpoint.ts";
import { endpoints } from "./endpoints.ts";
import { isObject, type JsonObject, type JsonValue } from "./openapi/json.ts";
import { parametersOf, type Parameters } from "./openapi/parameters.ts";
import { headers, otherRefusals, problem, refusalsOf, type Responses } from "./openapi/refusals.ts";
import { exampleOf, printSchemas, type Schemas } from "./openapi/schemas.ts";

/** The root of an OpenAPI 3.1 document. It can be serialised with `JSON.stringify`. */
export interface OpenApi extends JsonObject {
  /** The version of OpenAPI that the document follows. */
  readonly openapi: "3.1.1";
  /** The name and the version of the server. */
  readonly info: JsonObject;
  /** The calls, by path and by method in lower case. */
  readonly paths: JsonObject;
  /** The schemas, responses, parameters and headers that the calls refer to. */
  readonly components: JsonObject;
}

/**
 * Returns the OpenAPI 3.1 document of all calls. It is printed from the same declarations that the
 * server parses requests and checks responses with. A running server serves it at `/openapi.json`.
 *
 * The function is pure and returns a new document each time. One takes some tens of
 * milliseconds of processor time, so keep the result if you need it often.
 *
 * @param publicUrl the address of the server, without a slash at the end
 * @param version the version of the server
 *
 * @example
 * ```ts
 * import { openApiDocument } from "@portcullis/contract";
 *
 * const document = openApiDocument({ publicUrl: "https://id.example.com", version: "0.1.0" });
 * console.log(JSON.stringify(document).slice(0, 18)); // {"openapi":"3.1.1"
 * ```
 */
export function openApiDocument({
  publicUrl,
  version,
}: {
  readonly publicUrl: string;
  readonly version: string;
}): OpenApi {
  const all: readonly Endpoint[] = Object.values(endpoints);
  const made: Made = {
    schemas: printSchemas(all),
    parameters: new Map(),
    responses: new Map([
      ["Done", done],
      ["Other", otherRefusals],
    ]),
    bodies: new Set(),
  };
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const e of all) (paths[e.path] ??= {})[e.method.toLowerCase()] = operation(e, made);

  return {
    openapi: "3.1.1",
    info: {
      title: "Portcullis",
      version,
      summary: "User accounts and tokens.",
      description: ABOUT,
      contact: { name: "The operator of this server", url: publicUrl },
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: publicUrl, description: "This server." }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    security: [{ accessToken: [] }],
    paths,
    components: {
      securitySchemes,
      schemas: { ...componentsOf(made), Problem: problem },
      parameters: Object.fromEntries(made.parameters),
      responses: Object.fromEntries(made.responses),
      headers,
    },
  };
}

const ABOUT = `Register users, sign them in, and manage their sessions.

Bodies are JSON. A member or a parameter that is not documented is refused. Times are whole seconds since 1970-01-01T00:00:00Z.

A call that is refused answers with problem details (RFC 9457). Branch on their \`code\`. Calls that need a recent proof refuse with \`insufficient_user_authentication\` if the user has not signed in or stepped up (\`POST /v1/step-up\`) within the time that they name. A user with a second factor must have proven it within that time.

Every response has the id of the request in \`X-Request-Id\`; quote it in reports.`;

/** The groups of calls, in alphabetical order. */
const tags: Readonly<Record<string, string>> = {
  Administration: "Manage users, sessions and keys. These calls are for superusers.",
  Mail: "See which mails left, and decide which addresses get none.",
  "Own account": "Users see and change their own account.",
  Recovery: "Users get back into an account whose password or address is lost.",
  Registration: "New users create an account.",
  "Second factors": "Users set up authenticator apps, passkeys, mailed codes and recovery codes.",
  Server: "Load balancers and services that verify tokens ask these.",
  Sessions: "Users sign in, stay signed in and log out.",
};

const securitySchemes: JsonObject = {
  accessToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "An access token (RFC 9068), as `Authorization: Bearer <token>`.",
  },
  signature: {
    type: "apiKey",
    in: "header",
    name: "Portcullis-Signature",
    description:
      "`t=<Unix seconds>,v1=<hex>`, where `v1` is the HMAC-SHA-256 of `<t>.<body>` with the shared secret as the key. It is valid for five minutes and works once.",
  },
};

const done: JsonObject = {
  description: "The call has succeeded. The response has no body.",
};

/** The document's parts that calls refer to. */
interface Made {
  readonly schemas: Schemas;
  readonly parameters: Parameters;
  readonly responses: Responses;
  /** The names of the shared schemas that are complete bodies, and so need an example. */
  readonly bodies: Set<string>;
}

function operation(e: Endpoint, made: Made): JsonObject {
  const { schemas, parameters, responses } = made;
  const found = parametersOf(e, schemas, parameters);
  const description = [e.description, e.stepUp && wordsFor(e.stepUp)].filter(Boolean).join(" ");
  return {
    operationId: e.name,
    tags: [e.tag],
    summary: e.summary,
    description,
    ...securityOf(e),
    ...(found.length > 0 && { parameters: found }),
    ...(e.input !== undefined && {
      requestBody: { required: true, content: mediaOf(schemas.request(e.input), made) },
    }),
    responses: { ...answersOf(e, made), ...refusalsOf(e, responses) },
  };
}

/** Returns how recent a proof the call needs (RFC 9470), as a sentence. */
function wordsFor({ when, maxAgeSeconds }: StepUp): string {
  const proof = `Needs a proof from the last ${maxAgeSeconds / 60} minutes`;
  return when === "always" ? `${proof}.` : `${proof} if the user has a second factor.`;
}

/** Calls with an access token need nothing of their own, because the document says so for all. */
function securityOf({ access }: Endpoint): JsonObject {
  if (access === "public") return { security: [] };
  return access === "signed" ? { security: [{ signature: [] }] } : {};
}

function answersOf({ answers }: Endpoint, made: Made): JsonObject {
  return Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => [status, answer(schema, made)]),
  );
}

/** A body that is a shared schema makes a shared response of the same name. */
function answer(schema: z.ZodType | null, made: Made): JsonObject {
  if (schema === null) return { $ref: "#/components/responses/Done" };
  const printed = made.schemas.response(schema);
  const { description = "The call has succeeded." } = schema;
  const name = nameIn(printed);
  if (name === undefined) {
    // The response already has the description of a schema that belongs to it alone.
    const { description: _, ...undescribed } = printed;
    return { description, content: mediaOf(undescribed, made) };
  }
  made.responses.set(name, { description, content: mediaOf(printed, made) });
  return { $ref: `#/components/responses/${name}` };
}

/** A shared schema has its example itself, other bodies have it beside the schema. */
function mediaOf(schema: JsonObject, { schemas, bodies }: Made): JsonObject {
  const name = nameIn(schema);
  if (name !== undefined) bodies.add(name);
  const example = name === undefined && exampleOf(schema, schemas.components);
  return { "application/json": { schema: withoutExamples(schema), ...(example && { example }) } };
}

/** Returns the name of the shared schema that `schema` is a reference to. */
function nameIn({ $ref }: JsonObject): string | undefined {
  return typeof $ref === "string" ? $ref.slice($ref.lastIndexOf("/") + 1) : undefined;
}

/** Complete bodies have one example as a whole. */
function componentsOf({ schemas: { components }, bodies }: Made): JsonObject {
  return Object.fromEntries(
    Object.entries(components).map(([name, schema]) => {
      if (!isObject(schema)) return [name, schema];
      const printed = withoutExamples(schema);
      if (!bodies.has(name)) return [name, printed];
      return [name, { ...printed, examples: [exampleOf(schema, components)] }];
    }),
  );
}

/**
 * Returns a schema without the examples of its members. The body that the schema belongs to has a
 * complete example, which repeats them all.
 */
function withoutExamples(schema: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name, value]) => name !== "examples" || !Array.isArray(value))
      .map(([name, value]) => [name, withoutExamplesIn(value)]),
  );
}

function withoutExamplesIn(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutExamplesIn);
  return isObject(value) ? withoutExamples(value) : value;
}
