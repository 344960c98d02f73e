import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// `npm pack` runs this in the folder of a package: `build` before it reads the folder, `restore`
// after. Why the packages are built so: docs/decisions/0023.

const root = resolve(import.meta.dirname, "..");
const tsc = join(root, "node_modules/typescript/bin/tsc");
const contract = "@portcullis/contract";

interface Manifest {
  readonly [member: string]: unknown;
}

/** Makes the folder of a package what is published, and keeps its manifest for `restore`. */
function build(folder: string): void {
  restore(folder);
  rmSync(join(folder, "dist"), { recursive: true, force: true });
  compile(["-p", join(folder, "tsconfig.build.json")]);
  completeDeclarations(join(folder, "dist"));
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  const source = readFileSync(join(folder, "package.json"), "utf8");
  writeFileSync(join(folder, "package.json.source"), source);
  writeFileSync(join(folder, "package.json"), publishedManifest(source));
}

function restore(folder: string): void {
  rmSync(join(folder, "LICENSE"), { force: true });
  if (existsSync(join(folder, "package.json.source")))
    renameSync(join(folder, "package.json.source"), join(folder, "package.json"));
}

/**
 * The manifest in the repository serves the TypeScript sources, and `published` holds the members
 * that differ in the tarball. Scripts and development dependencies are of no use to its users.
 */
function publishedManifest(source: string): string {
  const {
    published,
    scripts: _,
    devDependencies: __,
    ...manifest
  } = JSON.parse(source) as Manifest;
  return `${JSON.stringify({ ...manifest, ...(published as Manifest) }, null, 2)}\n`;
}

function compile(options: readonly string[]): void {
  execFileSync(process.execPath, [tsc, ...options], { stdio: "inherit", cwd: root });
}

const importOrExport = /^(?:import|export) .*from "([^"]+)";$/gm;

/**
 * Makes the declarations refer to the files of the package alone. `tsc` leaves their imports as the
 * sources have them: with `.ts`, and to the contract, whose types the verifier uses. The few that
 * it uses are copied, so that its users need no other package.
 */
function completeDeclarations(dist: string): void {
  const needed = new Set<string>();
  for (const path of filesIn(dist, ".d.ts")) {
    const text = readFileSync(path, "utf8");
    const completed = text.replaceAll(importOrExport, (statement, specifier: string) => {
      if (specifier.startsWith(".")) return statement.replace(/\.ts";$/, '.js";');
      if (specifier !== contract) return statement;
      for (const name of namesIn(statement)) needed.add(name);
      return statement.replace(contract, "./contract.js");
    });
    writeFileSync(path, completed);
  }
  if (needed.size > 0)
    writeFileSync(join(dist, "contract.d.ts"), contractDeclarations([...needed].toSorted()));
}

function namesIn(statement: string): readonly string[] {
  const list = /^(?:import|export) type \{([^}]*)\} from/.exec(statement)?.[1];
  if (list === undefined) throw new Error(`This statement must name types: ${statement}`);
  return list.split(",").map((name) => name.trim());
}

/**
 * Copies the declarations of these types, and of what they refer to, from those of the contract.
 */
function contractDeclarations(exported: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-contract-"));
  try {
    const options =
      "--ignoreConfig --noCheck --emitDeclarationOnly --declaration --module nodenext --target es2023 --rewriteRelativeImportExtensions";
    compile([
      ...options.split(" "),
      "--outDir",
      folder,
      join(root, "packages/contract/src/index.ts"),
    ]);
    const known = new Map<string, string[]>();
    for (const path of filesIn(folder, ".d.ts"))
      for (const { name, text } of declarationsIn(readFileSync(path, "utf8")))
        known.set(name, [...(known.get(name) ?? []), text]);
    return copiedDeclarations(exported, known);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function copiedDeclarations(
  exported: readonly string[],
  known: ReadonlyMap<string, readonly string[]>,
): string {
  const copied = new Map<string, string>();
  const copy = (name: string): void => {
    const [text, another] = known.get(name) ?? [];
    if (text === undefined || another !== undefined)
      throw new Error(`The contract must declare ${name} once, by a statement of its own.`);
    // An example imports the package that it was written for, which the user of a copy may not
    // have.
    const own = text.replaceAll(/\n \*\n \* @example\n[\s\S]*?(?=\n \*\/)/g, "");
    copied.set(name, exported.includes(name) ? own : own.replace(/^export /m, ""));
    // Comments, strings and the names of members refer to nothing.
    const code = text.replaceAll(/\/\*\*[\s\S]*?\*\/|"[^"]*"|[\w$]+\??:/g, "");
    for (const [word] of code.matchAll(/[A-Za-z_$][\w$]*/g))
      if (known.has(word) && !copied.has(word)) copy(word);
  };
  for (const name of exported) if (!copied.has(name)) copy(name);
  const head = `// Copied from the declarations of ${contract} when this package was built.\n`;
  return `${head}${[...copied.values()].join("")}export {};\n`;
}

/** Splits what `tsc` has written into its statements, each with the comment that precedes it. */
function declarationsIn(text: string): readonly { readonly name: string; readonly text: string }[] {
  const statement =
    /^(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?export (?:declare const|interface|type) (\w+)[\s\S]*?(?:;|^\})\n(?=\/|export|$(?![\s\S]))/gm;
  return [...text.matchAll(statement)].map(([whole, name = ""]) => ({ name, text: whole }));
}

function filesIn(folder: string, suffix: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(suffix))
    .map((path) => join(folder, path));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const command = process.argv[2];
  if (command === "build") build(process.cwd());
  else if (command === "restore") restore(process.cwd());
  else if (command === "refuse")
    throw new Error(
      "Publish the tarball that `npm pack` makes. If npm publishes the folder, it sends the registry the manifest of the sources.",
    );
  else throw new Error("Use `build`, `restore` or `refuse`.");
}
