import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { after, test } from "node:test";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { findOldNodes } from "./old-nodes.ts";

// Packs the packages as `npm publish` does, installs each into an empty project, and uses them
// there as their users would. Why they are built so: docs/decisions/0023.

const root = resolve(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "portcullis-packages-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** A package in the project that has installed it. */
interface Installed {
  readonly name: string;
  readonly files: readonly string[];
  readonly tarball: Buffer;
  readonly project: string;
  readonly manifest: Readonly<Record<string, unknown>>;
  /** Reads a file of the package. */
  read(path: string): string;
}

const npm = (cwd: string, ...options: readonly string[]): string => {
  const given = process.env["npm_execpath"];
  const [command, before] = given === undefined ? ["npm", []] : [process.execPath, [given]];
  return execFileSync(command, [...before, ...options], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    shell: given === undefined && process.platform === "win32",
    env: { ...process.env, npm_config_loglevel: "error", npm_config_update_notifier: "false" },
  });
};

const [contract, verifier] = install(pack(["contract", "verifier"]));
const packages = [contract, verifier];

/**
 * Packs copies of the packages, because packing changes the manifest for a moment and other tests
 * may read it at that moment.
 */
function pack(folders: readonly string[]): readonly Packed[] {
  const copy = join(scratch, "repository");
  for (const path of ["LICENSE", "tsconfig.json", "tools/pack.ts"])
    cpSync(join(root, path), join(copy, path));
  for (const folder of folders)
    cpSync(join(root, "packages", folder), join(copy, "packages", folder), {
      recursive: true,
      filter: (path) => !["node_modules", "dist", "LICENSE"].includes(basename(path)),
    });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  const specifiers = folders.map((folder) => `./packages/${folder}`);
  return JSON.parse(
    npm(
      copy,
      "pack",
      "--json",
      "--foreground-scripts=false",
      "--pack-destination",
      scratch,
      ...specifiers,
    ),
  );
}

function install([ofContract, ofVerifier]: readonly Packed[]): readonly [Installed, Installed] {
  assert.ok(ofContract !== undefined && ofVerifier !== undefined);
  // The project has the zod of this repository, so that nothing is downloaded.
  return [installed(ofContract, [join(root, "node_modules/zod")]), installed(ofVerifier, [])];
}

function installed({ name, filename, files }: Packed, others: readonly string[]): Installed {
  const tarball = join(scratch, filename);
  const project = join(scratch, basename(name));
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  npm(
    project,
    "install",
    "--offline",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    tarball,
    ...others,
  );
  const read = (path: string) => readFileSync(join(project, "node_modules", name, path), "utf8");
  return {
    name,
    files: files.map(({ path }) => path),
    tarball: readFileSync(tarball),
    project,
    manifest: JSON.parse(read("package.json")),
    read,
  };
}

const filesOf = ({ files }: Installed, suffix: string) =>
  files.filter((path) => path.endsWith(suffix));

const importOrExport = /^(?:import|export) [^\n]*from "([^"]+)";$/gm;

function specifiersIn(text: string): readonly string[] {
  return [...text.matchAll(importOrExport)].map(([, specifier = ""]) => specifier);
}

test("a tarball holds the built files, the manifest, the README and the licence", () => {
  const license = readFileSync(join(root, "LICENSE"), "utf8");
  for (const { name, files, read } of packages) {
    const others = files.filter((path) => !/^dist\/[\w/-]+(\.d\.ts|\.js)$/.test(path));
    assert.deepEqual(others.toSorted(), ["LICENSE", "README.md", "package.json"], name);
    assert.ok(files.includes("dist/index.js") && files.includes("dist/index.d.ts"), name);
    assert.deepEqual(
      files.filter((path) => path.includes("test")),
      [],
      name,
    );
    assert.equal(read("LICENSE"), license, name);
  }
});

test("a published manifest names the licence, Node 20 and nothing that only we need", () => {
  for (const { name, manifest } of packages) {
    assert.equal(manifest["license"], "Apache-2.0", name);
    assert.deepEqual(manifest["engines"], { node: ">=20" }, name);
    for (const member of ["scripts", "devDependencies", "published", "private"])
      assert.equal(manifest[member], undefined, `${name}: ${member}`);
  }
});

test("the verifier depends on nothing, and the contract on zod alone", () => {
  const ofContract = JSON.parse(readFileSync(join(root, "packages/contract/package.json"), "utf8"));
  assert.equal(verifier.manifest["dependencies"], undefined);
  assert.deepEqual(contract.manifest["dependencies"], { zod: `^${ofContract.dependencies.zod}` });
  for (const { manifest } of packages)
    for (const member of ["peerDependencies", "optionalDependencies", "bundleDependencies"])
      assert.equal(manifest[member], undefined, member);
});

