import { z } from "zod";
import { unixSeconds } from "../claims.ts";
import { adminAct, endpoint } from "../endpoint.ts";
import { account, digits, endCause, id, pageOf, pageQuery, session } from "./shapes.ts";

const user = account.extend({ disabledAt: unixSeconds.nullable(), liveSessions: z.int() });
const ofUser = z.strictObject({ id });
const shared = { tag: "Administration", access: "superuser" } as const;

export const adminListUsers = endpoint({
  ...shared,
  name: "adminListUsers",
  method: "GET",
  path: "/v1/admin/users",
  summary: "Find users",
  query: z.strictObject({
    search: z
      .string()
      .min(1)
      .max(254)
      .optional()
      .meta({ description: "Start of an e-mail address or username, or a whole id" }),
    status: z.enum(["active", "disabled", "unverified", "superuser"]).optional(),
    ...pageQuery,
  }),
  answers: { 200: pageOf(user) },
  failures: ["invalid_input"],
});

export const adminGetUser = endpoint({
  ...shared,
  name: "adminGetUser",
  method: "GET",
  path: "/v1/admin/users/{id}",
  summary: "One user",
  params: ofUser,
  answers: { 200: user },
  failures: ["not_found"],
});

export const adminListUserSessions = endpoint({
  ...shared,
  name: "adminListUserSessions",
  method: "GET",
  path: "/v1/admin/users/{id}/sessions",
  summary: "Sessions of one user, live and ended",
  params: ofUser,
  answers: {
    200: z.strictObject({
      items: z.array(
        session
          .omit({ current: true })
          .extend({ revokedAt: unixSeconds.nullable(), revokedCause: endCause.nullable() }),
      ),
    }),
  },
  failures: ["not_found"],
});

export const adminEndUserSession = endpoint({
  ...shared,
  name: "adminEndUserSession",
  method: "DELETE",
  path: "/v1/admin/users/{id}/sessions/{sessionId}",
  stepUp: adminAct,
  summary: "End one session of a user",
  params: z.strictObject({ id, sessionId: id }),
  answers: { 204: null },
  failures: [],
});

export const adminEndUserSessions = endpoint({
  ...shared,
  name: "adminEndUserSessions",
  method: "DELETE",
  path: "/v1/admin/users/{id}/sessions",
  stepUp: adminAct,
  summary: "End every session of a user",
  params: ofUser,
  answers: { 204: null },
  failures: ["not_found"],
});

export const adminEndEverySession = endpoint({
  ...shared,
  name: "adminEndEverySession",
  method: "DELETE",
  path: "/v1/admin/sessions",
  stepUp: adminAct,
  summary: "End every session of everyone, this one included",
  answers: { 204: null },
  failures: [],
});

export const adminDisableUser = endpoint({
  ...shared,
  name: "adminDisableUser",
  method: "POST",
  path: "/v1/admin/users/{id}/disable",
  stepUp: adminAct,
  summary: "Disable a user; all their tokens are dead when this returns",
  params: ofUser,
  answers: { 204: null },
  failures: ["not_found", "last_superuser"],
});

export const adminEnableUser = endpoint({
  ...shared,
  name: "adminEnableUser",
  method: "POST",
  path: "/v1/admin/users/{id}/enable",
  stepUp: adminAct,
  summary: "Enable a user again and forget their failed attempts",
  params: ofUser,
  answers: { 204: null },
  failures: ["not_found"],
});

export const adminDeleteUser = endpoint({
  ...shared,
  name: "adminDeleteUser",
  method: "DELETE",
  path: "/v1/admin/users/{id}",
  stepUp: adminAct,
  summary: "Delete a user",
  params: ofUser,
  answers: { 204: null },
  failures: ["not_found", "last_superuser"],
});

export const adminListRevocations = endpoint({
  ...shared,
  name: "adminListRevocations",
  method: "GET",
  path: "/v1/admin/revocations",
  summary: "Revocations in force, newest first",
  query: z.strictObject(pageQuery),
  answers: {
    200: pageOf(
      z.strictObject({
        scope: z.enum(["session", "user", "all", "key"]),
        subject: z.string(),
        cause: endCause,
        revokedAt: unixSeconds,
        expiresAt: unixSeconds,
      }),
    ),
  },
  failures: ["invalid_input"],
});

export const adminListAudit = endpoint({
  ...shared,
  name: "adminListAudit",
  method: "GET",
  path: "/v1/admin/audit",
  summary: "Audit events, newest first",
  query: z.strictObject({
    userId: id.optional(),
    event: z.string().max(64).optional(),
    ...pageQuery,
  }),
  answers: {
    200: pageOf(
      z.strictObject({
        position: z.int(),
        at: unixSeconds,
        event: z.string(),
        actorKind: z.enum(["user", "superuser", "operator", "system", "anonymous"]),
        actorId: z.string().nullable(),
        userId: z.string().nullable(),
        sessionId: z.string().nullable(),
        address: z.string().nullable(),
        result: z.enum(["done", "refused"]),
        requestId: z.string().nullable(),
        details: z.record(z.string(), z.json()),
      }),
    ),
  },
  failures: ["invalid_input"],
});

export const adminListKeys = endpoint({
  ...shared,
  name: "adminListKeys",
  method: "GET",
  path: "/v1/admin/keys",
  summary: "Signing keys, without their private halves",
  answers: {
    200: z.strictObject({
      items: z.array(
        z.strictObject({
          kid: z.string(),
          algorithm: z.string(),
          state: z.enum(["announced", "active", "retiring", "removed"]),
          announcedAt: unixSeconds,
          activatedAt: unixSeconds.nullable(),
          retiredAt: unixSeconds.nullable(),
          removedAt: unixSeconds.nullable(),
        }),
      ),
    }),
  },
  failures: [],
});

export const adminGetFigures = endpoint({
  ...shared,
  name: "adminGetFigures",
  method: "GET",
  path: "/v1/admin/figures",
  summary: "Sign-ins and failures by the hour, users, live sessions",
  query: z.strictObject({ hours: digits(1, 168, 24) }),
  answers: {
    200: z.strictObject({
      users: z.int(),
      liveSessions: z.int(),
      revocationsInForce: z.int(),
      hours: z.array(
        z.strictObject({ startsAt: unixSeconds, signIns: z.int(), failedSignIns: z.int() }),
      ),
    }),
  },
  failures: [],
});
