import type { Page } from "../../platform/http/page.ts";
import type { Random } from "../../platform/kernel/random.ts";
import { escapeHtml } from "../../records/mail/templates/text.ts";
import { devPage } from "./development.ts";

export interface HomeLink {
  /** The path below the public URL, without a slash at its beginning. */
  readonly path: string;
  readonly title: string;
  readonly description: string;
}

/** Serves `/` in development: where to go from here. */
export function homePage(
  random: Random,
  { serviceName, links }: { readonly serviceName: string; readonly links: readonly HomeLink[] },
): Page {
  const items = links.map(
    ({ path, title, description }) =>
      `<li><a href="${escapeHtml(path)}">${escapeHtml(title)}</a>: ${escapeHtml(description)}</li>`,
  );
  return devPage(random, {
    name: "home",
    path: "/",
    show: () => ({
      title: serviceName,
      body: `<h1>${escapeHtml(serviceName)}</h1>
<p>This server runs in development. In production nothing is served at this address.</p>
<ul>
${items.join("\n")}
</ul>`,
    }),
  });
}