test("the built files import their own package and what it depends on", () => {
  const allowed = new Map<Installed, RegExp>([
    [contract, /^zod$/],
    [verifier, /^node:/],
  ]);
  let seen = 0;
  for (const one of packages)
    for (const path of [...filesOf(one, ".js"), ...filesOf(one, ".d.ts")])
      for (const specifier of specifiersIn(one.read(path))) {
        seen += 1;
        const own = /^\.\.?\/[\w/.-]+\.js$/.test(specifier);
        assert.ok(own || allowed.get(one)?.test(specifier), `${one.name}/${path}: ${specifier}`);
      }
  assert.ok(seen >= 50, `Only ${seen} imports were seen.`);
});

test("the declarations of the verifier need not even the types of Node.js", () => {
  for (const path of filesOf(verifier, ".d.ts"))
    for (const specifier of specifiersIn(verifier.read(path)))
      assert.match(specifier, /^\.\//, path);
});

for (const one of packages) {
  test(`publint has nothing to say about ${one.name}`, async () => {
    const tarball = new Uint8Array(one.tarball).buffer;
    assert.deepEqual((await publint({ pack: { tarball }, strict: true })).messages, []);
  });

  test(`the types of ${one.name} are right wherever TypeScript looks for them`, async () => {
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(one.tarball)));
    assert.ok(result.types !== false);
    // These packages are ES modules only. `require` loads them from Node 20.19 on, which the tool
    // does not know; its own profile for such packages passes over the same finding.
    const problems = result.problems.filter(({ kind }) => kind !== "CJSResolvesToESM");
    assert.deepEqual(problems, []);
    assert.deepEqual(Object.keys(result.entrypoints), [".", "./package.json"]);
  });
}

interface Example {
  readonly name: string;
  readonly code: string;
  /** The lines that it says it prints. */
  readonly prints: readonly string[];
}

/**
 * The examples of a package: its README, whose blocks are one program, and every `@example` in the
 * comments of its declarations.
 */
function examplesOf(one: Installed): readonly Example[] {
  const blocks = Array.from(one.read("README.md").matchAll(/^```ts\n(.*?)^```$/gms), ([, b]) => b);
  return [
    example("README", blocks.join("\n")),
    ...filesOf(one, ".d.ts").flatMap((path) =>
      Array.from(
        one.read(path).matchAll(/^ *\* @example\n *\* ```ts\n(.*?)^ *\* ```$/gms),
        ([, block = ""], index) =>
          example(
            `${path.slice("dist/".length, -".d.ts".length).replaceAll("/", "-")}-${index}`,
            block.replaceAll(/^ *\* ?/gm, ""),
          ),
      ),
    ),
  ];
}

function example(name: string, code: string): Example {
  const prints = Array.from(
    code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm),
    ([, line = ""]) => line,
  );
  assert.equal(
    code.split("console.log(").length - 1,
    prints.length,
    `${name}: a line says nothing`,
  );
  assert.ok(prints.length > 0, `${name} prints nothing, so it shows nothing.`);
  return { name, code, prints };
}

const examples = new Map(packages.map((one) => [one, examplesOf(one)]));

for (const [one, list] of examples)
  for (const { name, code } of list) {
    mkdirSync(join(one.project, "examples"), { recursive: true });
    writeFileSync(join(one.project, "examples", `${name}.ts`), code);
    writeFileSync(join(one.project, "examples", `${name}.js`), stripTypeScriptTypes(code));
  }

