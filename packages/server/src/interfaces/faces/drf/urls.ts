import type { Elsewhere, PageAnswer, Visit } from "../../../platform/http/page.ts";
import { createRouter, type Place } from "../../../platform/http/router.ts";
import type { View } from "./view.ts";

const PARAMETER = /[^/.]+/;
const FORMAT = /[a-z0-9]+/;
const HTML = { "content-type": "text/html; charset=utf-8" };
const NOT_FOUND = `<!doctype html>
<html lang="en">
<head><title>Not Found</title></head>
<body><h1>Not Found</h1><p>The requested resource was not found on this server.</p></body>
</html>
`;

const nowhere: ReturnType<Elsewhere["find"]> = {
  page: {
    name: "none",
    visit: () => ({ kind: "page", status: 404, body: NOT_FOUND, headers: HTML }),
  },
  params: {},
};

/**
 * Finds views as Django does: every letter and every slash counts. If only the slash at the end is
 * missing, the answer is a redirect to the path with it, whatever the method (`APPEND_SLASH`).
 *
 * @throws {AssertionError} if two views have the same path
 */
export function urls(views: readonly View[]): Elsewhere {
  const match = createRouter(views.flatMap(placesOf));
  return {
    find: (path) => {
      const found = match(path);
      if (found !== undefined) return { page: found.target, params: found.params };
      const slashed = path.endsWith("/") ? undefined : match(`${path}/`);
      return slashed === undefined
        ? nowhere
        : { page: { name: slashed.target.name, visit: redirect }, params: {} };
    },
  };
}

/** Returns a view's own path and, if it belongs to a DefaultRouter, those with a format suffix. */
function placesOf(view: View): readonly Place<View>[] {
  const { path, mount } = view;
  const stem = path.replace(/\/$/, "");
  const suffixed = `${path === mount ? path : stem}.{format}`;
  const paths = [
    path,
    ...(view.optionalSlash === true ? [stem] : []),
    ...(mount === undefined ? [] : [suffixed, `${suffixed}/`]),
  ];
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const parameters = Object.fromEntries(names.map((name) => [name, PARAMETER]));
  const where = { ...parameters, ...view.where, format: FORMAT };
  return paths.map((each) => ({ path: each, where, target: view }));
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

/** Escapes the bytes that a header cannot hold. Node hands each byte over as one character. */
function asciiOnly(text: string): string {
  return text.replaceAll(
    /[^\x21-\x7e]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
