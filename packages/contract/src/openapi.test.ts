import { createConfig, lintFromString } from "@redocly/openapi-core";
import assert from "node:assert/strict";
import test from "node:test";
import { failuresOf, type Endpoint } from "./endpoint.ts";
import { endpoints } from "./endpoints.ts";
import { failures } from "./failures.ts";
import { openApiDocument } from "./openapi.ts";

const document = openApiDocument({ publicUrl: "https://id.example.org", version: "1.2.3" });
const all: readonly Endpoint[] = Object.values(endpoints);

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (found, key) =>
      typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined,
    value,
  );
}

/** Returns what `value` is, or what it refers to. */
function resolved(value: unknown): unknown {
  const reference = at(value, "$ref");
  if (typeof reference !== "string") return value;
  return resolved(at(document, ...reference.slice("#/".length).split("/")));
}

const operationOf = (e: Endpoint) => at(document.paths, e.path, e.method.toLowerCase());

/** Returns the codes that a response can have. */
function codesIn(response: unknown): unknown {
  const schema = at(response, "content", "application/problem+json", "schema");
  return at(schema, "allOf", 1, "properties", "code", "enum");
}

/** Returns the example of a body: its own, or that of the shared schema that it is. */
function exampleAt(value: unknown): unknown {
  const media = at(resolved(value), "content", "application/json");
  return at(media, "example") ?? at(resolved(at(media, "schema")), "examples", 0);
}

test("the document is sound by the recommended rules", async () => {
  const config = await createConfig({ extends: ["recommended"] });
  const found = await lintFromString({ source: JSON.stringify(document), config });
  assert.deepEqual(
    found.map(({ severity, ruleId, message, location }) => ({
      severity,
      ruleId,
      message,
      at: location[0]?.pointer,
    })),
    [],
  );
});

test("the document has at most 150 kB", () => {
  assert(new TextEncoder().encode(JSON.stringify(document)).length <= 150_000);
});

test("every call is in the document, with each of its answers and failures", () => {
  for (const e of all) {
    const operation = operationOf(e);
    assert.equal(at(operation, "operationId"), e.name);
    for (const status of Object.keys(e.answers))
      assert(at(operation, "responses", status) !== undefined, `${e.name} ${status}`);
    for (const code of failuresOf(e)) {
      const { status, title } = failures[code];
      if (e.answers[status] !== undefined) continue;
      const responses = at(operation, "responses");
      const response = resolved(at(responses, String(status)) ?? at(responses, "default"));
      const codes = codesIn(response);
      assert(Array.isArray(codes) && codes.includes(code), `${e.name} ${code}`);
      const words = at(response, "description");
      assert(typeof words === "string" && words.includes(`\`${code}\`: ${title}.`), code);
    }
    const expected = {
      public: [],
      user: [{ accessToken: [] }],
      superuser: [{ accessToken: [] }],
      signed: [{ signature: [] }],
    };
    const security = at(operation, "security") ?? at(document, "security");
    assert.deepEqual(security, expected[e.access]);
  }
});

test("a status that a call declares has the codes of that call and no others", () => {
  let seen = 0;
  for (const e of all)
    for (const [status, reference] of Object.entries(at(operationOf(e), "responses") ?? {})) {
      if (status === "default" || e.answers[Number(status)] !== undefined) continue;
      const own = failuresOf(e).filter((code) => failures[code].status === Number(status));
      assert.deepEqual(codesIn(resolved(reference)), own.toSorted(), `${e.name} ${status}`);
      seen += 1;
    }
  assert(seen > 200);
});

test("the shared default response tells the status of each of its codes", () => {
  const words = at(document.components, "responses", "Other", "description");
  assert(typeof words === "string");
  assert(words.includes("413 `body_too_large`: "));
  assert(words.includes("503 `revocation_view_stale`: "));
});

test("a path with a parameter can have a percent escape, so its call declares not_found", () => {
  const withParams = all.filter(({ path }) => path.includes("{"));
  assert(withParams.length > 10);
  for (const e of withParams)
    assert(at(operationOf(e), "responses", "404") !== undefined, `${e.name} has no 404`);
});

