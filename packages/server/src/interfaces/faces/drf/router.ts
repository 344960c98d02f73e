import assert from "node:assert/strict";
import type { Elsewhere, PageAnswer, Visit } from "../../../platform/http/page.ts";
import type { View } from "./view.ts";

type Found = ReturnType<Elsewhere["find"]>;

const PARAMETER = "[^/.]+";
const HTML = { "content-type": "text/html; charset=utf-8" };
const NOT_FOUND = `<!doctype html>
<html lang="en">
<head><title>Not Found</title></head>
<body><h1>Not Found</h1><p>The requested resource was not found on this server.</p></body>
</html>
`;

const nowhere: Found = {
  page: {
    name: "none",
    visit: () => ({ kind: "page", status: 404, body: NOT_FOUND, headers: HTML }),
  },
  params: {},
};

/**
 * Finds views as Django does, by the exact path. If only the slash at the end is missing, it
 * redirects there with every method (`APPEND_SLASH`). Paths without parameters come first; the
 * others keep their order. Escapes are not resolved, so that a path has only one spelling (IN-15).
 *
 * @throws {AssertionError} if two views have the same path
 */
export function router(views: readonly View[]): Elsewhere {
  const whole = new Map<string, Found>();
  const patterns = views.flatMap((view) => patternsOf(view).map((pattern) => ({ view, pattern })));
  for (const view of views.filter(({ path }) => !path.includes("{"))) {
    for (const path of view.optionalSlash === true
      ? [view.path, view.path.replace(/\/$/, "")]
      : [view.path]) {
      assert(!whole.has(path), `${path} is the path of two views`);
      whole.set(path, { page: view, params: {} });
    }
  }

  return {
    find: (path) => {
      const found = match(path);
      if (found !== undefined) return found;
      const slashed = path.endsWith("/") ? undefined : match(`${path}/`);
      return slashed === undefined
        ? nowhere
        : { page: { name: slashed.page.name, visit: redirect }, params: {} };
    },
  };

  function match(path: string): Found | undefined {
    const found = whole.get(path);
    if (found !== undefined || path.includes("%")) return found;
    for (const { view, pattern } of patterns) {
      const matched = pattern.exec(path);
      if (matched !== null) return { page: view, params: { ...matched.groups } };
    }
    return undefined;
  }
}

function patternsOf(view: View): readonly RegExp[] {
  const { path, mount } = view;
  const stem = path.replace(/\/$/, "");
  const slash = path === stem ? "" : view.optionalSlash === true ? "/?" : "/";
  return [
    ...(path.includes("{") ? [compiled(view, stem, slash)] : []),
    ...(mount === undefined
      ? []
      : [compiled(view, path === mount ? path : stem, "\\.(?<format>[a-z0-9]+)/?")]),
  ];
}

function compiled({ where }: View, path: string, end: string): RegExp {
  const source = path
    .replaceAll(".", "\\.")
    .replaceAll(
      /\{(\w+)\}/g,
      (_, name: string) => `(?<${name}>${where?.[name]?.source ?? PARAMETER})`,
    );
  return new RegExp(`^${source}${end}$`);
}

function redirect({ target }: Visit): PageAnswer {
  const mark = target.indexOf("?");
  const query = mark === -1 ? "" : target.slice(mark);
  const path = mark === -1 ? target : target.slice(0, mark);
  return {
    kind: "page",
    status: 301,
    body: null,
    headers: { ...HTML, "content-length": "0", location: `${path}/${asciiOnly(query)}` },
  };
}

/** Escapes the bytes that a header cannot hold. Node represents each byte as a character. */
function asciiOnly(text: string): string {
  return text.replaceAll(
    /[^\x21-\x7e]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
