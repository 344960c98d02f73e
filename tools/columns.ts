/**
 * Lists the lines of code and documents that are wider than 100 columns:
 *
 *     node tools/columns.ts
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { filesOfTree } from "./tree.ts";

const root = join(import.meta.dirname, "..");

export const COLUMNS = 100;

/** The results of measurements have their own form, and a recording is never edited. */
const LEFT_ALONE = /^bench\/results\.md$|\/recordings\//;

export interface WideLine {
  readonly path: string;
  readonly line: number;
  readonly columns: number;
}

/** The files with a limit: code and documents. */
export function filesWithColumns(): readonly string[] {
  return filesOfTree(root).filter((path) => /\.(ts|md)$/.test(path) && !LEFT_ALONE.test(path));
}

export function wideLinesOf(path: string): readonly WideLine[] {
  const text = readFileSync(join(root, path), "utf8");
  return path.endsWith(".md") ? wideLinesOfDocument(path, text) : wideLinesOfCode(path, text);
}

const tooWide = (text: string): boolean => [...text].length > COLUMNS;

/**
 * A document may have wide tables and wide code blocks, which cannot be broken, and a wide word,
 * such as an address.
 */
export function wideLinesOfDocument(path: string, text: string): readonly WideLine[] {
  let fenced = false;
  return text.split("\n").flatMap((content, index) => {
    const fence = content.trimStart().startsWith("```");
    if (fence) fenced = !fenced;
    if (fence || fenced || content.trimStart().startsWith("|") || !tooWide(content)) return [];
    return isOneWord(content) ? [] : [{ path, line: index + 1, columns: [...content].length }];
  });
}

/**
 * The formatter breaks code everywhere but within strings, templates (with the code in them) and
 * regular expressions, so what counts is the width of a line without them. A comment may hold a
 * wide word, such as an address.
 */
export function wideLinesOfCode(path: string, text: string): readonly WideLine[] {
  const lines = text.split("\n");
  if (!lines.some(tooWide)) return [];
  const blanked = withoutLiterals(path, text).split("\n");
  return lines.flatMap((content, index) =>
    tooWide(content) && tooWide(blanked[index] ?? "") && !isOneWord(content)
      ? [{ path, line: index + 1, columns: [...content].length }]
      : [],
  );
}

/**
 * Tells whether a line is one word, after the marks of a comment or a list, that is too wide by
 * itself.
 */
const isOneWord = (content: string): boolean =>
  /^\s*(?:(?:\/\/|\*|-|\/\*\*)\s+)?(?:@\w+\s+)?\S+$/.test(content.trimEnd());

function withoutLiterals(path: string, text: string): string {
  const spans: { readonly start: number; readonly end: number }[] = [];
  new Visitor({
    Literal: (node) =>
      void (typeof node.value === "string" || "regex" in node ? spans.push(node) : 0),
    TemplateLiteral: (node) => void spans.push(node),
  }).visit(parseSync(path, text).program);
  let kept = "";
  let from = 0;
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    if (start < from) continue;
    kept += text.slice(from, start) + text.slice(start, end).replace(/[^\n]/g, "");
    from = end;
  }
  return kept + text.slice(from);
}

if (import.meta.main)
  for (const { path, line, columns } of filesWithColumns().flatMap(wideLinesOf))
    console.log(`${path}:${line}: ${columns} columns`);
