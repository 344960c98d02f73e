import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { filesOfTree } from "./tree.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** This file quotes what it forbids. */
const itself = "tools/words.test.ts";

/**
 * Published vectors, recorded answers of other systems and values made for one test are long hex,
 * but no secrets.
 */
const isForTests = (path: string) =>
  /\.test\.ts$|(^|\/)(testing\.ts|test|fixtures|recordings)(\/|$)/.test(path);

interface Rule {
  readonly what: string;
  readonly pattern: RegExp;
  readonly except?: (path: string, match: string) => boolean;
}

/**
 * These files try domains of other scripts, A-labels and malformed ones, of which the example
 * domains have none.
 */
const addressCorpora = new Set([
  "packages/server/src/accounts/users/address.test.ts",
  "packages/server/src/interfaces/faces/drf/dialect.test.ts",
  "packages/server/src/interfaces/faces/drf/fields.test.ts",
  "packages/server/test/contracts/recordings/tag1.json",
]);

/** Holds the key of a mail server that tests start, with a certificate for localhost. */
const keyOfTests = "packages/server/test/smtp-sink.ts";

const exampleDomain = /[@.](example\.(com|org|net)|test|example|localhost|invalid)$/i;

const rules: readonly Rule[] = [
  {
    what: "a path of somebody's machine",
    pattern: /(?<![\w.~-])(\/(home|Users|root|work|farm)\/[\w.-]+|[A-Z]:\\Users\\)/g,
  },
  {
    what: "the address of a package registry",
    pattern: /registry\.(npmjs|yarnpkg)\.\w+|artifactory|verdaccio|"resolved": "https?:/gi,
  },
  {
    what: "an e-mail address outside the example domains",
    pattern: /[\w.+-]+@([a-z0-9-]+\.)+[a-z]{2,}\b/gi,
    except: (path, match) => exampleDomain.test(match) || addressCorpora.has(path),
  },
  {
    what: "a private key",
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----(\\n|\s)+[\w+/=]{20}/g,
    except: (path) => path === keyOfTests,
  },
  {
    what: "somebody's access token",
    pattern: /\b(gh[pousr]_|github_pat_|npm_)\w{30,}|\bAKIA[0-9A-Z]{16}\b|\bxox[abp]-[\w-]{10,}/g,
  },
  { what: "a long hex constant", pattern: /\b[0-9a-f]{40,}\b/gi, except: isForTests },
];

function complaintsAbout(path: string, text: string): readonly string[] {
  return rules.flatMap(({ what, pattern, except }) =>
    [...text.matchAll(pattern)]
      .filter(([match]) => except?.(path, match) !== true)
      .map(
        (m) =>
          `${path}:${text.slice(0, m.index).split("\n").length}: ${what}: ${m[0].slice(0, 60)}`,
      ),
  );
}

const isText = (bytes: Buffer) => !bytes.subarray(0, 8000).includes(0);

const texts = filesOfTree(root)
  .filter((path) => path !== itself)
  .map((path) => ({ path, bytes: readFileSync(posix.join(root, path)) }))
  .filter(({ bytes }) => isText(bytes))
  .map(({ path, bytes }) => ({ path, text: bytes.toString("utf8") }));

test("the tree names no machine, no registry, no person and no secret", () => {
  assert.deepEqual(
    texts.flatMap(({ path, text }) => complaintsAbout(path, text)),
    [],
  );
});

test("the word check is awake: it sees the tree, hidden files and the lockfile included", () => {
  const paths = new Set(texts.map(({ path }) => path));
  for (const path of [
    "package-lock.json",
    ".ci/run",
    "packages/server/src/process/main.ts",
    "LICENSE",
  ])
    assert.ok(paths.has(path), path);
  assert.ok(paths.size >= 100, `only ${paths.size} files seen`);
});

test("the word check finds what it is there to find", () => {
  const bad = [
    'const data = "/home/anna/data";',
    "open(/Users/anna)",
    String.raw`C:\Users\anna`,
    '"resolved": "https://mirror.example.com/zod.tgz"',
    "npm config set registry https://registry.npmjs.org",
    "write to anna@gmail.com",
    "write to anna@example.company.com",
    `-----BEGIN EC PRIVATE KEY-----\n${"MHcCAQEE".repeat(4)}`,
    `token ghp_${"a1B2".repeat(9)}`,
    `const pepper = "${"0123456789abcdef".repeat(3)}";`,
  ];
  for (const text of bad)
    assert.equal(complaintsAbout("packages/server/src/a.ts", text).length, 1, text);

  const good = [
    "anna@example.com, bo@mail.example.org, cy@app.test, di@localhost, zod@4.6.7, postgres://u:p@127.0.0.1/db",
    "GET /api/users/me, /v1/home, ~/work/x, bench/.work/run, /var/lib/portcullis",
    "-----BEGIN PRIVATE KEY----- is how a PEM file begins",
    "0190b7a4-6a3e-7cc0-8f0e-1d2c3b4a5968",
  ];
  for (const text of good)
    assert.deepEqual(complaintsAbout("packages/server/src/a.ts", text), [], text);
  assert.deepEqual(
    complaintsAbout(
      "packages/server/src/tokens/totp.test.ts",
      `"${"3132333435363738393".repeat(4)}"`,
    ),
    [],
  );
});
