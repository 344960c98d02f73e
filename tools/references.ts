/**
 * Writes the documents that follow from the code (`npm run docs`): the references in
 * `docs/reference`, `docs/requirements.md` and `docs/configuration.md`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { reference } from "../packages/server/src/process/cli/reference.ts";
import { endpointsPage, errorsPage } from "./references/calls.ts";
import { auditPage, logPage, metricsPage } from "./references/operations.ts";
import {
  citationsOfTree,
  readRequirements,
  REQUIREMENTS_PAGE,
  requirementsPage,
} from "./requirements.ts";

const root = join(import.meta.dirname, "..");

/** Every generated document, by its path. */
export async function generatedDocuments(): Promise<ReadonlyMap<string, string>> {
  const requirements = readRequirements();
  return new Map([
    ["docs/configuration.md", reference()],
    [REQUIREMENTS_PAGE, requirementsPage(requirements, citationsOfTree(requirements).proofs)],
    ["docs/reference/endpoints.md", endpointsPage()],
    ["docs/reference/errors.md", errorsPage()],
    ["docs/reference/audit-events.md", auditPage()],
    ["docs/reference/metrics.md", await metricsPage()],
    ["docs/reference/log-events.md", logPage()],
  ]);
}

if (import.meta.main)
  for (const [path, text] of await generatedDocuments()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
