import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { copiesOfDeps } from "./spreads.ts";

const root = new URL("../", import.meta.url);
const server = "packages/server/src/";

/**
 * The floors of the server, from the ground up, and the folders on each in the order in which they
 * may use each other. A file imports from its own folder, from earlier folders of its floor and
 * from lower floors. Folders in one entry are neighbours: neither imports the other.
 */
const floors: readonly {
  readonly name: string;
  readonly folders: readonly (readonly string[])[];
}[] = [
  { name: "platform", folders: [["kernel"], ["settings", "db", "hs256"], ["http", "hashing"]] },
  {
    name: "records",
    folders: [["audit"], ["counters", "attempts"], ["outbox"], ["mail", "revocations"]],
  },
  {
    name: "accounts",
    folders: [
      ["proofs"],
      ["users", "tokens"],
      ["sessions"],
      ["sign-in"],
      ["policies"],
      ["account"],
      ["factors"],
    ],
  },
  {
    name: "interfaces",
    folders: [
      ["faces/account", "admin", "pages", "import-django"],
      ["faces/drf"],
      ["faces/jwt"],
      ["faces/simplejwt", "faces/djoser", "faces/tag1"],
    ],
  },
  { name: "process", folders: [["."]] },
];

/**
 * A library has one door: the files that may import its values. Types may be imported anywhere
 * unless `typesToo`.
 */
