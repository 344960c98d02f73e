import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const server = "packages/server/src/";

/**
 * A file of the server imports from its own folder and from rows above it: never down, never
 * sideways.
 */
const rows = [
  ["kernel"],
  ["db", "http", "hashing"],
  ["audit"],
  ["mail", "revocations", "throttle", "figures"],
  ["users", "tokens"],
  ["sessions"],
  ["sign-in", "recovery"],
  ["factors"],
  ["admin", "faces"],
] as const;

/**
 * What the linter forbids within faces/; that the dialect imports no tokens is for this test alone.
 */
const OTHER_FACES = "^(\\.\\./)+(simplejwt|djoser|tag1)/";

/** compose.ts, main.ts, jobs.ts and cli/: one place, below all rows. */
const composition = { name: "composition", row: rows.length };

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
    door: /^http\/app\.ts$/,
    typesToo: true,
    words: "hono is known to http/app.ts only",
  },
  {
    library: /^@hono\//,
    door: /^http\/node\.ts$/,
    typesToo: true,
    words: "@hono/node-server is known to http/node.ts only",
  },
  {
    library: /^kysely(\/|$)/,
    door: /^db\/|\.store\.ts$/,
    words: "queries are built in db/ and *.store.ts",
  },
  {
    library: /^(pg(\/|$)|node:sqlite$)/,
    door: /^(db|revocations)\//,
    words: "database drivers belong to db/ and revocations/",
  },
  {
    library: /^@node-rs\/argon2/,
    door: /^hashing\//,
    words: "argon2 runs in hashing/, in a child process",
  },
  { library: /^nodemailer/, door: /^mail\//, words: "mail leaves through mail/" },
  {
    library: /^@simplewebauthn\//,
    door: /^factors\/passkeys\//,
    words: "WebAuthn is spoken in factors/passkeys/",
  },
  {
    library: /^otpauth(\/|$)/,
    door: /^factors\//,
    words: "one-time codes are computed in factors/",
  },
  {
    library: /^(qr|pngjs)(\/|$)/,
    door: /^factors\/qr\.ts$/,
    words: "QR codes are drawn in factors/qr.ts",
  },
  { library: /^pino/, door: /^kernel\//, words: "the log is passed in: take a Log in deps" },
  { library: /^node:timers/, door: /^kernel\//, words: "time is passed in: take a Clock in deps" },
];

/** What the linter cannot say, line by line. */
const phrases: readonly {
  readonly phrase: RegExp;
  readonly door: RegExp;
  readonly words: string;
}[] = [
  {
    phrase: /\bnew Date(\(\s*\)|(?!\w|\())/,
    door: /^kernel\//,
    words: "time is passed in: new Date() reads the clock",
  },
  {
    phrase:
      /^import .*\b(randomBytes|randomInt|randomUUID|randomFill(Sync)?)\b.* from "node:crypto"/,
    door: /^kernel\//,
    words: "chance is passed in: take a Random in deps",
  },
  {
    phrase: /\.(selectFrom|insertInto|replaceInto|updateTable|deleteFrom|mergeInto)\(/,
    door: /^db\/|\.store\.ts$/,
    words: "queries are built in db/ and *.store.ts",
  },
];

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

interface Place {
  readonly name: string;
  readonly row: number;
}

/** Where in the house a file of the server lives; `undefined` for a folder that has no row. */
function placeOf(path: string): Place | undefined {
  const [folder = "", ...rest] = path.slice(server.length).split("/");
  if (rest.length === 0 || folder === "cli") return composition;
  const row = rows.findIndex((names) => names.some((name) => name === folder));
  if (row === -1) return undefined;
  return { name: folder === "faces" && rest.length > 1 ? `faces/${rest[0]}` : folder, row };
}

function mayImport(from: Place, to: Place): boolean {
  if (from.name === to.name || to.row < from.row) return true;
  return (
    isFace(from) &&
    (to.name === "faces/drf" || (to.name === "faces/jwt" && from.name !== "faces/drf"))
  );
}

/** Faces share the dialect and, above it, the tokens; nothing else of theirs. */
function isFace({ name }: Place): boolean {
  return name.startsWith("faces/");
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
    return `${specifier}: this folder has no row in tools/layers.test.ts`;
  return mayImport(from, to)
    ? undefined
    : `${from.name} (row ${from.row}) may not import ${to.name} (row ${to.row})`;
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
  if (inner.startsWith("kernel/") && specifier.startsWith("@portcullis/"))
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
  return [...imports, ...lines];
}

const sources: readonly Source[] = globSync("packages/*/{src,test}/**/*.ts", {
  cwd: fileURLToPath(root),
  exclude: (p) => p.includes("node_modules"),
})
  .map((path) => path.replaceAll("\\", "/"))
  .toSorted()
  .map((path) => ({ path, text: readFileSync(new URL(path, root), "utf8") }));

test("every import of the house points upwards, and every library has its door", () => {
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

test("the layer check finds what it is there to find", () => {
  const bad: readonly (readonly [file: string, text: string, reason: RegExp])[] = [
    [
      "users/a.ts",
      'import { b } from "../sessions/b.ts";',
      /:1: users \(row 4\) may not import sessions \(row 5\)/,
    ],
    ["users/a.ts", 'import type { B } from "../tokens/b.ts";', /may not import tokens/],
    ["users/a.ts", 'export * from "../compose.ts";', /may not import composition/],
    [
      "users/a.ts",
      'import {\n  b,\n  type C,\n} from "../faces/drf/b.ts";',
      /may not import faces\/drf/,
    ],
    ["users/a.ts", 'const b = await import("../cli/b.ts");', /may not import composition/],
    ["users/a.ts", '\nfork(new URL("../mailer/child.ts", import.meta.url));', /:2: .* no row/],
    ["users/a.ts", 'import { b } from "../db/testing.ts";', /is for tests/],
    ["users/a.ts", 'import { b } from "../../../verifier/src/b.ts";', /leaves packages\/server/],
    [
      "db/migrations/0001.ts",
      'import { b } from "../../http/b.ts";',
      /db \(row 1\) may not import http/,
    ],
    ["kernel/a.ts", 'import { b } from "../db/b.ts";', /may not import db/],
    ["kernel/a.ts", 'import type { B } from "@portcullis/contract";', /nothing of ours/],
    [
      "faces/tag1/a.ts",
      'import { b } from "../djoser/b.ts";',
      /faces\/tag1 \(row 8\) may not import faces\/djoser/,
    ],
    [
      "faces/drf/a.ts",
      'import { b } from "../tag1/b.ts";',
      /faces\/drf .* may not import faces\/tag1/,
    ],
    [
      "faces/drf/a.ts",
      'import { b } from "../jwt/b.ts";',
      /faces\/drf .* may not import faces\/jwt/,
    ],
    [
      "faces/jwt/a.ts",
      'import { b } from "../djoser/b.ts";',
      /faces\/jwt .* may not import faces\/djoser/,
    ],
    ["admin/a.ts", 'import { b } from "../faces/drf/b.ts";', /admin .* may not import faces\/drf/],
    ["faces/tag1/a.ts", 'import { b } from "../../admin/b.ts";', /may not import admin/],
    ["http/serve.ts", 'import type { Context } from "hono";', /http\/app\.ts only/],
    ["http/app.ts", 'import { serve } from "@hono/node-server";', /http\/node\.ts only/],
    ["users/a.ts", 'import { sql } from "kysely";', /\*\.store\.ts/],
    ["users/a.ts", 'const rows = await db.selectFrom("users").execute();', /\*\.store\.ts/],
    ["users/users.store.ts", 'import pg from "pg";', /drivers/],
    ["cli/backup.ts", 'import { DatabaseSync } from "node:sqlite";', /drivers/],
    ["users/passwords.ts", 'import { hash } from "@node-rs/argon2";', /child process/],
    [
      "factors/a.ts",
      'import { verifyRegistrationResponse } from "@simplewebauthn/server";',
      /factors\/passkeys/,
    ],
    ["sign-in/a.ts", 'import { TOTP } from "otpauth";', /computed in factors/],
    ["factors/totp.ts", 'import encodeQR from "qr";', /factors\/qr\.ts/],
    ["sign-in/a.ts", 'import { b } from "../factors/b.ts";', /may not import factors/],
    ["users/a.ts", "const at = new Date().getTime();", /reads the clock/],
    ["users/a.ts", 'import { createHash, randomBytes } from "node:crypto";', /take a Random/],
    ["users/a.ts", 'import { setTimeout } from "node:timers/promises";', /take a Clock/],
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
      "users/a.ts",
      'import { b } from "./b.ts";\nimport { c } from "../kernel/c.ts";\nimport type { Kysely } from "kysely";',
    ],
    [
      "users/users.store.ts",
      'import { sql } from "kysely";\nexport const all = (db: Db) => db.selectFrom("users").execute();',
    ],
    [
      "users/register.test.ts",
      'import { world } from "../sessions/testing.ts";\nconst at = new Date();',
    ],
    [
      "faces/tag1/a.ts",
      'import { b } from "../drf/b.ts";\nimport { c } from "../../factors/c.ts";',
    ],
    ["faces/jwt/a.ts", 'import { b } from "../drf/b.ts";'],
    ["faces/djoser/a.ts", 'import { b } from "../jwt/b.ts";\nimport { c } from "../drf/c.ts";'],
    ["compose-faces.ts", 'import { b } from "./faces/djoser/b.ts";'],
    [
      "compose.ts",
      'import { b } from "./faces/tag1/b.ts";\nimport { jobs } from "./jobs.ts";\nconst at = new Date(seconds * 1000);',
    ],
    ["cli/serve.ts", 'import { compose } from "../compose.ts";'],
  ];
  for (const [file, text] of good)
    assert.deepEqual(complaintsAbout({ path: server + file, text }), [], file);
});

test("the linter says the same in the editor", () => {
  const config: unknown = JSON.parse(readFileSync(new URL(".oxlintrc.json", root), "utf8"));
  const { overrides } = config as {
    overrides: { files: string[]; rules: Record<string, unknown> }[];
  };
  const names = rows.flat();
  for (const name of names) {
    const { row } = placeOf(`${server}${name}/a.ts`) ?? composition;
    const forbidden = rows.flatMap((folders, index) =>
      folders.filter((f) => index > row || (index === row && f !== name)),
    );
    const regex = `^(\\.\\./)+((${[...forbidden, "cli"].join("|")})/|(compose|main|jobs)\\.ts$)`;
    const rule = overrides.find(
      ({ files, rules }) =>
        files.includes(`${server}${name}/**`) && "no-restricted-imports" in rules,
    );
    assert.ok(
      JSON.stringify(rule).includes(JSON.stringify(regex)),
      `.oxlintrc.json: ${name} should forbid ${regex}`,
    );
    if (name === "faces")
      assert.ok(
        JSON.stringify(rule).includes(JSON.stringify(OTHER_FACES)),
        `.oxlintrc.json: faces should forbid ${OTHER_FACES}`,
      );
  }
});
