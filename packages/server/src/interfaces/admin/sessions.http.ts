import { endpoints } from "@portcullis/contract";
import { originOf } from "../../records/audit/origin.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import {
  endAllSessions,
  endEverySession,
  endSession,
  type RevokeDeps,
} from "../../accounts/sessions/revoke.ts";
import { toListed } from "../../accounts/sessions/list-sessions.http.ts";
import { listAllSessions } from "../../accounts/sessions/sessions.store.ts";
import { findUser } from "../../accounts/users/users.store.ts";

/** Serves the sessions of a user, and the end of one, of all of them, and of everyone's. */
export function sessionRoutes(deps: RevokeDeps): readonly Route[] {
  return [
    serve(endpoints.adminListUserSessions, async ({ params }) => {
      if ((await findUser(deps.db, params.id)) === undefined) return refuse("not_found");
      const sessions = await listAllSessions(deps.db, params.id);
      return answer(200, {
        items: sessions.map((s) => ({
          ...toListed(s),
          revokedAt: s.revokedAt,
          revokedCause: s.revokedCause,
        })),
      });
    }),

    serve(endpoints.adminEndUserSession, async (call) => {
      await endSession(
        deps,
        { id: call.params.sessionId, userId: call.params.id },
        "admin",
        originOf(call, "superuser"),
      );
      return answer(204);
    }),

    serve(endpoints.adminEndUserSessions, async (call) => {
      const known = await endAllSessions(
        deps,
        call.params.id,
        "admin",
        originOf(call, "superuser"),
      );
      return known ? answer(204) : refuse("not_found");
    }),

    serve(endpoints.adminEndEverySession, async (call) => {
      await endEverySession(deps, "admin", originOf(call, "superuser"));
      return answer(204);
    }),
  ];
}
