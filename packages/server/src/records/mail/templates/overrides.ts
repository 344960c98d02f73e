import Mustache from "mustache";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sampleMoment } from "./contents.ts";
import { canonicalLanguage } from "./language.ts";
import { code, htmlOf, paragraph, type Block, type Frame, type Letter } from "./letter.ts";
import type { Facts, Template, Templates } from "./template.ts";
import { oneLine } from "./text.ts";

/** A letter in an operator's own words. */
export interface OwnTemplate {
  write(facts: Facts): Letter;
}

/** An operator's templates, by language in canonical form, then by name. */
export type Overrides = ReadonlyMap<string, ReadonlyMap<string, OwnTemplate>>;

/**
 * Reads an operator's own templates: `<language>/<name>.txt`, and beside it `<name>.html` if the
 * HTML is not to be made from the text. Each is tried once with a sample, so that a mistake shows
 * at the start and not in a mail.
 *
 * @throws {RangeError} naming the file and what to write
 */
export function readOverrides(directory: string, templates: Templates): Overrides {
  const overrides = new Map<string, ReadonlyMap<string, OwnTemplate>>();
  for (const folder of entriesOf(directory, ".")) {
    const language = canonicalLanguage(folder);
    if (language === undefined)
      throw new RangeError(
        `${folder} is not a language: the directory holds one folder for each, such as de or pt-BR`,
      );
    if (overrides.has(language))
      throw new RangeError(`${folder} is there twice: keep one folder for ${language}`);
    overrides.set(language, readLanguage({ directory, folder, language, templates }));
  }
  return overrides;
}

interface Folder {
  readonly directory: string;
  readonly folder: string;
  readonly language: string;
  readonly templates: Templates;
}

function readLanguage(given: Folder): ReadonlyMap<string, OwnTemplate> {
  const { directory, folder, templates } = given;
  const files = new Set(entriesOf(directory, folder));
  const read = new Map<string, OwnTemplate>();
  for (const file of files) {
    const [, name = "", ending] = /^(.*)\.(txt|html)$/.exec(file) ?? [];
    const template = Object.hasOwn(templates, name) ? templates[name] : undefined;
    if (template === undefined)
      throw new RangeError(
        `${folder}/${file} is no template: name it ${Object.keys(templates).join(", ")} with .txt or .html`,
      );
    if (ending === "txt")
      read.set(
        name,
        readTemplate({ ...given, name, template, hasHtml: files.has(`${name}.html`) }),
      );
    else if (!files.has(`${name}.txt`))
      throw new RangeError(
        `${folder}/${file} needs ${name}.txt beside it, with the subject and the text`,
      );
  }
  return read;
}

interface Found extends Folder {
  readonly name: string;
  readonly template: Template;
  readonly hasHtml: boolean;
}

function readTemplate({
  directory,
  folder,
  language,
  name,
  template,
  hasHtml,
}: Found): OwnTemplate {
  const file = `${folder}/${name}.txt`;
  const source = contentOf(directory, file);
  const parts = /^Subject:[ \t]*(\S[^\n]*)\n[ \t]*\n(.*\S.*)$/is.exec(source);
  if (parts === null)
    throw new RangeError(
      `${file} must begin with a line "Subject: …" and a blank line, and go on with the text`,
    );
  const facts = template.facts(template.sample, {
    serviceName: "Acme",
    publicUrl: "https://acme.test",
    now: sampleMoment,
    language,
  });

  const subject = renderer(file, parts[1] ?? "", facts, asIs);
  const body = renderer(file, parts[2] ?? "", facts, asIs);
  const htmlFile = `${folder}/${name}.html`;
  const html = hasHtml
    ? renderer(htmlFile, contentOf(directory, htmlFile), facts, Mustache.escape)
    : undefined;

  const write = (given: Facts): Letter => {
    const said = {
      subject: oneLine(subject(given)),
      text: `${body(given)
        .replace(/^(?:[ \t]*\n)+/, "")
        .trimEnd()}\n`,
    };
    return {
      ...said,
      html:
        html?.(given) ?? htmlOfText(said, { language, serviceName: given["serviceName"] ?? "" }),
    };
  };
  if (/^\s*$|[\n\v\f\r\u0085\u2028\u2029]/.test(subject(facts)))
    throw new RangeError(`${file} must have a subject, and one of one line`);
  requireMeans(file, body, facts);
  if (html !== undefined) requireMeans(htmlFile, html, facts);
  return { write };
}

/**
 * Refuses a template without the code or the link that its mail brings, because the mail would be
 * of no use.
 */
function requireMeans(file: string, render: Renderer, facts: Facts): void {
  const means = ["code", "link"].find((name) => Object.hasOwn(facts, name));
  const witness = "not-changed-by-escaping";
  if (means !== undefined && !render({ ...facts, [means]: witness }).includes(witness))
    throw new RangeError(`${file} must say {{${means}}}`);
}

type Renderer = (facts: Facts) => string;

/** Parses and checks a template, which may only state the given facts, escaped. */
function renderer(
  file: string,
  source: string,
  facts: Facts,
  escape: (text: string) => string,
): Renderer {
  const writer = new Mustache.Writer();
  try {
    refuseTags(file, writer.parse(source), facts);
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    throw new RangeError(
      `${file} is not a Mustache template: ${cause instanceof Error ? cause.message : "it cannot be parsed"}`,
      {
        cause,
      },
    );
  }
  return (given) => writer.render(source, given, undefined, { escape });
}

type Spans = ReturnType<typeof Mustache.parse>;

function refuseTags(file: string, spans: Spans, facts: Facts): void {
  for (const [kind, name, , , inner] of spans) {
    if (kind === "&")
      throw new RangeError(
        `${file} must not use {{{${name}}}} or {{&${name}}}, which are not escaped: write {{${name}}}`,
      );
    if (kind === ">" || kind === "=")
      throw new RangeError(
        `${file} must not use {{${kind}${name}}}: neither other files nor other delimiters are supported`,
      );
    if (["name", "#", "^"].includes(kind) && !Object.hasOwn(facts, name))
      throw new RangeError(
        `${file} has no {{${name}}} to say: there are ${Object.keys(facts).toSorted().join(", ")}`,
      );
    if (Array.isArray(inner)) refuseTags(file, inner, facts);
  }
}

function asIs(text: string): string {
  return text;
}

/**
 * Writes the paragraphs of a text as HTML, with links to click. A code that stands alone is as
 * large as in the built-in letters.
 */
function htmlOfText(
  { subject, text }: { readonly subject: string; readonly text: string },
  frame: Frame,
): string {
  const blocks = text.split(/\n(?:[ \t]*\n)+/).map((part): Block => {
    const lines = part.split("\n").map((line) => line.trim());
    const said = lines.join("\n").trim();
    return /^\d{8}$/.test(said) ? code(said) : paragraph(said);
  });
  return htmlOf({ subject, blocks }, frame);
}

/** Lists the names in a folder, except hidden ones, which mounting leaves there. */
function entriesOf(directory: string, folder: string): readonly string[] {
  return attempt(folder === "." ? directory : folder, () =>
    readdirSync(join(directory, folder)).filter((name) => !name.startsWith(".")),
  ).toSorted();
}

function contentOf(directory: string, file: string): string {
  const bytes = attempt(file, () => readFileSync(join(directory, file)));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replaceAll("\r\n", "\n");
  } catch (cause) {
    throw new RangeError(`${file} must be text in UTF-8`, { cause });
  }
}

function attempt<Result>(name: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new RangeError(`${name} cannot be read${why}`, { cause });
  }
}
