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

test("every call is in the document, with each of its answers and failures", () => {
  for (const e of all) {
    const operation = at(document.paths, e.path, e.method.toLowerCase());
    assert.equal(at(operation, "operationId"), e.name);
    for (const status of Object.keys(e.answers))
      assert(at(operation, "responses", status) !== undefined, `${e.name} ${status}`);
    for (const code of failuresOf(e)) {
      const { status } = failures[code];
      if (e.answers[status] !== undefined) continue;
      const codes = at(
        operation,
        "responses",
        String(status),
        "content",
        "application/problem+json",
        "schema",
        "allOf",
        1,
        "properties",
        "code",
        "enum",
      );
      assert(Array.isArray(codes) && codes.includes(code), `${e.name} ${code}`);
    }
    const expected = {
      public: [],
      user: [{ accessToken: [] }],
      superuser: [{ accessToken: [] }],
      signed: [{ signature: [] }],
    };
    assert.deepEqual(at(operation, "security"), expected[e.access]);
  }
});

test("parameters, bodies and shared shapes are printed as the server reads them", () => {
  const listUsers = at(document.paths, "/v1/admin/users", "get", "parameters");
  assert.deepEqual(at(listUsers, 3), {
    name: "limit",
    in: "query",
    required: false,
    description: "50 if not given",
    schema: { type: "integer", minimum: 1, maximum: 200 },
  });
  const getUser = at(document.paths, "/v1/admin/users/{id}", "get", "parameters", 0);
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
  assert.deepEqual(
    at(
      document.paths,
      "/v1/me",
      "get",
      "responses",
      "200",
      "content",
      "application/json",
      "schema",
    ),
    {
      $ref: "#/components/schemas/Account",
    },
  );
  assert.equal(at(document.components, "schemas", "Account", "type"), "object");
  assert.deepEqual(
    at(document.components, "schemas", "Account", "properties", "profile", "additionalProperties"),
    {
      $ref: "#/components/schemas/Json",
    },
  );
});

test("every reference leads somewhere", () => {
  for (const [, pointer = ""] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g))
    assert(at(document, ...pointer.split("/")) !== undefined, pointer);
});
