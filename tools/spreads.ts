import { parseSync, Visitor, type Argument, type Expression, type ParamPattern } from "oxc-parser";

/** Names of the types of a rule's dependencies. */
const TYPE = /\b(\w*Deps|Rules)\b/;
/** Names that such an object has even if its type is not written beside it. */
const NAME = /^(deps|rules)$/;
/** Functions of `Object` that make an object with the members of another. */
const COPIES = new Set(["assign", "create", "fromEntries", "defineProperties", "entries"]);

/**
 * The lines of a file that copy an object of dependencies into another object, where members beside
 * the copy would take the place of declared ones. Reading a member, as in `...deps.headers`, is no
 * copy.
 */
export function copiesOfDeps(path: string, text: string): readonly number[] {
  const { program } = parseSync(path, text);
  const names = new Set<string>();
  const found: number[] = [];
  const add = (pattern: ParamPattern): void => {
    const at = pattern.type === "AssignmentPattern" ? pattern.left : pattern;
    if (at.type === "TSParameterProperty" || at.type === "RestElement") return;
    const type = at.typeAnnotation;
    if (type === undefined || type === null || !TYPE.test(text.slice(type.start, type.end))) return;
    if (at.type === "Identifier") names.add(at.name);
    if (at.type === "ObjectPattern") addRest(at);
  };
  function addRest(pattern: ParamPattern): void {
    if (pattern.type !== "ObjectPattern") return;
    for (const one of pattern.properties)
      if (one.type === "RestElement" && one.argument.type === "Identifier")
        names.add(one.argument.name);
  }
  const isDeps = (value: Expression | Argument): boolean => {
    switch (value.type) {
      case "Identifier":
        return NAME.test(value.name) || names.has(value.name);
      case "MemberExpression":
        return value.property.type === "Identifier" && NAME.test(value.property.name);
      case "ParenthesizedExpression":
      case "TSAsExpression":
      case "TSSatisfiesExpression":
      case "TSNonNullExpression":
        return isDeps(value.expression);
      case "ConditionalExpression":
        return isDeps(value.consequent) || isDeps(value.alternate);
      case "LogicalExpression":
        return isDeps(value.left) || isDeps(value.right);
      default:
        return false;
    }
  };
  const note = (at: { readonly start: number }): void => {
    found.push(text.slice(0, at.start).split("\n").length);
  };
  const ofFunction = ({ params }: { readonly params: readonly ParamPattern[] }): void => {
    for (const param of params) add(param);
  };
  // First the names, because an object may be copied above the line that declares it.
  new Visitor({
    FunctionDeclaration: ofFunction,
    FunctionExpression: ofFunction,
    ArrowFunctionExpression: ofFunction,
    VariableDeclarator({ id, init }) {
      add(id);
      if (init === null || !isDeps(init)) return;
      if (id.type === "Identifier") names.add(id.name);
      addRest(id);
    },
  }).visit(program);
  new Visitor({
    ObjectExpression({ properties }) {
      for (const one of properties)
        if (one.type === "SpreadElement" && isDeps(one.argument)) note(one);
    },
    CallExpression({ callee, arguments: given, start }) {
      if (callee.type !== "MemberExpression" || callee.object.type !== "Identifier") return;
      if (callee.object.name !== "Object" || callee.property.type !== "Identifier") return;
      if (COPIES.has(callee.property.name) && given.some(isDeps)) note({ start });
    },
  }).visit(program);
  return found.toSorted((a, b) => a - b);
}
