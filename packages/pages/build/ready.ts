/**
 * Builds the account pages if they have changed since they were built (`npm run pages`, and before
 * `npm start`). A failure is reported and does not keep the server from starting.
 */
const { buildPages, lastProduct, sourceHash } = await import("./build.ts").catch((error: unknown) => {
  // An installation without the packages of the build has the pages that came with it, or none.
  process.stderr.write(`The account pages were not built: ${said(error)}\n`);
  process.exit(0);
});
if (lastProduct()?.source !== sourceHash()) {
  process.stdout.write("building the account pages…\n");
  try {
    await buildPages();
  } catch (error) {
    process.stderr.write(`The account pages could not be built: ${said(error)}\n`);
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export {};
