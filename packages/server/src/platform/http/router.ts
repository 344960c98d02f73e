import assert from "node:assert/strict";

/** A path at which something is found. */
export interface Place<Target> {
  /** Parameters are written as `{name}`; anything else stands for itself. */
  readonly path: string;
  /**
   * The form of a parameter, as an expression without anchors. Without one, it is any text that has
   * no slash.
   */
  readonly where?: Readonly<Record<string, RegExp>>;
  readonly target: Target;
}

export type PathParams = Readonly<Record<string, string>>;

export interface Found<Target> {
  readonly target: Target;
  readonly params: PathParams;
}

const PARAMETER = "[^/]+";
const NO_PARAMS: PathParams = {};

/**
 * Finds the place of a path. Paths without parameters are found by one look-up and come first, so
 * that `/v1/sessions/current` is never taken for a `{id}`; the others follow in their order. A
 * parameter has no escape in it, and neither has any path of ours, so a path has one spelling
 * (IN-15).
 *
 * @throws {AssertionError} if two places have the same path
 */
export function createRouter<Target>(
  places: readonly Place<Target>[],
): (path: string) => Found<Target> | undefined {
  const whole = new Map<string, Found<Target>>();
  const patterns: Pattern<Target>[] = [];
  const seen = new Set<string>();
  for (const place of places) {
    const { path, target } = place;
    assert(!seen.has(path), `${path} is served twice`);
    seen.add(path);
    const brace = path.indexOf("{");
    if (brace === -1) whole.set(path, { target, params: NO_PARAMS });
    else patterns.push({ stem: path.slice(0, brace), pattern: patternOf(place), target });
  }

  return (path) => {
    const found = whole.get(path);
    if (found !== undefined || path.includes("%")) return found;
    for (const { stem, pattern, target } of patterns) {
      if (!path.startsWith(stem)) continue;
      const matched = pattern.exec(path);
      if (matched !== null) return { target, params: { ...matched.groups } };
    }
    return undefined;
  };
}

interface Pattern<Target> {
  /** The text before the first parameter, which costs less to compare than an expression. */
  readonly stem: string;
  readonly pattern: RegExp;
  readonly target: Target;
}

function patternOf({ path, where }: Place<unknown>): RegExp {
  const source = path
    .split(/(\{\w+\})/)
    .map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      return name === undefined
        ? part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")
        : `(?<${name}>${where?.[name]?.source ?? PARAMETER})`;
    })
    .join("");
  return new RegExp(`^${source}$`);
}
