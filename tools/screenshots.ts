/**
 * Takes a screenshot of every account page and state, light and dark, on a desktop and on a phone:
 * `node tools/screenshots.ts [folder]`. Look at them after a change of the pages.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findChromium, launch } from "../packages/server/test/browser/chromium.ts";
import { buildPages, servePages } from "../packages/server/test/browser/pages-server.ts";
import { walkPages } from "../packages/server/test/browser/walk-pages.ts";

const viewports = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
} as const;

const folder = process.argv[2] ?? "screenshots";
const found = await findChromium();
if (found.kind === "absent") throw new Error(found.reason);
mkdirSync(folder, { recursive: true });
await buildPages();
const browser = await launch(found.path);
const server = await servePages();
try {
  for (const colorScheme of ["light", "dark"] as const)
    for (const [device, viewport] of Object.entries(viewports))
      await walkPages({
        ...server,
        email: `${colorScheme}.${device}@example.com`,
        open: async () => browser.newContext({ locale: "en-US", colorScheme, viewport }),
        seen: async (page, name) => {
          const path = join(folder, `${name}-${colorScheme}-${device}.png`);
          await page.screenshot({ path, fullPage: true, animations: "disabled" });
        },
      });
} finally {
  await browser.close();
  await server.stop();
}
