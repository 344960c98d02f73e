import { z } from "zod";
import { endpoint, stepUps } from "../endpoint.ts";
import {
  about,
  accountForSuperusers,
  count,
  digits,
  endCause,
  json,
  listOf,
  pageOf,
  pageQuery,
  session,
  sessionId,
  time,
  timeOrNull,
  userId,
} from "./shapes.ts";

const ofUser = z.strictObject({ id: userId });
const shared = { tag: "Administration", access: "superuser" } as const;

/**
 * Finds users for a support desk. Follow `nextCursor` to get more than one page.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/users?search=anna", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items, nextCursor } = await response.json();
 * ```
 */
export const adminListUsers = endpoint({
  ...shared,
  name: "adminListUsers",
  method: "GET",
  path: "/v1/admin/users",
  summary: "Find users",
  description: "The list has all users if no parameter is sent.",
  query: z.strictObject({
    search: about(
      z.string().min(1).max(254).optional(),
      "The beginning of an e-mail address or a username, or a complete id.",
    ),
    status: about(
      z.enum(["active", "disabled", "unverified", "superuser"]).optional(),
      "Only users of this kind. `unverified` users have no confirmed e-mail address.",
    ),
    ...pageQuery,
  }),
  answers: { 200: pageOf(accountForSuperusers, "A page of users.") },
  failures: ["invalid_input"],
});

/**
 * Returns one user. The id is in the access tokens of the user, as `sub`.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${user.id}`, {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { email, disabledAt } = await response.json();
 * ```
 */
export const adminGetUser = endpoint({
  ...shared,
  name: "adminGetUser",
  method: "GET",
  path: "/v1/admin/users/{id}",
  summary: "Get a user",
  description: "The account, whether it is disabled, and how many sessions it has.",
  params: ofUser,
  answers: { 200: accountForSuperusers },
  failures: ["not_found"],
});

/**
 * Shows where a user is or was signed in, for example after a report of misuse.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${user.id}/sessions`, {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items } = await response.json();
 * ```
 */
export const adminListUserSessions = endpoint({
  ...shared,
  name: "adminListUserSessions",
  method: "GET",
  path: "/v1/admin/users/{id}/sessions",
  summary: "List the sessions of a user",
  description: "The list also has sessions that ended recently.",
  params: ofUser,
  answers: {
    200: listOf(
      session.omit({ current: true }).extend({
        revokedAt: timeOrNull("When the session was ended, or `null` if it was not.", null),
        revokedCause: about(
          endCause.nullable(),
          "Why the session was ended, or `null` if it was not.",
          null,
        ),
      }),
      "The user's sessions.",
    ),
  },
  failures: ["not_found"],
});

/**
 * Logs a user out on one device.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${id}/sessions/${sid}`, {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const adminEndUserSession = endpoint({
  ...shared,
  name: "adminEndUserSession",
  method: "DELETE",
  path: "/v1/admin/users/{id}/sessions/{sessionId}",
  stepUp: stepUps.adminAct,
  summary: "End one session of a user",
  description: "The response is also 204 if the user has no such session.",
  params: z.strictObject({ id: userId, sessionId }),
  answers: { 204: null },
  failures: [],
});

/**
 * Logs a user out on all devices. The user can sign in again; `adminDisableUser` prevents that.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${user.id}/sessions`, {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const adminEndUserSessions = endpoint({
  ...shared,
  name: "adminEndUserSessions",
  method: "DELETE",
  path: "/v1/admin/users/{id}/sessions",
  stepUp: stepUps.adminAct,
  summary: "End all sessions of a user",
  description: "Once the call has returned, all access tokens of the user are refused.",
  params: ofUser,
  answers: { 204: null },
  failures: ["not_found"],
});

/**
 * Logs out every user, for example after a leak of tokens. All of them have to sign in again.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/sessions", {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const adminEndEverySession = endpoint({
  ...shared,
  name: "adminEndEverySession",
  method: "DELETE",
  path: "/v1/admin/sessions",
  stepUp: stepUps.adminAct,
  summary: "End all sessions of all users",
  description: "The caller's own session ends as well.",
  answers: { 204: null },
  failures: [],
});

/**
 * Locks a user out at once, without deleting anything.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${user.id}/disable`, {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const adminDisableUser = endpoint({
  ...shared,
  name: "adminDisableUser",
  method: "POST",
  path: "/v1/admin/users/{id}/disable",
  stepUp: stepUps.adminAct,
  summary: "Disable a user",
  description:
    "The user can no longer sign in. Once the call has returned, all access tokens of the user are refused.",
  params: ofUser,
  answers: { 204: null },
  failures: ["not_found", "last_superuser"],
});

/**
 * Lets a disabled user sign in again. Failed attempts to sign in are forgotten as well.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${user.id}/enable`, {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const adminEnableUser = endpoint({
  ...shared,
  name: "adminEnableUser",
  method: "POST",
  path: "/v1/admin/users/{id}/enable",
  stepUp: stepUps.adminAct,
  summary: "Enable a user",
  description:
    "The user can sign in again, and earlier failed attempts no longer count. Sessions that have ended stay ended.",
  params: ofUser,
  answers: { 204: null },
  failures: ["not_found"],
});

/**
 * Deletes a user at once and for good. `adminDisableUser` can be undone.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/admin/users/${user.id}`, {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const adminDeleteUser = endpoint({
  ...shared,
  name: "adminDeleteUser",
  method: "DELETE",
  path: "/v1/admin/users/{id}",
  stepUp: stepUps.adminAct,
  summary: "Delete a user",
  description: "All sessions of the user end, and the user's data is removed for good.",
  params: ofUser,
  answers: { 204: null },
  failures: ["not_found", "last_superuser"],
});

/**
 * Lists what services that verify tokens must refuse. It is meant for people: services get the same
 * through `@portcullis/verifier`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/revocations?limit=100", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items, nextCursor } = await response.json();
 * ```
 */