test("parameters, bodies and shared shapes are printed as the server reads them", () => {
  const listUsers = at(document.paths, "/v1/admin/users", "get", "parameters");
  assert.deepEqual(resolved(at(listUsers, 3)), {
    name: "limit",
    in: "query",
    required: false,
    description: "The highest number of items on the page. The default is 50.",
    schema: { type: "integer", minimum: 1, maximum: 200 },
  });
  const getUser = resolved(at(document.paths, "/v1/admin/users/{id}", "get", "parameters", 0));
  assert.deepEqual(
    [at(getUser, "name"), at(getUser, "in"), at(getUser, "required")],
    ["id", "path", true],
  );
  const input = at(
    document.paths,
    "/v1/sessions",
    "post",
    "requestBody",
    "content",
    "application/json",
    "schema",
  );
  assert.deepEqual(
    [at(input, "required"), at(input, "additionalProperties")],
    [["identifier", "password"], false],
  );
  const account = resolved(at(document.paths, "/v1/me", "get", "responses", "200"));
  assert.deepEqual(at(account, "content", "application/json", "schema"), {
    $ref: "#/components/schemas/Account",
  });
  assert.equal(at(document.components, "schemas", "Account", "type"), "object");
  assert.deepEqual(at(document.components, "schemas", "Profile", "additionalProperties"), {
    $ref: "#/components/schemas/Json",
  });
});

test("a time that may be null has one type with two values", () => {
  const disabledAt = at(
    document.components,
    "schemas",
    "AccountForSuperusers",
    "properties",
    "disabledAt",
  );
  assert.deepEqual(at(disabledAt, "type"), ["integer", "null"]);
  assert.equal(at(disabledAt, "minimum"), 0);
});

test("every reference leads somewhere, and every shared part is referred to", () => {
  const text = JSON.stringify(document);
  const used = new Set<string>();
  for (const [, pointer = ""] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    assert(at(document, ...pointer.split("/")) !== undefined, pointer);
    used.add(pointer);
  }
  for (const kind of ["schemas", "parameters", "responses", "headers"])
    for (const name of Object.keys(at(document.components, kind) ?? {}))
      assert(used.has(`components/${kind}/${name}`), `${kind} ${name}`);
});

test("every operation, parameter, member and response has a description", () => {
  const missing: string[] = [];
  const require = (value: unknown, where: string) => {
    const words = at(value, "description") ?? at(resolved(value), "description");
    if (typeof words !== "string" || !/^[^a-z].*[.!]$/s.test(words)) missing.push(where);
  };
  for (const e of all) {
    const operation = operationOf(e);
    require(operation, e.name);
    assert.match(String(at(operation, "summary")), /^[A-Z][^.]*$/);
    for (const parameter of Object.values(at(operation, "parameters") ?? {}))
      require(parameter, `${e.name} ${String(at(resolved(parameter), "name"))}`);
    for (const [status, response] of Object.entries(at(operation, "responses") ?? {}))
      require(response, `${e.name} ${status}`);
  }
  for (const kind of ["schemas", "parameters", "responses", "headers", "securitySchemes"])
    for (const [name, part] of Object.entries(at(document.components, kind) ?? {}))
      require(part, `${kind} ${name}`);
  // A member of an object that only narrows another schema is described in that schema.
  const visit = (value: unknown, where: string): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, member] of Object.entries(at(value, "properties") ?? {}))
      if (at(value, "type") === "object") require(member, `${where}/${name}`);
    for (const [name, part] of Object.entries(value)) visit(part, `${where}/${name}`);
  };
  visit(document, "#");
  assert.deepEqual(missing, []);
});

test("every body of a success has an example that its schema accepts", () => {
  let seen = 0;
  for (const e of all)
    for (const [status, schema] of Object.entries(e.answers)) {
      if (schema === null) continue;
      const example = exampleAt(at(operationOf(e), "responses", status));
      const parsed = schema.safeParse(example);
      assert(parsed.success, `${e.name} ${status}: ${parsed.error?.message}`);
      assert(JSON.stringify(example).length > '{"":""}'.length, e.name);
      seen += 1;
    }
  assert(seen > 40);
});

test("every body of a request has an example that its schema accepts", () => {
  for (const e of all) {
    if (e.input === undefined) continue;
    const parsed = e.input.safeParse(exampleAt(at(operationOf(e), "requestBody")));
    assert(parsed.success, `${e.name}: ${parsed.error?.message}`);
  }
});

test("the document depends on nothing but its arguments", () => {
  const again = openApiDocument({ publicUrl: "https://id.example.org", version: "1.2.3" });
  assert.deepEqual(again, document);
  assert.notEqual(again, document);
});