const doors: readonly {
  readonly library: RegExp;
  readonly door: RegExp;
  readonly typesToo?: true;
  readonly words: string;
}[] = [
  {
    library: /^hono(\/|$)/,
    door: /^(?!)/,
    typesToo: true,
    words: "hono is installed for @hono/node-server only: use platform/http",
  },
  {
    library: /^@hono\//,
    door: /^platform\/http\/node\.ts$/,
    typesToo: true,
    words: "@hono/node-server is known to http/node.ts only",
  },
  {
    library: /^kysely(\/|$)/,
    door: /^platform\/db\/|\.store\.ts$/,
    words: "queries are built in db/ and *.store.ts",
  },
  {
    library: /^(pg(\/|$)|node:sqlite$)/,
    door: /^(platform\/db|records\/revocations|interfaces\/import-django\/sources)\//,
    words:
      "database drivers belong to platform/db/, revocations/ and the sources of import-django/",
  },
  {
    library: /^@node-rs\/argon2/,
    door: /^platform\/hashing\//,
    words: "argon2 runs in hashing/, in a child process",
  },
  { library: /^nodemailer/, door: /^records\/mail\//, words: "mail leaves through mail/" },
  {
    library: /^@simplewebauthn\//,
    door: /^accounts\/factors\/passkeys\//,
    words: "WebAuthn is spoken in factors/passkeys/",
  },
  {
    library: /^otpauth(\/|$)/,
    door: /^accounts\/factors\//,
    words: "one-time codes are computed in factors/",
  },
  {
    library: /^(qr|pngjs)(\/|$)/,
    door: /^accounts\/factors\/qr\.ts$/,
    words: "QR codes are drawn in factors/qr.ts",
  },
  {
    library: /^pino/,
    door: /^platform\/kernel\//,
    words: "the log is passed in: take a Log in deps",
  },
  {
    library: /^prom-client/,
    door: /^platform\/http\/metrics\.ts$/,
    words: "figures are registered with Metrics, so that the library is loaded by a scrape alone",
  },
  {
    library: /^node:timers/,
    door: /^platform\/kernel\//,
    words: "time is passed in: take a Clock in deps",
  },
];

/** Rules about single lines that the linter cannot express. */
const phrases: readonly {
  readonly phrase: RegExp;
  readonly door: RegExp;
  readonly words: string;
}[] = [
  {
    phrase: /\bnew Date(\(\s*\)|(?!\w|\())/,
    door: /^platform\/kernel\//,
    words: "time is passed in: new Date() reads the clock",
  },
  {
    phrase:
      /^import .*\b(randomBytes|randomInt|randomUUID|randomFill(Sync)?)\b.* from "node:crypto"/,
    door: /^platform\/kernel\//,
    words: "chance is passed in: take a Random in deps",
  },
  {
    phrase: /\b(macCode|verifyCode)\(/,
    door: /^(platform\/kernel|accounts\/proofs)\//,
    words: "mailed codes are made and compared in accounts/proofs/",
  },
  {
    phrase: /tries_left"?, ?"[-+]"/,
    door: /^accounts\/(proofs|sign-in)\//,
    words: "the tries of a mailed proof are counted in accounts/proofs/",
  },
  {
    phrase: /\.transaction\(\)/,
    door: /^platform\/db\/|backup\.store\.ts$/,
    words: "transactions are opened by transact(), which runs the work that follows the commit",
  },
  {
    phrase: /\.(selectFrom|insertInto|replaceInto|updateTable|deleteFrom|mergeInto)\(/,
    door: /^platform\/db\/|\.store\.ts$/,
    words: "queries are built in db/ and *.store.ts",
  },
  {
    phrase: /mail/i,
    door: /^(?!records\/outbox\/)/,
    words: "the outbox serves any channel and names none",
  },
  {
    phrase: /(?<!readonly )\b(sessionPolicy|signInPolicy)\b/,
    door: /^process\/|\.http\.ts$/,
    words:
      "only native routes have the native policy: a rule takes its policy as an argument, a face has its facePolicy",
  },
];

/**
 * A caller that wants a rule to behave otherwise passes an argument. Objects of dependencies are
 * put together in process/, and platform/ knows no rules.
 */
const noCopies = /^(records|accounts|interfaces)\//;
const copied = "dependencies are not copied with other members: pass the rule an argument";

interface Source {
  readonly path: string;
  readonly text: string;
}

interface Import {
  readonly line: number;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const statement = /^(?:import|export)\s+(type\s+)?(?:[\w$*\s{},]+?\s+from\s+)?["']([^"']+)["']/gm;
const call =
  /^(?!\s*(?:\*|\/\/)).*?\b(?:import|import\.meta\.resolve|require|require\.resolve)\(\s*["']([^"']+)["']/gm;
const sibling = /new URL\(\s*["'](\.[^"']+\.ts)["'],\s*import\.meta\.url/g;

function importsOf({ text }: Source): readonly Import[] {
  const lineAt = (index: number) => text.slice(0, index).split("\n").length;
  return [
    ...[...text.matchAll(statement)].map((m) => ({
      line: lineAt(m.index),
      specifier: m[2] ?? "",
      typeOnly: m[1] !== undefined,
    })),
    ...[call, sibling].flatMap((form) =>
      [...text.matchAll(form)].map((m) => ({
        line: lineAt(m.index),
        specifier: m[1] ?? "",
        typeOnly: false,
      })),
    ),
  ];
}

const isTesting = (path: string) =>
  /(\.test\.ts|(^|\/)testing\.ts)$/.test(path) || path.startsWith("packages/server/test/");

/** The folder of a file and its height: the floor first, then the place on it. */
interface Place {
  readonly name: string;
  readonly floor: number;
  readonly order: number;
}

/** Returns `undefined` if the folder has no place on a floor. */
function placeOf(path: string): Place | undefined {
  const [name = "", ...rest] = path.slice(server.length).split("/");
  const floor = floors.findIndex((one) => one.name === name);
  const folder =
    name === "process" ? "." : rest[0] === "faces" ? rest.slice(0, 2).join("/") : (rest[0] ?? "");
  const order = floors[floor]?.folders.findIndex((folders) => folders.includes(folder)) ?? -1;
  return order === -1 ? undefined : { name: `${name}/${folder}`, floor, order };
}

function mayImport(from: Place, to: Place): boolean {
  if (from.name === to.name || to.floor < from.floor) return true;
  return to.floor === from.floor && to.order < from.order;
}

function complaintOfNeighbour(path: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  if (isTesting(target)) return `${specifier} is for tests`;
  const home = path.split("/", 2).join("/");
  if (!target.startsWith(`${home}/`))
    return `${specifier} leaves ${home}: import the package by its name`;
  if (!path.startsWith(server) || !target.startsWith(server)) return undefined;
  const [from, to] = [placeOf(path), placeOf(target)];
  if (from === undefined || to === undefined)
    return `${specifier}: this folder has no floor in tools/layers.test.ts`;
  return mayImport(from, to) ? undefined : `${from.name} may not import ${to.name}`;
}

function complaintOfLibrary(path: string, { specifier, typeOnly }: Import): string | undefined {
  if (path.startsWith("packages/contract/"))
    return specifier === "zod" ? undefined : `the contract imports zod, not ${specifier}`;
  if (path.startsWith("packages/verifier/")) {
    const allowed =
      specifier.startsWith("node:") || (typeOnly && specifier === "@portcullis/contract");
    return allowed
      ? undefined
      : `the verifier imports node: and types of the contract, not ${specifier}`;
  }
  const inner = path.slice(server.length);
  if (inner.startsWith("platform/kernel/") && specifier.startsWith("@portcullis/"))
    return "the kernel imports nothing of ours";
  return doors.find(
    (d) => d.library.test(specifier) && !d.door.test(inner) && (d.typesToo === true || !typeOnly),
  )?.words;
}

function complaintsAbout(source: Source): readonly string[] {
  const { path, text } = source;
  if (isTesting(path)) return [];
  const imports = importsOf(source).flatMap((one) => {
    const reason = one.specifier.startsWith(".")
      ? complaintOfNeighbour(path, one.specifier)
      : complaintOfLibrary(path, one);
    return reason === undefined ? [] : [`${path}:${one.line}: ${reason}`];
  });
  if (!path.startsWith(server)) return imports;
  const lines = text
    .split("\n")
    .flatMap((line, index) =>
      phrases
        .filter(({ phrase, door }) => phrase.test(line) && !door.test(path.slice(server.length)))
        .map(({ words }) => `${path}:${index + 1}: ${words}`),
    );
  const copies = noCopies.test(path.slice(server.length)) ? copiesOfDeps(path, text) : [];
  return [...imports, ...lines, ...copies.map((line) => `${path}:${line}: ${copied}`)];
}

const sources: readonly Source[] = globSync("packages/*/{src,test}/**/*.ts", {
  cwd: fileURLToPath(root),
  exclude: (p) => p.includes("node_modules"),
})
  .map((path) => path.replaceAll("\\", "/"))
  .toSorted()
  .map((path) => ({ path, text: readFileSync(new URL(path, root), "utf8") }));

test("every import points down or along its floor, and every library has its door", () => {
  assert.deepEqual(sources.flatMap(complaintsAbout), []);
});

test("the layer check is awake: it sees the files and every import in them", () => {
  assert.ok(sources.length >= 50, `only ${sources.length} files seen`);
  assert.ok(
    sources.flatMap(importsOf).length >= 150,
    `only ${sources.flatMap(importsOf).length} imports seen`,
  );
  for (const source of sources) {
    const ends = [
      ...source.text.matchAll(/^(?:import|export|\})[^\n]*\bfrom\s+["']|^import\s+["']/gm),
    ].length;
    assert.equal(
      [...source.text.matchAll(statement)].length,
      ends,
      `${source.path}: an import in a form this test cannot read`,
    );
  }
});

test("no file imports itself through others, types included", () => {
  assert.deepEqual(circlesIn(sources), []);
});

/** Depth-first search; each circle is reported once, as the path that closes it. */
function circlesIn(files: readonly Source[]): readonly string[] {
  const targets = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier }) => posix.join(posix.dirname(file.path), specifier)),
    ]),
  );
  const circles: string[] = [];
  const done = new Set<string>();
  function visit(path: string, trail: readonly string[]): void {
    const at = trail.indexOf(path);
    if (at !== -1) circles.push([...trail.slice(at), path].join(" > "));
    if (at !== -1 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  }
  for (const path of targets.keys()) visit(path, []);
  return circles;
}

test("the search for circles finds one of values and one of types", () => {
  const files = [
    { path: "a.ts", text: 'import { b } from "./b.ts";' },
    { path: "b.ts", text: 'import type { C } from "./c.ts";\nimport { d } from "./d.ts";' },
    { path: "c.ts", text: 'import { a } from "./a.ts";' },
    { path: "d.ts", text: "" },
  ];
  assert.deepEqual(circlesIn(files), ["a.ts > b.ts > c.ts > a.ts"]);
});

test("the layer check finds what it is there to find", () => {
  const bad: readonly (readonly [file: string, text: string, reason: RegExp])[] = [
    [
      "accounts/users/a.ts",
      'import { b } from "../sessions/b.ts";',
      /:1: accounts\/users may not import accounts\/sessions/,
    ],
    ["accounts/users/a.ts", 'import type { B } from "../tokens/b.ts";', /may not import .*tokens/],
    ["accounts/users/a.ts", 'export * from "../../process/compose.ts";', /may not import process/],
    [
      "accounts/users/a.ts",
      'import {\n  b,\n  type C,\n} from "../../interfaces/faces/drf/b.ts";',
      /may not import interfaces\/faces\/drf/,
    ],
    [
      "interfaces/admin/a.ts",
      'const b = await import("../../process/cli/b.ts");',
      /may not import process/,
    ],
    [
      "accounts/users/a.ts",
      '\nfork(new URL("../mailer/child.ts", import.meta.url));',
      /:2: .* no floor/,
    ],
    ["accounts/users/a.ts", 'import { b } from "../../platform/db/testing.ts";', /is for tests/],
    [
      "accounts/users/a.ts",
      'import { b } from "../../../../verifier/src/b.ts";',
      /leaves packages\/server/,
    ],
    [
      "platform/db/migrations/0001.ts",
      'import { b } from "../../http/b.ts";',
      /platform\/db may not import platform\/http/,
    ],
    ["platform/kernel/a.ts", 'import { b } from "../db/b.ts";', /may not import platform\/db/],
    ["platform/kernel/a.ts", 'import type { B } from "@portcullis/contract";', /nothing of ours/],
    [
      "records/mail/a.ts",
      'import { b } from "../../accounts/users/b.ts";',
      /may not import accounts/,
    ],
    [
      "interfaces/faces/tag1/a.ts",
      'import { b } from "../djoser/b.ts";',
      /may not import .*faces\/djoser/,
    ],
    [
      "interfaces/faces/drf/a.ts",
      'import { b } from "../tag1/b.ts";',
      /may not import .*faces\/tag1/,
    ],
    [
      "interfaces/faces/drf/a.ts",
      'import { b } from "../jwt/b.ts";',
      /may not import .*faces\/jwt/,
    ],
    [
      "interfaces/faces/jwt/a.ts",
      'import { b } from "../djoser/b.ts";',
      /may not import .*faces\/djoser/,
    ],
    [
      "interfaces/admin/a.ts",
      'import { b } from "../faces/drf/b.ts";',
      /may not import .*faces\/drf/,
    ],
    ["platform/http/serve.ts", 'import type { Context } from "hono";', /use platform\/http/],
    ["platform/http/app.ts", 'import { Hono } from "hono";', /use platform\/http/],
    ["platform/http/app.ts", 'import { serve } from "@hono/node-server";', /http\/node\.ts only/],
    ["accounts/users/a.ts", 'import { sql } from "kysely";', /\*\.store\.ts/],
    [
      "accounts/users/a.ts",
      'const rows = await db.selectFrom("users").execute();',
      /\*\.store\.ts/,
    ],
    ["accounts/users/a.ts", "if (!verifyCode(ring, id, code, mac)) return;", /accounts\/proofs/],
    [
      "accounts/users/a.store.ts",
      'set((eb) => ({ tries_left: eb("tries_left", "-", 1) }))',
      /proofs/,
    ],
    ["accounts/users/a.ts", "await db.transaction().execute(act);", /opened by transact/],
    ["accounts/users/users.store.ts", 'import pg from "pg";', /drivers/],
    ["process/cli/backup.ts", 'import { DatabaseSync } from "node:sqlite";', /drivers/],
    ["accounts/users/passwords.ts", 'import { hash } from "@node-rs/argon2";', /child process/],
    [
      "accounts/factors/a.ts",
      'import { verifyRegistrationResponse } from "@simplewebauthn/server";',
      /factors\/passkeys/,
    ],
    ["accounts/sign-in/a.ts", 'import { TOTP } from "otpauth";', /computed in factors/],
    ["accounts/factors/totp.ts", 'import encodeQR from "qr";', /factors\/qr\.ts/],
    ["accounts/sign-in/a.ts", 'import { b } from "../factors/b.ts";', /may not import .*factors/],
    ["records/outbox/a.ts", 'const RUNNER = "mail";', /names none/],
    ["records/outbox/a.ts", 'import { b } from "../mail/b.ts";', /may not import records\/mail/],
    ["accounts/users/a.ts", "const at = new Date().getTime();", /reads the clock/],
    [
      "accounts/users/a.ts",
      'import { createHash, randomBytes } from "node:crypto";',
      /take a Random/,
    ],
    ["accounts/users/a.ts", 'import { setTimeout } from "node:timers/promises";', /take a Clock/],
    [
      "interfaces/faces/djoser/a.ts",
      "async function a(deps: DjoserDeps) {\n  return logIn({ ...deps, ...lifetimes }, login);\n}",
      /:2: dependencies are not copied/,
    ],
    [
      "accounts/sign-in/a.ts",
      "const a = (d: Pick<SignInDeps, 'db'>) => check({ ...d, requireVerifiedEmail: false });",
      /not copied/,
    ],
    [
      "interfaces/faces/tag1/a.ts",
      "const a = ({ loginField, ...given }: Tag1Deps) => ({ ...given, loginField: 'email' });",
      /not copied/,
    ],
    [
      "interfaces/faces/tag1/a.ts",
      "function a(deps) {\n  const { clock, ...others } = deps;\n  return { ...others, clock: late };\n}",
      /:3: .*not copied/,
    ],
    [
      "accounts/sessions/a.ts",
      "const a = (given: RefreshDeps) => {\n  const same = given;\n  return { ...same, clock };\n};",
      /:3: .*not copied/,
    ],
    ["accounts/sessions/a.ts", "const a = { ...(strict ? rules : other), clock };", /not copied/],
    ["interfaces/admin/a.ts", "const a = { ...world.rules, clock };", /not copied/],
    [
      "interfaces/admin/a.ts",
      "const a = (bag: AdminDeps) => Object.assign({}, bag, { clock });",
      /not copied/,
    ],
    [
      "accounts/sign-in/sign-in.ts",
      "await open(tx, { policy: deps.signInPolicy });",
      /takes its policy as an argument/,
    ],
    [
      "interfaces/faces/jwt/jwt.ts",
      "const { sessionPolicy: policy } = deps;",
      /a face has its facePolicy/,
    ],
  ];
  for (const [file, text, reason] of bad)
    assert.match(complaintsAbout({ path: server + file, text }).join("\n"), reason, text);

  const badPackages = [
    { path: "packages/contract/src/a.ts", text: 'import { readFileSync } from "node:fs";' },
    {
      path: "packages/verifier/src/a.ts",
      text: 'import { failures } from "@portcullis/contract";',
    },
    { path: "packages/verifier/src/a.ts", text: 'import type { Context } from "hono";' },
  ];
  for (const source of badPackages) assert.equal(complaintsAbout(source).length, 1, source.text);
});

test("the layer check lets pass what the house allows", () => {
  const good: readonly (readonly [file: string, text: string])[] = [
    [
      "accounts/users/a.ts",
      'import { b } from "./b.ts";\nimport { c } from "../../platform/kernel/c.ts";\nimport type { Kysely } from "kysely";',
    ],
    [
      "accounts/users/users.store.ts",
      'import { sql } from "kysely";\nexport const all = (db: Db) => db.selectFrom("users").execute();',
    ],
    [
      "accounts/users/register.test.ts",
      'import { world } from "../sessions/testing.ts";\nconst at = new Date();',
    ],
    [
      "interfaces/faces/tag1/a.ts",
      'import { b } from "../drf/b.ts";\nimport { c } from "../../../accounts/factors/c.ts";',
    ],
    ["interfaces/faces/drf/a.ts", 'import { b } from "../account/b.ts";'],
    ["interfaces/faces/jwt/a.ts", 'import { b } from "../drf/b.ts";'],
    [
      "interfaces/faces/djoser/a.ts",
      'import { b } from "../jwt/b.ts";\nimport { c } from "../drf/c.ts";',
    ],
    ["process/compose-faces.ts", 'import { b } from "../interfaces/faces/djoser/b.ts";'],
    [
      "process/compose.ts",
      'import { jobs } from "./jobs.ts";\nconst at = new Date(seconds * 1000);',
    ],
    ["process/cli/serve.ts", 'import { compose } from "../compose.ts";'],
    ["process/main.ts", 'import { run } from "./cli/program.ts";'],
    ["process/compose-faces.ts", "const base = { ...rules, publicUrl, allow };"],
    ["platform/http/app.ts", "const edge = (deps: AppDeps) => ({ ...deps, addressOf });"],
    [
      "interfaces/faces/tag1/a.ts",
      "const a = (deps: Tag1Deps) => ({ ...deps.facePolicy.sessions, sessionTtlSeconds: 60 });",
    ],
    [
      "accounts/sign-in/a.ts",
      "const a = (deps: SignInDeps, asked: Asked) => check(deps, { ...asked, list: [...deps.factors] });",
    ],
    [
      "accounts/sign-in/a.http.ts",
      "const a = (deps: SignInRoutesDeps) => signIn(deps, { policy: deps.signInPolicy });",
    ],
    ["accounts/sign-in/a.ts", "interface A {\n  readonly signInPolicy: SignInPolicy;\n}"],
  ];
  for (const [file, text] of good)
    assert.deepEqual(complaintsAbout({ path: server + file, text }), [], file);
});
