/**
 * Builds the account pages if they have changed since they were built (`npm run pages`, and before
 * `npm start`). A failure is reported and does not keep the server from starting.
 */
import { lastProduct, sourceHash } from "./product.ts";

if (lastProduct()?.source !== sourceHash())
  try {
    process.stdout.write("building the account pages…\n");
    // An installation without the packages of the build has the pages that came with it, or none.
    const { buildPages } = await import("./build.ts");
    await buildPages();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`The account pages could not be built: ${reason}\n`);
  }
