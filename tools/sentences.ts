import {
  parseSync,
  Visitor,
  type Comment,
  type Expression,
  type PrivateIdentifier,
} from "oxc-parser";

/** A comment, or a text for a user, an operator or the reader of a test report. */
export interface Sentence {
  readonly kind: "comment" | "text";
  /** Counted from 1. */
  readonly line: number;
  readonly words: string;
}

/** Stands for `${…}` in a template, and for code in a comment. */
const GAP = "…";

/** Members whose value is a public text even if it is short. */
const TEXT_MEMBERS = new Set(["summary", "description", "title", "about", "help"]);

const DIRECTIVE =
  /^[\s*/]*(oxlint-|eslint-|oxfmt-|prettier-|@ts-|<reference|#(end)?region|[@#]__PURE__|c8 |node:coverage)/;
const LICENCE = /\b(copyright|SPDX-|licensed under|permission is hereby granted)\b/i;
const SQL =
  /^\s*(--|\(|select\b|insert (or \w+ )?into\b|update \S+ set\b|delete from\b|create (unique |temp|table|index|trigger|function|type|view|or replace|database|role|schema|sequence)|alter (table|system|role)|drop (table|index|trigger)|pragma\b|begin( immediate)?\b|commit\b|with \w+ as\b|vacuum\b|attach\b|lock table|notify\b|listen\b|set (local|session|statement)|language )/i;

/** The comments and the public texts of a TypeScript file, in the order of its lines. */
export function sentencesOf(path: string, source: string): readonly Sentence[] {
  const { comments, program, errors } = parseSync(path, source);
  if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0]?.message}`);
  const lineOf = lineCounter(source);
  const texts = path.endsWith(".test.ts") ? testNames(program) : publicTexts(program);
  return [
    ...runs(comments, source)
      .filter(({ raw }) => !DIRECTIVE.test(raw) && !LICENCE.test(raw))
      .map(({ raw, start }) => ({
        kind: "comment" as const,
        line: lineOf(start),
        words: proseOf(raw),
      })),
    ...texts.map(({ start, words }) => ({ kind: "text" as const, line: lineOf(start), words })),
  ]
    .filter(({ words }) => /\p{L}{2}/u.test(words))
    .toSorted((a, b) => a.line - b.line);
}

/** Returns a function that tells the line of an offset. Ask it in any order. */
function lineCounter(source: string): (offset: number) => number {
  const starts = [0, ...[...source.matchAll(/\n/g)].map((m) => m.index + 1)];
  return (offset) => {
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? Infinity) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Joins the `//` lines that follow one another in the same column to one comment. */
function runs(
  comments: readonly Comment[],
  source: string,
): readonly { readonly start: number; readonly raw: string }[] {
  const joined: { start: number; end: number; raw: string; line: boolean; alone: boolean }[] = [];
  const column = (offset: number) => offset - (source.lastIndexOf("\n", offset - 1) + 1);
  for (const { type, value, start, end } of comments) {
    const before = source.slice(start - column(start), start);
    const alone = before.trim() === "";
    const last = joined.at(-1);
    if (
      last?.line === true &&
      last.alone &&
      type === "Line" &&
      alone &&
      column(last.start) === column(start) &&
      /^\r?\n[ \t]*$/.test(source.slice(last.end, start)) &&
      !DIRECTIVE.test(value) &&
      !DIRECTIVE.test(last.raw)
    ) {
      last.raw += `\n${value}`;
      last.end = end;
    } else joined.push({ start, end, raw: value, line: type === "Line", alone });
  }
  return joined;
}

/** Returns the words of a comment without its frame, its examples and the code in it. */
function proseOf(raw: string): string {
  return raw
    .replace(/^\s*\* ?/gm, "")
    .replace(/```[\s\S]*?```/g, GAP)
    .replace(/`[^`]*`/g, GAP)
    .replace(/[─━═]+/g, "")
    .replace(/@(example)\b[\s\S]*?(?=\n@|$)/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

interface Text {
  readonly start: number;
  readonly words: string;
}

type Program = ReturnType<typeof parseSync>["program"];

/**
 * Names of tests: the first argument of a call whose last argument is a function, if it has at
 * least two words.
 */
function testNames(program: Program): readonly Text[] {
  const names: Text[] = [];
  new Visitor({
    CallExpression({ arguments: given }) {
      const [first, ...others] = given;
      const last = others.at(-1);
      if (last?.type !== "ArrowFunctionExpression" && last?.type !== "FunctionExpression") return;
      if (first === undefined || first.type === "SpreadElement") return;
      const words = textOf(first);
      if (words?.includes(" ") === true) names.push({ start: first.start, words: plain(words) });
    },
  }).visit(program);
  return names;
}

/**
 * Finds the strings of production code with at least three words, and shorter ones if a member of
 * that name is shown to people. SQL and tagged templates do not count.
 */
function publicTexts(program: Program): readonly Text[] {
  const texts: Text[] = [];
  const seen = new Set<number>();
  const add = (node: Expression, fewestSpaces: number): void => {
    const words = textOf(node);
    if (words === undefined) return;
    parts(node).forEach((part) => seen.add(part.start));
    if (!SQL.test(words) && words.trim().split(/\s+/).length > fewestSpaces && !isCode(words))
      texts.push({ start: node.start, words: plain(words) });
  };
  new Visitor({
    Property({ key, value }) {
      const name =
        key.type === "Identifier" ? key.name : key.type === "Literal" ? String(key.value) : "";
      if (TEXT_MEMBERS.has(name) && isExpression(value)) add(value, 0);
    },
    TaggedTemplateExpression({ quasi }) {
      seen.add(quasi.start);
    },
    BinaryExpression(node) {
      if (!seen.has(node.start)) add(node, 2);
    },
    TemplateLiteral(node) {
      if (!seen.has(node.start)) add(node, 2);
    },
    Literal(node) {
      if (!seen.has(node.start)) add(node, 2);
    },
  }).visit(program);
  return texts;
}

const isExpression = (node: { readonly type: string }): node is Expression =>
  ["Literal", "TemplateLiteral", "BinaryExpression"].includes(node.type);

/** HTML, CSS and content security policies have words, but are not read as sentences. */
const isCode = (words: string): boolean => /[{}=<>]\s|=>|<\/?\w+|'(none|self)'/.test(words);

const plain = (words: string): string =>
  words
    .replace(/`[^`]*`/g, GAP)
    .replace(/\s+/g, " ")
    .trim();

/** The text of a string, a template or a sum of them; `undefined` for anything else. */
function textOf(node: Expression | PrivateIdentifier): string | undefined {
  if (node.type === "Literal") return typeof node.value === "string" ? node.value : undefined;
  if (node.type === "TemplateLiteral")
    return node.quasis.map(({ value }) => value.cooked ?? value.raw).join(GAP);
  if (node.type !== "BinaryExpression" || node.operator !== "+") return undefined;
  const [left, right] = [textOf(node.left), textOf(node.right)];
  if (left === undefined && right === undefined) return undefined;
  return `${left ?? GAP}${right ?? GAP}`;
}

function parts(node: Expression | PrivateIdentifier): readonly { readonly start: number }[] {
  return node.type === "BinaryExpression"
    ? [node, ...parts(node.left), ...parts(node.right)]
    : [node];
}
