import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The commands of a document and the output that it shows for them. */
export interface Step {
  readonly commands: string;
  readonly printed: string;
}

const STEP =
  /<!-- walk -->\n```sh\n(?<commands>[^`]*(?:`(?!``)[^`]*)*)```\n\n```(?:json)?\n(?<printed>[^`]*)```/g;
const MARK = "--- next step ---";

/** @param document path from the root of the repository */
export function stepsOf(document: string): readonly Step[] {
  const text = readFileSync(new URL(`../../../${document}`, import.meta.url), "utf8");
  const steps = [...text.matchAll(STEP)].map(({ groups }) => ({
    commands: groups?.["commands"] ?? "",
    printed: withoutChance(groups?.["printed"] ?? ""),
  }));
  if (steps.length !== text.split("<!-- walk -->").length - 1)
    throw new Error(`a step of ${document} cannot be read`);
  return steps;
}

/**
 * Runs the steps in one shell, in this folder, against this server, and returns the output of each.
 */
export async function walk(
  steps: readonly Step[],
  { folder, url }: { readonly folder: string; readonly url: string },
): Promise<readonly string[]> {
  const script = steps
    .map(({ commands }) => commands)
    .join(`\necho; echo "${MARK}"\n`)
    .replaceAll("http://localhost:8420", url);
  const PATH = [toolsIn(folder), process.env["PATH"]].join(delimiter);
  const { stdout } = await promisify(execFile)("bash", ["-c", script], {
    cwd: folder,
    env: { ...process.env, PATH },
  });
  return stdout.split(MARK).map(withoutChance);
}

/** Makes a folder with the commands that documents use and this machine may lack. */
function toolsIn(folder: string): string {
  const tools = join(folder, "tools");
  mkdirSync(tools);
  const oathtool = join(tools, "oathtool");
  writeFileSync(
    oathtool,
    `#!/bin/sh\nexec '${process.execPath}' '${fileURLToPath(new URL("./oathtool.ts", import.meta.url))}' "$@"\n`,
  );
  chmodSync(oathtool, 0o755);
  return tools;
}

/**
 * Replaces ids, tokens and times, which differ from run to run. Everything else must be what the
 * page shows.
 */
function withoutChance(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/urn:request:[\w-]{12}/g, "urn:request:ID")
    .replaceAll(/"(\w+Secret)":"[\w-]+"/g, '"$1":"SECRET"')
    .replaceAll(/secret=[A-Z2-7]{32}/g, "secret=SECRET")
    .replaceAll(/"(\w+At)":\d{10}/g, '"$1":TIME')
    .replaceAll(/\n+/g, "\n")
    .trim();
}
