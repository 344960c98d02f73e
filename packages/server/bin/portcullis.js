#!/usr/bin/env node
// Plain JavaScript, for any Node.js that npm may find: it hands over to the one that can run the rest.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

if (Number.parseInt(process.versions.node, 10) >= 24) {
  // Stripped types and compiled code are kept between starts: half the time to ready, a quarter less memory.
  module.enableCompileCache(join(here, "..", ".cache"));
  await import("../src/process/main.ts");
} else {
  runAgain(findRuntime(here));
}

/** The Node.js that `npm ci` brought. */
function findRuntime(folder) {
  const runtime = join(
    folder,
    "node_modules",
    ".bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  if (existsSync(runtime)) return runtime;
  return dirname(folder) === folder ? undefined : findRuntime(dirname(folder));
}

function runAgain(runtime) {
  if (runtime === undefined) {
    process.stderr.write(
      `portcullis: Node.js ${process.versions.node} is too old: install Node.js 24 or later, or run \`npm ci\` and \`npx portcullis\`.\n`,
    );
    process.exitCode = 1;
    return;
  }
  const child = spawn(runtime, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  // A terminal sends Ctrl+C to both of us; the second one would cut the drain short.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  child.once("error", (error) => {
    process.stderr.write(
      `portcullis: ${runtime} cannot be run (${error.message}): run \`npm ci\` again.\n`,
    );
    process.exitCode = 1;
  });
  child.once("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}
