import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { runInNewContext } from "node:vm";
import type { Endpoint } from "./endpoint.ts";
import { endpoints } from "./endpoints.ts";
import { openApiDocument } from "./openapi.ts";

// The documentation of each endpoint shows a request. These tests hold it against the declaration.

const folder = join(import.meta.dirname, "endpoints");
const texts = readdirSync(folder)
  .filter((file) => !file.endsWith(".test.ts"))
  .map((file) => readFileSync(join(folder, file), "utf8"));

/** Returns the code of the example in the comment above the declaration of an endpoint. */
function exampleOf({ name }: Endpoint): string {
  for (const text of texts) {
    const end = text.indexOf(`*/\nexport const ${name} = endpoint(`);
    if (end === -1) continue;
    const comment = text.slice(text.lastIndexOf("/**", end), end);
    const [, code] = comment.split("```ts\n");
    return (code ?? "").replaceAll(/^ \* ?/gm, "");
  }
  return "";
}

/** Finds the one body that `JSON.stringify({ … })` makes of literals and of named variables. */
function bodyOf(code: string, variables: object): unknown {
  const text = /JSON\.stringify\((\{[\s\S]*?\})\)[;,]/.exec(code)?.[1];
  const body: unknown = text && runInNewContext(`JSON.stringify(${text})`, { ...variables });
  return typeof body === "string" ? JSON.parse(body) : undefined;
}

const document = JSON.stringify(openApiDocument({ publicUrl: "https://id.example", version: "1" }));
const credential = {
  id: "AAAA",
  rawId: "AAAA",
  type: "public-key",
  response: {
    clientDataJSON: "AAAA",
    authenticatorData: "AAAA",
    signature: "AAAA",
    attestationObject: "AAAA",
  },
};

/** Values that a program has from earlier responses, under the names that the examples use. */
const variables = {
  ceremonyId: "019ad7c3-0a52-7c19-a6e4-5b8f1d3e9c70",
  challengeSecret: "x".repeat(43),
  changeId: "019ad7c7-71c2-7e60-95fb-d4a8b1c3e067",
  clientSecret: "x".repeat(24),
  created: { toJSON: () => credential },
  credential: { toJSON: () => credential },
  deviceToken: "x".repeat(40),
  found: { toJSON: () => credential },
  refreshToken: "x".repeat(40),
  registrationId: "019ad7c0-1d6e-7a45-b3f8-9e2c4d7a0b15",
  resetId: "019ad7c6-4f17-7b9e-a3d5-0c8e2b6f1a94",
  setupToken: "x".repeat(24),
  token: "x".repeat(24),
};

for (const e of Object.values(endpoints) as readonly Endpoint[])
  test(`the example of ${e.name} is a request that the server accepts`, () => {
    const code = exampleOf(e);
    const url = /fetch\(["`]https:\/\/id\.example\.com([^"`]*)["`]/.exec(code)?.[1];
    assert(url !== undefined, "no request");
    const [path = "", query = ""] = url.split("?");
    const template = e.path.replaceAll(/\{\w+\}/g, "{}");
    assert.equal(path.replaceAll(/\$\{[\w.]+\}/g, "{}"), template);
    if (query !== "") e.query?.parse(Object.fromEntries(new URLSearchParams(query)));
    assert.equal(/method: "(\w+)"/.exec(code)?.[1] ?? "GET", e.method);
    const needsToken = e.access === "user" || e.access === "superuser";
    assert.equal(code.includes("authorization: `Bearer ${accessToken}`"), needsToken);
    if (e.input !== undefined) e.input.parse(bodyOf(code, variables));
    for (const [, members = ""] of code.matchAll(/const \{ ([\w, ]+) \} = await response/g))
      for (const member of members.split(", "))
        assert(document.includes(`"${member}":`), `no answer has ${member}`);
  });
