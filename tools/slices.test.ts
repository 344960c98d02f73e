import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");
const SERVER = "packages/server/src";

/**
 * What has to go with a slice; every line of `joints` that names something imported from what is
 * deleted goes too.
 */
interface Slice {
  readonly name: string;
  readonly deleted: readonly string[];
  readonly joints: readonly string[];
  readonly tables: readonly string[];
}

const slices: readonly Slice[] = [
  {
    name: "recovery",
    // Two faces stand on it.
    deleted: [
      `${SERVER}/recovery`,
      "packages/contract/src/endpoints/recovery.ts",
      `${SERVER}/faces/djoser`,
      `${SERVER}/faces/tag1`,
    ],
    joints: [
      `${SERVER}/compose.ts`,
      `${SERVER}/compose-faces.ts`,
      `${SERVER}/jobs.ts`,
      "packages/contract/src/endpoints.ts",
    ],
    tables: ["password_resets", "email_changes"],
  },
  {
    name: "factors",
    // A face stands on it, and the import brings factors along.
    deleted: [
      `${SERVER}/factors`,
      "packages/contract/src/endpoints/factors.ts",
      `${SERVER}/cli/factors.ts`,
      `${SERVER}/cli/import-django`,
      `${SERVER}/faces/tag1`,
    ],
    joints: [
      `${SERVER}/compose.ts`,
      `${SERVER}/compose-faces.ts`,
      `${SERVER}/jobs.ts`,
      `${SERVER}/cli/program.ts`,
      "packages/contract/src/endpoints.ts",
    ],
    tables: [
      "totp_devices",
      "recovery_codes",
      "email_factors",
      "email_codes",
      "passkeys",
      "ceremonies",
    ],
  },
  {
    name: "admin",
    deleted: [
      `${SERVER}/admin`,
      "packages/contract/src/endpoints/admin.ts",
      `${SERVER}/cli/users.ts`,
    ],
    joints: [
      `${SERVER}/compose.ts`,
      `${SERVER}/cli/program.ts`,
      "packages/contract/src/endpoints.ts",
    ],
    tables: [],
  },
  ...["simplejwt", "djoser", "tag1"].map((name) => ({
    name,
    deleted: [`${SERVER}/faces/${name}`],
    joints: [`${SERVER}/compose-faces.ts`],
    tables: [],
  })),
];

for (const slice of slices) {
  test(`without the slice ${slice.name} the rest type-checks and starts`, () => {
    const copy = mkdtempSync(join(tmpdir(), "portcullis-slice-"));
    try {
      copyTree(copy);
      cutOut(copy, slice);
      const types = spawnSync(join(root, "node_modules/.bin/tsc"), ["--noEmit", "-p", copy], {
        encoding: "utf8",
      });
      assert.equal(types.stdout, "");
      const started = spawnSync(
        process.execPath,
        [join(copy, "packages/server/bin/portcullis.js"), "doctor"],
        {
          encoding: "utf8",
          env: { PATH: process.env["PATH"], PORTCULLIS_DATA_DIR: join(copy, "data") },
        },
      );
      assert.equal(started.status, 0, started.stdout + started.stderr);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
}

/**
 * The tracked files without tests, beside the installed libraries; our own packages resolve to the
 * copy.
 */
function copyTree(copy: string): void {
  const files = execFileSync(
    "git",
    [
      "ls-files",
      "--cached",
      "--others",
      "--exclude-standard",
      "packages",
      "tsconfig.json",
      "package.json",
    ],
    { cwd: root, encoding: "utf8" },
  );
  const wanted = files
    .split("\n")
    .filter(
      (file) =>
        file !== "" &&
        existsSync(join(root, file)) &&
        !/\.test\.ts$|\/test\/|\/testing\.ts$/.test(file),
    );
  assert.ok(wanted.length > 100, "the tree was seen");
  for (const file of wanted) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  for (const name of ["contract", "verifier"]) {
    mkdirSync(join(copy, "packages/node_modules/@portcullis"), { recursive: true });
    symlinkSync(
      join(copy, "packages", name),
      join(copy, "packages/node_modules/@portcullis", name),
    );
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
}

function cutOut(copy: string, slice: Slice): void {
  for (const path of slice.deleted) rmSync(join(copy, path), { recursive: true });
  for (const joint of slice.joints)
    rewrite(join(copy, joint), (text) => withoutImports(text, joint, slice));
  rewrite(join(copy, `${SERVER}/db/tables.ts`), (text) => slice.tables.reduce(withoutTable, text));
  rewrite(join(copy, `${SERVER}/cli/backup/backup.store.ts`), (text) =>
    slice.tables.reduce(withoutBackup, text),
  );
}

function rewrite(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, "utf8")));
}

function withoutImports(text: string, joint: string, { deleted }: Slice): string {
  const gone = (specifier: string): boolean => {
    const target = join(dirname(joint), specifier);
    return deleted.some((path) => target === path || target.startsWith(`${path}/`));
  };
  const imports = [
    ...text.matchAll(/^import (?:type )?(?:\* as (\w+)|\{([^}]*)\}) from "([^"]+)";\n/gm),
  ].filter((match) => gone(match[3] ?? ""));
  assert.ok(imports.length > 0, "a joint imports what is deleted");
  const names = imports.flatMap((match) =>
    (match[1] ?? match[2] ?? "").split(",").map((part) => part.trim().replace(/^type /, "")),
  );
  let rest = imports.reduce((left, match) => left.replace(match[0], ""), text);
  for (const name of names) {
    // A line of its own, or one element of a list on a line.
    rest = rest
      .replace(new RegExp(`^.*\\b(?:\\.\\.\\.)?${name}\\(.*\\n`, "gm"), "")
      .replace(new RegExp(`^ *(?:\\.\\.\\.)?${name},\\n`, "gm"), "")
      .replaceAll(new RegExp(`,? (?:\\.\\.\\.)?${name}\\b(?=[,\\] }])`, "g"), "");
  }
  return withoutOrphans(rest);
}

/** Functions of the joint itself that nothing mentions any more. */
function withoutOrphans(text: string): string {
  const functions = [...text.matchAll(/^(?:\/\*\*.*\*\/\n)?function (\w+)\([\s\S]*?^\}\n/gm)];
  const orphan = functions.find(([, name = ""]) => text.split(name).length === 2);
  return orphan === undefined ? text : withoutOrphans(text.replace(orphan[0], ""));
}

function withoutTable(text: string, table: string): string {
  const type = new RegExp(`^  ${table}: (\\w+);\\n`, "m").exec(text);
  assert.ok(type !== null, `the table ${table} is on the page`);
  return text
    .replace(type[0], "")
    .replace(new RegExp(`^export interface ${type[1]} \\{[\\s\\S]*?^\\}\\n`, "m"), "");
}

/** The backup names each table on lines of their own. */
function withoutBackup(text: string, table: string): string {
  const without = text.replaceAll(new RegExp(`^.*\\b${table}\\b.*\n`, "gm"), "");
  assert.notEqual(without, text, `the backup knows the table ${table}`);
  return without;
}
