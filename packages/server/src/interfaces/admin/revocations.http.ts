import { endpoints } from "@portcullis/contract";
import { byNumber, invalidCursor, readPage } from "../../platform/http/cursor.ts";
import { answer, serve, type Route } from "../../platform/http/serve.ts";
import { listRevocations } from "../../records/revocations/revocations.store.ts";
import type { RevokeDeps } from "../../accounts/sessions/revoke.ts";

/** Serves the list of revocations in force. */
export function revocationRoutes(
  deps: Pick<RevokeDeps, "db" | "keyring" | "clock">,
): readonly Route[] {
  const { db, keyring, clock } = deps;
  return [
    serve(endpoints.adminListRevocations, async ({ query }) => {
      const rows = byNumber({
        listing: ["revocations"],
        read: async (asked) => listRevocations(db, { ...asked, now: clock.now() }),
        positionOf: (revocation) => revocation.seq,
      });
      const page = await readPage(keyring, query, rows);
      if (page.kind !== "page") return invalidCursor();
      const items = page.rows.map(({ scope, subject, cause, createdAt, expiresAt }) => ({
        scope,
        subject,
        cause,
        revokedAt: createdAt,
        expiresAt,
      }));
      return answer(200, { items, nextCursor: page.nextCursor });
    }),
  ];
}
