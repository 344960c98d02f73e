import { readFile } from "node:fs/promises";
import type { Headers } from "../../platform/http/headers.ts";
import type { Page, PageAnswer } from "../../platform/http/page.ts";

const assets: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
};

/**
 * Swagger UI sets styles through the DOM and draws its icons from `data:` addresses, so it needs no
 * inline style and no eval.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Portcullis API</title>
    <link rel="stylesheet" href="docs/assets/swagger-ui.css">
    <link rel="icon" type="image/png" href="docs/assets/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="docs/assets/swagger-ui-bundle.js"></script>
    <script src="docs/assets/start.js"></script>
  </body>
</html>
`;

/**
 * `validatorUrl: null` keeps the page from sending its address to a service of Swagger's makers.
 */
const start = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  queryConfigEnabled: false,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
`;

const kept: Headers = { "cache-control": "public, max-age=3600" };

/**
 * Serves `/docs`, a readable form of the document, and `/openapi.json`, the document itself.
 * Nothing is loaded from elsewhere.
 *
 * @param document called once, at the first request for it, because writing the document takes
 *   longer than the rest of the start
 */
export function docsPages(document: () => object): readonly Page[] {
  let text: string | undefined;
  return [
    {
      name: "openapi",
      method: "GET",
      path: "/openapi.json",
      visit: () => page((text ??= JSON.stringify(document())), "application/json", {}),
    },
    {
      name: "docs",
      method: "GET",
      path: "/docs",
      visit: () => page(html, "text/html; charset=utf-8", { "content-security-policy": POLICY }),
    },
    {
      name: "docsAsset",
      method: "GET",
      path: "/docs/assets/{file}",
      visit: async ({ params }) => {
        const file = params["file"] ?? "";
        if (file === "start.js") return page(start, "text/javascript; charset=utf-8", kept);
        const type = Object.hasOwn(assets, file) ? assets[file] : undefined;
        if (type === undefined) return { kind: "not_found" };
        return page(
          await readFile(new URL(import.meta.resolve(`swagger-ui-dist/${file}`))),
          type,
          kept,
        );
      },
    },
  ];
}

function page(
  body: string | Uint8Array<ArrayBuffer>,
  contentType: string,
  headers: Headers,
): PageAnswer {
  return { kind: "page", status: 200, body, headers: { "content-type": contentType, ...headers } };
}
