import { z } from "zod";
import { endpoint, stepUps } from "../endpoint.ts";
import {
  about,
  account,
  json,
  locale,
  newPassword,
  pageOf,
  pageQuery,
  password,
  passwordAgain,
  profile,
  time,
  tokens,
} from "./shapes.ts";

/**
 * Reads the account from the database, so it shows changes that the access token does not know yet.
 * If only the ids of the user and the session are needed, `getToken` is cheaper.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { email, username } = await response.json();
 * ```
 */
export const getMe = endpoint({
  name: "getMe",
  method: "GET",
  path: "/v1/me",
  tag: "Own account",
  summary: "Get the own account",
  description: "The account of the user who is signed in.",
  access: "user",
  answers: { 200: account },
  failures: ["session_ended", "account_paused"],
});

/**
 * Changes what the user may change without a proof. The e-mail address, the username and the
 * password have calls of their own.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me", {
 *   method: "PATCH",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ profile: { displayName: "Anna" }, locale: "de" }),
 * });
 * const { profile, locale } = await response.json();
 * ```
 */
export const updateMe = endpoint({
  name: "updateMe",
  method: "PATCH",
  path: "/v1/me",
  tag: "Own account",
  summary: "Change the own profile or language",
  description:
    "`profile` is merged into the stored profile (RFC 7396): a member that is `null` is removed, and a member that is left out stays. The result must be valid against the operator's JSON Schema.",
  access: "user",
  input: z.strictObject({
    profile: profile.optional(),
    locale: about(
      locale.nullable().optional(),
      "The language of mail to the user (BCP 47), or `null` for the server's default.",
      "de",
    ),
  }),
  answers: { 200: account },
  failures: ["invalid_input", "session_ended", "account_paused"],
});

/**
 * Deletes the account at once and for good. Ask the user to confirm before the call.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me", {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({ password: "seven quiet herons" }),
 * });
 * console.log(response.status); // 204
 * ```
 */
export const deleteMe = endpoint({
  name: "deleteMe",
  method: "DELETE",
  path: "/v1/me",
  tag: "Own account",
  summary: "Delete the own account",
  description: "All sessions of the user end at once, and the user's data is removed for good.",
  access: "user",
  stepUp: stepUps.recentFactor,
  input: z.strictObject({ password: passwordAgain.optional() }),
  answers: { 204: null },
  failures: ["wrong_password", "last_superuser", "rate_limited", "busy"],
});

/**
 * Changes the password of a user who knows the current one. Replace the stored tokens with those of
 * the response. If the password is forgotten, use `startPasswordReset`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/password", {
 *   method: "POST",
 *   headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
 *   body: JSON.stringify({
 *     currentPassword: "seven quiet herons",
 *     newPassword: "nine grey geese fly",
 *   }),
 * });
 * const { accessToken, refreshToken } = await response.json();
 * ```
 */
export const changePassword = endpoint({
  name: "changePassword",
  method: "POST",
  path: "/v1/me/password",
  tag: "Own account",
  summary: "Change the own password",
  description:
    "All other sessions of the user end at once. This session goes on with the tokens of the response, and its earlier tokens stop working.",
  access: "user",
  stepUp: stepUps.recentFactor,
  input: z.strictObject({ currentPassword: password, newPassword }),
  answers: { 200: tokens },
  failures: ["wrong_password", "unacceptable_password", "session_ended", "rate_limited", "busy"],
});

/**
 * Lists what has happened to the account, newest first: sign-ins, failed attempts, changes, and the
 * ends of sessions with their causes. The reference of audit events has the meaning of each event.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/activity?limit=20", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items } = await response.json();
 * ```
 */
export const listActivity = endpoint({
  name: "listActivity",
  method: "GET",
  path: "/v1/me/activity",
  tag: "Own account",
  summary: "List what has happened to the own account, newest first",
  description: "How far it reaches back depends on the operator's retention of audit events.",
  access: "user",
  query: z.strictObject(pageQuery),
  answers: {
    200: pageOf(
      z.strictObject({
        at: time("When it happened."),
        event: about(z.string(), "The name of the event.", "session.ended"),
        result: about(
          z.enum(["done", "refused"]),
          "Whether the server did what was asked.",
          "done",
        ),
        by: about(
          z.enum(["user", "operator", "server", "unknown"]),
          "Who caused it. `unknown` is a person who had not signed in.",
          "user",
        ),
        sessionId: about(
          z.string().nullable(),
          "The id of the session that it concerns, or `null`.",
          null,
        ),
        address: about(
          z.string().nullable(),
          "The IP address of the request, or `null` if there was none or an operator acted.",
          "192.0.2.7",
        ),
        cause: about(
          z.string().nullable(),
          "Why a session has ended, or `null` for other events.",
          "logout_other_device",
        ),
      }),
      "A page of events.",
    ),
  },
  failures: ["invalid_input"],
});

/**
 * Returns everything that is kept about the user, as JSON to download (GDPR, Article 15 and 20).
 * Secrets are left out.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/me/export", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { data } = await response.json();
 * console.log(Object.keys(data)); // users, sessions, …
 * ```
 */
export const exportMe = endpoint({
  name: "exportMe",
  method: "GET",
  path: "/v1/me/export",
  tag: "Own account",
  summary: "Export everything that is kept about the user",
  description:
    "`data` has a member for each kind of data, with at most 10,000 entries, newest first. Secrets are left out.",
  access: "user",
  stepUp: stepUps.recentFactor,
  answers: {
    200: z.strictObject({
      exportedAt: time("When the data was collected."),
      data: about(
        z.record(z.string(), z.array(z.record(z.string(), json))),
        "What is kept about the user.",
        { users: [{ email: "anna@example.com" }] },
      ),
      truncated: about(
        z.array(z.string()),
        "The kinds of data that have more entries than are shown.",
        [],
      ),
    }),
  },
  failures: ["session_ended"],
});
