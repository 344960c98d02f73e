import { createClient } from "@hey-api/openapi-ts";
import { openApiDocument } from "@portcullis/contract";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";
import { startServer, type ServerProcess } from "../../packages/server/test/process.ts";

// Two public generators make a client of the OpenAPI document. Each client must pass `tsc --strict`
// and then register a user, confirm the address and sign in at a running server.

/**
 * Both programs in `clients/` export this function. They are no TypeScript files of this tree,
 * because they import a client that is generated only here.
 */
interface Program {
  visit(
    baseUrl: string,
    email: string,
    codeFor: (email: string) => Promise<string>,
  ): Promise<{ readonly me: unknown; readonly refusal: unknown }>;
}

const folder = mkdtempSync(join(tmpdir(), "portcullis-generated-"));
const mails = join(folder, "mail");
let server: ServerProcess;

before(async () => {
  server = await startServer({
    PORTCULLIS_DATA_DIR: join(folder, "data"),
    PORTCULLIS_MAIL: `dir:${mails}`,
  });
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Waits for the mail with the code, which the server writes after it has answered. */
async function codeFor(email: string): Promise<string> {
  for (let tries = 0; tries < 500; tries += 1) {
    for (const file of readdirSync(mails, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".eml")) continue;
      const mail = readFileSync(join(mails, file), "utf8");
      const code = /^\s*(\d{8})\s*$/m.exec(mail)?.[1];
      if (mail.includes(email) && code !== undefined) return code;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("no mail with a code has arrived");
}

const document = () => openApiDocument({ publicUrl: "https://id.example.org", version: "1.2.3" });

/** Makes an empty project, which can import the packages that are named. */
function project(name: string, ...packages: readonly string[]): string {
  const root = join(folder, name);
  mkdirSync(join(root, "node_modules"), { recursive: true });
  writeFileSync(join(root, "package.json"), '{ "type": "module" }');
  for (const needed of packages) {
    const entry = fileURLToPath(import.meta.resolve(needed));
    const found = entry.slice(0, entry.lastIndexOf(needed) + needed.length);
    symlinkSync(found, join(root, "node_modules", needed), "junction");
  }
  cpSync(join(import.meta.dirname, "clients", `${name}.txt`), join(root, "program.ts"));
  return root;
}

/** Compiles the project, which fails at any message of the compiler, and loads the result. */
async function compiled(root: string): Promise<Program> {
  const tsc = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
  const options = "--strict --target es2022 --lib es2022,dom,dom.iterable --module nodenext";
  const output = "--rewriteRelativeImportExtensions --outDir out program.ts";
  const { status, stdout } = spawnSync(
    process.execPath,
    [tsc, ...options.split(" "), ...output.split(" ")],
    { cwd: root, encoding: "utf8" },
  );
  assert.deepEqual([stdout, status], ["", 0]);
  return import(pathToFileURL(join(root, "out/program.js")).href);
}

async function assertSignsIn(program: Program, email: string): Promise<void> {
  const { me, refusal } = await program.visit(server.url, email, codeFor);
  assert.equal((me as { readonly email: unknown }).email, email);
  assert.equal(refusal, "invalid_credentials");
}

test("a client by openapi-typescript and openapi-fetch is strictly typed and signs in", async () => {
  const root = project("openapi-fetch", "openapi-fetch", "openapi-typescript-helpers");
  const types = await openapiTS(JSON.stringify(document()));
  writeFileSync(join(root, "schema.ts"), astToString(types));
  await assertSignsIn(await compiled(root), "anna@example.com");
});

test("a client by @hey-api/openapi-ts is strictly typed and signs in", async () => {
  const root = project("hey-api");
  await createClient({
    input: document(),
    output: { path: join(root, "client"), importFileExtension: ".ts" },
    plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
    logs: { level: "silent" },
  });
  await assertSignsIn(await compiled(root), "berta@example.com");
});
