import type { Page, PageAnswer, Visit } from "../../platform/http/page.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { escapeHtml } from "../../records/mail/templates/text.ts";

export interface DevPage {
  readonly name: string;
  readonly path: `/${string}`;
  /** Returns a page whose `body` is HTML, or `undefined` if there is no such page. */
  readonly show: (
    params: Visit["params"],
  ) => { readonly title: string; readonly body: string } | undefined;
}

/**
 * A page for development. It has no script, loads nothing from elsewhere, and frames only this
 * server.
 */
export function devPage(random: Random, { name, path, show }: DevPage): Page {
  return {
    name,
    method: "GET",
    path,
    visit: ({ params }) => {
      const shown = show(params);
      if (shown === undefined) return { kind: "not_found" };
      const nonce = random.bytes(16).toString("base64");
      const policy = `default-src 'none'; style-src 'nonce-${nonce}'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
      return page(html(shown.title, shown.body, nonce), policy);
    },
  };
}

/**
 * Serves the HTML of a mail unchanged, for a frame or a window of its own. Its styles are in the
 * markup, as mail programs require.
 */
export function devLetter(
  { name, path }: Omit<DevPage, "show">,
  find: (params: Visit["params"]) => string | undefined,
): Page {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`;
  return {
    name,
    method: "GET",
    path,
    visit: ({ params }) => {
      const letter = find(params);
      return letter === undefined ? { kind: "not_found" } : page(letter, policy);
    },
  };
}

function page(body: string, policy: string): PageAnswer {
  return {
    kind: "page",
    status: 200,
    body,
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
  };
}

function html(title: string, body: string, nonce: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style nonce="${escapeHtml(nonce)}">
${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

const STYLE = `body { margin: 0 auto; padding: 1rem; max-width: 45rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2 { margin: 0; font-size: 1.25rem; }
h2 { font-size: 1rem; }
ol { margin: 0; padding: 0; list-style: none; }
li { margin: 1rem 0; padding: 1rem; border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: .5rem; }
li p { margin: 0; opacity: .75; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .5rem .5rem .5rem 0; border-top: 1px solid color-mix(in srgb, currentColor 30%, transparent); text-align: left; vertical-align: top; }
th { font-weight: 600; }
pre { margin: 1rem 0; font: .9rem/1.5 ui-monospace, monospace; white-space: pre-wrap; }
iframe { display: block; box-sizing: border-box; width: 100%; height: 44rem; margin: 1rem 0; border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: .5rem; }
`;
