import { endpoints } from "@portcullis/contract";
import { listEvents } from "../../records/audit/audit.store.ts";
import { originOf } from "../../records/audit/origin.ts";
import { byNumber, invalidCursor, readPage } from "../../platform/http/cursor.ts";
import { answer, refuse, serve, type Route } from "../../platform/http/serve.ts";
import { listRevocations } from "../../records/revocations/revocations.store.ts";
import {
  endAllSessions,
  endEverySession,
  endSession,
  type RevokeDeps,
} from "../../accounts/sessions/revoke.ts";
import { toListed } from "../../accounts/sessions/sessions.http.ts";
import { listAllSessions } from "../../accounts/sessions/sessions.store.ts";
import { keyState } from "../../accounts/tokens/keys.ts";
import { listKeys } from "../../accounts/tokens/keys.store.ts";
import { removeUser } from "../../accounts/users/delete-user.ts";
import { disableUser, enableUser, type EnableUserDeps } from "../../accounts/users/disable-user.ts";
import { type EndUserDeps } from "../../accounts/users/last-superuser.ts";
import { findUser } from "../../accounts/users/users.store.ts";
import { readFigures } from "./figures.ts";
import { findAdministeredUser, findUsers } from "./users.ts";

export interface AdminDeps extends EndUserDeps, EnableUserDeps, RevokeDeps {}

export function adminRoutes(deps: AdminDeps): readonly Route[] {
  return [...userRoutes(deps), ...sessionRoutes(deps), ...recordRoutes(deps)];
}

function userRoutes(deps: AdminDeps): readonly Route[] {
  return [
    serve(endpoints.adminListUsers, async ({ query }) => {
      const page = await findUsers(deps, query);
      return page.kind === "page"
        ? answer(200, { items: page.rows, nextCursor: page.nextCursor })
        : invalidCursor();
    }),

    serve(endpoints.adminGetUser, async ({ params }) => {
      const user = await findAdministeredUser(deps, params.id);
      return user === undefined ? refuse("not_found") : answer(200, user);
    }),

    serve(endpoints.adminDisableUser, async (call) => {
      const outcome = await disableUser(deps, call.params.id, originOf(call, "superuser"));
      switch (outcome.kind) {
        case "done":
          return answer(204);
        case "unknown":
          return refuse("not_found");
        case "last_superuser":
          return refuse("last_superuser");
      }
    }),

    serve(endpoints.adminEnableUser, async (call) => {
      const outcome = await enableUser(deps, call.params.id, originOf(call, "superuser"));
      return outcome.kind === "done" ? answer(204) : refuse("not_found");
    }),

    serve(endpoints.adminDeleteUser, async (call) => {
      const outcome = await removeUser(deps, call.params.id, originOf(call, "superuser"));
      switch (outcome.kind) {
        case "done":
          return answer(204);
        case "unknown":
          return refuse("not_found");
        case "last_superuser":
          return refuse("last_superuser");
      }
    }),
  ];
}

function sessionRoutes(deps: AdminDeps): readonly Route[] {
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

function recordRoutes(deps: AdminDeps): readonly Route[] {
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

    serve(endpoints.adminListKeys, async () => {
      const keys = await listKeys(db);
      return answer(200, {
        items: keys.map((key) => ({
          kid: key.kid,
          algorithm: key.algorithm,
          state: keyState(key),
          announcedAt: key.announcedAt,
          activatedAt: key.activatedAt,
          retiredAt: key.retiredAt,
          removedAt: key.removedAt,
        })),
      });
    }),

    serve(endpoints.adminGetFigures, async ({ query }) =>
      answer(200, await readFigures(deps, query.hours)),
    ),
  ];
}