export const adminListRevocations = endpoint({
  ...shared,
  name: "adminListRevocations",
  method: "GET",
  path: "/v1/admin/revocations",
  summary: "List revocations, newest first",
  description:
    "A revocation stays in the list until the last access token that it affects has expired.",
  query: z.strictObject(pageQuery),
  answers: {
    200: pageOf(
      z.strictObject({
        scope: about(
          z.enum(["session", "user", "all", "key"]),
          "Whether the tokens of a session, of a user, of all users, or of a signing key are refused.",
          "session",
        ),
        subject: about(
          z.string(),
          "The id of the session, the user or the key.",
          "019ad7c2-5f0e-7b31-9c46-2e8d1a7f4b60",
        ),
        cause: endCause,
        revokedAt: time("When the revocation was made."),
        expiresAt: time("When the last affected token has expired.", 1_796_083_800),
      }),
      "A page of revocations.",
    ),
  },
  failures: ["invalid_input"],
});

/**
 * Shows what happened: sign-ins, changes of accounts, acts of superusers. Each event is chained to
 * the one before by a hash, so removing or changing one is noticed by `portcullis doctor`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/audit?event=session.opened", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items, nextCursor } = await response.json();
 * ```
 */
export const adminListAudit = endpoint({
  ...shared,
  name: "adminListAudit",
  method: "GET",
  path: "/v1/admin/audit",
  summary: "List audit events, newest first",
  description: "Both parameters can be combined.",
  query: z.strictObject({
    userId: about(userId.optional(), "Only events that concern this user."),
    event: about(z.string().max(64).optional(), "Only events of this name."),
    ...pageQuery,
  }),
  answers: {
    200: pageOf(
      z.strictObject({
        position: count("The number of the event in the log.", 4711),
        at: time("When it happened."),
        event: about(z.string(), "The name of the event.", "session.opened"),
        actorKind: about(
          z.enum(["user", "superuser", "operator", "system", "anonymous"]),
          "The kind of actor. An `operator` used the command line, and `system` is the server itself.",
          "user",
        ),
        actorId: about(
          z.string().nullable(),
          "The id of the user who caused it, or `null` if it was no user.",
          "019ad7c1-93b4-7e02-8f5d-6a0b3c9e1d27",
        ),
        userId: about(
          z.string().nullable(),
          "The id of the user that it concerns, or `null`.",
          "019ad7c1-93b4-7e02-8f5d-6a0b3c9e1d27",
        ),
        sessionId: about(
          z.string().nullable(),
          "The id of the session that it concerns, or `null`.",
          "019ad7c2-5f0e-7b31-9c46-2e8d1a7f4b60",
        ),
        address: about(
          z.string().nullable(),
          "The IP address of the request, or `null` if there was none.",
          "192.0.2.7",
        ),
        result: about(
          z.enum(["done", "refused"]),
          "Whether the server did what was asked.",
          "done",
        ),
        requestId: about(
          z.string().nullable(),
          "The id of the request, or `null` if there was none.",
          "Zm9vYmFyYmF6",
        ),
        details: about(
          z.record(z.string(), json),
          "More facts, which depend on the event. They hold no secrets.",
          {},
        ),
      }),
      "A page of audit events.",
    ),
  },
  failures: ["invalid_input"],
});

/**
 * Shows the life of the signing keys, for example to follow a rotation.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/keys", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items } = await response.json();
 * ```
 */
export const adminListKeys = endpoint({
  ...shared,
  name: "adminListKeys",
  method: "GET",
  path: "/v1/admin/keys",
  summary: "List the signing keys",
  description: "Private keys are never shown.",
  answers: {
    200: listOf(
      z.strictObject({
        kid: about(z.string(), "The id of the key.", "2026-11-a"),
        algorithm: about(z.string(), "The signature algorithm (RFC 7518 §3.1).", "ES256"),
        state: about(
          z.enum(["announced", "active", "retiring", "removed"]),
          "`announced`: published, but not in use yet. `active`: signs new tokens. `retiring`: only verifies. `removed`: its tokens are refused.",
          "active",
        ),
        announcedAt: time("When the key was published.", 1_793_491_200),
        activatedAt: timeOrNull("When it began to sign, or `null` if it has not."),
        retiredAt: timeOrNull("When it stopped signing, or `null` if it has not.", null),
        removedAt: timeOrNull("When it was removed, or `null` if it was not.", null),
      }),
      "The signing keys.",
    ),
  },
  failures: [],
});

/**
 * Returns numbers for a dashboard. For monitoring, read `/metrics`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/admin/figures?hours=48", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { users, hours } = await response.json();
 * ```
 */
export const adminGetFigures = endpoint({
  ...shared,
  name: "adminGetFigures",
  method: "GET",
  path: "/v1/admin/figures",
  summary: "Get sign-ins per hour and totals",
  description: "The hours are in order of time. The last one is not over yet.",
  query: z.strictObject({
    hours: digits(1, 168, 24, "How many hours to return, counted back from now."),
  }),
  answers: {
    200: about(
      z.strictObject({
        users: count("How many users there are.", 1204),
        liveSessions: count("How many sessions have not ended.", 873),
        revocationsInForce: count("How many revocations still affect tokens.", 12),
        hours: about(
          z.array(
            z.strictObject({
              startsAt: time("When the hour began."),
              signIns: count("How many sign-ins succeeded.", 42),
              failedSignIns: count("How many sign-ins failed.", 3),
            }),
          ),
          "One entry for each hour.",
        ),
      }),
      "The figures.",
    ),
  },
  failures: [],
});