test("every example is run: those of the READMEs and those of the doc comments", () => {
  for (const [one, list] of examples) {
    const fences = [...one.read("README.md").matchAll(/^```(\w+)$/gm)].map(([, kind]) => kind);
    assert.deepEqual(new Set(fences), new Set(["sh", "ts"]), one.name);
    const tags = filesOf(one, ".d.ts").map(
      (path) => [...one.read(path).matchAll(/\* @example$/gm)].length,
    );
    assert.equal(list.length, 1 + tags.reduce((sum, count) => sum + count, 0), one.name);
  }
});

for (const folder of ["contract", "verifier"])
  test(`at least 30 % of the lines of packages/${folder} are comments`, () => {
    const lines = globSync(`packages/${folder}/src/**/*.ts`, { cwd: root })
      .filter((path) => !path.endsWith(".test.ts"))
      .flatMap((path) => readFileSync(join(root, path), "utf8").split("\n"))
      .map((line) => line.trim())
      .filter((line) => line !== "");
    const comments = lines.filter((line) => /^(\/\*\*|\*|\/\/)/.test(line));
    assert.ok(lines.length >= 1000, `Only ${lines.length} lines were seen.`);
    assert.ok(comments.length >= 0.3 * lines.length, `${comments.length} of ${lines.length}`);
  });

test("every function that the verifier exports has an example", () => {
  const texts = filesOf(verifier, ".d.ts").map((path) => verifier.read(path));
  const functions = specifiedValues(verifier.read("dist/index.d.ts"));
  assert.ok(functions.includes("createVerifier") && functions.length >= 8, String(functions));
  for (const name of functions.filter((value) => value !== "MAX_TOKEN_BYTES")) {
    const declaration = new RegExp(
      String.raw`@example\n(?:(?!\*/)[\s\S])*\*/\nexport declare function ${name}\(`,
    );
    assert.ok(
      texts.some((text) => declaration.test(text)),
      `${name} has no @example.`,
    );
  }
});

/** The names of the values, types left out, that an index exports. */
function specifiedValues(index: string): readonly string[] {
  return [...index.matchAll(/^export \{([^}]*)\}/gm)]
    .flatMap(([, list = ""]) => list.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "" && !name.startsWith("type "));
}

test("READMEs show every value that their package exports", () => {
  for (const one of packages)
    for (const name of specifiedValues(one.read("dist/index.d.ts")))
      assert.match(one.read("README.md"), new RegExp(String.raw`\b${name}\b`), one.name);
});

const nodes = new Map([[process.versions.node, process.execPath], ...findOldNodes(npm)]);

test("the examples run on Node 20, 22 and 24", async (t) => {
  const majors = [...nodes.keys()].map((version) => Number.parseInt(version, 10));
  for (const major of [20, 22, 24])
    if (!majors.includes(major)) t.diagnostic(`SKIPPED: this machine has no Node ${major}.`);
  for (const [one, list] of examples) {
    const expected = [
      "required as an object",
      ...list.flatMap(({ name, prints }) => [`# ${name}`, ...prints]),
    ];
    const runner = `import { createRequire } from "node:module";
    console.log("required as an " + typeof createRequire(import.meta.url)("${one.name}"));
    for (const name of ${JSON.stringify(list.map(({ name }) => name))}) {
      console.log("# " + name);
      await import("./examples/" + name + ".js");
    }`;
    writeFileSync(join(one.project, "run.js"), runner);
    for (const [version, path] of nodes) {
      // One process at a time leaves a core to other tests.
      const printed = await outputOf(path, one.project);
      assert.deepEqual(printed.trimEnd().split("\n"), expected, `${one.name} on Node ${version}`);
    }
  }
});

async function outputOf(node: string, cwd: string): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: undefined, NODE_COMPILE_CACHE: undefined };
  const child = spawn(node, ["run.js"], { cwd, stdio: ["ignore", "pipe", "pipe"], env });
  const [out, err, code] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    new Promise((settle) => child.once("close", settle)),
  ]);
  assert.equal(code, 0, Buffer.concat(err).toString());
  return Buffer.concat(out).toString();
}

const strict = { strict: true, noEmit: true, target: "es2023", lib: ["es2023"] };

for (const one of packages) {
  // The declarations of zod, but not ours, need a `URL`, which libraries and @types/node bring.
  const entry = `declare global { interface URL {} }\nexport * from "${one.name}";\n`;

  test(`strict TypeScript with moduleResolution nodenext accepts ${one.name}`, () => {
    writeFileSync(join(one.project, "entry.ts"), entry);
    compile(one, { ...strict, module: "nodenext", types: [] }, "entry.ts");
  });

  test(`strict TypeScript with moduleResolution bundler accepts ${one.name}`, () => {
    writeFileSync(join(one.project, "entry.ts"), entry);
    const resolution = { module: "esnext", moduleResolution: "bundler" };
    // The test above has checked the declarations themselves.
    compile(one, { ...strict, ...resolution, types: [], skipLibCheck: true }, "entry.ts");
  });

  test(`strict TypeScript accepts the examples of ${one.name}`, () => {
    const types = { types: ["node"], typeRoots: [join(root, "node_modules/@types")] };
    compile(one, { ...strict, module: "nodenext", ...types, skipLibCheck: true }, "examples/*.ts");
  });
}

function compile({ project }: Installed, compilerOptions: object, files: string): void {
  const configuration = { compilerOptions, include: [files] };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(configuration));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  try {
    execFileSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
  } catch (error) {
    assert.fail(String((error as { readonly stdout?: unknown }).stdout));
  }
}
