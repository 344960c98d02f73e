import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor, type Argument, type Expression } from "oxc-parser";
import { filesOfTree } from "../tree.ts";

const root = join(import.meta.dirname, "../..");
const server = "packages/server/src/";

export interface LogCall {
  readonly path: string;
  readonly level: string;
  readonly name: string;
}

const LEVELS = new Set(["debug", "info", "warn", "error"]);

/**
 * Channels of the outbox log as `${channel.name}.sent`: each channel has these events under its own
 * name.
 */
const CHANNELS = ["mail"];

/** The events that production code of the server logs. */
export function logCalls(): readonly LogCall[] {
  return (
    filesOfTree(root)
      .filter((path) => path.startsWith(server) && path.endsWith(".ts"))
      .filter((path) => !/(\.test|(^|\/)testing)\.ts$/.test(path))
      .map((path) => ({ path, source: readFileSync(join(root, path), "utf8") }))
      // To parse a file takes much longer than to search it.
      .filter(({ source }) => /\blog\s*\.\s*(?:debug|info|warn|error)\b/.test(source))
      .flatMap(({ path, source }) => logCallsIn(path, source))
  );
}

/**
 * The calls of `log.info("…")` and its kind.
 *
 * @throws {Error} for a name that is neither a text, a choice of two, a member of a table in the
 *   same file, nor begun by the name of a channel
 */
export function logCallsIn(path: string, source: string): readonly LogCall[] {
  const { program } = parseSync(path, source);
  const tables = new Map<string, readonly string[]>();
  const calls: LogCall[] = [];
  const asked: { readonly level: string; readonly event: Argument }[] = [];
  new Visitor({
    VariableDeclarator({ id, init }) {
      if (id.type !== "Identifier" || init?.type !== "ObjectExpression") return;
      const values = init.properties.flatMap((property) =>
        property.type === "Property" && isText(property.value) ? [property.value.value] : [],
      );
      tables.set(id.name, values);
    },
    CallExpression({ callee, arguments: [event] }) {
      if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return;
      const level = callee.property.name;
      if (LEVELS.has(level) && event !== undefined && isLog(callee.object))
        asked.push({ level, event });
    },
  }).visit(program);
  for (const { level, event } of asked)
    calls.push(...namesOf(event, tables, path).map((name) => ({ path, level, name })));
  return calls;
}

const isLog = (node: Expression): boolean =>
  (node.type === "Identifier" && node.name === "log") ||
  (node.type === "MemberExpression" &&
    node.property.type === "Identifier" &&
    node.property.name === "log");

function isText(node: { readonly type: string }): node is { type: "Literal"; value: string } {
  return node.type === "Literal" && typeof Reflect.get(node, "value") === "string";
}

function namesOf(
  event: Argument,
  tables: ReadonlyMap<string, readonly string[]>,
  path: string,
): readonly string[] {
  if (isText(event)) return [event.value];
  if (event.type === "ConditionalExpression")
    return [event.consequent, event.alternate].flatMap((each) => namesOf(each, tables, path));
  if (event.type === "TemplateLiteral") {
    const [first, last, ...others] = event.quasis.map(({ value }) => value.raw);
    if (first === "" && last !== undefined && others.length === 0)
      return CHANNELS.map((channel) => channel + last);
  }
  if (event.type === "MemberExpression" && event.object.type === "Identifier") {
    const names = tables.get(event.object.name);
    if (names !== undefined && names.length > 0) return names;
  }
  throw new Error(`${path}: the name of a log event cannot be told from the code`);
}
