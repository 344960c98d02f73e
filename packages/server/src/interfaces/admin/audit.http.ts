import { endpoints } from "@portcullis/contract";
import { listEvents } from "../../records/audit/audit.store.ts";
import { byNumber, invalidCursor, readPage } from "../../platform/http/cursor.ts";
import { answer, serve, type Route } from "../../platform/http/serve.ts";
import type { RevokeDeps } from "../../accounts/sessions/revoke.ts";

/** Serves the list of audit events. */
export function auditRoutes(deps: Pick<RevokeDeps, "db" | "keyring">): readonly Route[] {
  const { db, keyring } = deps;
  return [
    serve(endpoints.adminListAudit, async ({ query }) => {
      const { userId, event } = query;
      const rows = byNumber({
        listing: ["audit", userId, event],
        read: async (asked) => listEvents(db, { ...asked, userId, event }),
        positionOf: ({ position }) => position,
      });
      const page = await readPage(keyring, query, rows);
      return page.kind === "page"
        ? answer(200, { items: page.rows, nextCursor: page.nextCursor })
        : invalidCursor();
    }),
  ];
}
