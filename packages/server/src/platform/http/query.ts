import type { Finding } from "./problem.ts";

export type QueryOutcome =
  | { readonly kind: "read"; readonly value: Readonly<Record<string, string>> }
  | { readonly kind: "malformed" }
  | { readonly kind: "repeated"; readonly finding: Finding };

/**
 * Reads the query of a request target. Each parameter must occur only once, and every escape must
 * be valid UTF-8.
 */
export function readQuery(target: string): QueryOutcome {
  const mark = target.indexOf("?");
  const value: Record<string, string> = Object.create(null);
  if (mark === -1) return { kind: "read", value };

  for (const pair of target.slice(mark + 1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const parameter = decode(equals === -1 ? "" : pair.slice(equals + 1));
    if (name === undefined || parameter === undefined) return { kind: "malformed" };
    if (name in value)
      return {
        kind: "repeated",
        finding: { path: `/${name.slice(0, 64)}`, message: "is given twice" },
      };
    value[name] = parameter;
  }
  return { kind: "read", value };
}

/** Returns `undefined` if no database column could hold the text: not UTF-8, or with a NUL. */
function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll("+", " "));
    return decoded.includes("\0") || !decoded.isWellFormed() ? undefined : decoded;
  } catch {
    return undefined;
  }
}
