import { endpoints } from "@portcullis/contract";
import { byNumber, invalidCursor, readPage } from "../../platform/http/cursor.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import type { Keyring } from "../../platform/kernel/keyring.ts";
import { listEvents, type AuditEvent } from "../../records/audit/audit.store.ts";
import { exportData, type ExportDeps } from "./export-data.ts";

export interface OwnDataDeps extends ExportDeps {
  readonly keyring: Keyring;
}

/** Serves what is kept about the caller: what has happened to the account, and all data. */
export function ownDataRoutes(deps: OwnDataDeps): readonly Route[] {
  const { db, keyring } = deps;
  return [
    serve(endpoints.listActivity, async ({ query, caller: { userId } }) => {
      const rows = byNumber({
        listing: ["activity", userId],
        read: async (asked) => listEvents(db, { ...asked, userId }),
        positionOf: ({ position }) => position,
      });
      const page = await readPage(keyring, query, rows);
      return page.kind === "page"
        ? answer(200, {
            items: page.rows.map((event) => toActivity(event, userId)),
            nextCursor: page.nextCursor,
          })
        : invalidCursor();
    }),

    serve(endpoints.exportMe, async (call) => {
      const exported = await exportData(deps, call.caller.userId);
      return exported === undefined
        ? refuse("session_ended", { cause: "user_deleted" })
        : answer(200, exported);
    }),
  ];
}

type By = "user" | "operator" | "server" | "unknown";

/** The address of an operator is nothing that their users are told. */
function toActivity(event: AuditEvent, userId: string) {
  const by = actorOf(event, userId);
  const { cause } = event.details;
  return {
    at: event.at,
    event: event.event,
    result: event.result,
    by,
    sessionId: event.sessionId,
    address: by === "operator" ? null : event.address,
    cause: typeof cause === "string" ? cause : null,
  };
}

function actorOf({ actorKind, actorId }: AuditEvent, userId: string): By {
  switch (actorKind) {
    case "user":
    case "superuser":
      return actorId === userId ? "user" : "operator";
    case "operator":
      return "operator";
    case "system":
      return "server";
    case "anonymous":
      return "unknown";
  }
}
