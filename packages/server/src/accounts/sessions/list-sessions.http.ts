import { endpoints } from "@portcullis/contract";
import type { Db } from "../../platform/db/open.ts";
import { answer, serve, type Route } from "../../platform/http/serve.ts";
import type { Clock } from "../../platform/kernel/clock.ts";
import { listLiveSessions, type Session } from "./sessions.store.ts";

/** Serves the list of the user's own sessions. */
export function listSessionsRoute(deps: { readonly db: Db; readonly clock: Clock }): Route {
  return serve(endpoints.listSessions, async ({ caller }) => {
    const sessions = await listLiveSessions(deps.db, caller.userId, deps.clock.now());
    return answer(200, {
      items: sessions.map((session) => ({
        ...toListed(session),
        current: session.id === caller.sessionId,
      })),
    });
  });
}

export function toListed(session: Session) {
  return {
    id: session.id,
    createdAt: session.createdAt,
    lastUsedAt: session.lastUsedAt,
    idleEndsAt: session.idleEndsAt,
    endsAt: session.endsAt,
    address: session.address,
    userAgent: session.userAgent,
    amr: session.amr,
  };
}
