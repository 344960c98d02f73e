import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { challenge } from "./proofs.ts";
import {
  about,
  deviceToken,
  listOf,
  methods,
  password,
  refreshToken,
  rememberToken,
  session,
  sessionId,
  signedIn,
  time,
  tokens,
  userId,
} from "./shapes.ts";

/**
 * Signs a user in with a password.
 *
 * - 201: the response has the tokens of a new session. Keep the access token in memory and the
 *   refresh token where other scripts and users cannot read it.
 * - 202: a second factor is needed. Show one of `factors` and call `answerChallenge`. If `factors`
 *   is empty, the user has to set up one of `enrol` first; call `enrolInChallenge`.
 * - `invalid_credentials`: show one message for all reasons. The server does not say which it was.
 * - `rate_limited`: show how long to wait.
 *
 * Store `deviceToken` for the next sign-in. A client that sends it has its own limit of attempts,
 * so an attacker who guesses passwords cannot lock the user out of this device.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/sessions", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({
 *     identifier: "anna@example.com",
 *     password: "seven quiet herons",
 *     deviceToken,
 *   }),
 * });
 * if (response.status === 201) console.log(await response.json()); // The tokens
 * if (response.status === 202) console.log(await response.json()); // A challenge
 * ```
 */
export const signIn = endpoint({
  name: "signIn",
  method: "POST",
  path: "/v1/sessions",
  tag: "Sessions",
  summary: "Sign in with a password",
  description:
    "The response is 201 with tokens, or 202 with a challenge if a second factor is needed. The refusal is the same for an unknown name, a wrong password, a disabled account and an unconfirmed address. Keep `deviceToken` and send it with the next sign-in on this device: failed attempts elsewhere then cannot lock the user out here, and no mail about a new device is sent.",
  access: "public",
  input: z.strictObject({
    identifier: about(
      z.string().min(1).max(254),
      "The e-mail address or the username.",
      "anna@example.com",
    ),
    password,
    deviceToken: deviceToken.optional(),
    rememberToken: rememberToken.optional(),
  }),
  answers: {
    201: signedIn,
    202: challenge,
  },
  failures: ["invalid_credentials", "rate_limited", "busy"],
});

/**
 * Gets new tokens shortly before the access token expires, or after `token_expired` or
 * `token_stale`. Store the new refresh token before you use the new access token.
 *
 * A lost response is harmless: two calls with the same token within the server's grace window, or
 * with the same `attemptId` at any time before the next refresh, return the same new tokens. An old
 * token that is used later ends the session, because it may have been stolen (RFC 9700 §4.14.2).
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/sessions/refresh", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ refreshToken, attemptId: "kP4vXw9ZrT2mQb7s" }),
 * });
 * const { accessToken, refreshToken } = await response.json();
 * ```
 */
export const refreshSession = endpoint({
  name: "refreshSession",
  method: "POST",
  path: "/v1/sessions/refresh",
  tag: "Sessions",
  summary: "Trade the refresh token for new tokens",
  description:
    "Each refresh token has exactly one successor. If it is sent again within a short time, the response has the same successor. If it is sent again later, the session ends, because the token may have been stolen. If the response was lost, repeat the request with the same `attemptId` at any time.",
  access: "public",
  takesRefreshToken: true,
  input: z.strictObject({
    refreshToken: refreshToken.optional(),
    attemptId: about(
      z.string().min(16).max(64).optional(),
      "A random text that the client chooses for this refresh and repeats in every retry of it.",
      "kP4vXw9ZrT2mQb7s",
    ),
  }),
  answers: { 200: tokens },
  failures: [
    "invalid_refresh_token",
    "unauthenticated",
    "invalid_input",
    "account_paused",
    "session_ended",
    "rate_limited",
    "busy",
  ],
});

/**
 * Logs out a client whose access token has expired. If the access token is still valid,
 * `endCurrentSession` does the same. Forget both tokens whatever the response is.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/sessions/logout", {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({ refreshToken }),
 * });
 * console.log(response.status); // 204
 * ```
 */
export const logOut = endpoint({
  name: "logOut",
  method: "POST",
  path: "/v1/sessions/logout",
  tag: "Sessions",
  summary: "Log out with the refresh token",
  description:
    "For a client whose access token has expired. The call ends the session of the refresh token. The response is the same for a token that is not valid.",
  access: "public",
  takesRefreshToken: true,
  input: z.strictObject({ refreshToken: refreshToken.optional() }),
  answers: { 204: null },
  failures: ["invalid_input", "rate_limited"],
});

