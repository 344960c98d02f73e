import { z } from "zod";
import type { Endpoint } from "../endpoint.ts";
import * as proofs from "../endpoints/proofs.ts";
import * as shapes from "../endpoints/shapes.ts";
import { isObject, type JsonObject, type JsonValue } from "./json.ts";

/**
 * The schemas that several places share, by the names that the document and generated clients have
 * for them. They are grouped by the bodies that they appear in.
 */
const shared = {
  requests: {
    BegunRegistration: shapes.begunRegistration,
    ChallengeSecret: proofs.challengeSecret,
    CurrentPassword: shapes.passwordAgain,
    DeviceToken: shapes.deviceToken,
    Email: shapes.email,
    FirstCode: proofs.firstCode,
    LinkAndPassword: shapes.linkAndPassword,
    LinkToken: shapes.linkToken,
    Locale: shapes.locale,
    MailedCode: shapes.mailedCode,
    RememberDevice: proofs.rememberDevice,
    ExtensionResults: proofs.extensionResults,
    NewPassword: shapes.newPassword,
    PasskeyAssertion: proofs.assertion,
    PasskeyAttestation: proofs.attestation,
    Password: shapes.password,
    Username: shapes.username,
  },
  responses: {
    AccessToken: shapes.accessToken,
    Account: shapes.account,
    AccountForSuperusers: shapes.accountForSuperusers,
    AuthenticationMethods: shapes.methods,
    Challenge: proofs.challenge,
    EndCause: shapes.endCause,
    EnrolledFactor: proofs.enrolled,
    Enrolment: proofs.begun,
    ExpiresInSeconds: shapes.expiresInSeconds,
    IpAddress: shapes.ipAddress,
    NewAuthenticatorApp: proofs.newTotp,
    NewDeviceToken: shapes.newDeviceToken,
    NextCursor: shapes.nextCursor,
    Passkey: proofs.passkey,
    PasskeyCreationOptions: proofs.creationOptions,
    PasskeyRequestOptions: proofs.requestOptions,
    CodeMailed: proofs.codeMailed,
    FirstRecoveryCodes: proofs.firstRecoveryCodes,
    TokenType: shapes.tokenType,
    PreparedProof: proofs.prepared,
    RecoveryCodesLeft: proofs.recoveryCodesLeft,
    RefreshToken: shapes.newRefreshToken,
    Session: shapes.session,
    SessionId: shapes.sessionId,
    SignedIn: shapes.signedIn,
    Tokens: shapes.tokens,
    UserAgent: shapes.userAgent,
  },
  both: {
    CeremonyId: proofs.ceremonyId,
    FactorName: proofs.factorName,
    Json: shapes.json,
    Profile: shapes.profile,
    UserId: shapes.userId,
  },
} satisfies Readonly<Record<string, Readonly<Record<string, z.ZodType>>>>;

const PREFIX = "#/components/schemas/";

/** The JSON Schemas of all calls. References in them lead to `components`. */
export interface Schemas {
  /** The shared schemas, by name. */
  readonly components: JsonObject;
  /** Returns the schema of a body, of all path parameters or of the query, as clients send it. */
  readonly request: (schema: z.ZodType) => JsonObject;
  /** Returns the schema of a body as the server answers with it. */
  readonly response: (schema: z.ZodType) => JsonObject;
}

/**
 * Prints all schemas of the calls as JSON Schema 2020-12, which OpenAPI 3.1 uses.
 *
 * Zod converts requests and responses in one pass each. A pass for each schema would convert the
 * shared ones again and again, which takes several times as long.
 */
export function printSchemas(all: readonly Endpoint[]): Schemas {
  const requests = print(
    "input",
    { ...shared.both, ...shared.requests },
    all.flatMap(({ params, query, input }) => [params, query, input]),
  );
  const responses = print(
    "output",
    { ...shared.both, ...shared.responses },
    all.flatMap(({ answers }) => Object.values(answers)),
  );
  return {
    components: { ...requests.named, ...responses.named, Json: { description: "Any JSON value." } },
    request: requests.use,
    response: responses.use,
  };
}

function print(
  io: "input" | "output",
  named: Readonly<Record<string, z.ZodType>>,
  schemas: readonly (z.ZodType | null | undefined)[],
) {
  const names = new Map<z.ZodType, string>();
  for (const [name, schema] of Object.entries(named)) names.set(schema, name);
  // A schema that only one call has needs an id for this pass, under which it never appears.
  for (const schema of schemas)
    if (schema && !names.has(schema)) names.set(schema, `only-${names.size}`);
  const registry = z.registry<{ readonly id: string }>();
  for (const [schema, id] of names) registry.add(schema, { id });

  const printed = z.toJSONSchema(registry, {
    io,
    uri: (id) => PREFIX + id,
    override: ({ jsonSchema }) => {
      tidy(jsonSchema);
      // A newer server may answer with more members, which clients must ignore.
      if (io === "output" && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
    },
  });
  const definition = (name: string): JsonObject => {
    const { $schema: _, $id: __, ...rest } = printed.schemas[name] ?? {};
    // Zod's type allows members that JSON does not have, though it never prints one.
    return JSON.parse(JSON.stringify(rest));
  };
  return {
    named: Object.fromEntries(Object.keys(named).map((name) => [name, definition(name)])),
    use: (schema: z.ZodType): JsonObject => {
      const name = names.get(schema) ?? "";
      return name in named ? { $ref: PREFIX + name } : definition(name);
    },
  };
}

/** Shortens what Zod prints at length, without a change of meaning. */
function tidy(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.format === "uuid") delete schema.pattern;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (JSON.stringify(schema.propertyNames) === '{"type":"string"}') delete schema.propertyNames;
  const [some, none, ...more] = schema.anyOf ?? [];
  if (some?.type === "integer" && none?.type === "null" && more.length === 0) {
    delete schema.anyOf;
    Object.assign(schema, { ...some, ...schema, type: ["integer", "null"] });
  }
}

/**
 * Composes an example from the examples of a schema's members.
 *
 * @throws {RangeError} if a member has neither an example nor a value that follows from its schema
 */
export function exampleOf(schema: JsonObject, components: JsonObject): JsonValue {
  const { examples, $ref, enum: values, anyOf, oneOf, properties, items } = schema;
  if (Array.isArray(examples)) return examples[0];
  if (schema["const"] !== undefined) return schema["const"];
  if (typeof $ref === "string") {
    const target = components[$ref.slice(PREFIX.length)];
    return exampleOf(isObject(target) ? target : {}, components);
  }
  if (Array.isArray(values)) return values[0];
  const [option] = [anyOf, oneOf].flatMap((options) => (Array.isArray(options) ? options : []));
  if (option !== undefined) return exampleOf(option, components);
  if (isObject(properties))
    return Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [
        name,
        exampleOf(isObject(member) ? member : {}, components),
      ]),
    );
  if (isObject(items)) return [exampleOf(items, components)];
  throw new RangeError(`no example for ${JSON.stringify(schema)}`);
}
