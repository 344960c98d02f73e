/**
 * Lists the comments and public texts that are not plain English, with the shares of each folder:
 *
 *     node tools/prose.ts [file or folder …]
 */
import { readFileSync } from "node:fs";
import { join, posix, relative, resolve } from "node:path";
import { sentencesOf, type Sentence } from "./sentences.ts";
import { filesOfTree } from "./tree.ts";

const root = join(import.meta.dirname, "..");

export type Fault = "fragment" | "marker";

export interface Hit {
  readonly path: string;
  readonly line: number;
  readonly kind: Sentence["kind"];
  readonly fault: Fault;
  readonly words: string;
}

export interface Count {
  readonly sentences: number;
  readonly fragments: number;
  readonly markers: number;
}

export interface Survey {
  readonly hits: readonly Hit[];
  /** The counts of everything that was read, and of each folder. */
  readonly counts: ReadonlyMap<string, Readonly<Record<Sentence["kind"], Count>>>;
}

/** A comment or text with one of these as its first word is rarely a sentence. */
const FRAGMENT =
  /^(of|by|as|with|whom|whose|who|whoever|what|where|until|under|without)\b(?![-'’])/i;

/** Words of our own dialect that make a sentence hard to read. */
const MARKER =
  /\b(whoever|whomever|whom|nobody|meanwhile|lest)\b|\bwho has\b|(?<!\bthere )\bis none\b/i;

/** Matches what may stand before the first word: ids of requirements, dashes, quotation marks. */
const LEAD = /^((\b[A-Z]{1,2}-\d{2}[a-z]?\b|[\s,;:–—·*"“(]|and(?= [A-Z]{2}-\d))*)/;

export function faultsOf(words: string): readonly Fault[] {
  const faults: Fault[] = [];
  if (FRAGMENT.test(words.replace(LEAD, ""))) faults.push("fragment");
  if (MARKER.test(words)) faults.push("marker");
  return faults;
}

export function survey(paths: readonly string[]): Survey {
  const hits: Hit[] = [];
  const counts = new Map<string, Record<Sentence["kind"], Count>>();
  for (const path of paths) {
    for (const { kind, line, words } of sentencesOf(path, readFileSync(join(root, path), "utf8"))) {
      const faults = faultsOf(words);
      hits.push(...faults.map((fault) => ({ path, line, kind, fault, words })));
      for (const folder of ["", folderOf(path)]) {
        const count = counts.get(folder) ?? { comment: NONE, text: NONE };
        const { sentences, fragments, markers } = count[kind];
        count[kind] = {
          sentences: sentences + 1,
          fragments: fragments + Number(faults.includes("fragment")),
          markers: markers + Number(faults.includes("marker")),
        };
        counts.set(folder, count);
      }
    }
  }
  return { hits, counts };
}

const NONE: Count = { sentences: 0, fragments: 0, markers: 0 };

/** `packages/server/src/accounts/users` is as deep as a folder of the table goes. */
const folderOf = (path: string): string => posix.dirname(path).split("/").slice(0, 5).join("/");

/** Every TypeScript file that git tracks. */
export function sources(): readonly string[] {
  return filesOfTree(root).filter((path) => path.endsWith(".ts"));
}

export function table({ counts }: Survey): string {
  const share = (part: number, of: number) =>
    of === 0 ? "–" : `${((100 * part) / of).toFixed(1)} %`;
  const cells = ({ sentences, fragments, markers }: Count) =>
    [String(sentences), share(fragments, sentences), share(markers, sentences)]
      .map((cell) => cell.padStart(9))
      .join("");
  const rows = [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([folder, { comment, text }]) =>
        `${(folder || "all").padEnd(52)}${cells(comment)}${cells(text)}`,
    );
  const heads = ["comments", "fragment", "marker", "texts", "fragment", "marker"];
  return [" ".repeat(52) + heads.map((head) => head.padStart(9)).join(""), ...rows].join("\n");
}

export const lineOf = ({ path, line, fault, kind, words }: Hit): string =>
  `${path}:${line}: ${fault} in a ${kind}: ${words.slice(0, 140)}`;

if (import.meta.main) {
  const asked = process.argv.slice(2).map((path) => relative(root, resolve(path)));
  const paths = sources().filter(
    (path) =>
      asked.length === 0 ||
      asked.some((under) => under === "" || path === under || path.startsWith(`${under}/`)),
  );
  const found = survey(paths);
  console.log(found.hits.map(lineOf).join("\n"));
  console.log(`\n${table(found)}`);
}