/**
 * Gets the CSRF token of a browser in cookie mode: that of its session, or one for the sign-in if
 * it has none. Call it when a page starts, and after a refusal with `csrf_refused`.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/sessions/csrf", {
 *   credentials: "include",
 * });
 * const { csrfToken, sessionId } = await response.json();
 * console.log(sessionId === null ? "signed out" : "signed in");
 * ```
 */
export const getCsrfToken = endpoint({
  name: "getCsrfToken",
  method: "GET",
  path: "/v1/sessions/csrf",
  tag: "Sessions",
  summary: "Get the CSRF token of a browser in cookie mode",
  description:
    "Every other method than GET needs it as `X-CSRF-Token` if cookies are used. It changes when the user signs in. Without a session the call sets a cookie for the sign-in.",
  access: "public",
  forCookieMode: true,
  answers: {
    200: z.strictObject({
      csrfToken: about(
        z.string(),
        "The token for `X-CSRF-Token`.",
        "Yk3wQ0c2bq4mV9xR1sT6uL8pN5hJ7dFgZaXeWcVbNmE",
      ),
      sessionId: about(
        sessionId.nullable(),
        "The id of the browser's session, or `null` if it has none.",
        null,
      ),
      expiresInSeconds: about(
        z.int().nullable(),
        "Seconds until the access token expires. Refresh if it is 0 or less. `null` without a session.",
        540,
      ),
    }),
  },
  failures: [],
});

/**
 * Tells what the access token says, without a query to the database. It is the cheapest check.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/token", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { userId, sessionId, issuedAt } = await response.json();
 * ```
 */
export const getToken = endpoint({
  name: "getToken",
  method: "GET",
  path: "/v1/token",
  tag: "Sessions",
  summary: "Get the contents of the access token",
  description:
    "The server answers from the token and the revocations that it holds in memory, without a database query.",
  access: "user",
  whilePaused: true,
  answers: {
    200: about(
      z.strictObject({
        userId,
        sessionId,
        issuedAt: time("When the token was issued."),
        expiresAt: time("When the token expires."),
        authenticatedAt: time("When the user last proved who they are."),
        amr: methods,
        acr: about(
          z.string(),
          "`aal1` if the user proved one factor, `aal2` if two (NIST SP 800-63B-4 §2).",
          "aal1",
        ),
      }),
      "The contents of the token.",
    ),
  },
  failures: [],
});

/**
 * Lists the sessions for a page on which users see where they are signed in.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/sessions", {
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * const { items } = await response.json();
 * ```
 */
export const listSessions = endpoint({
  name: "listSessions",
  method: "GET",
  path: "/v1/sessions",
  tag: "Sessions",
  summary: "List the own sessions",
  description: "The devices on which the user is signed in. `current` marks this one.",
  access: "user",
  answers: { 200: listOf(session, "The sessions that have not ended.") },
  failures: [],
});

/**
 * Logs out on this device. Every server refuses the session's tokens once the call has returned.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/sessions/current", {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const endCurrentSession = endpoint({
  name: "endCurrentSession",
  method: "DELETE",
  path: "/v1/sessions/current",
  tag: "Sessions",
  summary: "Log out on this device",
  description: "Once the call has returned, the access tokens of the session are refused.",
  access: "user",
  whilePaused: true,
  answers: { 204: null },
  failures: [],
});

/**
 * Logs out a device that the user has lost or does not recognise.
 *
 * ```ts
 * const response = await fetch(`https://id.example.com/v1/sessions/${session.id}`, {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const endSession = endpoint({
  name: "endSession",
  method: "DELETE",
  path: "/v1/sessions/{id}",
  tag: "Sessions",
  summary: "Log out one device",
  description: "The response is also 204 if the user has no such session.",
  access: "user",
  whilePaused: true,
  params: z.strictObject({ id: sessionId }),
  answers: { 204: null },
  failures: [],
});

/**
 * Logs out on all devices, this one included. Show the sign-in page afterwards.
 *
 * ```ts
 * const response = await fetch("https://id.example.com/v1/sessions", {
 *   method: "DELETE",
 *   headers: { authorization: `Bearer ${accessToken}` },
 * });
 * console.log(response.status); // 204
 * ```
 */
export const endAllSessions = endpoint({
  name: "endAllSessions",
  method: "DELETE",
  path: "/v1/sessions",
  tag: "Sessions",
  summary: "Log out on all devices",
  description: "This session ends as well.",
  access: "user",
  whilePaused: true,
  answers: { 204: null },
  failures: [],
});
